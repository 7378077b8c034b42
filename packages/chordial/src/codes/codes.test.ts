import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { isError } from '../../test/contracts/errors.ts';
import { ChordialError } from '../errors.ts';
import { createIdentity } from '../network/identity.ts';
import { MemoryNetwork } from '../network/memory-transport.ts';
import { Registry } from '../wire/message.ts';
import type { Code } from './code.ts';
import { type BeginBody, type BegunBody, beginBody, beginOf, confirmBody, confirmOf, readBegun } from './code-json.ts';
import { codeMessages, maxGuardians } from './code-messages.ts';
import type { CodeRecord, CodeRecords } from './code-records.ts';
import { encodeTarget, readTarget } from './code-target.ts';
import { Codes } from './codes.ts';
import { Asking, type RandomBytes } from './exchange.ts';
import { Guardian } from './guardian.ts';
import { KeptCodes, maxCodesPerSender } from './kept-codes.ts';
import { type Meeting, meet } from './meet.ts';

const day = 86_400_000;
const sampleHost = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA';
const target = encodeTarget({ path: 'there', doors: [] });
const wish = { target, timeToLive: day, times: null };

/** Members with one table of records. */
function members(count: number) {
  const { clock, random, pass } = virtualClock();
  const network = new MemoryNetwork();
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random.next() * 256));
  const contacts: Contact[] = [];
  const table = new Map<number, CodeRecord[]>();
  const dead = new Set<HostId>();
  let unwritable = false;
  const records = (publisher: HostId): Pick<CodeRecords, 'read' | 'write' | 'end'> => ({
    read: async (number) => table.get(number) ?? [],
    write: async (number, guardians, expiry) => {
      if (unwritable) throw new Error('no quorum');
      table.set(number, [...(table.get(number) ?? []), { publisher, guardians, sequence: clock.wallTime(), expiry }]);
    },
    end: async (number) =>
      void table.set(
        number,
        (table.get(number) ?? []).filter((record) => record.publisher !== publisher),
      ),
  });
  const start = () => {
    const transport = network.transport(createIdentity().host);
    const { host } = transport.contact;
    contacts.push(transport.contact);
    const kept = new KeptCodes({ all: () => [], put: async () => undefined, remove: async () => undefined }, clock);
    const tell = async (to: HostId, said: { publisher: HostId; number: number; counts: [] }) =>
      codeMessages.count.ask(transport, contacts.find((one) => one.host === to)!, said, { deadline: 1500 }).then(
        ({ counts }) => counts,
        () => null,
      );
    const guardian = new Guardian({ self: host, clock, random: bytes, codes: kept, tell: tell as never });
    const registry = guardian.answerIn(new Registry<Contact, never>());
    void transport.serve({
      request: (from, kind, body) => registry.request(from, kind, body),
      stream: () => Promise.reject(new Error('no streams')),
    });
    const codes = new Codes({
      self: host,
      clock,
      random,
      transport,
      hosts: () => contacts.filter((one) => !dead.has(one.host)),
      mayHold: () => true,
      records: records(host),
      kept,
      guardian,
    });
    return { host, codes, kept };
  };
  const peers = Array.from({ length: count }, start);
  const kill = (host: HostId): void => {
    dead.add(host);
    network.setHealth(host, 'dead');
  };
  const cannotWrite = () => {
    unwritable = true;
  };
  return { peers, kill, pass, table, bytes, network, cannotWrite };
}

type Peer = ReturnType<typeof members>['peers'][number];

/** What a door or the API of a peer passes on. */
function door({ codes }: Peer): Meeting {
  return {
    begin: (number, body) => beginOf(codes, number, body),
    confirm: (_, body) => confirmOf(codes, body),
  };
}

async function receive(peer: Peer, code: Code, random: RandomBytes): Promise<string | null> {
  const led = await meet(door(peer), code, random);
  return led?.path ?? null;
}

test('B13 a code holds while one of its guardians lives, no matter which peer asks for it; the sender may be gone', async () => {
  const { peers, kill, bytes, pass } = members(6);
  const [sender, ...others] = peers as [Peer, ...Peer[]];
  const made = await sender.codes.make(wish);
  assert.ok(made.number <= 9);
  assert.deepEqual(made.guardians.slice(0, 1), [sender.host]);
  assert.equal(made.guardians.length, maxGuardians);
  const asking = others.find(({ host }) => !made.guardians.includes(host))!;
  assert.equal(await receive(asking, made, bytes), 'there');
  for (const guardian of made.guardians.slice(0, -1)) {
    kill(guardian);
    assert.equal(await receive(asking, made, bytes), 'there');
  }
  kill(made.guardians.at(-1)!);
  pass(10_000);
  await assert.rejects(receive(asking, made, bytes), isError('no-live-source', /the code still holds/));
});

test('B13 wrong words are told as such five times, then the code is as unknown as any other', async () => {
  const { peers, bytes, pass } = members(3);
  const [sender, other] = peers as [Peer, Peer];
  const made = await sender.codes.make(wish);
  const nothing = isError('not-found', /There is no such code: it is unknown, has expired, or was ended/);
  for (let count = 0; count < 5; count++)
    assert.equal(await receive(other, { ...made, words: 'zoo-zoo-zoo' }, bytes), null);
  await assert.rejects(receive(other, made, bytes), nothing);
  const ended = await sender.codes.make(wish);
  await sender.codes.endLeadingTo((bytes) => readTarget(bytes)?.path === 'elsewhere');
  assert.equal(await receive(other, ended, bytes), 'there');
  await sender.codes.endLeadingTo((bytes) => readTarget(bytes)?.path === 'there');
  pass(2000);
  await assert.rejects(receive(other, ended, bytes), nothing);
  await assert.rejects(receive(other, { ...made, number: 999 }, bytes), nothing);
});

test('B13 senders with one number are tried in turn, the first of it first', async () => {
  const { peers, bytes, table, pass } = members(4);
  const [one, other, asking] = peers as [Peer, Peer, Peer];
  const first = await one.codes.make(wish);
  const second = await other.codes.make({ ...wish, target: encodeTarget({ path: 'elsewhere', doors: [] }) });
  assert.notEqual(first.number, second.number);
  // Another peer takes the same number, unseen.
  const [record] = table.get(second.number)!;
  table.set(second.number, [{ ...record!, publisher: one.host, guardians: [one.host], sequence: 1 }, record!]);
  pass(2000);
  await one.kept.keep(one.host, {
    number: second.number,
    words: 'zoo-zoo-zoo',
    target,
    expiry: second.expiry,
    times: null,
    guardians: [one.host],
  });
  assert.equal(await receive(asking, second, bytes), 'elsewhere');
});

test('B13 of two senders that take a number at once the later one takes another', async () => {
  const { peers, table } = members(3);
  const [sender, other] = peers as [Peer, Peer];
  for (let number = 1; number <= 9; number++) table.set(number, []);
  const read = table.get.bind(table);
  let reads = 0;
  // Not there when it is looked for, there once the own record is written.
  table.get = (number: number) => {
    reads += 1;
    const found = read(number) ?? [];
    const earlier = { publisher: other.host, guardians: [other.host], sequence: 0, expiry: null };
    return reads === 3 ? [earlier, ...found] : found;
  };
  const made = await sender.codes.make(wish);
  assert.deepEqual(sender.kept.numbersOf(sender.host), [made.number]);
  const taken = [...table.values()].flat();
  assert.deepEqual(
    taken.map(({ publisher }) => publisher),
    [sender.host],
  );
});

test('B13 a sender has a bounded number of codes, none longer than a month, and none that is not durable', async () => {
  const { peers, kill } = members(2);
  const [sender, other] = peers as [Peer, Peer];
  await assert.rejects(sender.codes.make({ ...wish, timeToLive: 32 * day }), isError('bad-usage', /at most 30 days/));
  await assert.rejects(sender.codes.make({ ...wish, target: new Uint8Array(3000) }), isError('too-large'));
  kill(other.host);
  assert.deepEqual((await sender.codes.make(wish)).guardians, [sender.host]);
  for (let count = 1; count < maxCodesPerSender; count++) await sender.codes.make(wish);
  await assert.rejects(sender.codes.make(wish), isError('quota-full', /Wait for one to expire/));
  const alone = members(1);
  alone.cannotWrite();
  const [only] = alone.peers as [Peer];
  await assert.rejects(only.codes.make(wish), /no quorum/);
  assert.deepEqual(only.kept.numbersOf(only.host), []);
});

test('B13 a door in the middle opens nothing: what it answers by itself, changes, or takes from elsewhere is no proof', async () => {
  const { peers, bytes } = members(4);
  const [sender, other] = peers as [Peer, Peer];
  const made = await sender.codes.make(wish);
  const honest = door(other);
  const forged = (length: number) => Buffer.from(bytes(length)).toString('base64url');
  const point = Buffer.from(new Asking(made, bytes).question.point).toString('base64url');
  const told = { confirmation: forged(64), sealed: forged(40) };
  const changed = (change: (begun: BegunBody) => object): Meeting => ({
    ...honest,
    begin: async (number, body) => ({ ...((await honest.begin(number, body)) as BegunBody), ...change(body as never) }),
  });
  const doors: readonly Meeting[] = [
    // It does not know the words.
    { begin: changed(() => ({ point })).begin, confirm: async () => told },
    // The words are not those of a guardian that it names.
    { ...changed(() => ({ guardian: sampleHost })), confirm: async () => told },
    // What it was told for another receiver.
    {
      ...honest,
      confirm: async () => {
        const asking = new Asking(made, bytes);
        const begun = readBegun(
          await honest.begin(made.number, beginBody(asking.question, { sender: 0, guardian: 0 })),
        );
        const confirmation = asking.confirm(begun, begun.pointBytes)!;
        return honest.confirm(made.number, confirmBody(begun, confirmation));
      },
    },
    // Sent back what came, or something that is no message.
    {
      begin: changed((body) => ({ point: (body as unknown as BeginBody).point })).begin,
      confirm: async (_, body) => body,
    },
    { begin: async () => ({}), confirm: async () => told },
    { begin: changed(() => ({ point: forged(32) })).begin, confirm: async () => told },
  ];
  for (const [at, between] of doors.entries())
    await assert.rejects(
      meet(between, made, bytes),
      (error) => isError('no-live-source')(error) || isError('bad-content')(error),
      `door ${at}`,
    );
  // None of it was a guess.
  assert.equal(sender.kept.known(sender.host, made.number)?.guesses, 0);
  assert.equal(await receive(other, made, bytes), 'there');
});

test('B13 a guardian that lies or falls silent amid an exchange is passed over', async () => {
  const { peers, bytes } = members(4);
  const [sender, other] = peers as [Peer, Peer];
  const made = await sender.codes.make(wish);
  const honest = door(other);
  for (const answer of [
    async () => ({ confirmation: Buffer.alloc(64).toString('base64url'), sealed: '' }),
    async () => 'nonsense',
    () => Promise.reject(new ChordialError('not-found', 'forgotten')),
    () => Promise.reject(new ChordialError('no-live-source', 'away')),
  ]) {
    let first = true;
    const between: Meeting = {
      ...honest,
      confirm: (number, body) => {
        if (!first) return honest.confirm(number, body);
        first = false;
        return answer();
      },
    };
    assert.equal((await meet(between, made, bytes))?.path, 'there');
  }
  // One that always leads back to the same guardian does not keep a receiver going round.
  const turning: Meeting = {
    begin: (number, body) => honest.begin(number, { ...body, turn: { sender: 0, guardian: 0 } }),
    confirm: async () => 'nonsense',
  };
  await assert.rejects(meet(turning, made, bytes), isError('no-live-source', /gives a proper answer/));
});

test('B13 messages about codes are bounded before anything is computed', async () => {
  const { peers, bytes } = members(2);
  const [sender] = peers as [Peer];
  const { question } = new Asking({ number: 7, words: 'zoo-zoo-zoo' }, bytes);
  const body = beginBody(question, { sender: 0, guardian: 0 });
  for (const bad of [
    { ...body, session: '' },
    { ...body, point: 'A'.repeat(128) },
    { ...body, turn: { sender: -1, guardian: 0 } },
    { ...body, turn: { sender: 0, guardian: 99 } },
  ])
    await assert.rejects(beginOf(sender.codes, 7, bad), isError('bad-request'));
  await assert.rejects(beginOf(sender.codes, 7.5, body), isError('bad-request'));
  const confirmed = { guardian: sender.host, exchange: 'AA', confirmation: 'AA' };
  await assert.rejects(confirmOf(sender.codes, confirmed), isError('bad-request'));
  await assert.rejects(confirmOf(sender.codes, { ...confirmed, guardian: 'me' }), isError('bad-request'));
  const [exchange, confirmation] = [16, 64].map((length) => Buffer.alloc(length).toString('base64url'));
  const unknown = { guardian: sender.host, exchange: exchange!, confirmation: confirmation! };
  await assert.rejects(confirmOf(sender.codes, unknown), isError('not-found'));
});
