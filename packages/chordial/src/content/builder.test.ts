import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { importBytes } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { balanced } from 'ipfs-unixfs-importer/layout';
import type { CID } from 'multiformats/cid';
import { type BuildOptions, buildFile } from './builder.ts';

import { type Block, verifyBlock } from './cid.ts';
import { LeafPool, leafBytes } from './leaf-pool.ts';

async function* pieces(bytes: Uint8Array, pieceBytes = 65_536): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += pieceBytes) yield bytes.subarray(i, i + pieceBytes);
}

/** Cheap, and no two leaves are alike. */
function content(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = 0x9e3779b9;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

async function build(bytes: Uint8Array, options: BuildOptions = {}, pieceBytes?: number) {
  const blocks: Block[] = [];
  const built = await buildFile(pieces(bytes, pieceBytes), async (block) => void blocks.push(block), options);
  return { ...built, emitted: blocks };
}

async function oracle(bytes: Uint8Array, small?: { leaf: number; width: number }): Promise<CID> {
  const nowhere = { put: async (cid: CID) => cid };
  const shape = small && {
    chunker: fixedSize({ chunkSize: small.leaf }),
    layout: balanced({ maxChildrenPerNode: small.width }),
  };
  return (await importBytes(bytes, nowhere, { profile: 'unixfs-v1-2025', ...shape })).cid;
}

describe('buildFile', () => {
  for (const size of [0, 1, leafBytes - 1, leafBytes, leafBytes + 1, 2 * leafBytes, 3 * leafBytes + 5]) {
    it(`B1 gives ${size} bytes the CID that other tools give`, async () => {
      const bytes = content(size);
      const built = await build(bytes);
      assert.equal(built.cid.toString(), (await oracle(bytes)).toString());
      assert.equal(built.size, size);
      assert.equal(built.blocks, built.emitted.length);
      assert.equal(built.sha256, createHash('sha256').update(bytes).digest('hex'));
      assert.equal(
        built.storedBytes,
        built.emitted.reduce((sum, block) => sum + block.bytes.length, 0),
      );
      assert.ok(built.emitted.every(({ cid, bytes: own }) => verifyBlock(cid, own)));
    });
  }

  // A full node of 1024 leaves, and of 1024² leaves, seen through smaller leaves and narrower nodes.
  for (const [leaf, width] of [
    [4, 3],
    [1, 1024],
    [7, 2],
  ] as const) {
    const leaves = [
      1,
      2,
      3,
      4,
      width - 1,
      width,
      width + 1,
      ...(width < 10 ? [width ** 2, width ** 2 + 1, width ** 3 + 1, width ** 4] : [2 * width + 1]),
    ];
    for (const n of new Set(leaves)) {
      it(`B1 gives ${n} leaves of ${leaf} bytes under nodes of ${width} the CID that other tools give`, async () => {
        for (const size of [n * leaf - 1, n * leaf, n * leaf + 1]) {
          const bytes = content(size);
          const built = await build(bytes, { leafBytes: leaf, linksPerNode: width });
          assert.equal(built.cid.toString(), (await oracle(bytes, { leaf, width })).toString(), `${size} bytes`);
        }
      });
    }
  }

  it('B1 gives the test vector of the profile for "hello world"', async () => {
    const { cid } = await build(new TextEncoder().encode('hello world'));
    assert.equal(cid.toString(), 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e');
  });

  it('gives one CID however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 50 }),
        async (bytes, pieceBytes) => {
          const small = { leafBytes: 8, linksPerNode: 3 };
          const cut = await build(bytes, small, pieceBytes);
          assert.equal(cut.cid.toString(), (await build(bytes, small)).cid.toString());
        },
      ),
    );
  });

  it('leaves the whole hash out when it is not wanted', async () => {
    assert.equal((await build(content(10), { wholeHash: false })).sha256, null);
  });

  it('reads no further ahead of a consumer that waits than a few leaves', async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read += 1;
        yield new Uint8Array(16);
      }
    }
    let emitted = 0;
    const stop = new Error('enough');
    const emit = async () => {
      emitted += 1;
      assert.ok(read - emitted <= 4, `${read} read, ${emitted} emitted`);
      await new Promise((resume) => setImmediate(resume));
      if (emitted === 50) throw stop;
    };
    await assert.rejects(buildFile(endless(), emit, { leafBytes: 16, linksPerNode: 1024 }), stop);
  });

  it('uses leaves again that its consumer gave back, and only those', async () => {
    const bytes = content(1000);
    const pool = new LeafPool(16);
    const buffers = new Set<ArrayBufferLike>();
    const kept: Block[] = [];
    const emit = async (block: Block) => {
      assert.ok(verifyBlock(block.cid, block.bytes));
      buffers.add(block.bytes.buffer);
      if (kept.length < 5) kept.push(block);
      else pool.giveBack(block.bytes);
    };
    const small = { leafBytes: 16, linksPerNode: 1024 };
    const built = await buildFile(pieces(bytes), emit, { ...small, pool });
    assert.equal(built.cid.toString(), (await build(bytes, small)).cid.toString());
    assert.ok(kept.every(({ cid, bytes: own }) => verifyBlock(cid, own)));
    assert.ok(buffers.size < 20, `${buffers.size} buffers for ${built.blocks} blocks`);
  });

  it('hands on an error of the source', async () => {
    const vanished = new Error('file vanished');
    async function* source() {
      yield content(100);
      throw vanished;
    }
    await assert.rejects(
      buildFile(source(), async () => {}, { leafBytes: 16 }),
      vanished,
    );
  });

  it('does not let go of emitted bytes when the source reuses its buffer', async () => {
    const shared = new Uint8Array(16);
    async function* source() {
      for (let i = 0; i < 8; i++) yield shared.fill(i);
    }
    const blocks: Block[] = [];
    await buildFile(source(), async (block) => void blocks.push(block), { leafBytes: 16 });
    assert.ok(blocks.every(({ cid, bytes }) => verifyBlock(cid, bytes)));
  });
});
