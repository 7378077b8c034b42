import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Contact,
  type MemberPointer,
  nextId,
  type Pointer,
  type RingAnswers,
  type RingAsks,
  type RingId,
  type RingMessageKind,
  ringId,
} from '@chordial/ring';
import fc from 'fast-check';
import { memberIdOfHost } from './host-id.ts';
import { createIdentity } from './identity.ts';
import { decodeShortId, encodeShortId, ringCodec } from './ring-codec.ts';

import { TransportError } from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

const contacts: readonly Contact[] = Array.from({ length: 5 }, (_, number) => ({
  host: createIdentity().host,
  addresses: [`192.0.2.${number}:4848`, `127.0.0.1:${5000 + number}`].slice(0, number),
  ...(number % 2 === 1 && { zone: `rack-${number}` }),
}));
const sender = contacts[1]!;

const plainRecord = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

interface Arbitraries {
  readonly id: fc.Arbitrary<RingId>;
  readonly own: fc.Arbitrary<MemberPointer>;
  readonly member: fc.Arbitrary<MemberPointer>;
  readonly pointer: fc.Arbitrary<Pointer>;
  readonly successors: fc.Arbitrary<readonly Pointer[]>;
}

function arbitraries(bits: number, s: number, rule: 'key' | 'chosen'): Arbitraries {
  const id = fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }).map((value) => ringId(value, bits));
  const memberOf = (contact: fc.Arbitrary<Contact>) =>
    fc.tuple(contact, fc.nat(63), id).map(([contact, index, chosen]): MemberPointer => {
      return { id: rule === 'key' ? memberIdOfHost(contact.host, index, bits) : chosen, contact, index };
    });
  const member = memberOf(fc.constantFrom(...contacts));
  const padding = id.map((id): Pointer => ({ id, contact: null, index: 0 }));
  const successors = fc.tuple(fc.array(member, { maxLength: s }), id).map(([members, last]) => {
    const list: Pointer[] = [...members];
    while (list.length < s) list.push({ id: nextId(list.at(-1)?.id ?? last, bits), contact: null, index: 0 });
    return list;
  });
  return { id, own: memberOf(fc.constant(sender)), member, pointer: fc.oneof(member, padding), successors };
}

type Exchange = { [K in RingMessageKind]: { kind: K; ask: RingAsks[K]; answer: RingAnswers[K] } }[RingMessageKind];

function exchange({ id, own, member, pointer, successors }: Arbitraries, bits: number): fc.Arbitrary<Exchange> {
  const answerEach = <Ask, Answer>(ask: fc.Arbitrary<Ask>, answer: fc.Arbitrary<Answer>) =>
    fc
      .array(fc.tuple(ask, answer), { maxLength: 6 })
      .map((pairs) => [pairs.map(([a]) => a), pairs.map(([, b]) => b)] as const);
  const epoch = fc.maxSafeNat();
  const state = plainRecord({ me: own, predecessor: member, successors, epoch });
  const stateAnswer = fc.oneof(
    state.map((state) => ({ status: 'member' as const, state })),
    fc.constantFrom({ status: 'pending' as const }, { status: 'not-member' as const }),
  );
  const owned = plainRecord({ owner: own, predecessor: pointer, successors });
  const suggestions = fc.array(member, { maxLength: 8 });
  const found = plainRecord({ owned: fc.option(owned), guesses: suggestions, closer: suggestions });
  const contact = fc.constantFrom(...contacts);
  const type = fc.constantFrom('alive', 'away', 'left', 'dead');
  const events = fc.array(plainRecord({ type, contact, virtualNodes: fc.nat(64), incarnation: epoch }), {
    maxLength: 9,
  });
  const ids = fc.array(id, { maxLength: 9 });
  const incarnation = fc.nat(2 ** 48 - 1);
  const arrivals = fc.array(
    plainRecord({ type: fc.constant('alive'), contact, virtualNodes: fc.nat(64), incarnation }),
    {
      maxLength: 9,
    },
  );
  const shortId = id.map((whole) => decodeShortId(encodeShortId(whole, bits), bits));
  const departures = fc.array(
    plainRecord({ first: shortId, type: fc.constantFrom('away', 'left', 'dead'), incarnation }),
    { maxLength: 9 },
  );
  const notices = fc.array(plainRecord({ to: id, from: own }), { maxLength: 9 });
  const exchanges: fc.Arbitrary<unknown>[] = [
    fc.tuple(answerEach(id, stateAnswer), notices).map(([[members, states], notices]) => ({
      kind: 'getState',
      ask: { members, notices },
      answer: { states },
    })),
    notices.map((notices) => ({ kind: 'notify', ask: { notices }, answer: {} })),
    answerEach(id, found).map(([keys, found]) => ({ kind: 'find', ask: { keys }, answer: { found } })),
    fc
      .tuple(ids, fc.array(member))
      .map(([members, candidates]) => ({ kind: 'wake', ask: { members, candidates }, answer: {} })),
    fc.tuple(fc.boolean(), ids).map(([forGood, members]) => ({ kind: 'leave', ask: { forGood, members }, answer: {} })),
    answerEach(contact, fc.boolean()).map(([hosts, reached]) => ({
      kind: 'probe',
      ask: { hosts },
      answer: { reached },
    })),
    fc.tuple(events, events).map(([a, b]) => ({ kind: 'gossip', ask: { events: a }, answer: { events: b } })),
    fc.tuple(shortId, arrivals, departures).map(([until, arrivals, departures]) => ({
      kind: 'events',
      ask: { until, arrivals, departures },
      answer: {},
    })),
    fc.tuple(id, fc.nat(), arrivals).map(([after, total, hosts]) => ({
      kind: 'snapshot',
      ask: { after, max: 9 },
      answer: { total, hosts },
    })),
  ];
  return fc.oneof(...exchanges) as fc.Arbitrary<Exchange>;
}

const shapes = [
  { bits: 256, successors: 16, rule: 'key' },
  { bits: 3, successors: 3, rule: 'chosen' },
  { bits: 12, successors: 1, rule: 'chosen' },
  { bits: 9, successors: 64, rule: 'key' },
] as const;

for (const shape of shapes) {
  const codec = ringCodec(shape);
  const any = exchange(arbitraries(shape.bits, shape.successors, shape.rule), shape.bits);

  test(`messages of a ring of ${shape.bits} bits, rule ${shape.rule}, come back as they were sent`, () => {
    fc.assert(
      fc.property(any, ({ kind, ask, answer }) => {
        const askAgain = codec.decodeAsk(kind, decodeBody(encodeBody(codec.encodeAsk(kind, ask))), sender.host);
        assert.deepEqual(askAgain, ask);
        const wire = decodeBody(encodeBody(codec.encodeAnswer(kind, answer)));
        assert.deepEqual(codec.decodeAnswer(kind, wire, ask, sender.host), answer);
      }),
      { numRuns: 100 },
    );
  });

  test(`a message damaged anywhere is read or refused, never worse (${shape.bits} bits, rule ${shape.rule})`, () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(any, damage, ({ kind, ask, answer }, changes) => {
        for (const wire of [codec.encodeAsk(kind, ask), codec.encodeAnswer(kind, answer)]) {
          const bytes = encodeBody(wire);
          for (const [position, byte] of changes) bytes[position % bytes.length] = byte;
          refusedOrRead(() => codec.decodeAsk(kind, decodeBody(bytes), sender.host));
          refusedOrRead(() => codec.decodeAnswer(kind, decodeBody(bytes), ask, sender.host));
        }
      }),
      { numRuns: 100 },
    );
  });
}

function refusedOrRead(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof TransportError && error.failure === 'refused', String(error));
  }
}

const kinds: readonly RingMessageKind[] = [
  'getState',
  'notify',
  'find',
  'wake',
  'leave',
  'probe',
  'gossip',
  'events',
  'snapshot',
];
const codec = ringCodec({ bits: 256, successors: 3, rule: 'key' });
const me: MemberPointer = { id: memberIdOfHost(sender.host, 0, 256), contact: sender, index: 0 };

test('random values of any type are refused', () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.anything({ withBigInt: true, withTypedArray: true }), (kind, value) => {
      refusedOrRead(() => codec.decodeAsk(kind, value, sender.host));
      refusedOrRead(() => codec.decodeAsk(kind, [[], value], sender.host));
    }),
  );
});

test('random bytes are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
      refusedOrRead(() => codec.decodeAsk('find', decodeBody(bytes), sender.host)),
    ),
  );
  refusedOrRead(() => decodeBody(new Uint8Array(1_000_000).fill(0x81)));
  assert.throws(() => decodeBody(new Uint8Array(1024 * 1024 + 1)), { code: 'too-large' });
});

test('a host speaks for its own members only', () => {
  const notices = [{ to: me.id, from: me }];
  for (const kind of ['notify', 'getState'] as const) {
    const wire = codec.encodeAsk(kind, { members: [], notices });
    assert.deepEqual(codec.decodeAsk(kind, wire, sender.host).notices, notices);
    assert.throws(() => codec.decodeAsk(kind, wire, contacts[2]!.host), {
      failure: 'refused',
      message: /another host/,
    });
  }
});

test('lists longer than a message may carry are refused, and answers of another length than the ask', () => {
  const members = Array.from({ length: 257 }, () => me.id);
  assert.throws(() => codec.decodeAsk('getState', codec.encodeAsk('getState', { members, notices: [] }), sender.host), {
    failure: 'refused',
  });
  const answer = codec.encodeAnswer('getState', { states: [{ status: 'pending' }] });
  const ask = { members: [me.id, me.id], notices: [] };
  assert.throws(() => codec.decodeAnswer('getState', answer, ask, sender.host), { failure: 'refused' });
});

test('padding before a member is refused', () => {
  const padding: Pointer = { id: me.id, contact: null, index: 0 };
  const state = { me, predecessor: me, successors: [me, padding, me], epoch: 1 };
  const wire = codec.encodeAnswer('getState', { states: [{ status: 'member', state }] });
  assert.throws(() => codec.decodeAnswer('getState', wire, { members: [me.id], notices: [] }, sender.host), {
    message: /padding/,
  });
});

test('pointers to one host share its contact, and another machine is told no loopback', () => {
  const contact = { host: createIdentity().host, addresses: ['127.0.0.1:1', '192.0.2.1:1'] };
  const candidates = [0, 1].map((index) => ({ id: memberIdOfHost(contact.host, index, 256), contact, index }));
  const ask = { members: [], candidates };
  const [one, two] = codec.decodeAsk('wake', codec.encodeAsk('wake', ask), sender.host).candidates;
  assert.equal(one?.contact, two?.contact);
  const [there] = codec.decodeAsk('wake', codec.encodeAsk('wake', ask, true), sender.host).candidates;
  assert.deepEqual(there?.contact.addresses, ['192.0.2.1:1']);
});

test('a state of 17 pointers to 5 hosts takes less than 600 bytes', () => {
  const members = Array.from({ length: 16 }, (_, index) => {
    const contact = contacts[index % 5]!;
    return { id: memberIdOfHost(contact.host, index, 256), contact, index };
  });
  const wide = ringCodec({ bits: 256, successors: 16, rule: 'key' });
  const state = { me, predecessor: members[3]!, successors: members, epoch: 9 };
  assert.ok(encodeBody(wide.encodeAnswer('getState', { states: [{ status: 'member', state }] })).length < 600);
});

test('B10 an address through a relay takes 38 bytes in an arrival where it is IPv4, and comes as it went', () => {
  const relay = createIdentity().host;
  const addresses = [
    `relay:${relay}@192.0.2.7:4848`,
    `relay:${relay}@[2001:db8::7]:1`,
    `relay:${relay}@a.example.org:65535`,
  ];
  const contact = { host: sender.host, addresses };
  const arrivals = [{ type: 'alive', contact, virtualNodes: 12, incarnation: 9 } as const];
  const ask = { until: me.id, arrivals, departures: [] };
  const wire = codec.encodeAsk('events', ask) as [unknown, [unknown, [[unknown, unknown[]]]]];
  assert.equal((wire[1][1][0][1][0] as Uint8Array).length, 38);
  assert.deepEqual(codec.decodeAsk('events', wire as never, sender.host).arrivals[0]?.contact.addresses, addresses);
  wire[1][1][0][1][0] = new Uint8Array(37);
  assert.throws(() => codec.decodeAsk('events', wire as never, sender.host), { code: 'bad-request' });
});

test('a contact has at most one zone, written as all hosts write it', () => {
  const codec = ringCodec({ bits: 256, successors: 3, rule: 'key' });
  const [[key, addresses, zone], asked] = [
    (codec.encodeAsk('probe', { hosts: [sender] }) as unknown[][][])[0]![0]!,
    [0],
  ] as const;
  const decode = (...contact: unknown[]) =>
    codec.decodeAsk('probe', [[contact], asked] as never, sender.host).hosts[0]?.zone;
  assert.equal(decode(key, addresses, zone), 'rack-1');
  assert.equal(decode(key, addresses), undefined);
  assert.equal(decode(key, addresses, 'cellar'), 'cellar', 'another zone at the same addresses');
  for (const wrong of ['Rack-1', 'a b', '', 'a'.repeat(65), null, 7, new Uint8Array(2)])
    assert.throws(() => decode(key, addresses, wrong), { failure: 'refused' }, String(wrong));
  assert.throws(() => decode(key, addresses, 'cellar', 'attic'), { failure: 'refused' });
});
