import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  AskResult,
  Contact,
  HostId,
  RingAnswers,
  RingAsks,
  RingHandler,
  RingMessageKind,
  RingNetwork,
  RingQuestion,
} from '@chordial/ring';
import { memberIdOfHost } from './host-id.ts';
import { createIdentity } from './identity.ts';
import { MemoryNetwork } from './memory-transport.ts';
import { ringCodec } from './ring-codec.ts';
import { ringNetwork, ringRequests } from './ring-network.ts';
import { TransportError } from './transport.ts';

const codec = ringCodec({ bits: 256, successors: 3, rule: 'key' });

interface End {
  readonly contact: Contact;
  readonly ring: RingNetwork;
  asked: { from: HostId; kind: RingMessageKind }[];
}

async function end(network: MemoryNetwork, answer: (kind: RingMessageKind) => unknown): Promise<End> {
  const transport = network.transport(createIdentity().host);
  const asked: End['asked'] = [];
  const handler: RingHandler = {
    handle(from, kind, _, reply) {
      asked.push({ from, kind });
      reply(answer(kind) as RingAnswers[typeof kind] | null);
    },
  };
  await transport.serve({
    request: ringRequests(handler, codec),
    stream: async () => {
      throw new TransportError('refused', 'none');
    },
  });
  return { contact: transport.contact, ring: ringNetwork(transport, codec), asked };
}

function ask<K extends RingMessageKind>(
  from: End,
  to: Contact,
  question: Omit<RingQuestion<K>, 'deadline'>,
  deadline = 1000,
) {
  return new Promise<AskResult<K>>((resolve) => {
    let returned = false;
    from.ring.ask(to, { ...question, deadline }, (result) => {
      assert.ok(returned, 'done was called before ask returned');
      resolve(result);
    });
    returned = true;
  });
}

test('the ring asks and is answered through a transport', async () => {
  const network = new MemoryNetwork();
  const a = await end(network, () => null);
  const b = await end(network, () => ({ states: [{ status: 'pending' }] }));
  const members = [memberIdOfHost(b.contact.host, 0, 256)];
  assert.deepEqual(await ask(a, b.contact, { kind: 'getState', ask: { members, notices: [] } }), {
    ok: true,
    answer: { states: [{ status: 'pending' }] },
  });
  assert.deepEqual(b.asked, [{ from: a.contact.host, kind: 'getState' }]);
});

test('a refusal, an answer that does not fit, silence and death are told apart', async () => {
  const network = new MemoryNetwork();
  const a = await end(network, () => null);
  const b = await end(network, (kind) => (kind === 'find' ? { found: [] } : null));
  const keys = [memberIdOfHost(b.contact.host, 0, 256)];
  assert.deepEqual(await ask(a, b.contact, { kind: 'gossip', ask: { events: [] } }), { ok: false, failure: 'refused' });
  assert.deepEqual(await ask(a, b.contact, { kind: 'find', ask: { keys } }), { ok: false, failure: 'refused' });
  network.setHealth(b.contact.host, 'silent');
  assert.deepEqual(await ask(a, b.contact, { kind: 'find', ask: { keys } }, 20), {
    ok: false,
    failure: 'timeout',
  });
  network.setHealth(b.contact.host, 'dead');
  assert.deepEqual(await ask(a, b.contact, { kind: 'find', ask: { keys } }), { ok: false, failure: 'unreachable' });
});

test('a ping tells alive from dead, also across a partition and after it', async () => {
  const network = new MemoryNetwork();
  const [a, b] = [await end(network, () => null), await end(network, () => null)];
  const ping = (timeout: number) => new Promise((resolve) => a.ring.ping(b.contact, timeout, resolve));
  assert.equal(await ping(1000), 'alive');
  network.partition([a.contact.host], [b.contact.host]);
  assert.equal(await ping(20), 'timeout');
  network.heal();
  assert.equal(await ping(1000), 'alive');
  network.setHealth(b.contact.host, 'dead');
  assert.equal(await ping(1000), 'unreachable');
});

test('a host that may have no places is refused when it says that it has some, and may ask for others', async () => {
  const asked: RingMessageKind[] = [];
  const handler: RingHandler = {
    handle: (_, kind, __, reply) => {
      asked.push(kind);
      reply(kind === 'gossip' ? ({ events: [] } as never) : ({ states: [] } as never));
    },
  };
  const host = createIdentity().host;
  const from = { host, addresses: ['127.0.0.1:1'] };
  const member = { id: memberIdOfHost(host, 0, 256), contact: from, index: 0 };
  const to = memberIdOfHost(createIdentity().host, 0, 256);
  const event = { type: 'alive', contact: from, virtualNodes: 1, incarnation: 1 } as const;
  const answer = (kind: RingMessageKind, ask: RingAsks[RingMessageKind]) =>
    ringRequests(handler, codec, (one) => one !== host)(
      from,
      `ring/${kind}`,
      codec.encodeAsk(kind, ask as never, false),
    );
  for (const [kind, ask] of [
    ['notify', { notices: [{ to, from: member }] }],
    ['getState', { members: [to], notices: [{ to, from: member }] }],
    ['wake', { members: [to], candidates: [member] }],
    ['gossip', { events: [event] }],
  ] as const) {
    await assert.rejects(answer(kind, ask), { failure: 'refused', code: 'not-admitted' });
  }
  await answer('gossip', { events: [{ ...event, virtualNodes: 0 }] });
  assert.deepEqual(asked, ['gossip']);
});

test('requests that are not of the ring are refused', async () => {
  const handler: RingHandler = { handle: () => assert.fail('must not be asked') };
  const from = { host: createIdentity().host, addresses: [] };
  for (const kind of ['ring/', 'ring/steal', 'find', 'ring/constructor', 'ring/toString']) {
    await assert.rejects(ringRequests(handler, codec)(from, kind, [[], []]), { failure: 'refused' });
  }
});
