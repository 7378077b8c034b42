import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contactOf, memberAt } from '@chordial/ring/testing';
import { askedMembers } from './ring-adapter.ts';

function ringOf(known: number, rumoured: number) {
  const hosts = Array.from({ length: known }, (_, index) => contactOf(`host-${index}`));
  const rumours = Array.from({ length: rumoured }, (_, index) => contactOf(`rumour-${index}`));
  const members = [contactOf('me'), ...hosts, ...rumours].map(({ host }, index) =>
    memberAt(index.toString(16).padStart(4, '0'), host),
  );
  return { self: contactOf('me'), members: () => members, hostsWithPlaces: () => hosts };
}

test('in a small network a question to everybody goes to those that have spoken, and to no host known only by hearsay', () => {
  const asked = askedMembers(ringOf(4, 500)).map(({ contact }) => contact.host);
  assert.deepEqual(asked, ['me', 'host-0', 'host-1', 'host-2', 'host-3']);
});

test('in a large network members of hosts that never spoke to this one are asked too', () => {
  const ring = ringOf(64, 200);
  assert.deepEqual(askedMembers(ring), ring.members());
});
