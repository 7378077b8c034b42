import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { isError } from '../../test/contracts/errors.ts';
import { DagContent, mixedFiles, readCar, writeCar } from '../../test/fixtures/dag-content.ts';
import { dataNetwork } from '../../test/fixtures/data-network.ts';
import { type Block, cidOfBlock, parseCid, rawCodec } from '../content/cid.ts';

/** In pieces of odd sizes. */
async function* streamed(car: Buffer) {
  for (let at = 0, length = 1; at < car.length; at += length, length = (length * 7) % 1013)
    yield car.subarray(at, at + length);
}

test('B8 a CAR of another program is imported with its CIDs, in any order of its blocks, and leaves as it came', async () => {
  const { peers, close } = await dataNetwork(3);
  const [own, , other] = peers as [(typeof peers)[number], unknown, (typeof peers)[number]];
  const content = await DagContent.of(mixedFiles);
  const root = content.root;
  const forward = content.below(root.toString()).map((cid) => content.blocks.get(cid)!);
  const surplus: Block = { cid: cidOfBlock(rawCodec, Buffer.from('surplus')), bytes: Buffer.from('surplus') };
  for (const [name, blocks] of Object.entries({
    forward,
    backward: forward.toReversed(),
    more: [surplus, ...forward, ...forward],
  })) {
    const put = await own.files.putCar(name, streamed(writeCar([root], blocks)));
    assert.equal(put.cid, root.toString());
    assert.equal(put.size, Object.values(mixedFiles).join('').length);
  }
  const files = new Map<string, string>();
  for await (const { path, cid, type } of other.files.walk(root.toString())) {
    if (type !== 'file') continue;
    const pieces: Uint8Array[] = [];
    for await (const piece of other.files.read(cid)) pieces.push(piece);
    files.set(path, Buffer.concat(pieces).toString());
  }
  assert.deepEqual(Object.fromEntries(files), mixedFiles);
  const car = await other.files.openCar(root.toString(), { path: [], scope: 'all' });
  const pieces: Uint8Array[] = [];
  for await (const piece of car.read()) pieces.push(Uint8Array.from(piece));
  assert.deepEqual(readCar(Buffer.concat(pieces)).cids, [...new Set(content.below(root.toString()))]);
  const file = parseCid(content.at('subdir', 'multiblock.txt'));
  const single = await own.files.putCar('single', streamed(writeCar([root, surplus.cid], forward)), { root: file });
  assert.deepEqual([single.cid, single.size], [file.toString(), 1026]);
  const leaf = await own.files.putCar('leaf', streamed(writeCar([], [...forward, surplus])), { root: surplus.cid });
  assert.equal(leaf.size, 7);
  await close();
});

test('copies that are put here leave an own file of the name that came meanwhile, sealed or not', async () => {
  const { peers, close } = await dataNetwork(1);
  const own = peers[0]!;
  const content = await DagContent.of(mixedFiles);
  const root = content.root;
  const blocks = content.below(root.toString()).map((cid) => content.blocks.get(cid)!);
  const slow = async function* (meanwhile: () => Promise<unknown>) {
    yield* streamed(writeCar([root], blocks));
    await meanwhile();
  };
  const file = async function* () {
    yield Buffer.from('own');
  };
  for (const [name, options] of [
    ['plain', {}],
    ['secret', { sealed: {} }],
  ] as const) {
    const source = slow(() => own.files.put(name, file(), options));
    await assert.rejects(own.files.putCar(name, source, { keepsOther: true }), isError('already-exists'));
    const { cid, publisher } = await own.files.resolve({ name });
    assert.equal(publisher, own.contact.host);
    assert.notEqual(cid, root.toString());
  }
  const again = { keepsOther: true };
  for (let count = 0; count < 2; count++) await own.files.putCar('copies', streamed(writeCar([root], blocks)), again);
  await close();
});

test('B8 a CAR that is not whole, not true or not a file is refused, and publishes nothing', async () => {
  const { peers, close } = await dataNetwork(1);
  const [{ files }] = peers as [(typeof peers)[number]];
  const content = await DagContent.of(mixedFiles);
  const { root } = content;
  const blocks = content.below(root.toString()).map((cid) => content.blocks.get(cid)!);
  const whole = writeCar([root], blocks);
  const header = writeCar([root], []);
  const false_ = { cid: blocks[2]!.cid, bytes: Buffer.from('other bytes') };
  const other = { cid: CID.createV1(rawCodec, createDigest(0x13, new Uint8Array(64))), bytes: Buffer.from('x') };
  const symbolic = Buffer.from('0a0708041203666f6f', 'hex');
  const link: Block = { cid: cidOfBlock(0x70, symbolic), bytes: symbolic };
  const version2 = Buffer.from('0aa16776657273696f6e02', 'hex');
  const giant = Buffer.from('ffffffff7f', 'hex');
  const cases: readonly (readonly [RegExp, Buffer])[] = [
    [/an end in the middle/, Buffer.alloc(0)],
    [/an end in the middle/, whole.subarray(0, whole.length - 1)],
    [/no CAR/, Buffer.from('{"not":"a CAR"}')],
    [/no CAR/, giant],
    [/no CAR/, Buffer.alloc(100)],
    [/version 2/, version2],
    [/a block of 34359738367 bytes/, Buffer.concat([header, giant])],
    [/a block without a CID/, Buffer.concat([header, Buffer.from([2, 9, 9])])],
    [/no root/, writeCar([], blocks)],
    [/2 roots/, writeCar([root, root], blocks)],
    [/lacks the block/, writeCar([root], blocks.slice(0, -1))],
    [/lacks the block/, header],
    [/other bytes/, writeCar([root], blocks.with(2, false_))],
    [/only those with SHA-256/, writeCar([root], [...blocks, other])],
    [/neither a file nor a folder/, writeCar([link.cid], [link])],
  ];
  for (const [pattern, car] of cases) {
    const error: Error = await files.putCar('x', streamed(car)).then(
      () => assert.fail(`${pattern}`),
      (error) => error,
    );
    assert.match(error.message, pattern);
  }
  await assert.rejects(files.resolve({ name: 'x' }), { code: 'not-found' });
  await close();
});
