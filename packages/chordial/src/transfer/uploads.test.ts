import assert from 'node:assert/strict';
import { cp, type FileHandle, mkdir, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import { until } from '../../test/fixtures/until.ts';
import { ChordialError } from '../errors.ts';
import type { PutOptions, PutResult } from './files.ts';
import { OwnKeys } from './own-keys.ts';
import type { SealWish } from './sealing.ts';
import { Uploads } from './uploads.ts';

function withUploads(check: (folder: string) => Promise<void>): Promise<void> {
  return withFolder((folder) => check(path.join(folder, 'uploads')));
}

const keys = OwnKeys.inMemory();

class Published {
  readonly bodies = new Map<string, string>();
  async checkFits(_: string, bytes: number): Promise<void> {
    if (bytes > 1e9) throw new ChordialError('quota-full', 'It does not fit.');
  }
  sealWish(wish: SealWish | null = null): SealWish | null {
    return wish;
  }
  async put(name: string, source: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<PutResult> {
    const parts: Uint8Array[] = [];
    for await (const part of source) parts.push(Uint8Array.from(part));
    this.bodies.set(name, `${JSON.stringify(options.sealed)} ${Buffer.concat(parts)}`);
    return { name, cid: 'bafk', size: 0, copies: 2, publisher: 'me' };
  }
  async putPath(name: string, file: string, _options?: PutOptions): Promise<PutResult> {
    this.bodies.set(name, await readFile(file, 'utf8'));
    return { name, cid: 'bafk', size: 0, copies: 2, publisher: 'me' };
  }
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** Whose connection stays open, though nothing more comes. */
async function* stalled(texts: string | readonly string[], waits = () => {}): AsyncGenerator<Uint8Array> {
  yield* pieces(...[texts].flat());
  waits();
  await new Promise<never>(() => {});
}

async function* cut(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  throw new Error('the connection closed');
}

test('B6 after a restart an upload goes on behind the bytes that were acknowledged', () =>
  withUploads(async (folder) => {
    const files = new Published();
    const before = await Uploads.open(folder, files, { keys });
    const { id } = await before.create('a', 9);
    await assert.rejects(before.append(id, 0, cut('012')), /closed/);
    // What a crash left behind the mark, and a state that was never whole.
    await writeFile(path.join(folder, id), '012xxxxx');
    await writeFile(path.join(folder, `${id}.json.1.new`), '{');
    const after = await Uploads.open(folder, files, { keys });
    assert.equal(after.offset(after.get(id)), 3);
    assert.deepEqual((await readdir(folder)).sort(), [id, `${id}.json`]);
    await after.append(id, 3, pieces('345', '678'));
    assert.equal(files.bodies.get('a'), '012345678');
    assert.deepEqual(await readdir(folder), [`${id}.json`]);
    assert.equal((await Uploads.open(folder, files, { keys })).get(id).result?.copies, 2);
  }));

test('two senders of one upload do not mix, and one of which nothing comes gives way after five seconds', () =>
  withUploads(async (folder) => {
    let now = 0;
    const files = new Published();
    const uploads = await Uploads.open(folder, files, { keys, now: () => now });
    const { id } = await uploads.create('a', 6);
    const taken = Promise.withResolvers<void>();
    const first = assert.rejects(uploads.append(id, 0, stalled('ab', taken.resolve)), { code: 'busy' });
    await taken.promise;
    now = 4999;
    await assert.rejects(uploads.append(id, 0, pieces('xy')), /Another request/);
    now = 5000;
    const both = [pieces('xy'), pieces('xy')].map((body) => uploads.append(id, 0, body));
    await Promise.all(both.map((one) => assert.rejects(one, { code: 'changed' })));
    await first;
    assert.equal(uploads.get(id).received, 2);
    await uploads.append(id, 2, pieces('cdef'));
    assert.equal(files.bodies.get('a'), 'abcdef');
  }));

test('an upload that is ended leaves nothing, whether it is being sent or published', () =>
  withUploads(async (folder) => {
    const files = new Published();
    const uploads = await Uploads.open(folder, files, { keys });
    const sent = await uploads.create('a', 6);
    const sending = assert.rejects(uploads.append(sent.id, 0, stalled('ab')), /was ended/);
    await uploads.remove(sent.id);
    await sending;
    const published = await uploads.create('a', 2);
    const begun = Promise.withResolvers<void>();
    files.putPath = (_name, _file, { signal } = {}) => {
      begun.resolve();
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    };
    const publishing = assert.rejects(uploads.append(published.id, 0, pieces('ab')), /was ended/);
    await begun.promise;
    await uploads.remove(published.id);
    await publishing;
    assert.deepEqual(await readdir(folder), []);
  }));

test('B6 of a request that sends all of a large file a crash costs no more than 64 MiB', () =>
  withUploads(async (folder) => {
    const mebibyte = 1024 * 1024;
    const before = await Uploads.open(folder, new Published(), { keys });
    const { id } = await before.create('a', 100 * mebibyte);
    const zeros = Buffer.alloc(mebibyte).toString();
    const first = assert.rejects(before.append(id, 0, stalled(Array.from({ length: 70 }, () => zeros))));
    await until(() => before.get(id).received >= 64 * mebibyte);
    await cp(folder, `${folder} after a crash`, { recursive: true });
    const after = await Uploads.open(`${folder} after a crash`, new Published(), { keys });
    assert.equal(after.offset(after.get(id)), 64 * mebibyte);
    await before.remove(id);
    await first;
  }));

test('B6 where the disk takes fewer bytes than it was given, and then none, what counts is what it took', (t) =>
  withUploads(async (folder) => {
    const files = new Published();
    const uploads = await Uploads.open(folder, files, { keys });
    const { id } = await uploads.create('a', 9);
    await using handle = await open(path.join(folder, id));
    const write = handle.write as (...given: unknown[]) => Promise<unknown>;
    let room = 4;
    t.mock.method(Object.getPrototypeOf(handle), 'write', async function (this: FileHandle, ...given: unknown[]) {
      const [bytes, from, length, at] = given as [Uint8Array, number, number, number];
      if (room === 0) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
      const taken = Math.min(length, 3, room);
      room -= taken;
      return write.call(this, bytes, from, taken, at);
    });
    await assert.rejects(uploads.append(id, 0, pieces('0123', '45678')), { code: 'ENOSPC' });
    assert.equal(uploads.offset(uploads.get(id)), 4);
    room = 100;
    await uploads.append(id, 4, pieces('45678'));
    assert.equal(files.bodies.get('a'), '012345678');
  }));

test('uploads into a box that is no longer open end with it, others stay', () =>
  withUploads(async (folder) => {
    const uploads = await Uploads.open(folder, new Published(), { keys });
    const begun = await Promise.all(['gone', 'open', null].map((box) => uploads.create('a', 6, { box })));
    const sending = assert.rejects(uploads.append(begun[0]!.id, 0, stalled('ab')), /was ended/);
    await Promise.all([uploads.sweep((box) => box === 'open'), uploads.sweep((box) => box === 'open')]);
    await sending;
    assert.deepEqual(uploads.inBox('gone'), []);
    assert.equal((await readdir(folder)).length, 4);
    for (const { id } of begun.slice(1)) assert.equal(uploads.get(id).received, 0);
  }));

test('an upload that no one goes on with is given up after a week', () =>
  withUploads(async (folder) => {
    let now = 0;
    const uploads = await Uploads.open(folder, new Published(), { keys, now: () => now });
    const { id } = await uploads.create('a', 4);
    now = 8 * 24 * 3600 * 1000;
    await uploads.create('b', 4);
    assert.throws(() => uploads.get(id), /no upload/);
  }));

for (const [what, harm] of [
  ['bytes gone', (file: string) => rm(file)],
  ['bytes cut', (file: string) => truncate(file, 1)],
  ['bytes a folder', (file: string) => rm(file).then(() => mkdir(file))],
  ['state cut', (file: string) => truncate(`${file}.json`, 20)],
  ['state empty', (file: string) => writeFile(`${file}.json`, '')],
  ['state of another shape', (file: string) => writeFile(`${file}.json`, '{"id":5}')],
  ['state no object', (file: string) => writeFile(`${file}.json`, 'null')],
] as const) {
  test(`case 15 of an upload with its ${what} nothing is left but a line, and others go on`, () =>
    withUploads(async (folder) => {
      const before = await Uploads.open(folder, new Published(), { keys });
      const [harmed, whole] = [await before.create('a', 9), await before.create('b', 9)];
      for (const { id } of [harmed, whole]) await before.append(id, 0, pieces('012'));
      await harm(path.join(folder, harmed.id));
      const told: string[] = [];
      const after = await Uploads.open(folder, new Published(), { keys, tell: (text) => told.push(text) });
      assert.equal(told.length, 1, told.join());
      assert.match(told[0] ?? '', /Forgot the upload .*Send it again/);
      assert.throws(() => after.get(harmed.id), /no upload/);
      assert.equal(after.offset(after.get(whole.id)), 3);
      assert.deepEqual((await readdir(folder)).sort(), [whole.id, `${whole.id}.json`].sort());
    }));
}

test('case 15 bytes of an upload that vanish while the peer runs end it with the remedy', () =>
  withUploads(async (folder) => {
    const uploads = await Uploads.open(folder, new Published(), { keys });
    const { id } = await uploads.create('a', 9);
    await rm(path.join(folder, id));
    await assert.rejects(uploads.append(id, 0, pieces('012')), { code: 'not-found' });
    assert.deepEqual(await readdir(folder), []);
  }));

test('case 15 a file in the place of the folder of uploads is removed and told', () =>
  withFolder(async (folder) => {
    const place = path.join(folder, 'uploads');
    await writeFile(place, 'x');
    const told: string[] = [];
    const uploads = await Uploads.open(place, new Published(), { keys, tell: (text) => told.push(text) });
    assert.equal(told.length, 1);
    assert.equal((await uploads.create('a', 1)).received, 0);
  }));

test('L ended uploads keep no one from beginning others', () =>
  withUploads(async (folder) => {
    let now = 0;
    const uploads = await Uploads.open(folder, new Published(), { keys, now: () => now });
    const ended: string[] = [];
    for (now = 1; now <= 258; now += 1) ended.push((await uploads.create('empty', 0)).id);
    assert.equal(uploads.get(ended.at(-1) ?? '').result?.copies, 2);
    assert.throws(() => uploads.get(ended[0] ?? ''), /no upload/);
    const states = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    assert.ok(states.length <= 257, String(states.length));
    await Promise.all(Array.from({ length: 256 }, () => uploads.create('a', 4)));
    await assert.rejects(uploads.create('a', 4), /256 uploads in progress/);
  }));

test('case 2 an upload that cannot fit is refused before its first byte, and leaves nothing', () =>
  withUploads(async (folder) => {
    const uploads = await Uploads.open(folder, new Published(), { keys });
    await assert.rejects(uploads.create('large', 2e9), { code: 'quota-full' });
    await assert.rejects(readdir(folder), { code: 'ENOENT' });
  }));

test('B15 of an upload that is to be sealed the disk shows neither bytes nor name, over a restart', () =>
  withUploads(async (folder) => {
    const files = new Published();
    const before = await Uploads.open(folder, files, { keys });
    const { id } = await before.create('secret name', 41, { wish: { to: ['anna'] } });
    await assert.rejects(before.append(id, 0, cut('the first of the bytes')), /closed/);
    const shown = async () => {
      const names = await readdir(folder);
      return Buffer.concat(await Promise.all(names.map((name) => readFile(path.join(folder, name))))).toString(
        'latin1',
      );
    };
    assert.doesNotMatch(await shown(), /secret|first|anna/);
    const after = await Uploads.open(folder, files, { keys });
    await after.append(id, 22, pieces(', and ', 'the last ones'));
    assert.equal(files.bodies.get('secret name'), '{"to":["anna"]} the first of the bytes, and the last ones');
    assert.doesNotMatch(await shown(), /secret|last/);
  }));
