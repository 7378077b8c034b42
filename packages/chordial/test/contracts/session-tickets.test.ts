/** Resumed handshakes with known hosts: both ends still authenticate each other. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { HostId } from '@chordial/ring';
import { parseAddress } from '../../src/network/addresses.ts';
import { Bandwidth } from '../../src/network/bandwidth.ts';
import { tlsCredentials } from '../../src/network/certificate.ts';
import { ConnectionPool } from '../../src/network/connection-pool.ts';
import { ControlChannel } from '../../src/network/control-channel.ts';
import { type BulkCaller, type Caller, dial } from '../../src/network/dial.ts';
import { found, networkId } from '../../src/network/genesis.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import { SessionTickets } from '../../src/network/session-tickets.ts';
import { systemClock } from '../../src/network/system-clock.ts';
import { TlsTransport } from '../../src/network/tls-transport.ts';
import { encodeBody } from '../../src/network/wire-body.ts';

const genesis = found({ admission: 'open' });
const patience = 5000;

/** Answers with the one it takes the asker for. */
async function peer(t: TestContext, identity: Identity, listen = '127.0.0.1:0'): Promise<TlsTransport> {
  const transport = new TlsTransport({ identity, genesis, listen });
  t.after(() => transport.close());
  await transport.serve({ request: async (from) => from.host, stream: async () => ({ header: null }) });
  return transport;
}

function callerOf(identity: Identity, claimed: HostId = identity.host): BulkCaller {
  return {
    host: identity.host,
    credentials: tlsCredentials(identity),
    network: networkId(genesis),
    papers: () => ({ shown: [], name: null, epoch: 0 }),
    contactFor: () => ({ host: claimed, addresses: [] }),
    bandwidthTo: (address) => new Bandwidth({ clock: systemClock }).link({ address: address }),
  };
}

/** Dials, asks who we are, and hangs up. */
async function meet(caller: Caller, address: string, expected: HostId | null, tickets: SessionTickets) {
  const connection = await dial(caller, { address: parseAddress(address), expected, connectWithin: patience, tickets });
  const { session, socket, contact } = connection;
  const channel = new ControlChannel(
    session,
    () => undefined,
    () => undefined,
  );
  const answer = await channel.ask('who', encodeBody(null), { isOver: false, ended: null });
  session.destroy();
  return { isResumed: socket.isSessionReused(), host: contact.host, asker: answer };
}

test('on a resumed session both ends know each other, and claimed identities are still checked', async (t) => {
  const server = await peer(t, createIdentity());
  const [identity, tickets] = [createIdentity(), new SessionTickets()];
  const expected = { host: server.self, asker: identity.host };
  const meeting = (claimed?: HostId) => meet(callerOf(identity, claimed), server.listening, server.self, tickets);
  assert.deepEqual(await meeting(), { ...expected, isResumed: false });
  assert.deepEqual(await meeting(), { ...expected, isResumed: true });
  assert.deepEqual(await meeting(), { ...expected, isResumed: true });
  await assert.rejects(meeting(createIdentity().host), { failure: 'refused', code: 'wrong-peer' });
  assert.equal(tickets.of(server.self), null, 'after a failure the next handshake is a whole one');
  assert.deepEqual(await meeting(), { ...expected, isResumed: false });
});

test('a different host at the expected address is detected, with or without tickets', async (t) => {
  const first = await peer(t, createIdentity());
  const { listening } = first;
  const [caller, tickets] = [callerOf(createIdentity()), new SessionTickets()];
  await meet(caller, listening, first.self, tickets);
  assert.ok(tickets.of(first.self));
  await first.close();
  const second = await peer(t, createIdentity(), listening);
  await assert.rejects(meet(caller, listening, first.self, tickets), { code: 'wrong-peer' });
  assert.equal(tickets.of(second.self), null, 'nothing is kept of one that was not expected');
});

test('the ticket of one host does not resume a session with another', async (t) => {
  const [first, second] = [await peer(t, createIdentity()), await peer(t, createIdentity())];
  const [caller, tickets] = [callerOf(createIdentity()), new SessionTickets()];
  await meet(caller, first.listening, first.self, tickets);
  const misfiled = { of: () => tickets.of(first.self), collect: () => undefined, forget: () => undefined };
  const met = await meet(caller, second.listening, second.self, misfiled as unknown as SessionTickets);
  assert.deepEqual([met.isResumed, met.host], [false, second.self]);
});

test('dialling without an expected peer uses no ticket', async (t) => {
  const server = await peer(t, createIdentity());
  const [caller, tickets] = [callerOf(createIdentity()), new SessionTickets()];
  await meet(caller, server.listening, server.self, tickets);
  assert.equal((await meet(caller, server.listening, null, tickets)).isResumed, false);
});

test('a restarted peer accepts none of its old tickets, and connections succeed', async (t) => {
  const identity = createIdentity();
  const before = await peer(t, identity);
  const { listening } = before;
  const [caller, tickets] = [callerOf(createIdentity()), new SessionTickets()];
  await meet(caller, listening, identity.host, tickets);
  await before.close();
  await peer(t, identity, listening);
  assert.equal((await meet(caller, listening, identity.host, tickets)).isResumed, false);
  assert.equal((await meet(caller, listening, identity.host, tickets)).isResumed, true);
});

test('the second connection to a host is resumed, and the number of tickets is bounded', async (t) => {
  const server = await peer(t, createIdentity());
  const pool = new ConnectionPool({ caller: callerOf(createIdentity()), accept: () => undefined });
  t.after(() => pool.close());
  const control = await pool.control(server.contact);
  const bulk = await pool.bulk(server.contact);
  assert.deepEqual(
    [control, bulk].map(({ connection }) => connection.socket.isSessionReused()),
    [false, true],
  );

  const tickets = new SessionTickets();
  for (let host = 0; host < 600; host++) {
    const socket = new EventEmitter() as TLSSocket;
    tickets.collect(socket, `host ${host}` as HostId);
    socket.emit('session', Buffer.alloc(900));
  }
  const kept = Array.from({ length: 600 }, (_, host) => tickets.of(`host ${host}` as HostId)).filter(Boolean);
  assert.equal(kept.length, 512);
});
