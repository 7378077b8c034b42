import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { isRefused, sample, testMessages } from '../../test/fixtures/message-samples.ts';
import { createIdentity } from '../network/identity.ts';
import type { TransportError } from '../network/transport.ts';
import type { CodeRow } from '../storage/code-table.ts';
import { codeMessages } from './code-messages.ts';
import { Asking } from './exchange.ts';
import { exchangeMilliseconds, Guardian, maxExchangesPerAsker } from './guardian.ts';
import { KeptCodes, maxCodeMilliseconds, maxCodesPerSender, maxGuesses } from './kept-codes.ts';

const hosts = Array.from({ length: 5 }, () => createIdentity().host);
const [sender, second, third, door, other] = hosts as [HostId, HostId, HostId, HostId, HostId];
const day = 86_400_000;
const code = { number: 7, words: 'coral-eagle-river' };
const wrong = { number: 7, words: 'coral-eagle-rival' };
const target = new TextEncoder().encode('what the code leads to');
const isRefusedAs = (why: string) => (error: unknown) => isRefused(error) && (error as TransportError).code === why;
const isGone = isRefusedAs('not-found');

/** Guardians on one clock, which tell each other what they count as long as they are not away. */
function guardians(which: readonly HostId[] = [sender, second, third]) {
  const { clock, random, pass } = virtualClock();
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random.next() * 256));
  const disks = new Map(which.map((host) => [host, new Map<number, CodeRow>()]));
  const away = new Set<HostId>();
  const running = new Map<HostId, { codes: KeptCodes; guardian: Guardian }>();
  const start = (self: HostId): void => {
    const disk = disks.get(self)!;
    const codes = new KeptCodes(
      {
        all: () => [...disk.values()],
        put: async (row) => void disk.set(row.number, row),
        remove: async ({ number }) => void disk.delete(number),
      },
      clock,
    );
    const tell = async (to: HostId, said: Parameters<Guardian['heard']>[1]) => {
      if (away.has(to) || away.has(self)) return null;
      return (await running.get(to)!.guardian.heard(self, said)).counts;
    };
    running.set(self, { codes, guardian: new Guardian({ self, clock, random: bytes, codes, tell }) });
  };
  which.forEach(start);
  const keep = (of = {}, self = sender) => {
    const kept = { ...code, target, expiry: clock.wallTime() + 7 * day, times: null, guardians: which, ...of };
    return running.get(self)!.codes.keep(sender, kept);
  };
  const begin = (guardian: HostId, tried = code, asker: HostId = door) => {
    const asking = new Asking(tried, bytes);
    const question = { publisher: sender, number: tried.number, ...asking.question };
    const { exchange, point } = running.get(guardian)!.guardian.answer(asker, question);
    const confirmation = asking.confirm({ publisher: sender, guardian }, point)!;
    return { asking, exchange, confirmation };
  };
  const end = async (guardian: HostId, begun: ReturnType<typeof begin>, asker: HostId = door) => {
    const told = await running.get(guardian)!.guardian.confirm(asker, begun);
    const opened = told === null ? null : begun.asking.open(told);
    return opened === null ? null : new TextDecoder().decode(opened);
  };
  const guess = async (guardian: HostId, tried = code) => end(guardian, begin(guardian, tried));
  return { clock, pass, start, keep, begin, end, guess, away, running, disks };
}

/** The same code at all of them. */
async function keptBy(which: readonly HostId[] = [sender, second, third], of = {}) {
  const there = guardians(which);
  for (const host of which) await there.keep(of, host);
  return there;
}

const opened = 'what the code leads to';

testMessages(
  [
    sample(
      codeMessages.keep,
      { ...code, target: target.subarray(0, 4), expiry: 1, times: null, guardians: [sampleHost()] },
      {},
    ),
    sample(codeMessages.burn, { number: 7 }, {}),
    sample(
      codeMessages.answer,
      { publisher: sampleHost(), number: 7, session: filled(16, 1), point: filled(32, 2) },
      { exchange: filled(16, 3), point: filled(32, 4) },
    ),
    sample(
      codeMessages.confirm,
      { exchange: filled(16, 3), confirmation: filled(64, 5) },
      { told: { confirmation: filled(64, 6), sealed: filled(20, 7) } },
    ),
    sample(
      codeMessages.count,
      { publisher: sampleHost(), number: 7, counts: [{ guardian: sampleHost(), begun: 2, free: 1, right: 1 }] },
      { counts: [] },
    ),
  ],
  [codeMessages],
  {
    'codes.keep': [
      '860771636f72616c2d6561676c652d7269766572447768617401f6817834313244334b6f6f57443365636b69665770526e397751704d4739523968583373443135387a37457148576d776551414a55355341',
      '80',
    ],
    'codes.burn': ['8107', '80'],
    'codes.answer': [
      '847834313244334b6f6f57443365636b69665770526e397751704d4739523968583373443135387a37457148576d776551414a5535534107500101010101010101010101010101010158200202020202020202020202020202020202020202020202020202020202020202',
      '82500303030303030303030303030303030358200404040404040404040404040404040404040404040404040404040404040404',
    ],
    'codes.confirm': [
      '825003030303030303030303030303030303584005050505050505050505050505050505050505050505050505050505050505050505050505050505050505050505050505050505050505050505050505050505',
      '8182584006060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606060606540707070707070707070707070707070707070707',
    ],
    'codes.count': [
      '837834313244334b6f6f57443365636b69665770526e397751704d4739523968583373443135387a37457148576d776551414a553553410781847834313244334b6f6f57443365636b69665770526e397751704d4739523968583373443135387a37457148576d776551414a55355341020101',
      '8180',
    ],
  },
);

function sampleHost(): HostId {
  return '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA' as HostId;
}

function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

test('B13 who knows the words learns what the code leads to, at each guardian and as often as it asks', async () => {
  const { guess } = await keptBy();
  for (const guardian of [sender, second, third, sender, second, third]) assert.equal(await guess(guardian), opened);
});

test('B13 five wrong guesses burn a code at all guardians, whichever got them; four do not', async () => {
  const { guess, running } = await keptBy();
  for (const guardian of [sender, second, second, third]) assert.equal(await guess(guardian, wrong), null);
  assert.equal(await guess(third), opened);
  assert.equal(await guess(sender, wrong), null);
  for (const guardian of [sender, second, third]) {
    await assert.rejects(guess(guardian), isGone);
    assert.equal(running.get(guardian)!.codes.known(sender, 7)!.guesses, maxGuesses);
  }
});

test('B13 guesses at once, at one guardian or at several, get no more than five together', async () => {
  for (const places of [[sender], [sender, second, third]]) {
    const { begin, end } = await keptBy();
    const begun = Array.from({ length: 12 }, (_, at) => {
      const guardian = places[at % places.length]!;
      return { guardian, begun: begin(guardian, wrong) };
    });
    const ends = await Promise.allSettled(begun.map((one) => end(one.guardian, one.begun)));
    const looked = ends.filter(({ status }) => status === 'fulfilled').length;
    assert.ok(looked <= maxGuesses && looked > 0, `${looked} were looked at`);
    for (const one of ends) if (one.status === 'rejected') assert.ok(isGone(one.reason));
  }
});

test('B13 a guardian that was away hears of the guesses before it looks at one', async () => {
  const { guess, away, running } = await keptBy();
  away.add(third);
  for (let count = 0; count < 4; count++) assert.equal(await guess(sender, wrong), null);
  away.delete(third);
  assert.equal(await guess(third, wrong), null);
  assert.equal(running.get(third)!.codes.known(sender, 7)!.guesses, maxGuesses);
  await assert.rejects(guess(third), isGone);
});

test('B13 guesses are counted through a restart, and a right one is none', async () => {
  const { guess, start } = await keptBy();
  for (let count = 0; count < 4; count++) {
    assert.equal(await guess(second, wrong), null);
    assert.equal(await guess(second), opened);
    start(second);
  }
  assert.equal(await guess(second), opened);
  assert.equal(await guess(second, wrong), null);
  start(second);
  await assert.rejects(guess(second), isGone);
});

test('B13 a confirmation counts once: again it tells the same, wrong, late or from another asker nothing', async () => {
  const { begin, end, pass, running } = await keptBy();
  const { guesses } = running.get(sender)!.codes.known(sender, 7)!;
  const begun = begin(sender);
  await assert.rejects(end(sender, begun, other), isGone);
  assert.equal(await end(sender, begun), opened);
  assert.equal(await end(sender, begun), opened);
  const bad = begin(sender, wrong);
  assert.equal(await end(sender, bad), null);
  await assert.rejects(end(sender, bad), isGone);
  const late = begin(sender);
  pass(exchangeMilliseconds);
  await assert.rejects(end(sender, late), isGone);
  assert.equal(running.get(sender)!.codes.known(sender, 7)!.guesses, guesses + 1);
  const elsewhere = begin(sender);
  await assert.rejects(end(second, elsewhere), isGone);
});

test('B13 exchanges that are not confirmed cost no guess, and are bounded in number and rate', async () => {
  const { begin, pass, guess, running } = await keptBy();
  const { guardian } = running.get(sender)!;
  const question = { publisher: sender, number: 7, ...begin(sender, wrong).asking.question };
  let refused = 0;
  for (let count = 0; count < 200; count++) {
    try {
      guardian.answer(door, question);
    } catch (error) {
      assert.ok(isRefusedAs('busy')(error));
      refused += 1;
    }
    pass(100);
  }
  assert.ok(200 - refused <= maxExchangesPerAsker + 20_000 / exchangeMilliseconds, `${200 - refused} were answered`);
  assert.ok(refused > 100);
  // Another asker is not affected.
  assert.ok(begin(sender, code, other));
  pass(exchangeMilliseconds);
  assert.equal(await guess(sender), opened);
});

test('B13 a code ends with its time, with its sender, or after as many receives as it was given for', async () => {
  const expiring = await keptBy();
  const open = expiring.begin(sender);
  expiring.pass(7 * day);
  await assert.rejects(expiring.guess(sender), isGone);
  await assert.rejects(expiring.end(sender, open), isGone);
  assert.equal(expiring.disks.get(sender)!.size, 0);
  const ended = await keptBy();
  const { codes } = ended.running.get(second)!;
  codes.burn(third, 7);
  assert.equal(await ended.guess(second), opened);
  codes.burn(sender, 7);
  await assert.rejects(ended.guess(second), isGone);
  const once = await keptBy(undefined, { times: 1 });
  assert.equal(await once.guess(second), opened);
  for (const guardian of [sender, second, third]) await assert.rejects(once.guess(guardian), isGone);
});

test('B13 a sender has so many codes at a guardian and no more, each for at most a month, and those of others stay', async () => {
  const { keep, running, clock } = guardians();
  const { codes } = running.get(sender)!;
  for (let number = 1; number <= maxCodesPerSender; number++) await keep({ number });
  await assert.rejects(keep({ number: 500 }), isRefusedAs('quota-full'));
  await codes.keep(other, { ...code, target, expiry: clock.wallTime() + day, times: null, guardians: [sender] });
  assert.equal(codes.find(other, 7)?.kept.words, code.words);
  const expiry = clock.wallTime() + maxCodeMilliseconds + 1;
  await assert.rejects(keep({ expiry }), isRefusedAs('bad-request'));
  await assert.rejects(keep({ expiry: clock.wallTime() }), isRefusedAs('bad-request'));
});

test('B13 the same code given again keeps its guesses, another one on the number begins with none', async () => {
  const { guess, keep, running } = await keptBy();
  for (let count = 0; count < 4; count++) await guess(second, wrong);
  await keep({ target: new TextEncoder().encode('elsewhere') }, second);
  assert.equal(running.get(second)!.codes.known(sender, 7)!.guesses, 4);
  assert.equal(await guess(second), 'elsewhere');
  await keep({ words: 'zoo-zoo-zoo' }, second);
  assert.equal(running.get(second)!.codes.known(sender, 7)!.guesses, 0);
});

test('B13 what is stored but unreadable is dropped, and no one but a guardian of the code counts', async () => {
  const { disks, start, running, guess } = await keptBy();
  disks.get(second)!.set(8, { publisher: sender, number: 8, bytes: filled(10, 255) });
  start(second);
  assert.equal(disks.get(second)!.size, 1);
  const { guardian } = running.get(second)!;
  const counts = [{ guardian: sender, begun: 5, free: 0, right: 0 }];
  await assert.rejects(guardian.heard(other, { publisher: sender, number: 7, counts }), isGone);
  // Nor does a guardian count for one that is none.
  const ofOther = [{ guardian: other, begun: 5, free: 0, right: 0 }];
  await guardian.heard(third, { publisher: sender, number: 7, counts: ofOther });
  assert.equal(await guess(second), opened);
});
