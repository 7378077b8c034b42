import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId, MemberPointer } from '../protocol/pointer.ts';
import { contactOf, memberAt, virtualClock } from '../testing/virtual-clock.ts';
import { ClientNode } from './client-node.ts';
import type { FailureDetector } from './failure-detector.ts';
import type { AskFailure, RingNetwork } from './ports.ts';
import type { HostPorts } from './ring-host-options.ts';
import { defaultTimers } from './timers.ts';

function scene(answers: Readonly<Record<string, 'alive' | AskFailure>>, named: readonly MemberPointer[] = []) {
  const { clock, random, pass } = virtualClock();
  const live = new Set<string>();
  let lookups = 0;
  const network: RingNetwork = {
    ask: () => assert.fail('a client node asks by lookups'),
    ping: ({ host }, timeout, done) => {
      clock.after(answers[host] === 'alive' ? 1 : timeout, () => done(answers[host] ?? 'timeout'));
    },
  };
  const detector = {
    liveness: (host: HostId) => (live.has(host) ? 'alive' : null),
    isDown: () => false,
  } as Partial<FailureDetector> as FailureDetector;
  const ports = { clock, random, network, detector, isClosed: () => false } as Partial<HostPorts> as HostPorts;
  const options = { shape: { bits: 8, successors: 3 }, timers: { ...defaultTimers, maxTimeout: 1000 } };
  const client = new ClientNode(options, ports, {
    knownMembers: () => named,
    heard: ({ host }) => live.add(host),
    lookup: (_, done) => {
      lookups += 1;
      clock.after(1, done);
    },
  });
  const begun = (names: readonly string[]) => {
    const outcome: boolean[] = [];
    client.begin(names.map(contactOf), (connected) => outcome.push(connected));
    return outcome;
  };
  return { client, begun, live, pass, lookups: () => lookups };
}

test('a client node is connected as soon as one host answers, and not when none does', () => {
  const some = scene({ b: 'alive' });
  const outcome = some.begun(['a', 'b']);
  some.pass(10);
  assert.deepEqual(outcome, [true]);
  some.pass(5000);
  assert.deepEqual(outcome, [true]);
  some.client.close();
  const none = scene({ a: 'refused' });
  const failed = none.begun(['a', 'b']);
  none.pass(2000);
  assert.deepEqual([failed, none.begun([])], [[false], []]);
});

test('a client node gets to know whom answers name, quickly at first and then ever again', () => {
  const at = scene({ a: 'alive', c: 'alive' }, [memberAt('10', 'c'), memberAt('20', 'd')]);
  at.begun(['a']);
  at.pass(2000);
  assert.deepEqual([...at.live].sort(), ['a', 'c']);
  assert.equal(at.lookups(), 8);
  at.pass(60_000);
  assert.ok(at.lookups() >= 11 && at.lookups() <= 14);
  at.client.close();
  const before = at.lookups();
  at.pass(60_000);
  assert.equal(at.lookups(), before);
});
