import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ChordialError } from '../../src/errors.ts';
import { systemClock } from '../../src/network/system-clock.ts';
import { TransferQueue } from '../../src/transfer/transfer-queue.ts';
import { dataNetwork } from '../fixtures/data-network.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chordial-transfers-'));
});
after(() => rm(folder, { recursive: true, force: true }));
const code = (wanted: string) => (error: unknown) => error instanceof ChordialError && error.code === wanted;
const nonce = 'a nonce of the command line';
const getting = (reference: string, path: string) => ({ kind: 'get', reference, path, nonce }) as const;

test('A6 A7 a peer puts and gets files of its machine by itself', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(3_000_000);
  const source = join(folder, 'source');
  await writeFile(source, content);
  for (const peer of peers) peer.path.begin();
  const put = await peers[0]!.path.transfers.start({ kind: 'put', reference: 'moved', path: source, nonce: null });
  const done = await peers[0]!.path.transfers.wait(put.id);
  assert.equal(done.state, 'done');
  assert.equal((done.result as { copies: number }).copies, 3);
  const target = join(folder, 'target');
  await writeFile(`${target}.part`, nonce);
  const get = await peers[1]!.path.transfers.start(getting('moved', target));
  const got = await peers[1]!.path.transfers.wait(get.id);
  assert.equal(got.state, 'done', got.error?.message);
  assert.equal(got.bytesDone, content.length);
  assert.ok(content.equals(await readFile(target)));
  await assert.rejects(lstat(`${target}.part`));
  await close();
});

test('A22 a get is refused unless PATH.part is a regular file with the nonce, reached through no link', async () => {
  const { peers, close } = await dataNetwork(2);
  const { transfers } = peers[0]!.path;
  const path = join(folder, 'guarded');
  await assert.rejects(transfers.start(getting('x', path)), code('unwritable-file'));
  await writeFile(`${path}.part`, 'other than the nonce');
  await assert.rejects(transfers.start(getting('x', path)), code('unwritable-file'));
  await rm(`${path}.part`);
  await writeFile(join(folder, 'secret'), nonce);
  await symlink(join(folder, 'secret'), `${path}.part`);
  await assert.rejects(transfers.start(getting('x', path)), code('unwritable-file'));
  await assert.rejects(transfers.start({ ...getting('x', path), nonce: null }), code('bad-request'));
  await assert.rejects(transfers.start(getting('x', 'relative')), code('bad-request'));
  await close();
});

test('A7 a get of an absent name fails with not-found and leaves no part file', async () => {
  const { peers, close } = await dataNetwork(3);
  peers[0]!.path.begin();
  const path = join(folder, 'absent');
  await writeFile(`${path}.part`, nonce);
  const { id } = await peers[0]!.path.transfers.start(getting('absent', path));
  const ended = await peers[0]!.path.transfers.wait(id);
  assert.equal(ended.state, 'failed');
  assert.equal(ended.error?.code, 'not-found');
  await assert.rejects(lstat(`${path}.part`));
  await close();
});

test('B2 a transfer goes on after a restart of the peer', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(2_000_000);
  await peers[0]!.files.put(
    'later',
    (async function* () {
      yield content;
    })(),
  );
  const path = join(folder, 'later');
  await writeFile(`${path}.part`, nonce);
  const ports = { files: peers[1]!.files, settings: peers[1]!.catalog, clock: systemClock };
  const before = new TransferQueue(ports);
  const { id, state } = await before.start(getting('later', path));
  assert.equal(state, 'running');
  await before.close();
  const afterwards = new TransferQueue(ports);
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
  const queue = new TransferQueue({ files: peers[1]!.files, settings: peers[1]!.catalog, clock: systemClock });
  const path = join(folder, 'paused');
  await writeFile(`${path}.part`, nonce);
  const { id } = await queue.start(getting('paused', path));
  assert.equal((await queue.pause(id)).state, 'paused');
  queue.begin();
  assert.equal((await queue.resume(id)).state, 'running');
  assert.equal((await queue.wait(id)).state, 'done');
  const other = join(folder, 'cancelled');
  await writeFile(`${other}.part`, nonce);
  const cancelled = await queue.start(getting('paused', other));
  await queue.cancel(cancelled.id);
  assert.ok(['cancelled', 'done'].includes(queue.get(cancelled.id)!.state));
  await assert.rejects(lstat(`${other}.part`));
  await assert.rejects(queue.pause('unknown'), code('not-found'));
  await queue.close();
  await close();
});

test('A22 a journal that cannot be written harms neither the transfer nor the peer', async () => {
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
  const queue = new TransferQueue({ files: peers[0]!.files, settings, clock: systemClock, report });
  const source = join(folder, 'journal-source');
  await writeFile(source, 'some bytes');
  const request = { kind: 'put', reference: 'unwritten', path: source, nonce: null } as const;
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
