import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { type HeldShareEntry, shareBody, sharePostingEntry } from '../records/share-entry.ts';
import { parseWordQuery } from './query.ts';
import { WordIndex, type WordIndexPorts } from './word-index.ts';

const source = { host: 'publisher' as HostId, addresses: [] };
const root = cidOfBlock(rawCodec, Buffer.from('content'));

function posting(name: string): HeldShareEntry {
  const body = shareBody({ size: 7, type: 'file', time: 1, sha256: null });
  return { ...sharePostingEntry('report', name, root, body), source, batch: 1, expiry: 1e15 };
}

/** With one posting of `report` for each name in `held`, and a clock that stands still but for `pass`. */
function indexOver(held: string[]) {
  const state = { now: 0, changes: 0, reads: 0 };
  const shares = {
    heldHere: () => {
      state.reads += 1;
      return held.map(posting);
    },
  };
  const clock = { now: () => state.now, wallTime: () => 0 };
  const ports = { table: { *inTurns() {} }, shares, clock, isDead: () => false, changes: () => state.changes };
  const index = new WordIndex(ports as unknown as WordIndexPorts);
  const find = (query: string) => index.find('report', parseWordQuery(query)).map(({ name }) => name);
  return { index, find, state };
}

test('a word is read once while nothing changes, and again after a change or a minute', () => {
  const held = ['report aa.pdf'];
  const { index, find, state } = indexOver(held);
  assert.deepEqual(find('report'), ['report aa.pdf']);
  state.now = 30_000;
  assert.deepEqual(find('report'), ['report aa.pdf']);
  assert.deepEqual(find('report -bb'), ['report aa.pdf']);
  assert.equal(index.frequency('report').count, 1);
  assert.equal(state.reads, 1);
  held.push('report bb.pdf');
  state.changes += 1;
  assert.deepEqual(find('report -aa'), ['report bb.pdf']);
  assert.equal(find('report').length, 2);
  assert.equal(state.reads, 2);
  state.now += 60_001;
  assert.equal(index.frequency('report').count, 2);
  assert.equal(state.reads, 3);
});

test('a change soon after a long word was read does not make it be read again', () => {
  const held = Array.from({ length: 1000 }, (_, number) => `report ${number}.pdf`);
  const { find, state } = indexOver(held);
  find('report');
  state.changes += 1;
  state.now = 1999;
  assert.equal(find('report').length, 1000);
  assert.equal(state.reads, 1);
  state.now = 2001;
  find('report');
  assert.equal(state.reads, 2);
});
