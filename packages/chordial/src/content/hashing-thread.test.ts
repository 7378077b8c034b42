import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { verifyBlockBy } from './block-hashing.ts';
import { buildFile } from './builder.ts';
import { cidOfBlock, rawCodec } from './cid.ts';
import { HashingThread } from './hashing-thread.ts';
import { LeafPool, leafBytes } from './leaf-pool.ts';

const pool = new LeafPool();

function leaf(first: number): Uint8Array {
  const bytes = pool.take();
  bytes.fill(7);
  bytes[0] = first;
  return bytes;
}

function sha256(...parts: readonly Uint8Array[]): string {
  const content = createHash('sha256');
  for (const part of parts) content.update(part);
  return content.digest('hex');
}

const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');

/** Hashes leaves until one is hashed elsewhere. */
async function started(thread: HashingThread): Promise<void> {
  const bytes = leaf(0);
  for (const end = Date.now() + 20_000; Date.now() < end; await wait(1)) {
    if (thread.sha256(bytes) instanceof Promise) return;
  }
  throw new Error('no thread was started');
}

describe('hashing beside the event loop', () => {
  it('hashes a few leaves here, and many in order in a thread', async () => {
    const thread = new HashingThread(2);
    try {
      assert.ok(thread.sha256(leaf(1)) instanceof Uint8Array);
      await started(thread);
      const leaves = Array.from({ length: 20 }, (_, index) => leaf(index));
      const digests = await Promise.all(leaves.map((bytes) => thread.sha256(bytes)));
      assert.deepEqual(
        digests.map(hex),
        leaves.map((bytes) => sha256(bytes)),
      );
      assert.ok(thread.sha256(randomBytes(leafBytes)) instanceof Uint8Array, 'memory of its own is hashed here');
    } finally {
      await thread.close();
    }
  });

  it('tells right blocks from wrong ones', async () => {
    const thread = new HashingThread(2);
    try {
      await started(thread);
      const cid = cidOfBlock(rawCodec, leaf(5));
      const answers = [verifyBlockBy(thread, cid, leaf(5)), verifyBlockBy(thread, cid, leaf(6))];
      assert.ok(answers.every((answer) => answer instanceof Promise));
      assert.deepEqual(await Promise.all(answers), [true, false]);
    } finally {
      await thread.close();
    }
  });

  it('hashes a content along with its leaves, several contents at once', async () => {
    const thread = new HashingThread(2);
    try {
      const leaves = [leaf(1), leaf(2), Uint8Array.from([1, 2, 3])];
      const [one, other] = [thread.whole(null), thread.whole(1e9)];
      const digests = leaves.flatMap((bytes) => [one.leaf(bytes), other.leaf(bytes)]);
      assert.ok(digests.every((digest) => digest instanceof Promise));
      assert.deepEqual(
        (await Promise.all(digests)).map(hex),
        leaves.flatMap((bytes) => [sha256(bytes), sha256(bytes)]),
      );
      assert.deepEqual([hex(await one.end()), hex(await other.end())], [sha256(...leaves), sha256(...leaves)]);
    } finally {
      await thread.close();
    }
  });

  it('is of no use with one core', () => {
    const thread = new HashingThread(1);
    for (let index = 0; index < 100; index++) assert.ok(thread.sha256(leaf(index)) instanceof Uint8Array);
    assert.ok(thread.whole(null).leaf(leaf(1)) instanceof Uint8Array);
  });

  it('hashes here what the thread leaves behind, and fails a content whose beginning is lost', async () => {
    const thread = new HashingThread(2);
    await started(thread);
    const whole = thread.whole(null);
    const lost = assert.rejects(async () => whole.leaf(leaf(1)), /ended unexpectedly/);
    const left = thread.sha256(leaf(9));
    await thread.close();
    await lost;
    assert.equal(hex(await left), sha256(leaf(9)));
    await assert.rejects(async () => whole.end(), /ended unexpectedly/);
    for (let index = 0; index < 100; index++) assert.ok(thread.sha256(leaf(index)) instanceof Uint8Array);
    assert.ok(thread.whole(null).leaf(leaf(1)) instanceof Uint8Array, 'no thread is started any more');
  });

  it('builds the same file', async () => {
    const thread = new HashingThread(2);
    try {
      const bytes = randomBytes(5 * leafBytes + 17);
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield bytes;
      };
      const emit = async (block: { bytes: Uint8Array }): Promise<void> => pool.giveBack(block.bytes);
      const built = await buildFile(source(), emit, { pool, hashing: thread });
      const here = await buildFile(source(), emit);
      assert.deepEqual([built.cid.toString(), built.sha256], [here.cid.toString(), here.sha256]);
    } finally {
      await thread.close();
    }
  });
});
