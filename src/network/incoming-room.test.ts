import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import {
  crowdedHandshakeMilliseconds,
  crowdedStrangers,
  handshakeRate,
  idleIncomingMilliseconds,
  knownHandshakeRate,
  maxConnectionsPerHost,
  maxIncomingSessions,
  maxStrangers,
  maxStrangersPerAddress,
  maxStrangersPerKnownAddress,
  neighbourSessions,
} from './http2-limits.ts';
import { type Guest, Guests, networkOf, type Stranger, Strangers } from './incoming-room.ts';

class Arrival implements Stranger {
  isOpen = true;
  isCostly = false;
  close(): void {
    this.isOpen = false;
  }
}

class Connection implements Guest {
  readonly host: HostId;
  isBusy = false;
  isOpen = true;
  lastUsed = 0;
  constructor(host: string) {
    this.host = host as HostId;
  }
  close(): void {
    this.isOpen = false;
  }
  end(): void {
    this.isOpen = false;
  }
}

function strangers() {
  const time = { now: 1000 };
  const room = new Strangers(() => time.now);
  const arrive = (address: string): Arrival => {
    const arrival = new Arrival();
    if (!room.enter(arrival, address)) arrival.close();
    return arrival;
  };
  return { time, room, arrive };
}

const open = (list: readonly { isOpen: boolean }[]) => list.filter(({ isOpen }) => isOpen).length;
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));

test('H3 of the strangers of one address the oldest goes, and those of others stay', () => {
  const { arrive } = strangers();
  const other = arrive('198.51.100.1');
  const same = many(maxStrangersPerAddress + 3, () => arrive('203.0.113.9'));
  assert.equal(open(same), maxStrangersPerAddress);
  assert.deepEqual(
    same.slice(0, 3).map(({ isOpen }) => isOpen),
    [false, false, false],
  );
  assert.equal(other.isOpen, true);
});

test('H3 a /64 is one address, IPv4 inside IPv6 is IPv4, and all of this machine is one', () => {
  assert.equal(networkOf('2001:db8:0:7::1'), networkOf('2001:db8:0:7:ffff::9'));
  assert.notEqual(networkOf('2001:db8:0:7::1'), networkOf('2001:db8:0:8::1'));
  assert.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2%eth1'));
  assert.equal(networkOf('::1:2:3:4:5'), networkOf('0:0:0:1:2::'));
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('127.0.0.1'), networkOf('::1'));
  assert.equal(networkOf('127.0.0.1'), networkOf('::ffff:127.9.9.9'));
});

test('H3 one whose handshake is in progress stays before those that say nothing', () => {
  const { arrive } = strangers();
  const first = arrive('203.0.113.9');
  first.isCostly = true;
  const silent = many(maxStrangersPerAddress * 3, () => arrive('203.0.113.9'));
  assert.equal(first.isOpen, true);
  assert.equal(open(silent), maxStrangersPerAddress - 1);
});

test('H3 when the room is full the newcomer comes in at the cost of the address with the most', () => {
  const { arrive, room } = strangers();
  const alone = arrive('192.0.2.200');
  const crowd = many(maxStrangers, (index) => arrive(`203.0.113.${index >> 1}`));
  assert.equal(room.size, maxStrangers);
  assert.equal(alone.isOpen, true);
  assert.equal(crowd[0]?.isOpen, false);
  const newcomer = arrive('192.0.2.201');
  assert.equal(newcomer.isOpen, true);
  assert.equal(room.size, maxStrangers);
});

test('H3 behind a forwarder of this machine the room is as large as it is', () => {
  const { arrive } = strangers();
  assert.equal(open(many(maxStrangers + 5, () => arrive('127.0.0.1'))), maxStrangers);
});

test('H3 once many wait those go that have waited long, and only then', () => {
  const { arrive, room, time } = strangers();
  const few = many(crowdedStrangers - 1, (index) => arrive(`203.0.113.${index}`));
  time.now += crowdedHandshakeMilliseconds + 1;
  room.sweep();
  assert.equal(open(few), crowdedStrangers - 1);
  const last = arrive('192.0.2.1');
  assert.equal(open(few), 0);
  assert.equal(last.isOpen, true);
});

test('H3 an address whose handshakes come to nothing has few of them, one that members come from many', () => {
  const { arrive, room, time } = strangers();
  const shake = (address: string): boolean => {
    const arrival = arrive(address);
    if (!arrival.isOpen) return false;
    arrival.isCostly = true;
    room.leave(arrival, address);
    return true;
  };
  for (let count = 0; count < 500; count++) room.leave(arrive('203.0.113.9'), '203.0.113.9');
  const { burst, perSecond } = handshakeRate;
  assert.equal(many(burst, () => shake('203.0.113.9')).every(Boolean), true);
  assert.equal(shake('203.0.113.9'), false);
  assert.equal(shake('203.0.113.10'), true);
  time.now += 1000;
  assert.equal(many(perSecond, () => shake('203.0.113.9')).every(Boolean), true);
  assert.equal(shake('203.0.113.9'), false);
  const member = arrive('198.51.100.1');
  room.greeted(member, '198.51.100.1');
  for (let count = 0; count < 500; count++) {
    const again = arrive('198.51.100.1');
    assert.equal(again.isOpen, true);
    room.greeted(again, '198.51.100.1');
  }
  assert.equal(open(many(20, () => arrive('198.51.100.1'))), 20);
  assert.ok(maxStrangersPerKnownAddress >= 20);
});

test('H3 many addresses together cannot have handshakes without end either', () => {
  const { arrive, room } = strangers();
  let done = 0;
  for (let count = 0; count < 1000; count++) {
    const address = `10.0.${count >> 8}.${count & 255}`;
    const arrival = arrive(address);
    if (!arrival.isOpen) continue;
    done += 1;
    arrival.isCostly = true;
    room.leave(arrival, address);
  }
  assert.equal(done, knownHandshakeRate.burst);
});

test('H2 a host has four connections, and the oldest goes for a fifth', () => {
  const room = new Guests(
    () => false,
    () => 0,
  );
  const same = many(maxConnectionsPerHost + 2, () => new Connection('a'));
  assert.equal(
    same.every((one) => room.enter(one)),
    true,
  );
  assert.deepEqual(
    same.map(({ isOpen }) => isOpen),
    [false, false, true, true, true, true],
  );
  assert.equal(room.size, maxConnectionsPerHost);
});

test('H2 when the room is full the one idle longest goes, unless it is a neighbour or busy', () => {
  const room = new Guests(
    (host) => host.startsWith('neighbour'),
    () => 0,
  );
  const ofOthers = maxIncomingSessions - neighbourSessions;
  const guests = many(ofOthers, (index) => new Connection(index === 0 ? 'neighbour 0' : `other ${index}`));
  for (const [index, guest] of guests.entries()) {
    guest.lastUsed = index;
    room.enter(guest);
  }
  guests[1]!.isBusy = true;
  assert.equal(room.enter(new Connection('late')), true);
  assert.deepEqual(
    guests.slice(0, 4).map(({ isOpen }) => isOpen),
    [true, true, false, true],
  );
  const near = many(neighbourSessions, (index) => new Connection(`neighbour ${index + 1}`));
  assert.equal(
    near.every((one) => room.enter(one)),
    true,
  );
  assert.equal(room.size, maxIncomingSessions);
  assert.equal(open(guests), ofOthers - 1);
  for (const guest of guests) guest.isBusy = true;
  assert.equal(room.enter(new Connection('one more')), true, 'the late one was idle');
  assert.equal(room.enter(new Connection('neighbour more')), true, 'and so was the one more');
  assert.equal(room.enter(new Connection('neighbour too many')), false);
});

test('H2 what asks nothing for long is closed, and what is busy is not', () => {
  const time = { now: 0 };
  const room = new Guests(
    () => true,
    () => time.now,
  );
  const [idle, busy, used] = [new Connection('a'), new Connection('b'), new Connection('c')];
  for (const one of [idle, busy, used]) room.enter(one);
  busy.isBusy = true;
  time.now = idleIncomingMilliseconds + 1;
  used.lastUsed = 2;
  room.sweep();
  assert.deepEqual([idle.isOpen, busy.isOpen, used.isOpen], [false, true, true]);
  assert.equal(room.size, 2);
});
