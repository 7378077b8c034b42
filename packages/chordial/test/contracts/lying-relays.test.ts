/** Relays and hidden hosts that lie, over real sockets: no lie ends a process, blocks the way to a host, or makes one dial without bound. */
import assert from 'node:assert/strict';
import { connect as connectHttp2, performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import type { Contact, HostId } from '@chordial/ring';
import { formatRelay } from '../../src/network/addresses.ts';
import { tlsCredentials } from '../../src/network/certificate.ts';
import { encodeGenesis, found } from '../../src/network/genesis.ts';
import { encodeHelloAnswer } from '../../src/network/hello.ts';
import { vainCallRate } from '../../src/network/hidden.ts';
import { createIdentity } from '../../src/network/identity.ts';
import {
  type BackAsk,
  backAsk,
  backPath,
  backProtocol,
  encodeBeat,
  encodeCall,
  newToken,
  registerPath,
  relayProtocol,
} from '../../src/network/relay-messages.ts';
import { gatherBody } from '../../src/network/small-exchange.ts';
import { type Reachability, TlsTransport, type TlsTransportOptions } from '../../src/network/tls-transport.ts';
import { decodeBody, encodeBody } from '../../src/network/wire-body.ts';
import { decodeAs } from '../../src/wire/schema.ts';
import { relayMember } from '../fixtures/relay-member.ts';
import { until } from '../fixtures/until.ts';

const genesis = found({ admission: 'open' });
const patience = { timeout: 60_000 };
const hidden: Reachability = { isHidden: () => true, isOpen: () => false };
const open: Reachability = { isHidden: () => false, isOpen: () => true };
/** Where nothing listens. */
const nowhere = '127.0.0.1:9';

async function peer(t: TestContext, options: Partial<TlsTransportOptions> = {}): Promise<TlsTransport> {
  const transport = new TlsTransport({ identity: createIdentity(), genesis, listen: '127.0.0.1:0', ...options });
  t.after(() => transport.close());
  await transport.serve({ request: async (_, kind, body) => [kind, body], stream: async () => ({ header: null }) });
  return transport;
}

interface Lies {
  /** Before it answers HELLO. */
  greeting?(stream: ServerHttp2Stream): void;
  registered?(stream: ServerHttp2Stream): void;
  back?(ask: BackAsk, stream: ServerHttp2Stream): void;
  connect?(stream: ServerHttp2Stream): void;
}

/** Speaks the protocol of relays as the lies say. */
async function lyingRelay(t: TestContext, lies: Lies): Promise<Contact> {
  const identity = createIdentity();
  const { key, cert } = tlsCredentials(identity);
  const sockets = new Set<TLSSocket>();
  const server = createTls(
    { key, cert, requestCert: true, rejectUnauthorized: false, ALPNProtocols: [relayProtocol] },
    (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      const session = performServerHandshake(socket);
      session.on('error', () => undefined);
      session.on('stream', (stream, headers) => {
        stream.on('error', () => undefined);
        if (headers[':method'] === 'CONNECT') lies.connect?.(stream);
        else if (headers[':path'] === registerPath) lies.registered?.(stream);
        else void answer(stream, headers[':path'] === backPath);
      });
    },
  );
  const answer = async (stream: ServerHttp2Stream, isBack: boolean): Promise<void> => {
    const body = await gatherBody(stream, 100_000).catch(() => null);
    if (body === null) return;
    if (isBack) {
      lies.back?.(decodeAs(backAsk, decodeBody(body)), stream);
      return;
    }
    lies.greeting?.(stream);
    stream.respond({ ':status': 200 });
    stream.end(encodeBody(helloOf(contact)));
  };
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const contact = { host: identity.host, addresses: [`127.0.0.1:${port}`] };
  return contact;
}

function helloOf(contact: Contact) {
  return encodeHelloAnswer({
    genesis: encodeGenesis(genesis),
    contact,
    observedAddress: '127.0.0.1',
    shown: [],
    name: null,
    epoch: 0,
    admission: null,
    links: [],
  });
}

function through(host: HostId, relay: Contact): Contact {
  return { host, addresses: [formatRelay({ relay: relay.host, at: relay.addresses[0]! })] };
}

/** How long it takes until the way is known to lead nowhere. */
async function failing(from: TlsTransport, to: Contact): Promise<number> {
  const began = performance.now();
  await assert.rejects(from.request(to, 'hello', null, { deadline: 15_000 }), { failure: 'timeout' });
  return performance.now() - began;
}

test('B10 a relay that leaves with its HELLO costs a hidden host that relay alone', patience, async (t) => {
  let greeted = 0;
  const leaving = await lyingRelay(t, {
    greeting: ({ session }) => {
      greeted += 1;
      session?.goaway();
    },
  });
  const good = await peer(t, { reachability: open });
  const host = await peer(t, { reachability: hidden, advertise: nowhere });
  host.reachThrough(() => [leaving, good.contact]);
  await until('it tried', async () => greeted > 0 && good.relayed.registered === 1);
  assert.deepEqual(await good.request(host.contact, 'hello', 1, { deadline: 5000 }), ['hello', 1]);
});

test('B10 the way through a relay that answers nothing fails, and is tried again', patience, async (t) => {
  let [backs, tunnels] = [0, 0];
  const relay = await lyingRelay(t, {
    back: () => {
      backs += 1;
    },
    connect: () => {
      tunnels += 1;
    },
  });
  const [asker, host] = [await peer(t), await peer(t)];
  const took = await failing(asker, through(host.self, relay));
  assert.ok(took < 9000, `${took} ms`);
  assert.deepEqual([backs, tunnels], [1, 1]);
  assert.deepEqual(await asker.request(host.contact, 'hello', 1, { deadline: 3000 }), ['hello', 1]);
});

test('B10 a hidden host that ignores the calls of its relay is tried again by it', patience, async (t) => {
  const relay = await peer(t, { reachability: open });
  const identity = createIdentity();
  const silent = await relayMember(t, relay, { identity, genesis });
  silent.session
    .request({ ':method': 'POST', ':path': registerPath }, { endStream: false })
    .on('error', () => undefined);
  await until('it is registered', async () => relay.relayed.registered === 1);
  const took = await failing(relay, through(identity.host, relay.contact));
  assert.ok(took < 9000, `${took} ms`);
});

test('B10 a relay has a hidden host dial a third one a few times only', patience, async (t) => {
  let dialled = 0;
  const victim = createTcp((socket) => {
    dialled += 1;
    socket.destroy();
  });
  t.after(() => victim.close());
  await new Promise<void>((resolve) => victim.listen(0, '127.0.0.1', resolve));
  const at = `127.0.0.1:${(victim.address() as AddressInfo).port}`;
  let calls = 0;
  const relay = await lyingRelay(t, {
    registered: (stream) => {
      stream.respond({ ':status': 200 });
      const back = { from: createIdentity().host, at, purpose: 'control' } as const;
      for (; calls < 1000; calls++) stream.write(encodeCall(calls + 1, { token: newToken(), back }));
      stream.on('data', () => stream.write(encodeBeat(++calls)));
    },
  });
  const host = await peer(t, { reachability: hidden, advertise: nowhere });
  host.reachThrough(() => [relay]);
  await until('it dials', () => dialled > 0);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  assert.ok(dialled >= vainCallRate.burst && dialled < 2 * vainCallRate.burst, `${dialled} of 1000`);
  assert.equal(host.contact.addresses.length, 2);
});

test('B10 a host that stops does not wait for those that it dialled back', patience, async (t) => {
  const token = newToken();
  const identity = createIdentity();
  const { key, cert } = tlsCredentials(identity);
  const { promise: dialled, resolve } = Promise.withResolvers<TLSSocket>();
  const ALPNProtocols = [backProtocol(token)];
  const asker = createTls({ key, cert, requestCert: true, rejectUnauthorized: false, ALPNProtocols }, resolve);
  t.after(() => asker.close());
  await new Promise<void>((listening) => asker.listen(0, '127.0.0.1', listening));
  const at = `127.0.0.1:${(asker.address() as AddressInfo).port}`;
  const relay = await lyingRelay(t, {
    registered: (stream) => {
      stream.respond({ ':status': 200 });
      stream.write(encodeCall(1, { token, back: { from: identity.host, at, purpose: 'control' } }));
    },
  });
  const host = await peer(t, { reachability: hidden, advertise: nowhere });
  host.reachThrough(() => [relay]);
  const socket = await dialled;
  const session = connectHttp2('https://chordial', { createConnection: () => socket });
  session.on('error', () => undefined);
  // A question that it never completes.
  session.request({ ':method': 'POST', ':path': '/hello' }, { endStream: false }).on('error', () => undefined);
  let isClosed = false;
  socket.once('close', () => {
    isClosed = true;
  });
  await new Promise((later) => setTimeout(later, 200));
  const began = performance.now();
  await host.close();
  await until('its connection ends', () => isClosed, 1500);
  assert.ok(performance.now() - began < 1500, `${performance.now() - began} ms`);
});
