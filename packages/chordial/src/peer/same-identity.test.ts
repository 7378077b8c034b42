import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, RingAsks, RingHandler, RingId, RingNetwork } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { createIdentity, type Identity } from '../network/identity.ts';
import { Closing } from './closing.ts';
import { PeerLifecycle } from './peer-lifecycle.ts';
import { SameIdentityWatch, TwoAddresses } from './same-identity.ts';

const addresses = ['192.0.2.1:1', '192.0.2.2:2'] as const;

/** Two processes with one key, each started at its time; what the ring of each tells has grown with rumours. */
function processes(identity: Identity, started: readonly [number, number], told: readonly [number, number]) {
  const found: string[] = [];
  const contacts = addresses.map((address): Contact => ({ host: identity.host, addresses: [address] }));
  const ringOf = (place: number): RingHandler => ({
    handle: (_from, _kind, _ask, answer) => {
      const event = { type: 'alive', contact: contacts[place]!, virtualNodes: 1, incarnation: told[place]! } as const;
      (answer as (news: unknown) => void)({ events: [event] });
    },
  });
  const watches = addresses.map((_, place): SameIdentityWatch => {
    const network: RingNetwork = {
      ask: (to, { kind, ask }, done) => {
        const other = addresses.findIndex((address) => to.addresses.includes(address));
        watches[other]!.answers(ringOf(other)).handle(identity.host, kind, ask, (answer) => {
          done(answer === null ? { ok: false, failure: 'refused' } : { ok: true, answer });
        });
      },
      ping: () => undefined,
    };
    return new SameIdentityWatch({
      identity,
      network,
      member: 'aa' as RingId,
      incarnation: started[place]!,
      self: () => contacts[place]!,
      peers: () => [],
      found: (address) => found.push(`${place} ends for ${address}`),
    });
  });
  return { found, contacts, watches };
}

test('rough: syncthing#3997 the later of two ends, whatever rumours of their death made of their incarnations', async () => {
  for (const told of [
    [10, 20],
    [21, 20],
    [21, 22],
    [23, 22],
  ] as const) {
    const { found, contacts, watches } = processes(createIdentity(), [10, 20], told);
    watches[0]!.called(contacts[1]!);
    watches[1]!.called(contacts[0]!);
    await new Promise(setImmediate);
    for (const watch of watches) watch.close();
    assert.deepEqual(found, [`1 ends for ${addresses[0]}`], `told ${told}`);
  }
});

test('another peer gets the answers of the ring', async () => {
  const { watches, contacts } = processes(createIdentity(), [10, 20], [11, 21]);
  for (const watch of watches) watch.close();
  const asked: string[] = [];
  const ring: RingHandler = { handle: (_from, kind) => void asked.push(kind) };
  const answers = watches[0]!.answers(ring);
  answers.handle(createIdentity().host, 'gossip', { events: [] }, () => undefined);
  answers.handle(contacts[0]!.host, 'find', { keys: [] }, () => undefined);
  assert.deepEqual(asked, ['gossip', 'find']);
});

test('a peer that is abandoned in the last moment of its start ends, with everything it has opened', async () => {
  const lifecycle = new PeerLifecycle({} as ConstructorParameters<typeof PeerLifecycle>[0]);
  const failure = new ChordialError('identity-in-use', 'It runs elsewhere.');
  const opened = new Closing();
  let isClosed = false;
  opened.defer(() => {
    isClosed = true;
  });
  lifecycle.abandon(failure);
  assert.equal(lifecycle.failure, null);
  lifecycle.started(opened.move());
  await lifecycle.ended;
  assert.deepEqual([isClosed, lifecycle.failure], [true, failure]);
});

test('a host that is heard at two addresses in turn is told of both, once in a while', () => {
  const asked: (readonly string[])[] = [];
  const network: Pick<RingNetwork, 'ask'> = {
    ask: (_to, { ask }) => {
      asked.push((ask as RingAsks['gossip']).events.flatMap(({ contact }) => contact.addresses));
    },
  };
  const two = new TwoAddresses(network);
  const identity = createIdentity();
  const at = (address: string): Contact => ({ host: identity.host, addresses: [address] });
  for (let time = 0; time < 5; time++) two.heard(at('127.0.0.1:1'));
  assert.deepEqual(asked, []);
  for (let time = 0; time < 5; time++) {
    two.heard(at('127.0.0.1:2'));
    two.heard(at('127.0.0.1:1'));
  }
  assert.deepEqual(asked, [['127.0.0.1:1', '127.0.0.1:2']]);
});

test('what others say of a second address is looked at, once in eight seconds', async () => {
  const identity = createIdentity();
  const dialled: string[] = [];
  const found: string[] = [];
  const watch = new SameIdentityWatch({
    identity,
    network: {
      ask: (to, _question, done) => {
        dialled.push(...to.addresses);
        const event = { type: 'alive', contact: to, virtualNodes: 1, incarnation: 1 } as const;
        done({ ok: true, answer: { events: [event] } } as never);
      },
      ping: () => undefined,
    },
    member: null,
    incarnation: 2,
    self: () => ({ host: identity.host, addresses: [addresses[0]] }),
    peers: () => [],
    found: (address) => found.push(address),
  });
  const handled: string[] = [];
  const ring = watch.answers({ handle: (_from, kind) => void handled.push(kind) });
  const event = (address: string) =>
    ({
      type: 'alive',
      contact: { host: identity.host, addresses: [address] },
      virtualNodes: 1,
      incarnation: 0,
    }) as const;
  const other = createIdentity().host;
  ring.handle(other, 'gossip', { events: [event(addresses[0])] }, () => {});
  assert.deepEqual(dialled, []);
  for (const address of [addresses[1], '192.0.2.3:3', '192.0.2.4:4'])
    ring.handle(other, 'gossip', { events: [event(addresses[0]), event(address)] }, () => {});
  await new Promise((resolve) => setImmediate(resolve));
  watch.close();
  assert.deepEqual([dialled, found], [[addresses[1]], [addresses[1]]]);
  assert.equal(handled.length, 4);
});
