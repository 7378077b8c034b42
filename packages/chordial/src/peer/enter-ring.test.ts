import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, RingHost, RingNetwork } from '@chordial/ring';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import { returnToRing } from './enter-ring.ts';

type Answer = 'silent' | 'there' | 'member';

const answerMilliseconds = 10;

/** One that comes back as `name` and remembers the others; each answers as it is told to. */
function setUp(name: string, answers: Record<string, Answer>, nearby: () => readonly Contact[] = () => []) {
  const { clock, random, pass } = virtualClock();
  let entered: 'founded' | 'joined' | null = null;
  const remembered: Contact[] = [];
  const ring = {
    self: contactOf(name),
    isClient: false,
    found: () => {
      entered = 'founded';
    },
    join: (_: readonly Contact[], done: (failure: null) => void) => {
      entered = 'joined';
      done(null);
    },
    remember: (contacts: readonly Contact[]) => remembered.push(...contacts),
  } as Partial<RingHost> as RingHost;
  const ask = (to: Contact, { deadline }: { deadline: number }, done: (result: unknown) => void) => {
    const answer = answers[to.host] ?? 'silent';
    const events = answer === 'member' ? [{ type: 'alive', contact: to, virtualNodes: 1, incarnation: 1 }] : [];
    const result =
      answer === 'silent' ? { ok: false, failure: 'silent' } : { ok: true, answer: { events, reached: [true] } };
    clock.after(answer === 'silent' ? deadline : answerMilliseconds, () => done(result));
  };
  const network = { ask } as unknown as RingNetwork;
  const signal = new AbortController().signal;
  const remembers = [contactOf(name), ...Object.keys(answers).map(contactOf)];
  const ports = { ring, ownId: name, network, clock, random, signal, tell: () => {} };
  const returning = returnToRing(remembers, ports, nearby);
  /** Virtual milliseconds until it is in a ring; null when it is not within so many. */
  const entersWithin = async (most: number): Promise<number | null> => {
    for (let passed = 0; passed < most; passed += answerMilliseconds) {
      // Promises of the code under test settle between two turns of the clock.
      await new Promise((resolve) => setImmediate(resolve));
      if (entered !== null) return passed;
      pass(answerMilliseconds);
    }
    return null;
  };
  return { answers, entersWithin, returning, entered: () => entered, remembered };
}

test('A3 when all whom it remembers are there and none is a member, the smallest founds again at once', async () => {
  const { entersWithin, returning, entered, remembered } = setUp('a', { b: 'there', c: 'there' });
  assert.ok(((await entersWithin(2000)) ?? 2000) < 500);
  await returning;
  assert.equal(entered(), 'founded');
  assert.deepEqual(
    remembered.map(({ host }) => host),
    ['b', 'c'],
  );
});

test('A3 while one is silent the smallest waits 3 s before it founds, for that one may be a member', async () => {
  const { entersWithin, entered } = setUp('a', { b: 'there', c: 'silent' });
  assert.equal(await entersWithin(2900), null);
  assert.notEqual(await entersWithin(2000), null);
  assert.equal(entered(), 'founded');
});

test('A3 another leaves it to the smallest, joins it when it has founded, and founds when it does not', async () => {
  const waiting = setUp('b', { a: 'there', c: 'there' });
  assert.equal(await waiting.entersWithin(4900), null);
  waiting.answers['a'] = 'member';
  assert.notEqual(await waiting.entersWithin(2000), null);
  assert.equal(waiting.entered(), 'joined');
  const left = setUp('b', { a: 'there', c: 'there' });
  assert.notEqual(await left.entersWithin(12_000), null);
  assert.equal(left.entered(), 'founded');
});

test('A3 B10 a member that is found on the local network meanwhile is asked as well', async () => {
  let found: readonly Contact[] = [];
  const { answers, entersWithin, entered } = setUp('a', { b: 'silent' }, () => found);
  assert.equal(await entersWithin(1000), null);
  answers['c'] = 'member';
  found = [contactOf('c')];
  assert.notEqual(await entersWithin(1500), null);
  assert.equal(entered(), 'joined');
});
