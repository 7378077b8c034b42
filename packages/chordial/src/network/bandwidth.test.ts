import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { isLanAddress } from './addresses.ts';
import { Bandwidth, type LinkBandwidth } from './bandwidth.ts';
import { systemClock } from './system-clock.ts';

/** Whatever interfaces this machine has. */
const isOnLan = (address: string): boolean => isLanAddress(address, []);
const wanted = (): boolean => true;
const limit = { up: 100_000, down: 200_000 };

test('B11 peers on the LAN are exempt unless they are limited too', () => {
  for (const [address, isLan] of [
    ['127.0.0.1', true],
    ['::1', true],
    ['10.1.2.3', true],
    ['172.31.0.1', true],
    ['172.32.0.1', false],
    ['192.168.7.7', true],
    ['169.254.1.1', true],
    ['::ffff:192.168.7.7', true],
    ['fe80::1%eth0', true],
    ['fd12:3456::1', true],
    ['2001:db8::1', false],
    ['192.0.2.7', false],
    ['100.64.0.1', false],
    ['', false],
    ['peer.example.org', false],
  ] as const) {
    assert.equal(isOnLan(address), isLan, address);
    for (const limitsLan of [false, true]) {
      const bandwidth = new Bandwidth({ clock: systemClock, isOnLan, limitsLan });
      bandwidth.limit = limit;
      assert.equal(bandwidth.link({ address }).isLimited('up', 'people'), limitsLan || !isLan, address);
      assert.equal(bandwidth.link({ address, isRemote: true }).isLimited('up', 'people'), true, address);
    }
  }
});

test('B11 repair has its own rate below the limit, on the LAN as well', async () => {
  const bandwidth = new Bandwidth({ clock: systemClock, isOnLan, repairBytesPerSecond: 50_000 });
  const [far, near] = [bandwidth.link({ address: '192.0.2.7' }), bandwidth.link({ address: '127.0.0.1' })];
  assert.deepEqual([far.piece('up', 'people', 1e6), far.piece('up', 'repair', 1e6)], [1e6, 4096]);
  assert.equal(near.piece('down', 'repair', 1e6), 4096);
  bandwidth.limit = limit;
  assert.deepEqual([far.piece('up', 'people', 1e6), far.piece('down', 'people', 1e6)], [5000, 10_000]);
  assert.equal(near.piece('down', 'people', 1e6), 1e6);
  // Both rates are asked.
  far.take('up', 'people', 30_000);
  const began = performance.now();
  await far.pass('up', 'repair', 1000, wanted);
  assert.ok(performance.now() - began > 10);
  far.take('up', 'repair', 20_000);
  const alsoNear = performance.now();
  await near.pass('up', 'repair', 1000, wanted);
  assert.ok(performance.now() - alsoNear > 50);
});

test('B11 stop holds for all but repair, and for the LAN only where that is limited', async () => {
  const bandwidth = new Bandwidth({ clock: systemClock, isOnLan });
  const far = bandwidth.link({ address: '192.0.2.7' });
  bandwidth.limit = limit;
  far.take('up', 'serving', 200_000);
  const waiting = far.pass('up', 'serving', 1, wanted);
  bandwidth.limit = 'stop';
  await assert.rejects(waiting!, { code: 'stopped' });
  assert.throws(() => far.check('people'), { code: 'stopped' });
  far.check('repair');
  assert.equal(far.pass('up', 'repair', 1000, wanted), null);
  bandwidth.link({ address: '127.0.0.1' }).check('serving');
  bandwidth.limit = { up: null, down: null };
  far.check('people');
});

test('B6 what moves with each host is counted over its connections, with a rate of the last seconds', () => {
  const { clock, pass } = virtualClock();
  const bandwidth = new Bandwidth({ clock, isOnLan });
  const [anna, bob] = ['chordial-anna', 'chordial-bob'] as [HostId, HostId];
  const links = [{ isCaller: true }, {}].map((end) => bandwidth.link({ address: '192.0.2.7', host: anna, ...end }));
  pass(10_000);
  for (let second = 0; second < 10; second++) {
    for (const link of links) link.count('up', 'people', 500);
    links[0]?.count('down', 'repair', 10_000);
    pass(1000);
  }
  const steady = bandwidth.movedWith(anna);
  assert.deepEqual(steady, { up: { bytes: 10_000, perSecond: 1000 }, down: { bytes: 100_000, perSecond: 10_000 } });
  pass(2500);
  assert.equal(bandwidth.movedWith(anna).up.perSecond, 500);
  pass(10_000);
  assert.deepEqual(bandwidth.movedWith(anna).up, { bytes: 10_000, perSecond: 0 });
  assert.deepEqual(bandwidth.movedWith(bob).up, { bytes: 0, perSecond: 0 });
});

test('B11 during a stop a member gets so much for what it calls repair, over all of its connections', async () => {
  const bandwidth = new Bandwidth({ clock: systemClock, isOnLan });
  const address = '192.0.2.7';
  const end = { host: 'chordial-member' as HostId, isCaller: true };
  const [one, two] = [bandwidth.link({ address, ...end }), bandwidth.link({ address, ...end })];
  const isHeld = (link: LinkBandwidth): boolean => {
    const passing = link.pass('up', 'repair', 1, () => false);
    passing?.catch(() => undefined);
    return passing !== null;
  };
  one.take('up', 'repair', 1_000_000);
  assert.deepEqual([isHeld(one), isHeld(two)], [false, false], 'without a stop');
  bandwidth.limit = 'stop';
  one.take('up', 'repair', 1_000_000);
  assert.deepEqual([isHeld(one), isHeld(two)], [true, true]);
  assert.equal(isHeld(bandwidth.link({ address, host: 'chordial-other' as HostId, isCaller: true })), false);
  assert.equal(isHeld(bandwidth.link({ address })), false, 'what this host wants itself');
  assert.equal(isHeld(bandwidth.link({ address: '127.0.0.1', ...end })), false, 'the LAN is exempt');
  bandwidth.limit = { up: null, down: null };
  assert.deepEqual([isHeld(one), isHeld(two)], [false, false]);
});
