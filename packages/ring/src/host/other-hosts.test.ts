import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingAsks, RingMessageKind } from '../protocol/messages.ts';
import type { Contact } from '../protocol/pointer.ts';
import { contactOf, memberAt, virtualClock } from '../testing/virtual-clock.ts';
import { RingHost } from './ring-host.ts';
import { defaultTimers } from './timers.ts';

const [me, other, ghost] = [memberAt('10'), memberAt('80'), memberAt('c0')];

/** A host alone on its ring that another one speaks to; no one can be reached. */
function host() {
  const { clock, pass } = virtualClock();
  const asked: { kind: RingMessageKind; ask: RingAsks[RingMessageKind]; to: string }[] = [];
  const pinged: string[] = [];
  const changes: string[] = [];
  const restarted: string[] = [];
  const ring = new RingHost(
    {
      self: me.contact,
      members: [me],
      incarnation: 1,
      shape: { bits: 8, successors: 3 },
      smallRings: true,
      timers: defaultTimers,
      cacheCapacity: 100,
      parallelAsks: 1,
      proximity: false,
      gossip: true,
      observe: (event) => {
        if (event.kind === 'restarted') restarted.push(event.contact.host);
        if (event.kind === 'host' && event.hadPlaces) changes.push(`${event.contact.host} ${event.liveness}`);
      },
    },
    {
      clock,
      random: { next: () => 0.5 },
      network: {
        ask: (to, { kind, ask }, done) => {
          asked.push({ kind, ask, to: to.host });
          clock.after(1, () => done({ ok: false, failure: 'refused' }));
        },
        ping: (to, _timeout, done) => {
          pinged.push(to.host);
          clock.after(1, () => done(to.host === other.contact.host ? 'alive' : 'unreachable'));
        },
      },
    },
  );
  ring.found();
  ring.heard(other.contact);
  told(ring, [other.contact]);
  return { ring, asked, pinged, pass, changes, restarted };
}

/** Gossips arrivals of these hosts, each with a place. */
function told(ring: RingHost, contacts: readonly Contact[]): void {
  const events = contacts.map((contact) => ({ type: 'alive', contact, virtualNodes: 1, incarnation: 1 }) as const);
  ring.handle(other.contact.host, 'gossip', { events }, () => {});
}

const newsOf = (asked: ReturnType<typeof host>['asked'], name: string) =>
  asked.filter(
    ({ kind, ask }) => kind === 'gossip' && (ask as RingAsks['gossip']).events.some((e) => e.contact.host === name),
  );

test('of hosts of which there are only rumours the death is not told, and few are looked for [R36]', () => {
  const { ring, asked, pinged, pass } = host();
  const ghosts = Array.from({ length: 100 }, (_, index) => contactOf(`ghost-${index}`));
  for (const one of ghosts) ring.suspect(one);
  pass(5000);
  for (const one of ghosts) assert.equal(ring.isDown(one.host), true);
  pinged.length = 0;
  pass(300_000);
  for (const one of ghosts) assert.deepEqual(newsOf(asked, one.host), []);
  const lookedFor = new Set(pinged.filter((name) => name.startsWith('ghost')));
  assert.ok(lookedFor.size > 0 && lookedFor.size <= 32, `${lookedFor.size} are looked for`);
});

test('a host that was never found gone and says something newer of itself may have restarted [R34]', () => {
  const { ring, restarted } = host();
  restarted.length = 0;
  const says = (incarnation: number) =>
    ring.handle(
      other.contact.host,
      'gossip',
      { events: [{ type: 'alive', contact: other.contact, virtualNodes: 1, incarnation }] },
      () => {},
    );
  says(1);
  assert.deepEqual(restarted, []);
  says(5);
  says(5);
  says(4);
  assert.deepEqual(restarted, [other.contact.host]);
});

test('the death of one that was heard is told, and it is looked for', () => {
  const { ring, asked, pinged, pass } = host();
  ring.heard(ghost.contact);
  pass(10);
  ring.suspect(ghost.contact);
  pass(5000);
  assert.equal(ring.isDown(ghost.contact.host), true);
  assert.ok(newsOf(asked, ghost.contact.host).length > 0);
  pinged.length = 0;
  pass(120_000);
  assert.equal(pinged.includes(ghost.contact.host), true);
});

test('one that only greets is no host with places, and gets no news [R36]', () => {
  const { ring, asked, pass } = host();
  const guests = Array.from({ length: 300 }, (_, index) => contactOf(`guest-${index}`));
  for (const one of guests) ring.heard(one);
  assert.deepEqual(ring.hostsWithPlaces(), [other.contact]);
  told(ring, [ghost.contact]);
  pass(5000);
  const told300 = asked.filter(({ kind, to }) => kind === 'gossip' && to.startsWith('guest'));
  assert.deepEqual(told300, []);
  assert.ok(newsOf(asked, ghost.contact.host).some(({ to }) => to === other.contact.host));
});

test('a host has places when it was told that it came with some, or when one of its members is known', () => {
  const { ring } = host();
  ring.heard(ghost.contact);
  assert.deepEqual(ring.hostsWithPlaces(), [other.contact]);
  const notices = [{ to: me.id, from: ghost }];
  ring.handle(ghost.contact.host, 'notify', { notices }, () => {});
  assert.deepEqual(new Set(ring.hostsWithPlaces()), new Set([other.contact, ghost.contact]));
});

test('the hosts with places are found again only after a change, and follow each', () => {
  const { ring, pass } = host();
  const before = ring.hostsWithPlaces();
  ring.heard(other.contact);
  assert.equal(ring.hostsWithPlaces(), before);
  ring.heard(ghost.contact);
  ring.handle(ghost.contact.host, 'notify', { notices: [{ to: me.id, from: ghost }] }, () => {});
  assert.deepEqual(new Set(ring.hostsWithPlaces()), new Set([other.contact, ghost.contact]));
  const moved = { ...ghost.contact, addresses: ['192.0.2.9:4001'] };
  ring.heard(moved);
  assert.ok(ring.hostsWithPlaces().includes(moved));
  pass(10);
  ring.suspect(moved);
  pass(5000);
  assert.deepEqual(ring.hostsWithPlaces(), [other.contact]);
  ring.handle(other.contact.host, 'leave', { forGood: true, members: [other.id] }, () => {});
  assert.deepEqual(ring.hostsWithPlaces(), []);
});

test('that hosts without places, or of which there are only rumours, are gone changes nothing here', () => {
  const { ring, pass, changes } = host();
  const rumour = contactOf('rumour');
  told(ring, [rumour]);
  ring.heard(ghost.contact);
  pass(10);
  for (const one of [rumour, ghost.contact]) ring.suspect(one);
  pass(5000);
  for (const one of [rumour, ghost.contact]) assert.equal(ring.isDown(one.host), true);
  assert.deepEqual(changes, []);
  const neighbour = contactOf('neighbour');
  ring.heard(neighbour);
  told(ring, [neighbour]);
  pass(10);
  ring.suspect(neighbour);
  pass(5000);
  assert.equal(ring.isDown(neighbour.host), true);
  assert.deepEqual(changes, ['neighbour dead']);
  ring.heard(neighbour);
  assert.deepEqual(changes, ['neighbour dead', 'neighbour alive']);
  assert.ok(ring.hostsWithPlaces().includes(neighbour));
});

test('a host that slept or moved tells all at once, in a new life, and looks for those that it lost [R26 R37]', () => {
  const { ring, asked, pinged, pass } = host();
  ring.heard(ghost.contact);
  pass(10);
  ring.suspect(ghost.contact);
  // Down for so long that it is probed once a minute.
  pass(1_200_000);
  assert.equal(ring.isDown(ghost.contact.host), true);
  pass(1000);
  [asked.length, pinged.length] = [0, 0];
  ring.resume();
  assert.ok(pinged.includes(ghost.contact.host));
  pass(100);
  const news = newsOf(asked, me.contact.host)[0]!;
  assert.equal(news.to, other.contact.host);
  assert.deepEqual((news.ask as RingAsks['gossip']).events, [
    { type: 'alive', contact: me.contact, virtualNodes: 1, incarnation: 2 },
  ]);
});
