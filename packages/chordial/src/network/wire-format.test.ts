/** Version 2 of the wire, byte for byte: a change here makes old and new peers strangers. See docs/wire-format.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MemberPointer, type Pointer, ringId } from '@chordial/ring';
import { encodeAnswer, encodeQuestion } from './control-frames.ts';
import { encodeHelloAnswer, encodeHelloAsk } from './hello.ts';
import { hostIdOfPublicKey, memberIdOfHost } from './host-id.ts';
import { ringCodec } from './ring-codec.ts';
import type { Wire } from './transport.ts';
import { encodeBody } from './wire-body.ts';

const contact = { host: hostIdOfPublicKey(new Uint8Array(32).fill(1)), addresses: ['192.0.2.1:4848'] };
const me: MemberPointer = { id: memberIdOfHost(contact.host, 2, 8), contact, index: 2 };
const padding: Pointer = { id: ringId(255, 8), contact: null, index: 0 };
const state = { me, predecessor: me, successors: [me, padding], epoch: 7 };
const owned = { owner: me, predecessor: me, successors: [me, padding] };
const bytes = new Uint8Array(2).fill(9);
const papers = { shown: [bytes], name: 'a', epoch: 7 };
const codec = ringCodec({ bits: 8, successors: 2, rule: 'key' });
const chosen = ringCodec({ bits: 8, successors: 2, rule: 'chosen' });

const fixtures: Record<string, readonly [Wire, string]> = {
  HELLO: [
    encodeHelloAsk({ network: 'ab', contact, ...papers }),
    '86026261628258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a3438343881420909616107',
  ],
  'answer to HELLO': [
    encodeHelloAnswer({
      genesis: bytes,
      contact,
      observedAddress: '::1',
      ...papers,
      admission: bytes,
      links: [bytes],
    }),
    '884209098258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a34383438633a3a318142090961610742090981420909',
  ],
  getState: [
    codec.encodeAsk('getState', { members: [padding.id], notices: [{ to: padding.id, from: me }] }),
    '82818258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a34383438828141ff818241ff02',
  ],
  'getState answer': [
    codec.encodeAnswer('getState', { states: [{ status: 'member', state }, { status: 'pending' }] }),
    '82818258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a3438343882840202820241ff0701',
  ],
  'find answer': [
    codec.encodeAnswer('find', { found: [{ owned, guesses: [me], closer: [] }] }),
    '82818258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a343834388183830202820241ff810280',
  ],
  'notify, rule chosen': [
    chosen.encodeAsk('notify', { notices: [{ to: padding.id, from: me }] }),
    '82818258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a34383438818241ff8202412b',
  ],
  wake: [
    codec.encodeAsk('wake', { members: [padding.id], candidates: [me] }),
    '82818258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a34383438828141ff8102',
  ],
  leave: [codec.encodeAsk('leave', { forGood: true, members: [padding.id] }), '828082f58141ff'],
  probe: [
    codec.encodeAsk('probe', { hosts: [contact] }),
    '82818258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a343834388100',
  ],
  'probe of a host with a zone': [
    codec.encodeAsk('probe', { hosts: [{ ...contact, zone: 'attic' }] }),
    '82818358200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a343834386561747469638100',
  ],
  gossip: [
    codec.encodeAsk('gossip', { events: [{ type: 'left', contact, virtualNodes: 20, incarnation: 5 }] }),
    '82818258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a34383438818402001405',
  ],
};

const arrival = { type: 'alive', contact, virtualNodes: 20, incarnation: 5 } as const;
fixtures.events = [
  codec.encodeAsk('events', {
    until: padding.id,
    arrivals: [arrival],
    departures: [{ first: me.id, type: 'dead', incarnation: 6 }],
  }),
  '82808341ff8184582001010101010101010101010101010101010101010101010101010101010101018146c000020112f014460000000000058183412b0346000000000006',
];
fixtures['events with a zone'] = [
  codec.encodeAsk('events', {
    until: padding.id,
    arrivals: [{ ...arrival, contact: { ...contact, zone: 'attic' } }],
    departures: [],
  }),
  '82808341ff8185582001010101010101010101010101010101010101010101010101010101010101018146c000020112f01446000000000005656174746963' +
    '80',
];
fixtures.snapshot = [codec.encodeAsk('snapshot', { after: padding.id, max: 128 }), '82808241ff1880'];
fixtures['snapshot answer'] = [
  codec.encodeAnswer('snapshot', { total: 9, hosts: [arrival] }),
  '828082098184582001010101010101010101010101010101010101010101010101010101010101018146c000020112f01446000000000005',
];

for (const [name, [wire, expected]] of Object.entries(fixtures)) {
  test(`the wire format of ${name} keeps its fixture`, () => {
    assert.equal(Buffer.from(encodeBody(wire)).toString('hex'), expected);
  });
}

test('the frames of a question and its answer keep their fixtures', () => {
  const question = encodeQuestion(258, 'ring/find', encodeBody([1]));
  assert.equal(question.toString('hex'), '000000100000010209' + '72696e672f66696e64' + '8101');
  assert.equal(encodeAnswer(258, 200, encodeBody(null)).toString('hex'), '000000070000010200c8f6');
});
