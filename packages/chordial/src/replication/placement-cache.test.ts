import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RingId, ringIdOfHash } from '@chordial/ring';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { ChordialError } from '../errors.ts';
import { PlacementCache } from './placement-cache.ts';

const key = ringIdOfHash('5a'.repeat(32), 256);
const names = ['a', 'b', 'c', 'd', 'e'];

test('readers take the confirmed places of a healthy ring, and a guess of the same hosts while the owner is silent', async () => {
  const ring = new StaticRing();
  for (const name of names) ring.add(contactOf(name));
  const { clock, pass } = virtualClock();
  const view = ring.view(contactOf('a'));
  const expected = ring.expectedPlaces(key as RingId, 3);
  const placed = (hosts: readonly { host: string }[]) => hosts.slice(0, 3).map(({ host }) => host);

  const healthy = await new PlacementCache(view, clock).likely(key, 3);
  assert.equal(healthy.isConfirmed, true);
  assert.deepEqual(placed(healthy.hosts), expected);

  const silent = new PlacementCache({ ...view, locate: () => new Promise(() => {}) }, clock);
  const guessed = silent.likely(key, 3);
  pass(300);
  const { hosts, isConfirmed } = await guessed;
  assert.equal(isConfirmed, false);
  assert.deepEqual(placed(hosts), expected);
  assert.equal(hosts.length, names.length);
});

test('a guess in a small network begins with hosts that have spoken, whatever rumours say of who is nearer', async () => {
  const ring = new StaticRing();
  for (const name of names) ring.add(contactOf(name));
  const { clock, pass } = virtualClock();
  const view = ring.view(contactOf('a'));
  const rumours = Array.from({ length: 64 }, (_, index) => contactOf(`rumour-${index}`));
  const nearby = (at: RingId) => [...rumours, ...view.nearby(at)];
  const silent = new PlacementCache({ ...view, nearby, locate: () => new Promise(() => {}) }, clock);
  const guessed = silent.likely(key, 3);
  pass(300);
  const { hosts } = await guessed;
  assert.deepEqual(
    hosts.slice(0, 3).map(({ host }) => host),
    ring.expectedPlaces(key, 3),
  );
  assert.equal(new Set(hosts.slice(0, names.length).map(({ host }) => host)).size, names.length);
  assert.equal(
    hosts.slice(0, names.length).some((contact) => rumours.includes(contact)),
    false,
  );
});

test('B4 a put waits 12 s for a ring that does not recover, and says then that copies cannot be had', async () => {
  const ring = new StaticRing();
  for (const name of names) ring.add(contactOf(name));
  const { clock, pass } = virtualClock();
  let lookups = 0;
  const locate = async () => {
    lookups += 1;
    pass(4000);
    throw new ChordialError('timeout', 'The owner of the key could not be found in time.');
  };
  const placement = new PlacementCache({ ...ring.view(contactOf('a')), locate }, clock);
  const timer = setInterval(() => pass(100), 1);
  const isTooFew = (error: unknown) => error instanceof ChordialError && error.code === 'too-few-copies';
  await assert.rejects(placement.writable(key, 3), isTooFew);
  clearInterval(timer);
  assert.ok(lookups >= 2, `${lookups} lookups`);
});
