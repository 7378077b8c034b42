import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOnLan } from './addresses.ts';
import { Bandwidth } from './bandwidth.ts';
import { systemClock } from './system-clock.ts';

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
      const bandwidth = new Bandwidth({ clock: systemClock, limitsLan });
      bandwidth.limit = limit;
      assert.equal(bandwidth.link(address).isLimited('up', 'people'), limitsLan || !isLan, address);
      assert.equal(bandwidth.link(address, true).isLimited('up', 'people'), true, address);
    }
  }
});

test('B11 repair has its own rate below the limit, on the LAN as well', async () => {
  const bandwidth = new Bandwidth({ clock: systemClock, repairBytesPerSecond: 50_000 });
  const [far, near] = [bandwidth.link('192.0.2.7'), bandwidth.link('127.0.0.1')];
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
  const bandwidth = new Bandwidth({ clock: systemClock });
  const far = bandwidth.link('192.0.2.7');
  bandwidth.limit = limit;
  far.take('up', 'serving', 200_000);
  const waiting = far.pass('up', 'serving', 1, wanted);
  bandwidth.limit = 'stop';
  await assert.rejects(waiting!, { code: 'busy' });
  assert.throws(() => far.check('people'), { code: 'busy' });
  far.check('repair');
  assert.equal(far.pass('up', 'repair', 1000, wanted), null);
  bandwidth.link('127.0.0.1').check('serving');
  bandwidth.limit = { up: null, down: null };
  far.check('people');
});
