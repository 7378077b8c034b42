import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { LimitedPeers } from './limited-peers.ts';

test('B11 peers that say that their limit holds them back are named while they say so', () => {
  const { clock, pass } = virtualClock();
  const limited = new LimitedPeers(clock, (host) => `peer ${host}`);
  const note = (...hosts: readonly string[]): void => {
    for (const host of hosts) limited.note({ host: host as HostId });
  };
  assert.equal(limited.reason(), null);
  note('a');
  pass(2000);
  note('b');
  assert.equal(limited.reason()?.text, 'Slow because of the limits of other peers: peer a, peer b.');
  pass(2000);
  assert.equal(limited.reason()?.text, 'Slow because of the limits of other peers: peer b.');
  note('a', 'c', 'd', 'e');
  assert.match(limited.reason()?.text ?? '', /peer b, peer a, peer c and 2 more\.$/);
  note(...Array.from({ length: 1000 }, (_, number) => `many ${number}`));
  assert.match(limited.reason()?.text ?? '', / and 253 more\.$/);
  pass(4000);
  assert.equal(limited.reason(), null);
});
