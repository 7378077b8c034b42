import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { isRefused, sample, testMessages } from '../../test/fixtures/message-samples.ts';
import { type Address, formatAddress } from '../network/addresses.ts';
import { TransportError, type TransportFailure } from '../network/transport.ts';
import { DialBacks } from './dial-back.ts';
import { type DialledBack, reachMessages } from './reach-messages.ts';

const unanswered: DialledBack = { address: '203.0.113.5', outcome: 'silent' };
testMessages([sample(reachMessages.dialBack, { port: 4848 }, unanswered)], [reachMessages], {
  'reach.dial-back': ['811912f0', '826b3230332e302e3131332e3502'],
});

const [self, asker] = ['self' as HostId, 'asker' as HostId];
const home = '203.0.113.5';

/** One that answers, and what it dialled. */
function answering(hostAt: (address: Address) => Promise<HostId | null> = async () => asker) {
  const { clock, pass } = virtualClock();
  const dialled: string[] = [];
  const dialBacks = new DialBacks({
    self,
    now: clock.now,
    hostAt: (address) => {
      dialled.push(formatAddress(address));
      return hostAt(address);
    },
  });
  const ask = async (from: HostId = asker, seenAt: string | null = home): Promise<DialledBack> =>
    reachMessages.dialBack.decodeAnswer(
      await dialBacks.answer(from, seenAt, reachMessages.dialBack.encode({ port: 4848 })),
      { port: 4848 },
    );
  return { ask, dialled, pass };
}

const isBusy = (error: unknown): boolean => isRefused(error) && (error as TransportError).code === 'busy';

test('B10 a member dials the address that it sees, and says who is there', async () => {
  const there = answering();
  assert.deepEqual(await there.ask(), { address: home, outcome: 'reached' });
  assert.deepEqual(await there.ask(asker, '2001:db8::7'), { address: '2001:db8::7', outcome: 'reached' });
  assert.deepEqual(there.dialled, ['203.0.113.5:4848', '[2001:db8::7]:4848']);
  assert.equal((await answering(async () => self).ask()).outcome, 'another');
  assert.equal((await answering(async () => null).ask()).outcome, 'another');
  for (const [failure, outcome] of [
    ['unreachable', 'refused'],
    ['timeout', 'silent'],
    ['refused', 'another'],
  ] as const satisfies readonly (readonly [TransportFailure, string])[]) {
    const failing = answering(() => Promise.reject(new TransportError(failure, 'no')));
    assert.equal((await failing.ask()).outcome, outcome);
  }
});

test('B10 nothing is dialled for a connection of this machine or through a relay, for itself, or for a port that is none', async () => {
  const { ask, dialled } = answering();
  await assert.rejects(ask(asker, null), isRefused);
  await assert.rejects(ask(self), isRefused);
  const dialBacks = new DialBacks({ self, now: () => 0, hostAt: async () => assert.fail() });
  for (const port of [0, 65_536, 80.5, -1, '80', null, { host: '198.51.100.1', port: 80 }])
    await assert.rejects(dialBacks.answer(asker, home, [port as never]), isRefused);
  assert.deepEqual(dialled, []);
});

test('L dialling back is limited for each asker and for all, and one at a time for each', async () => {
  const { ask, dialled, pass } = answering();
  for (let count = 0; count < 6; count++) await ask();
  await assert.rejects(ask(), isBusy);
  pass(20_000);
  await ask();
  await assert.rejects(ask(), isBusy);
  for (let other = 0; other < 60; other++) await ask(`other-${other}` as HostId).catch(() => undefined);
  assert.ok(dialled.length <= 7 + 34, `${dialled.length}`);
  await assert.rejects(ask('one more' as HostId), isBusy);

  const waiting = Promise.withResolvers<HostId>();
  const slow = answering(() => waiting.promise);
  const first = slow.ask();
  await assert.rejects(slow.ask(), isBusy);
  const others = Array.from({ length: 30 }, (_, other) => slow.ask(`other-${other}` as HostId).catch(() => null));
  assert.equal(slow.dialled.length, 16);
  waiting.resolve(asker);
  assert.equal((await first).outcome, 'reached');
  assert.equal((await Promise.all(others)).filter((answer) => answer !== null).length, 15);
  assert.equal((await slow.ask()).outcome, 'reached');
});
