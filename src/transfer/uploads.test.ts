import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import type { PutResult } from './files.ts';
import { Uploads } from './uploads.ts';

function withUploads(check: (folder: string) => Promise<void>): Promise<void> {
  return withFolder((folder) => check(path.join(folder, 'uploads')));
}

class Published {
  readonly bodies = new Map<string, string>();
  async putPath(name: string, file: string): Promise<PutResult> {
    this.bodies.set(name, await readFile(file, 'utf8'));
    return { name, cid: 'bafk', size: 0, copies: 2, publisher: 'me' };
  }
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function* cut(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  throw new Error('the connection closed');
}

test('B6 after a restart an upload goes on behind the bytes that were acknowledged', () =>
  withUploads(async (folder) => {
    const files = new Published();
    const before = await Uploads.open(folder, files);
    const { id } = await before.create('a', 9);
    await assert.rejects(before.append(id, 0, cut('012')), /closed/);
    // What a crash left behind the mark, and a state that was never whole.
    await writeFile(path.join(folder, id), '012xxxxx');
    await writeFile(path.join(folder, `${id}.json.1.new`), '{');
    const after = await Uploads.open(folder, files);
    assert.equal(after.offset(after.get(id)), 3);
    assert.deepEqual((await readdir(folder)).sort(), [id, `${id}.json`]);
    await after.append(id, 3, pieces('345', '678'));
    assert.equal(files.bodies.get('a'), '012345678');
    assert.deepEqual(await readdir(folder), [`${id}.json`]);
    assert.equal((await Uploads.open(folder, files)).get(id).result?.copies, 2);
  }));

test('two senders of one upload do not mix', () =>
  withUploads(async (folder) => {
    const uploads = await Uploads.open(folder, new Published());
    const { id } = await uploads.create('a', 4);
    const first = uploads.append(id, 0, pieces('ab'));
    await assert.rejects(uploads.append(id, 0, pieces('xy')), /Another request/);
    await assert.rejects(uploads.remove(id), /Another request/);
    assert.equal((await first).received, 2);
  }));

test('an upload that nobody goes on with is given up after a week', () =>
  withUploads(async (folder) => {
    let now = 0;
    const uploads = await Uploads.open(folder, new Published(), () => now);
    const { id } = await uploads.create('a', 4);
    now = 8 * 24 * 3600 * 1000;
    await uploads.create('b', 4);
    assert.throws(() => uploads.get(id), /no upload/);
  }));
