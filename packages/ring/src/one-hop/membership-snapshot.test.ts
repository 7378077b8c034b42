import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RingId, ringId } from '../protocol/identifier.ts';
import type { MembershipEvent, RingAsks } from '../protocol/messages.ts';
import type { HostId, MemberPointer } from '../protocol/pointer.ts';
import { memberAt, virtualClock } from '../testing/virtual-clock.ts';
import { MemberCache } from './member-cache.ts';
import { SnapshotReader, snapshotPage } from './membership-snapshot.ts';

const bits = 16;
const members: readonly MemberPointer[] = Array.from({ length: 300 }, (_, i) => memberAt(ringId(200 * i + 5, bits)));
const firstIdOf = (host: HostId): RingId | null => members.find(({ contact }) => contact.host === host)?.id ?? null;

function eventOf({ contact }: MemberPointer): MembershipEvent {
  return { type: 'alive', contact, virtualNodes: 1, incarnation: 1 };
}

/** A newcomer that reads from hosts which answer as given. */
function read(answer: (ask: RingAsks['snapshot']) => readonly MembershipEvent[] | null) {
  const { clock, pass } = virtualClock();
  const learnt = new Set<HostId>();
  let [asks, begun] = [0, 0];
  const reader = new SnapshotReader(
    {
      clock,
      random: { next: () => 0.3 },
      live: () => members.slice(0, 3).map(({ contact }) => contact),
      ask: (_to, ask, done) => {
        asks++;
        const hosts = answer(ask);
        clock.after(10, () => done(hosts === null ? null : { total: members.length, hosts }));
      },
      firstIdOf,
      learn: (hosts) => {
        for (const { contact } of hosts) learnt.add(contact.host);
      },
      isClosed: () => false,
    },
    members[150]!.id,
  );
  reader.begin(() => {
    begun++;
  });
  pass(30_000);
  return { learnt, reader, asks: () => asks, begun: () => begun, pass };
}

test('C2 a newcomer reads the whole snapshot, page by page, from wherever it stands [R35]', () => {
  const cache = new MemberCache({ bits, capacity: 1000, center: members[0]!.id, idOf: null });
  cache.load(members);
  const { learnt, reader, asks, begun } = read((ask) => snapshotPage(cache, ask, eventOf));
  assert.equal(learnt.size, members.length);
  assert.equal(reader.total, members.length);
  assert.equal(begun(), 1);
  assert.ok(asks() <= 4, `${asks()} pages`);
});

test('C2 a newcomer that no one answers begins all the same, and does not ask for ever', () => {
  const { asks, begun } = read(() => null);
  assert.equal(begun(), 1);
  assert.equal(asks(), 3);
});

test('C2 hosts that repeat the same page without end are left after a bounded number of pages [R35]', () => {
  const page = members.slice(0, 128).map(eventOf);
  const { asks } = read(() => page);
  assert.ok(asks() <= 128, `${asks()} pages`);
});
