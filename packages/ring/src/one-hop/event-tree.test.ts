import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ringId } from '../protocol/identifier.ts';
import type { MembershipEvent } from '../protocol/messages.ts';
import type { HostId, MemberPointer } from '../protocol/pointer.ts';
import { memberAt, virtualClock } from '../testing/virtual-clock.ts';
import { EventTree } from './event-tree.ts';
import { MemberCache } from './member-cache.ts';

const bits = 16;

/** Hosts at the given places that all know each other; `silent` ones answer nothing. */
function network(places: readonly number[], silent: ReadonlySet<number> = new Set()) {
  const { clock, pass } = virtualClock();
  const members: MemberPointer[] = places
    .map((place) => memberAt(ringId(place, bits)))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const told = new Map<HostId, number>();
  const gone = new Map<HostId, number>();
  let messages = 0;
  const spreads = new Map<HostId, EventTree>();
  const silentHosts = new Set([...silent].map((place) => memberAt(ringId(place, bits)).contact.host));
  for (const { id, contact } of members) {
    const cache = new MemberCache({ bits, capacity: 1000, center: id, idOf: null });
    cache.load(members);
    const count = (counts: Map<HostId, number>) => counts.set(contact.host, (counts.get(contact.host) ?? 0) + 1);
    spreads.set(
      contact.host,
      new EventTree({
        clock,
        self: contact.host,
        place: id,
        cache,
        hosts: () => members.length,
        firstIdOf: (host) => members.find((member) => member.contact.host === host)?.id ?? null,
        isGone: () => false,
        send: (to, ask, done) => {
          messages++;
          const isSilent = silentHosts.has(to.host);
          clock.after(10, () => {
            if (!isSilent) spreads.get(to.host)!.take(ask);
            done(!isSilent);
          });
        },
        arrived: () => count(told),
        departed: () => count(gone),
      }),
    );
  }
  const event = (host: MemberPointer, incarnation = 1): MembershipEvent => ({
    type: 'alive',
    contact: host.contact,
    virtualNodes: 1,
    incarnation,
  });
  return { members, spreads, told, gone, pass, event, messages: () => messages };
}

const somePlaces = fc.uniqueArray(fc.integer({ min: 0, max: 65_535 }), { minLength: 2, maxLength: 60 });

test('C2 an event reaches every other host once, over one message each [R32]', () => {
  fc.assert(
    fc.property(somePlaces, fc.nat(), (places, chosen) => {
      const { members, spreads, told, pass, event, messages } = network(places);
      const reporter = members[chosen % members.length]!;
      spreads.get(reporter.contact.host)!.reportArrival(event(reporter));
      pass(60_000);
      assert.equal(told.size, members.length - 1);
      assert.deepEqual(new Set(told.values()), new Set([1]));
      assert.equal(messages(), members.length - 1);
    }),
    { numRuns: 50 },
  );
});

test('C2 a host that does not answer is passed over: those behind it hear the news all the same [R32]', () => {
  const places = Array.from({ length: 50 }, (_, i) => 1000 * i + 7);
  const silent = new Set([places[1]!, places[8]!, places[30]!]);
  const { members, spreads, told, pass, event } = network(places, silent);
  spreads.get(members[0]!.contact.host)!.reportArrival(event(members[0]!));
  pass(60_000);
  assert.equal(told.size, members.length - 1 - silent.size);
});

test('C2 two that report the same death at once: everybody hears of it once', () => {
  const { members, spreads, gone, pass } = network(Array.from({ length: 40 }, (_, i) => 1500 * i + 3));
  const departure = { first: members[20]!.id, type: 'dead', incarnation: 5 } as const;
  for (const reporter of [members[3]!, members[19]!]) spreads.get(reporter.contact.host)!.reportDeparture(departure);
  pass(60_000);
  assert.ok(gone.size >= members.length - 2, `${gone.size} hosts heard`);
  assert.deepEqual(new Set(gone.values()), new Set([1]));
});

test('C2 news of an earlier life is neither believed nor told on [R34]', () => {
  const { members, spreads, told, gone, pass, event } = network(Array.from({ length: 10 }, (_, i) => 5000 * i));
  const [reporter, other] = [members[0]!, members[4]!];
  spreads.get(reporter.contact.host)!.reportArrival(event(other, 9));
  pass(60_000 / 2);
  spreads.get(reporter.contact.host)!.reportDeparture({ first: other.id, type: 'dead', incarnation: 8 });
  pass(60_000 / 4);
  assert.ok(told.size > 0);
  assert.equal(gone.size, 0);
});
