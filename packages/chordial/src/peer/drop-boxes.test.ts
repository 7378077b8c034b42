import assert from 'node:assert/strict';
import { readFile, statfs } from 'node:fs/promises';
import { test } from 'node:test';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import { Catalog } from '../storage/catalog.ts';
import { OwnKeys } from '../transfer/own-keys.ts';
import { Uploads } from '../transfer/uploads.ts';
import { type DropBox, DropBoxes } from './drop-boxes.ts';

const box: DropBox = { id: 'abcdefghijklmnop', folder: 'Inbox', most: 100 };

function dropping(check: (parts: Parts) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const catalog = new Catalog(':memory:');
    const keys = OwnKeys.inMemory();
    const published = new Map<string, string>();
    let now = 1e12;
    const files = {
      checkFits: async () => {},
      sealWish: () => null,
      put: async () => assert.fail('nothing is sealed'),
      putPath: async (name: string, file: string) => {
        published.set(name, await readFile(file, 'utf8'));
        return { name, cid: 'bafk', size: 0, copies: 2, publisher: 'me' };
      },
    };
    const open = async () => {
      const uploads = await Uploads.open(`${folder}/uploads`, files, { keys, now: () => now });
      const clock = { wallTime: () => now };
      const isOwn = (name: string) => published.has(name);
      return new DropBoxes({ settings: catalog, clock, uploads, isOwn, isOpen: () => true });
    };
    await check({ boxes: await open(), open, published, pass: (milliseconds) => (now += milliseconds) });
    catalog.close();
  });
}

interface Parts {
  readonly boxes: DropBoxes;
  /** Again, as after a restart. */
  readonly open: () => Promise<DropBoxes>;
  readonly published: Map<string, string>;
  readonly pass: (milliseconds: number) => void;
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const publishing = () => {};

async function send(boxes: DropBoxes, name: string, text: string) {
  const { id, received } = await boxes.create(box, { name, size: text.length, mark: null });
  return boxes.append(box, id, { offset: received, body: bytes(text.slice(received)), publishing });
}

test('B18 what is uploaded is put under the folder and a name that is free, also when it is empty or long', () =>
  dropping(async ({ boxes, published }) => {
    published.set('empty', 'of the owner').set('a.txt', 'of the owner');
    await Promise.all([send(boxes, 'a.txt', 'one'), send(boxes, 'a.txt', 'two'), send(boxes, 'a.txt', 'three')]);
    await boxes.create(box, { name: 'empty', size: 0, mark: null });
    const long = await send(boxes, `${'ä'.repeat(120)}.txt`, 'long');
    assert.match(long.name, /^Inbox - ä+\.txt$/);
    published.delete(long.name);
    assert.deepEqual([...published.keys()].sort(), [
      'Inbox - a (2).txt',
      'Inbox - a (3).txt',
      'Inbox - a.txt',
      'Inbox - empty',
      'a.txt',
      'empty',
    ]);
    assert.equal(published.get('empty'), 'of the owner');
    for (const name of ['../x', '', '.', 'a/b', 'a\nb'])
      await assert.rejects(send(boxes, name, 'x'), { code: 'bad-name' });
  }));

test('B18 who begins uploads and leaves takes neither the place nor the disk of others for more than ten minutes', () =>
  dropping(async ({ boxes, pass }) => {
    const { bavail, bsize } = await statfs('/tmp');
    const large = { ...box, most: Math.floor(bavail * bsize * 0.8) };
    const begin = (name: string, size: number) => boxes.create(large, { name, size, mark: null });
    const first = await begin('first', 10);
    await boxes.append(large, first.id, { offset: 0, body: bytes('12345'), publishing });
    await begin('huge', large.most - 1000);
    for (let index = 0; index < 30; index++) await begin(`${index}`, 10);
    await assert.rejects(begin('more', 10), { code: 'busy' });
    pass(600_000);
    await begin('as huge', large.most - 2000);
    assert.equal(boxes.get(large, first.id).received, 5);
  }));

test('B18 a box takes what its link says and no more, over restarts, and silent uploads keep only the room of their bytes', () =>
  dropping(async ({ boxes, open, pass }) => {
    await assert.rejects(send(boxes, 'a', 'x'.repeat(101)), { code: 'too-large' });
    await send(boxes, 'a', 'x'.repeat(60));
    assert.deepEqual(boxes.taken(box), { bytes: 60, files: 1 });
    await assert.rejects(send(boxes, 'b', 'x'.repeat(41)), { code: 'quota-full', message: /not enough room/ });
    const { id } = await boxes.create(box, { name: 'big', size: 40, mark: null });
    await assert.rejects(send(boxes, 'c', 'x'), { code: 'quota-full' });
    pass(600_000);
    const again = await open();
    assert.equal(again.taken(box).bytes, 60);
    await send(again, 'c', 'x');
    await assert.rejects(again.append(box, id, { offset: 0, body: bytes('x'.repeat(40)), publishing }), {
      code: 'quota-full',
    });
    await again.remove(box, id);
    await send(again, 'd', 'x'.repeat(39));
    await assert.rejects(send(again, 'e', 'x'), { code: 'quota-full' });
    assert.equal((await open()).taken(box).bytes, 100);
  }));

test('B18 an upload that was interrupted goes on from anywhere with the same file, and with no other', () =>
  dropping(async ({ boxes, open, published }) => {
    const offered = { name: 'a.txt', size: 6, mark: 'mark' };
    const { id } = await boxes.create(box, offered);
    await assert.rejects(boxes.append(box, id, { offset: 0, body: cut('abc'), publishing }), /gone/);
    const again = await open();
    const other = { ...box, id: 'ponmlkjihgfedcba' };
    for (const [into, file] of [
      [box, { ...offered, mark: 'another' }],
      [box, { ...offered, mark: null }],
      [box, { ...offered, name: 'b.txt' }],
      [other, offered],
    ] as const) {
      const begun = await again.create(into, file);
      assert.notEqual(begun.id, id);
      await again.remove(into, begun.id);
    }
    assert.throws(() => again.get(other, id), { code: 'not-found' });
    const found = await again.create(box, offered);
    assert.deepEqual([found.id, found.received], [id, 3]);
    await again.append(box, id, { offset: 3, body: bytes('def'), publishing });
    assert.equal(published.get('Inbox - a.txt'), 'abcdef');
    assert.notEqual((await again.create(box, offered)).id, id, 'a finished one is another file by chance only');
  }));

async function* cut(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  throw new Error('gone');
}
