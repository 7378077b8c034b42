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
} from './connection-limits.ts';
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
  /** Not in good order. */
  isCut = false;
  lastUsed = 0;
  constructor(host: string) {
    this.host = host as HostId;
  }
  close(): void {
    this.isOpen = false;
  }
  end(): void {
    this.isOpen = false;
    this.isCut = true;
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

test('H2 a host has six connections, and the oldest goes for a seventh', () => {
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
    [false, false, true, true, true, true, true, true],
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

test('H3 addresses are written in one way', () => {
  assert.equal(networkOf('2001:DB8:0:7::1'), '2001:db8:0:7::/64');
  assert.equal(networkOf('2001:0db8:0000:0007:0001:0002:0003:0004'), '2001:db8:0:7::/64');
  assert.equal(networkOf('2001:db8::1'), '2001:db8:0:0::/64');
  assert.equal(networkOf('1::2:3:4:5:6'), '1:0:0:2::/64');
  assert.equal(networkOf('::'), '0:0:0:0::/64');
  assert.equal(networkOf('1:2:3:4:5:6:7::'), '1:2:3:4::/64');
  assert.equal(networkOf('fe80::1:2:3:4%eth0'), 'fe80:0:0:0::/64');
  assert.equal(networkOf('192.0.2.1'), '192.0.2.1');
});

test('H3 who was greeted or has left waits no longer', () => {
  const { arrive, room } = strangers();
  const [one, two, three] = [arrive('203.0.113.1'), arrive('203.0.113.2'), arrive('203.0.113.3')];
  assert.equal(room.size, 3);
  room.greeted(one, '203.0.113.1');
  assert.equal(room.size, 2);
  room.leave(two, '203.0.113.2');
  assert.equal(room.size, 1);
  assert.deepEqual(
    [one, two, three].map(({ isOpen }) => isOpen),
    [true, true, true],
  );
});

test('H3 from an address that a member has come from more wait, and are closed beyond that', () => {
  const { arrive, room } = strangers();
  const home = '198.51.100.1';
  room.greeted(arrive(home), home);
  const arrivals = many(maxStrangersPerKnownAddress + 1, () => arrive(home));
  assert.equal(open(arrivals), maxStrangersPerKnownAddress);
  assert.equal(arrivals[0]?.isOpen, false);
});

test('H3 of a full room the oldest at the address with the most goes, one that says nothing before one in progress', () => {
  const { arrive, room } = strangers();
  const crowded = many(3, () => arrive('198.51.100.7'));
  const others = many(maxStrangers - 3, (index) => arrive(`203.0.113.${index}`));
  assert.equal(room.size, maxStrangers);
  crowded[0]!.isCostly = true;
  arrive('192.0.2.1');
  assert.deepEqual(
    crowded.map(({ isOpen }) => isOpen),
    [true, false, true],
  );
  assert.equal(open(others), others.length);
  for (const one of crowded) one.isCostly = true;
  arrive('192.0.2.2');
  assert.deepEqual(
    crowded.map(({ isOpen }) => isOpen),
    [false, false, true],
  );
});

test('H3 who has waited just so long may stay, and newcomers never pay for it', () => {
  const { arrive, room, time } = strangers();
  const early = many(crowdedStrangers, (index) => arrive(`203.0.113.${index}`));
  time.now += crowdedHandshakeMilliseconds;
  const late = arrive('192.0.2.1');
  room.sweep();
  assert.equal(open(early), crowdedStrangers);
  time.now += 1;
  room.sweep();
  assert.equal(open(early), 0);
  assert.equal(late.isOpen, true);
  assert.equal(room.size, 1);
});

test('H3 handshakes of an address come back with time, up to the burst and not beyond it', () => {
  const { arrive, room, time } = strangers();
  const address = '203.0.113.9';
  const shakes = (): number => {
    for (let count = 0; count < 1000; count++) {
      const arrival = arrive(address);
      if (!arrival.isOpen) return count;
      arrival.isCostly = true;
      room.leave(arrival, address);
    }
    return Number.POSITIVE_INFINITY;
  };
  const { burst, perSecond } = handshakeRate;
  assert.equal(shakes(), burst);
  time.now += 500;
  assert.equal(shakes(), perSecond / 2);
  time.now += 1e6;
  assert.equal(shakes(), burst);
  // One refused costs nothing, and one that came to nothing before it cost anything is given back, no more than once.
  time.now += 1000;
  for (let count = 0; count < 3; count++) room.leave(arrive(address), address);
  assert.equal(shakes(), perSecond);
});

test('H3 an address from which a member came has the larger allowance from then on, and does not use that of strangers', () => {
  const { arrive, room } = strangers();
  const home = '198.51.100.1';
  const shake = (address: string): boolean => {
    const arrival = arrive(address);
    if (!arrival.isOpen) return false;
    arrival.isCostly = true;
    room.leave(arrival, address);
    return true;
  };
  assert.equal(many(handshakeRate.burst - 1, () => shake(home)).every(Boolean), true);
  room.greeted(arrive(home), home);
  const { burst } = knownHandshakeRate;
  assert.equal(many(burst, () => shake(home)).every(Boolean), true);
  assert.equal(shake(home), false);
  assert.equal(shake('203.0.113.9'), true, 'strangers have theirs');
});

test('H3 what strangers of all addresses have together comes back with time', () => {
  const { arrive, room, time } = strangers();
  let next = 0;
  const shakes = (): number => {
    for (let count = 0; count < 1000; count++) {
      const address = `10.${next >> 16}.${(next >> 8) & 255}.${next++ & 255}`;
      const arrival = arrive(address);
      if (!arrival.isOpen) return count;
      arrival.isCostly = true;
      room.leave(arrival, address);
    }
    return Number.POSITIVE_INFINITY;
  };
  assert.equal(shakes(), knownHandshakeRate.burst);
  time.now += 100;
  assert.equal(shakes(), knownHandshakeRate.perSecond / 10);
});

test('H2 who leaves makes room once, and who never came none', () => {
  const room = new Guests(
    () => false,
    () => 0,
  );
  const [one, two] = [new Connection('a'), new Connection('a')];
  room.enter(one);
  room.enter(two);
  room.leave(one);
  room.leave(one);
  room.leave(new Connection('a'));
  room.leave(new Connection('b'));
  assert.equal(room.size, 1);
  assert.deepEqual([one.isOpen, two.isOpen], [true, true]);
  room.leave(two);
  assert.equal(room.size, 0);
});

test('H2 of a host that is removed every connection is cut at once, and of others none', () => {
  const room = new Guests(
    () => false,
    () => 0,
  );
  const [one, two, other] = [new Connection('a'), new Connection('a'), new Connection('b')];
  for (const guest of [one, two, other]) room.enter(guest);
  room.expel(one.host);
  room.expel('stranger' as HostId);
  assert.deepEqual([one.isCut, two.isCut, other.isCut], [true, true, false]);
  assert.equal(room.size, 1);
});

test('H2 what was used just so long ago stays, and what is closed goes in good order', () => {
  const time = { now: idleIncomingMilliseconds };
  const room = new Guests(
    () => false,
    () => time.now,
  );
  const guest = new Connection('a');
  room.enter(guest);
  room.sweep();
  assert.equal(guest.isOpen, true);
  time.now += 1;
  room.sweep();
  assert.deepEqual([guest.isOpen, guest.isCut], [false, false]);
  assert.equal(room.size, 0);
});

test('H2 a newcomer whose host has too many takes the place of its own oldest, also in a full room', () => {
  const room = new Guests(
    () => true,
    () => 0,
  );
  const own = many(maxConnectionsPerHost, () => new Connection('own'));
  const others = many(maxIncomingSessions - maxConnectionsPerHost, (index) => new Connection(`other ${index}`));
  for (const guest of [...own, ...others]) {
    guest.isBusy = true;
    assert.equal(room.enter(guest), true);
  }
  assert.equal(room.enter(new Connection('own')), true);
  assert.equal(own[0]?.isOpen, false);
  assert.equal(open(others), others.length);
  assert.equal(room.size, maxIncomingSessions);
});

test('H2 of the idle the one idle longest goes, also when it came last', () => {
  const room = new Guests(
    () => false,
    () => 0,
  );
  const guests = many(maxIncomingSessions - neighbourSessions, (index) => new Connection(`other ${index}`));
  for (const [index, guest] of guests.entries()) {
    guest.lastUsed = guests.length - index;
    room.enter(guest);
  }
  room.enter(new Connection('late'));
  assert.equal(guests.at(-1)?.isOpen, false);
  assert.equal(open(guests), guests.length - 1);
});

test('H3 a newcomer that has said nothing yet does not pay for handshakes in progress', () => {
  const { arrive } = strangers();
  const same = many(maxStrangersPerAddress, () => arrive('203.0.113.9'));
  for (const one of same) one.isCostly = true;
  const newcomer = arrive('203.0.113.9');
  assert.deepEqual([newcomer.isOpen, same[0]?.isOpen, open(same)], [true, false, same.length - 1]);
});

test('H3 a member that comes again frees no handshakes of its address but its own', () => {
  const { room, arrive } = strangers();
  const address = '203.0.113.9';
  room.greeted(arrive(address), address);
  const member = arrive(address);
  for (let spent = 0; spent <= knownHandshakeRate.burst; spent++) arrive(address);
  room.greeted(member, address);
  assert.deepEqual([arrive(address).isOpen, arrive(address).isOpen], [true, false]);
});

test('H2 H3 time passes by itself', () => {
  assert.equal(new Strangers().enter(new Arrival(), '203.0.113.9'), true);
  const room = new Guests(() => false);
  const idle = new Connection('a');
  idle.lastUsed = Number.NEGATIVE_INFINITY;
  room.enter(idle);
  room.sweep();
  assert.equal(idle.isOpen, false);
});
