import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import type { PublisherEntry } from '../records/publisher-entry.ts';
import { Catalog } from '../storage/catalog.ts';
import { ClaimTable } from '../storage/claim-table.ts';
import { MemoryBlockStore } from '../storage/memory-block-store.ts';
import type { PutNews } from './claim-messages.ts';
import { ClaimUpkeep } from './claim-upkeep.ts';
import { SupersededPuts } from './superseded-puts.ts';

const hour = 3600 * 1000;
const inFlight: PutNews = { state: 'in progress', expiry: null };

/** A holder of one block per name, whose publishers say what `words` says. */
function scene() {
  const { clock, random, pass } = virtualClock();
  const catalog = new Catalog(':memory:');
  const claims = new ClaimTable(catalog);
  const blocks = new MemoryBlockStore(1e6, claims);
  const words = new Map<string, PublisherEntry>();
  const asked: string[] = [];
  /** Publishers of other names say that their puts go on. */
  const news = new Map<string, PutNews>();
  const dead = new Set<string>();
  const ended = new SupersededPuts();
  const upkeep = new ClaimUpkeep({
    claims,
    catalog: { write: async (change) => change() },
    blocks,
    clock,
    random,
    ended,
    newsOf: async (publisher, puts) =>
      dead.has(publisher) ? null : puts.map(({ name }) => news.get(name) ?? inFlight),
    wordOf: async (_, name) => {
      asked.push(name);
      return words.get(name) ?? { kind: 'unknown' };
    },
    expireRecords: async () => undefined,
  });
  const settle = async () => {
    for (let turn = 0; turn < 40; turn++) await Promise.resolve();
  };
  return {
    claims,
    blocks,
    words,
    news,
    dead,
    asked,
    ended,
    upkeep,
    hold: async (name: string, sequence = 5) => {
      const bytes = Buffer.from(name);
      await blocks.put([{ cid: cidOfBlock(rawCodec, bytes), bytes }]);
      const key = (await blocks.keys('all', null, 100)).items.find(({ size }) => size === bytes.length)!.key;
      claims.add(key, [{ publisher: 'P', name, sequence, replicas: 3 }], clock.wallTime());
    },
    /** Passes so much time in steps, with whatever it sets going. */
    later: async (milliseconds: number, step = 5000) => {
      for (let passed = 0; passed < milliseconds; passed += step) {
        pass(Math.min(step, milliseconds - passed));
        await settle();
      }
    },
  };
}

test('B12 a block goes when its publisher says so and the entry shows it, not before', async () => {
  const at = scene();
  await at.hold('a');
  at.words.set('a', { kind: 'entry', sequence: 5, current: true, expiry: null });
  at.upkeep.release('P', [{ name: 'a', sequence: 6 }]);
  await at.later(2000, 500);
  assert.equal(at.blocks.count(), 1);
  at.words.set('a', { kind: 'entry', sequence: 6, current: false, expiry: null });
  await at.later(2000, 500);
  assert.equal(at.blocks.count(), 0);
  assert.deepEqual(at.claims.walk(0, 10), []);
  await at.upkeep.close();
});

test('B12 no one asks for names of which nothing is held', async () => {
  const at = scene();
  at.upkeep.release('Q', [{ name: 'a', sequence: 6 }]);
  await at.later(2000, 500);
  assert.deepEqual(at.asked, []);
  await at.upkeep.close();
});

test('B12 a put is confirmed soon, and what expires goes without anybody being asked', async () => {
  const at = scene();
  at.news.set('a', { state: 'over', expiry: null });
  await at.hold('a');
  const expiry = at.claims.walk(0, 1)[0]!.added + 60_000;
  at.words.set('a', { kind: 'entry', sequence: 5, current: true, expiry });
  await at.later(20_000);
  assert.equal(at.claims.walk(0, 1)[0]!.expiry, expiry);
  at.words.delete('a');
  await at.later(30_000);
  assert.equal(at.blocks.count(), 1);
  await at.later(20_000);
  assert.equal(at.blocks.count(), 0);
  await at.upkeep.close();
});

test('case 2 a put that failed is let go within 60 s of its last block, when its publisher says so', async () => {
  const at = scene();
  await at.hold('fails');
  await at.hold('goes on');
  at.words.set('fails', { kind: 'absent' });
  at.words.set('goes on', { kind: 'absent' });
  await at.later(hour, 10_000);
  assert.equal(at.blocks.count(), 2);
  at.news.set('fails', { state: 'over', expiry: null });
  await at.later(20_000);
  assert.equal(at.blocks.count(), 1);
  const claim = { publisher: 'P', name: 'fails', sequence: 5, replicas: 3 };
  assert.equal(at.ended.gaveUp(claim), true);
  assert.equal(at.ended.areOver([claim]), false);
  await at.upkeep.close();
});

test('case 2 a put whose publisher died is let go within 60 s, also where too few are left to say whether it committed', async () => {
  for (const word of [{ kind: 'absent' }, { kind: 'unknown' }] as const) {
    const at = scene();
    await at.later(hour, 60_000);
    await at.hold('name');
    at.words.set('name', word);
    at.dead.add('P');
    await at.later(25_000);
    assert.equal(at.blocks.count(), 1, word.kind);
    await at.later(35_000);
    assert.equal(at.blocks.count(), 0, word.kind);
    await at.upkeep.close();
  }
});

test('case 2 what a dead publisher has committed stays, and so does what it says that it committed', async () => {
  const at = scene();
  await at.hold('seen');
  at.words.set('seen', { kind: 'entry', sequence: 5, current: true, expiry: null });
  at.dead.add('P');
  await at.later(hour, 5000);
  assert.equal(at.blocks.count(), 1);
  await at.hold('told');
  assert.deepEqual(at.upkeep.told('P', [{ name: 'told', sequence: 5, state: 'committed', expiry: null }]), [true]);
  await at.later(hour, 5000);
  assert.equal(at.blocks.count(), 2);
  // Its word ends nothing that is committed, and no one speaks for another.
  at.upkeep.told('P', [{ name: 'told', sequence: 5, state: 'over', expiry: null }]);
  await at.hold('other');
  at.dead.delete('P');
  at.upkeep.told('Q', [{ name: 'other', sequence: 5, state: 'over', expiry: null }]);
  await at.later(1000, 100);
  assert.equal(at.blocks.count(), 3);
  at.upkeep.told('P', [{ name: 'other', sequence: 5, state: 'over', expiry: null }]);
  await at.later(1000, 100);
  assert.equal(at.blocks.count(), 2);
  assert.deepEqual(at.upkeep.told('P', [{ name: 'other', sequence: 5, state: 'in progress', expiry: null }]), [false]);
  await at.upkeep.close();
});

test('case 2 a holder that has just started hears a publisher out before it lets anything go', async () => {
  const at = scene();
  await at.hold('name');
  at.dead.add('P');
  at.words.set('name', { kind: 'absent' });
  at.claims.markChecked(at.claims.walk(0, 1)[0]!, 0);
  await at.later(25_000);
  assert.equal(at.blocks.count(), 1);
  await at.later(25_000);
  assert.equal(at.blocks.count(), 0);
  await at.upkeep.close();
});

test('B12 case 2 a put that never commits is over a day after its last block, whatever its publisher says', async () => {
  const at = scene();
  await at.hold('absent');
  at.words.set('absent', { kind: 'absent' });
  await at.later(23 * hour, 300_000);
  assert.equal(at.blocks.count(), 1);
  await at.later(2 * hour, 300_000);
  assert.equal(at.blocks.count(), 0);
  await at.upkeep.close();
});

test('B12 everything is asked for again every 6 h, so that an end of which no one told is found', async () => {
  const at = scene();
  await at.hold('a');
  at.words.set('a', { kind: 'entry', sequence: 5, current: true, expiry: null });
  await at.later(hour, 60_000);
  at.words.set('a', { kind: 'entry', sequence: 6, current: false, expiry: null });
  await at.later(6 * hour, 60_000);
  assert.equal(at.blocks.count(), 0);
  await at.upkeep.close();
});

test('B12 a put that a later entry ended is known to be over, the later one is not', async () => {
  const at = scene();
  await at.hold('a', 5);
  at.news.set('a', { state: 'over', expiry: null });
  at.words.set('a', { kind: 'entry', sequence: 7, current: true, expiry: null });
  await at.later(30_000);
  assert.equal(at.blocks.count(), 0);
  const claim = { publisher: 'P', name: 'a', sequence: 5, replicas: 3 };
  assert.equal(at.ended.areOver([claim]), true);
  assert.deepEqual(at.ended.standing([claim, { ...claim, sequence: 7 }]), [{ ...claim, sequence: 7 }]);
  assert.equal(at.ended.areOver([{ ...claim, name: 'b' }]), false);
  assert.equal(at.ended.areOver([]), false);
  await at.upkeep.close();
});
