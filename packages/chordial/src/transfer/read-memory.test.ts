import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import type { CID } from 'multiformats/cid';
import { turnsWhile } from '../../test/fixtures/turns.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import type { LeafReference } from '../content/file-reader.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { type ContentReader, maxReadBytes, ReadMemory } from './read-memory.ts';

const leafCount = 40;
const cids = Array.from({ length: leafCount }, (_, index) => cidOfBlock(rawCodec, Buffer.from(`leaf ${index}`)));
const size = leafCount * leafBytes;

/** Hands out leaves of which each byte is their number, and counts those that no one has given back. */
class Source {
  out = 0;
  most = 0;
  fetches = 0;
  readonly fetch = async (cid: CID, signal: AbortSignal): Promise<Uint8Array> => {
    this.fetches += 1;
    this.out += leafBytes;
    this.most = Math.max(this.most, this.out);
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted) {
      this.out -= leafBytes;
      throw new Error('aborted');
    }
    return new Uint8Array(leafBytes).fill(cids.indexOf(cid));
  };
  readonly release = (bytes: Uint8Array): void => {
    this.out -= bytes.length;
  };
}

async function* leaves(): AsyncGenerator<LeafReference, void, undefined> {
  for (const [index, cid] of cids.entries()) yield { cid, offset: index * leafBytes, length: leafBytes, inline: null };
}

function pieces(reader: ContentReader): AsyncGenerator<Uint8Array, void, undefined> {
  return reader.pieces(leaves(), { start: 0, end: size });
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** All that is left of it: each byte must be the number of its leaf. */
async function readRest(reading: AsyncIterator<Uint8Array>, from = 0): Promise<number> {
  let at = from;
  for (let next = await reading.next(); next.done !== true; next = await reading.next()) {
    const expected = Math.floor(at / leafBytes);
    assert.ok(
      next.value.every((byte) => byte === expected),
      `other bytes at ${at}`,
    );
    at += next.value.length;
  }
  return at;
}

test('case 13 sixty clients that take nothing hold no more than the bound, and a quick one is not slowed', async () => {
  const { clock, pass } = virtualClock();
  const memory = new ReadMemory(clock);
  const source = new Source();
  const slow: { reader: ContentReader; reading: AsyncGenerator<Uint8Array>; at: number }[] = [];
  for (let i = 0; i < 60; i++) {
    const reader = memory.open(source, size, undefined);
    const reading = pieces(reader);
    const first = reading.next();
    for (let wait = 0; wait < 4; wait++) {
      await turns();
      pass(100);
    }
    slow.push({ reader, reading, at: (await first).value?.length ?? 0 });
  }
  assert.ok(source.most <= maxReadBytes, `${source.most} bytes`);
  const quick = memory.open(source, size, undefined);
  pass(200);
  assert.equal(await readRest(pieces(quick)), size);
  quick.close();
  assert.ok(source.most <= maxReadBytes, `${source.most} bytes`);
  // What a slow one gave back it fetches again, and misses nothing.
  for (const one of slow.slice(0, 1)) {
    const ended = readRest(one.reading, one.at);
    for (let wait = 0; wait < 200; wait++) {
      await turns();
      pass(100);
    }
    assert.equal(await ended, size);
  }
  for (const { reader, reading } of slow) {
    await reading.return(undefined);
    reader.close();
  }
  await turns();
  assert.equal(source.out, 0);
});

test('case 13 a lone reader reads ahead, one that is closed gives all back', async () => {
  const { clock } = virtualClock();
  const memory = new ReadMemory(clock);
  const source = new Source();
  const reader = memory.open(source, size, undefined);
  const reading = pieces(reader);
  await reading.next();
  await turns();
  assert.equal(source.fetches, 32);
  await reading.return(undefined);
  reader.close();
  await turns();
  assert.equal(source.out, 0);
});

test('case 13 a client that takes all at once leaves the event loop a turn after each leaf', async () => {
  const { clock } = virtualClock();
  const reader = new ReadMemory(clock).open(
    { fetch: async (cid) => new Uint8Array(leafBytes).fill(cids.indexOf(cid)), release: () => undefined },
    size,
    undefined,
  );
  const taken = await turnsWhile(async () => {
    for await (const piece of pieces(reader)) assert.ok(piece.length > 0);
  });
  reader.close();
  assert.ok(taken.turns >= leafCount, `${taken.turns} turns`);
});

test('case 13 more clients than pieces have room for are told that it is too much', () => {
  const memory = new ReadMemory(virtualClock().clock);
  const open = () => memory.open(new Source(), size, undefined);
  const readers = Array.from({ length: 170 }, open);
  assert.throws(open, { code: 'busy' });
  readers[0]?.close();
  readers[0]?.close();
  open();
  assert.throws(open, { code: 'busy' });
});

test('case 13 a client that goes while it waits for memory leaves its turn to others', async () => {
  const { clock } = virtualClock();
  const memory = new ReadMemory(clock, leafBytes);
  await memory.take(leafBytes, undefined);
  const gone = new AbortController();
  const waiting = memory.take(leafBytes, gone.signal);
  const next = memory.take(leafBytes, undefined);
  gone.abort();
  await assert.rejects(waiting, { code: 'interrupted' });
  memory.give(leafBytes);
  await next;
});
