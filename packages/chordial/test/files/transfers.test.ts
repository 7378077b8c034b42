import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { ChordialError } from '../../src/errors.ts';
import { systemClock } from '../../src/network/system-clock.ts';
import { said } from '../../src/sentences.ts';
import { partName } from '../../src/transfer/part-file.ts';
import { TransferQueue } from '../../src/transfer/transfer-queue.ts';
import { dataNetwork } from '../fixtures/data-network.ts';
import { markedFile, markedPart } from '../fixtures/marked.ts';
import { TestStop } from '../fixtures/stop-switch.ts';

let folder: string;
before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'chordial-transfers-')));
});
after(() => rm(folder, { recursive: true, force: true }));
const code = (wanted: string) => (error: unknown) => error instanceof ChordialError && error.code === wanted;
const getting = async (name: string, target: string) =>
  ({ kind: 'get', reference: { name }, ...(await markedPart(target)) }) as const;

test('A6 A7 a peer puts and gets local files itself', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(3_000_000);
  const source = join(folder, 'source');
  await writeFile(source, content);
  for (const peer of peers) peer.begin();
  const put = await peers[0]!.transfers.start({
    kind: 'put',
    reference: { name: 'moved' },
    ...(await markedFile(source)),
  });
  const done = await peers[0]!.transfers.wait(put.id);
  assert.equal(done.state, 'done');
  assert.equal((done.result as { copies: number }).copies, 3);
  const target = join(folder, 'target');
  const get = await peers[1]!.transfers.start(await getting('moved', target));
  const got = await peers[1]!.transfers.wait(get.id);
  assert.equal(got.state, 'done', got.error?.message);
  assert.equal(got.bytesDone, content.length);
  assert.ok(content.equals(await readFile(target)));
  await assert.rejects(lstat(partOf(target)));
  await close();
});

const partOf = (target: string) => join(folder, partName(basename(target)));

test('C3 a get is refused unless the part is the very file that was shown, reached through no link', async () => {
  const { peers, close } = await dataNetwork(2);
  const { transfers } = peers[0]!;
  const path = join(folder, 'guarded');
  const request = await getting('x', path);
  await rm(partOf(path));
  await assert.rejects(transfers.start(request), code('unwritable-file'));
  await writeFile(partOf(path), '');
  await writeFile(join(folder, 'another'), '');
  await assert.rejects(
    transfers.start({ ...request, ...(await markedFile(join(folder, 'another'))), path }),
    code('unwritable-file'),
  );
  await rm(partOf(path));
  await writeFile(join(folder, 'secret'), '');
  await symlink(join(folder, 'secret'), partOf(path));
  const { mark } = await markedFile(join(folder, 'secret'));
  await assert.rejects(transfers.start({ ...request, mark }), code('unwritable-file'));
  await assert.rejects(transfers.start({ ...request, path: 'relative' }), code('bad-request'));
  await close();
});

test('C3 what took the place of a folder after a get was begun is not written to, also when it is tried again', async () => {
  const { peers, close } = await dataNetwork(2);
  const { files, transfers } = peers[0]!;
  await files.put('late', bytesOf(randomBytes(100)));
  const [mine, victims] = [join(folder, 'mine'), join(folder, 'victims')];
  await mkdir(mine);
  await mkdir(victims);
  await writeFile(join(victims, 'authorized_keys'), 'key');
  const request = {
    kind: 'get',
    reference: { name: 'late' },
    force: true,
    ...(await markedPart(join(mine, 'authorized_keys'))),
  } as const;
  const { id } = await transfers.start(request);
  await rename(mine, join(folder, 'moved'));
  await symlink(victims, mine);
  peers[0]!.begin();
  assert.equal((await transfers.wait(id)).error?.code, 'unwritable-file');
  await transfers.resume(id);
  assert.equal((await transfers.wait(id)).error?.code, 'unwritable-file');
  await transfers.cancel(id);
  assert.deepEqual(await readdir(victims), ['authorized_keys']);
  assert.equal(await readFile(join(victims, 'authorized_keys'), 'utf8'), 'key');
  await close();
});

test('C3 a put reads the very file that was shown, never one that took its place, nor a folder', async () => {
  const { peers, close } = await dataNetwork(2);
  const { transfers } = peers[0]!;
  const [mine, secret] = [join(folder, 'mine.txt'), join(folder, 'secret.txt')];
  await writeFile(mine, 'mine');
  await writeFile(secret, 'secret');
  const request = { kind: 'put', reference: { name: 'leaked' }, ...(await markedFile(mine)) } as const;
  await assert.rejects(transfers.start({ ...request, path: secret }), code('unreadable-file'));
  const { id } = await transfers.start(request);
  await rm(mine);
  await symlink(secret, mine);
  peers[0]!.begin();
  assert.equal((await transfers.wait(id)).error?.code, 'unreadable-file');
  await rm(mine);
  await link(secret, mine);
  await transfers.resume(id);
  assert.equal((await transfers.wait(id)).error?.code, 'unreadable-file');
  await assert.rejects(
    transfers.start({ kind: 'put', reference: { name: 'x' }, ...(await markedFile(folder)) }),
    code('unreadable-file'),
  );
  assert.equal((await peers[0]!.files.list({ all: false, cursor: null, limit: 10 })).files.length, 0);
  await close();
});

test('M2 a transfer whose command has gone is paused, and goes on with the next one', async () => {
  const { peers, close } = await dataNetwork(2);
  const { clock, pass } = virtualClock();
  const files = {
    ...peers[0]!.files,
    getPath: (_reference: unknown, _path: string, { signal }: { signal?: AbortSignal }) =>
      new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(new Error('stopped')))),
  };
  const queue = new TransferQueue(files, peers[0]!.catalog, clock);
  queue.begin();
  const request = await getting('x', join(folder, 'attended'));
  const { id } = await queue.start({ ...request, isAttended: true });
  const { id: alone } = await queue.start({ ...(await getting('x', join(folder, 'unattended'))) });
  for (let second = 0; second < 40; second += 5) {
    pass(5000);
    assert.equal(queue.get(id)?.state, 'running');
  }
  for (let second = 0; second < 40; second += 5) pass(5000);
  assert.deepEqual([queue.get(id)?.state, queue.get(alone)?.state], ['paused', 'running']);
  assert.equal((await queue.resume(id)).state, 'running');
  await queue.close();
  await close();
});

async function* bytesOf(bytes: Uint8Array) {
  yield bytes;
}

test('A7 a get of an absent name fails with not-found and leaves no part file', async () => {
  const { peers, close } = await dataNetwork(3);
  peers[0]!.begin();
  const path = join(folder, 'absent');
  const { id } = await peers[0]!.transfers.start(await getting('absent', path));
  const ended = await peers[0]!.transfers.wait(id);
  assert.equal(ended.state, 'failed');
  assert.equal(ended.error?.code, 'not-found');
  await assert.rejects(lstat(partOf(path)));
  await close();
});

test('B2 a transfer resumes after a restart of the peer', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(2_000_000);
  await peers[0]!.files.put(
    'later',
    (async function* () {
      yield content;
    })(),
  );
  const path = join(folder, 'later');
  const started = () => new TransferQueue(peers[1]!.files, peers[1]!.catalog, systemClock);
  const before = started();
  const { id, state } = await before.start(await getting('later', path));
  assert.equal(state, 'running');
  await before.close();
  const afterwards = started();
  afterwards.begin();
  assert.equal((await afterwards.wait(id)).state, 'done');
  assert.ok(content.equals(await readFile(path)));
  await afterwards.close();
  await close();
});

test('B6 a transfer is paused, resumed and cancelled', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(2_000_000);
  await peers[0]!.files.put(
    'paused',
    (async function* () {
      yield content;
    })(),
  );
  const queue = new TransferQueue(peers[1]!.files, peers[1]!.catalog, systemClock);
  const path = join(folder, 'paused');
  const { id } = await queue.start(await getting('paused', path));
  assert.equal((await queue.pause(id)).state, 'paused');
  queue.begin();
  assert.equal((await queue.resume(id)).state, 'running');
  assert.equal((await queue.wait(id)).state, 'done');
  const other = join(folder, 'cancelled');
  const cancelled = await queue.start(await getting('paused', other));
  await queue.cancel(cancelled.id);
  assert.ok(['cancelled', 'done'].includes(queue.get(cancelled.id)!.state));
  await assert.rejects(lstat(partOf(other)));
  await assert.rejects(queue.pause('unknown'), code('not-found'));
  await queue.close();
  await close();
});

test('B11 a stop lets transfers wait with the reason, and they go on by themselves', async () => {
  const stop = new TestStop('The limit is stop.');
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(2_000_000);
  await peers[0]!.files.put(
    'stopped',
    (async function* () {
      yield content;
    })(),
  );
  const slowness = () => said('slow-peers', { names: ['a'], more: 0 }, 'Slow.');
  const queue = new TransferQueue(peers[1]!.files, peers[1]!.catalog, systemClock, { stop, slowness });
  queue.begin();
  const path = join(folder, 'stopped');
  const { id, state, error, note } = await queue.start(await getting('stopped', path));
  assert.deepEqual([state, error, note], ['paused', { code: 'stopped', message: 'The limit is stop.' }, null]);
  assert.equal((await queue.resume(id)).state, 'paused');
  stop.set(null);
  const done = await queue.wait(id);
  assert.deepEqual([done.state, done.note], ['done', null]);
  assert.ok(content.equals(await readFile(path)));

  // One that runs is interrupted, and pausing it by hand outlasts the stop.
  const second = await queue.start(await getting('stopped', join(folder, 'stopped-again')));
  assert.equal(second.note?.text, 'Slow.');
  stop.set('The limit is stop again.');
  assert.equal(queue.get(second.id)?.error?.message, 'The limit is stop again.');
  await queue.pause(second.id);
  stop.set(null);
  assert.deepEqual([queue.get(second.id)?.state, queue.get(second.id)?.error], ['paused', null]);
  await queue.close();
  await close();
});

test('A22 a journal write failure harms neither the transfer nor the peer', async () => {
  const { peers, close } = await dataNetwork(3);
  let full = false;
  const settings = {
    setting: () => undefined,
    settings: () => [],
    setSetting: async () => {
      if (full) throw new ChordialError('disk-full', 'There is no room.');
    },
  };
  const reports: string[] = [];
  const report = (error: Error) => reports.push(error.message);
  const queue = new TransferQueue(peers[0]!.files, settings, systemClock, { report });
  const source = join(folder, 'journal-source');
  await writeFile(source, 'some bytes');
  const request = { kind: 'put', reference: { name: 'unwritten' }, ...(await markedFile(source)) } as const;
  const { id } = await queue.start(request);
  full = true;
  await assert.rejects(queue.start(request), code('disk-full'));
  assert.equal(queue.list().length, 1, 'a refused transfer is not kept');
  queue.begin();
  assert.equal((await queue.wait(id)).state, 'done');
  await queue.close();
  assert.deepEqual(reports, ['There is no room.']);
  await close();
});

test('case 3 a transfer puts nothing from a data folder', async () => {
  const { peers, close } = await dataNetwork(2);
  const data = join(folder, 'data');
  await mkdir(join(data, 'blocks'), { recursive: true });
  await writeFile(join(data, 'format'), 'chordial data folder 1\n');
  for (const name of ['identity.pem', 'blocks/one']) {
    await writeFile(join(data, name), 'private');
    const request = { kind: 'put', reference: { name: 'leaked' }, ...(await markedFile(join(data, name))) } as const;
    await assert.rejects(peers[0]!.transfers.start(request), code('bad-request'));
  }
  await close();
});
