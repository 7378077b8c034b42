import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId, MemberPointer } from '../protocol/pointer.ts';
import { contactOf, memberAt } from '../testing/virtual-clock.ts';
import { KnownMembers } from './known-members.ts';

const [me, member] = [memberAt('0000'), memberAt('0001', 'spoke')];

function knownTo(heard: ReadonlySet<HostId>, gossip = true) {
  const options = {
    self: me.contact,
    members: [me],
    shape: { bits: 16, successors: 3 },
    cacheCapacity: 10_000,
    proximity: false,
    gossip,
  };
  const own = { get: () => undefined, before: () => undefined, after: () => null, everyFingers: () => [], joined: [] };
  const detector = {
    isDown: () => false,
    wasHeard: (host: HostId) => heard.has(host),
    whereabouts: (contact: Contact) => contact,
  };
  return new KnownMembers(options as never, { clock: { now: () => 0 }, own, detector } as never);
}

/** As a liar names them, each of a host of its own. */
const strangers: readonly MemberPointer[] = Array.from({ length: 1000 }, (_, index) =>
  memberAt((index + 256).toString(16).padStart(4, '0'), `stranger-${index}`),
);
const answer = { owned: null, guesses: strangers.slice(0, 500), closer: strangers.slice(500) };

test('of hosts that never spoke only some are learned from answers to lookups, of those that did all [R36]', () => {
  const heard = new Set([member.contact.host]);
  const known = knownTo(heard);
  known.learnFound(answer);
  assert.equal(known.cache.size, 128);
  known.learnFound({ ...answer, closer: [member] });
  assert.equal(known.cache.has(member.id), true);
  // When some of them have spoken, or are forgotten, there is room for others.
  for (const { contact } of strangers.slice(0, 10)) heard.add(contact.host);
  for (const { contact } of strangers.slice(10, 20)) known.forgetHost(contact.host);
  known.learnFound({ ...answer, guesses: [] });
  assert.equal(known.cache.size, 1 + 128 + 10);
});

test('where no news is told, all that answers to lookups name is learned', () => {
  const known = knownTo(new Set(), false);
  known.learnFound(answer);
  assert.equal(known.cache.size, strangers.length);
});

test('hosts after a key come in the order of their members, each once', () => {
  const known = knownTo(new Set());
  for (const [id, host] of [
    ['1000', 'a'],
    ['2000', 'b'],
    ['3000', 'a'],
    ['0500', 'c'],
  ] as const) {
    known.learn(memberAt(id, host));
  }
  assert.deepEqual(known.hostsAfter(memberAt('0f00').id), [contactOf('a'), contactOf('b'), contactOf('c')]);
  assert.deepEqual(known.hostsAfter(memberAt('0f00').id, 2), [contactOf('a'), contactOf('b')]);
});
