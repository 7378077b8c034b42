import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MembershipEvent, ringId } from '@chordial/ring';
import { eventsBytes, snapshotBytes } from '@chordial/ring/testing';
import { hostIdOfPublicKey } from '../src/network/host-id.ts';
import { ringCodec } from '../src/network/ring-codec.ts';
import { encodeBody } from '../src/network/wire-body.ts';

const codec = ringCodec({ bits: 256, successors: 16, rule: 'key' });
const arrival: MembershipEvent = {
  type: 'alive',
  contact: { host: hostIdOfPublicKey(new Uint8Array(32).fill(1)), addresses: ['192.0.2.1:4848'] },
  virtualNodes: 20,
  incarnation: 1_790_000_000_000,
};
const departure = { first: ringId(7, 256), type: 'dead', incarnation: 1_790_000_000_000 } as const;

test('C2 events have as many bytes in the simulator as on the wire', () => {
  for (const [a, d] of [
    [0, 1],
    [1, 0],
    [30, 30],
  ] as const) {
    const ask = {
      until: ringId(9, 256),
      arrivals: new Array<MembershipEvent>(a).fill(arrival),
      departures: new Array<typeof departure>(d).fill(departure),
    };
    assert.equal(eventsBytes(ask), encodeBody(codec.encodeAsk('events', ask, true)).length);
  }
  const page = { total: 10_000, hosts: new Array<MembershipEvent>(128).fill(arrival) };
  assert.equal(snapshotBytes(page), encodeBody(codec.encodeAnswer('snapshot', page, true)).length);
});
