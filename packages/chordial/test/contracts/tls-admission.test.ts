/** What HTTP/2 owes beyond the contract: who is let in, and that misbehaviour of one host does not hurt another. */
import assert from 'node:assert/strict';
import { connect as connectHttp2, createSecureServer } from 'node:http2';
import { connect as connectTcp, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Contact } from '@chordial/ring';
import { tlsCredentials } from '../../src/network/certificate.ts';
import { encodeQuestion } from '../../src/network/control-frames.ts';
import type { CounterName } from '../../src/network/counters.ts';
import { found, type Genesis } from '../../src/network/genesis.ts';
import { encodeHelloAnswer, encodeHelloAsk } from '../../src/network/hello.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import { admissionFrom } from '../../src/network/invite.ts';
import { hello } from '../../src/network/join-hello.ts';
import { type Invitation, Members } from '../../src/network/members.ts';
import { ringCodec } from '../../src/network/ring-codec.ts';
import { ringNetwork } from '../../src/network/ring-network.ts';
import { TlsTransport, type TlsTransportOptions } from '../../src/network/tls-transport.ts';
import type { Handlers } from '../../src/network/transport.ts';
import { encodeBody, maxBodyBytes } from '../../src/network/wire-body.ts';
import { CertifiedNetwork } from '../fixtures/certified.ts';

const deadline = 5000;
const noPapers = { shown: [], name: null, epoch: 0 };
const certified = new CertifiedNetwork();
const { genesis } = certified;
const handlers: Handlers = {
  request: async (_, kind) => kind,
  stream: async () => ({ header: null }),
};
async function peer(
  t: TestContext,
  options: Partial<TlsTransportOptions> = {},
  answering = handlers,
): Promise<TlsTransport> {
  const { identity, members } = certified.member('peer');
  const transport = new TlsTransport({ identity, genesis, members, listen: '127.0.0.1:0', ...options });
  t.after(() => transport.close());
  await transport.serve(answering);
  return transport;
}

const ask = (from: TlsTransport, to: TlsTransport) => from.request(to.contact, 'hear', null, { deadline });
/** Somebody with an invite, who says HELLO for the first time. */
function joiner(invitation: Partial<Invitation> = {}, from = certified) {
  const identity = createIdentity();
  const shown = [admissionFrom(from.papers(invitation), identity, 'joiner').bytes];
  return { identity, network: from.id, shown };
}

test('a joiner with an invite is countersigned by the first member it greets, and learns the network from it', async (t) => {
  const host = await peer(t);
  const greeting = await hello(host.listening, joiner());
  assert.deepEqual(greeting.contact, host.contact);
  assert.deepEqual(greeting.genesis, genesis);
  assert.equal(greeting.admission?.stamp?.by, host.self);
  assert.equal(greeting.observedAddress, '127.0.0.1');
});

test('an address where no peer answers is told so by name', async (t) => {
  const taken = createServer((socket) =>
    socket
      .on('error', () => undefined)
      .resume()
      .end('SSH-2.0-OpenSSH\r\n'),
  );
  t.after(() => taken.close());
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port));
  });
  await assert.rejects(hello(`127.0.0.1:${port}`, joiner()), { code: 'join-failed' });
  await new Promise((resolve) => taken.close(resolve));
  const refused = hello(`127.0.0.1:${port}`, joiner());
  await assert.rejects(refused, { code: 'unreachable', message: new RegExp(`127.0.0.1:${port}.*firewall`) });
  await assert.rejects(hello('nowhere', joiner()), { code: 'bad-address' });
});

test('a taken port and a foreign address are told apart', async (t) => {
  const host = await peer(t);
  await assert.rejects(peer(t, { listen: host.listening }), { code: 'port-in-use', message: /--listen/ });
  await assert.rejects(peer(t, { listen: '192.0.2.1:0' }), { code: 'bad-address' });
  await assert.rejects(peer(t, { listen: 'nonsense' }), { code: 'bad-address' });
});

test('a peer of another network is refused, and not told which this one is', async (t) => {
  const other = new CertifiedNetwork();
  const stranger = other.member('stranger');
  const [a, b] = [await peer(t), await peer(t, { ...stranger, genesis: other.genesis })];
  const tellsNothing = (error: Error & { code: string }) =>
    error.code === 'other-network' && !error.message.includes(other.id.slice(0, 8));
  await assert.rejects(ask(a, b), tellsNothing);
  assert.equal(b.counters['other-network'], 1);
  await assert.rejects(hello(b.listening, joiner()), tellsNothing);
});

test('a peer whose genesis is none is refused, and the ring that asks it lives on', async (t) => {
  const asker = await peer(t);
  const liar = createIdentity();
  const server = createSecureServer({ ...tlsCredentials(liar), requestCert: true, rejectUnauthorized: false });
  t.after(() => server.close());
  const contact = await new Promise<Contact>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ host: liar.host, addresses: [`127.0.0.1:${(server.address() as { port: number }).port}`] });
    });
  });
  server.on('stream', (stream) => {
    const parts = { genesis: Uint8Array.of(1, 2, 3), contact, observedAddress: '127.0.0.1' };
    stream.respond({ ':status': 200 });
    stream.end(
      encodeBody(encodeHelloAnswer({ ...parts, shown: [], name: null, epoch: 0, admission: null, links: [] })),
    );
  });
  await assert.rejects(asker.request(contact, 'hear', null, { deadline }), { failure: 'refused', code: 'bad-request' });
  const ring = ringNetwork(asker, ringCodec(genesis));
  assert.equal(await new Promise((resolve) => ring.ping(contact, deadline, resolve)), 'refused');
});

test('C2 no one is let in for being near: without papers every stranger is refused and told nothing', async (t) => {
  const host = await peer(t);
  const stranger = { identity: createIdentity() };
  const tellsNothing = (error: Error & { code: string }) =>
    error.code === 'not-admitted' && !error.message.includes(certified.id.slice(0, 8));
  await assert.rejects(hello(host.listening, stranger), tellsNothing);
  await assert.rejects(hello(host.listening, { ...stranger, network: certified.id }), tellsNothing);
  const papers = joiner();
  await assert.rejects(hello(host.listening, { ...papers, ...stranger }), { code: 'bad-certificate' });
  assert.equal(host.counters['not-admitted'], 2);
  assert.equal(host.counters['bad-certificate'], 1);
});

test('C2 a peer that cannot prove to be a member is not believed either', async (t) => {
  const impostor = await peer(t, { identity: createIdentity(), members: certified.knownTo(createIdentity()) });
  await assert.rejects(ask(await peer(t), impostor), { failure: 'refused', code: 'not-admitted' });
  await assert.rejects(ask(impostor, await peer(t)), { failure: 'refused', code: 'not-admitted' });
});

test('papers that do not hold are refused with the reason, and counted', async (t) => {
  const host = await peer(t);
  const refused = async (papers: ReturnType<typeof joiner>, code: CounterName, message: RegExp) => {
    const before = host.counters[code];
    await assert.rejects(hello(host.listening, papers), { code, message });
    assert.equal(host.counters[code], before + 1, code);
  };
  await refused(joiner({ expires: certified.now - 1 }), 'invite-expired', /was valid until.*clock/);
  const foreign = { ...joiner({}, new CertifiedNetwork()), network: certified.id };
  await refused(foreign, 'bad-certificate', /of another network/);
  const own = joiner();
  const forged = Uint8Array.from(own.shown[0]!);
  forged[200]! ^= 1;
  await assert.rejects(hello(host.listening, { ...own, shown: [forged] }), { code: /bad-certificate|join-failed/ });
  const used = certified.papers();
  const one = (name: string) => {
    const identity = createIdentity();
    return { identity, network: certified.id, shown: [admissionFrom(used, identity, name).bytes] };
  };
  await hello(host.listening, one('first'));
  await refused(one('second'), 'not-admitted', /was for one member.*admin admit/);
});

test('an open network needs no papers', async (t) => {
  const open: Genesis = found({ admission: 'open' });
  const identity = createIdentity();
  const members = new Members({ genesis: open, signer: identity, wallTime: Date.now });
  const host = await peer(t, { genesis: open, identity, members });
  const greeting = await hello(host.listening, { identity: createIdentity() });
  assert.equal(greeting.admission, null);
});

test('zones are told at the first meeting, both ways', async (t) => {
  const heard = new Map<string, string | undefined>();
  const hearing = { ...handlers, heard: ({ host, zone }: Contact) => void heard.set(host, zone) };
  const [a, b] = [await peer(t, { zone: 'cellar' }, hearing), await peer(t, { zone: 'attic' }, hearing)];
  await ask(a, b);
  assert.deepEqual([heard.get(a.self), heard.get(b.self)], ['cellar', 'attic']);
});

test('addresses are tried in order until one is the right host', async (t) => {
  const [a, b, c] = [await peer(t), await peer(t), await peer(t)];
  const dead = await peer(t);
  const deadAddress = dead.listening;
  await dead.close();
  const contact = { host: b.self, addresses: [deadAddress, c.listening, b.listening] };
  assert.equal(await a.request(contact, 'x', null, { deadline }), 'x');
});

test('a lost connection is dialled again without a word', async (t) => {
  const [a, own] = [await peer(t), certified.member('b')];
  const b = await peer(t, own);
  await ask(a, b);
  await b.close();
  const again = await peer(t, { ...own, listen: b.listening });
  assert.equal(await ask(a, again), 'hear');
  assert.ok((await a.ping(again.contact, deadline)) >= 0);
  const { pings, questions } = a.traffic;
  assert.deepEqual({ pings, questions }, { pings: 1, questions: 2 });
});

/** Each of these is done to a peer that another one is talking to. */
const misbehaviours: Record<string, { does(port: number): Promise<void>; counted: CounterName }> = {
  'bytes that are no TLS': {
    counted: 'tls-failed',
    does: async (port) => {
      const socket = connectTcp(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'));
      await gone(socket);
    },
  },
  'no certificate': { counted: 'no-certificate', does: async (port) => gone(await tls(port, {})) },
  'a request before HELLO': {
    counted: 'before-hello',
    does: (port) => refusedSession(port, createIdentity(), '/control', encodeQuestion(1, 'x', encodeBody(null))),
  },
  'HELLO in the name of another': {
    counted: 'wrong-peer',
    does: (port) => {
      const contact = { host: createIdentity().host, addresses: [] };
      const body = encodeHelloAsk({ network: null, contact, ...noPapers });
      return refusedSession(port, createIdentity(), '/hello', encodeBody(body));
    },
  },
  'garbage for HELLO': {
    counted: 'malformed',
    does: (port) => refusedSession(port, createIdentity(), '/hello', Buffer.from('garbage')),
  },
  'a HELLO without end': {
    counted: 'too-large',
    does: (port) => refusedSession(port, createIdentity(), '/hello', new Uint8Array(maxBodyBytes + 1)),
  },
  'headers without end': {
    counted: 'broken-session',
    does: async (port) => {
      const socket = await tls(port, tlsCredentials(createIdentity()));
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      socket.write(frame(4, 0, 0, Buffer.alloc(0)));
      socket.write(frame(1, 0, 1, Buffer.alloc(0)));
      socket.on('error', () => undefined);
      const more = setInterval(() => socket.write(frame(9, 0, 1, Buffer.alloc(16_000, 0x41))), 1);
      await gone(socket);
      clearInterval(more);
    },
  },
};

for (const [title, { does, counted }] of Object.entries(misbehaviours)) {
  test(`${title}: the connection is ended and counted, and no other one suffers`, { timeout: 20_000 }, async (t) => {
    const [a, b] = [await peer(t), await peer(t)];
    await ask(a, b);
    await does(Number(b.listening.split(':')[1]));
    assert.equal(await ask(a, b), 'hear');
    assert.ok(b.counters[counted] > 0, JSON.stringify(b.counters));
  });
}

test('paths that do not exist are refused one by one', async (t) => {
  const host = await peer(t);
  const { identity, network, shown } = joiner();
  const contact = { host: identity.host, addresses: [] };
  const body = encodeBody(encodeHelloAsk({ network, contact, ...noPapers, shown }));
  const session = await http2Session(Number(host.listening.split(':')[1]), identity);
  assert.equal(await post(session, '/hello', body), 200);
  assert.equal(await post(session, '/nothing', body), 404);
  assert.equal(await post(session, '/control/x', body), 404);
  session.destroy();
  assert.equal(host.counters['unknown-path'], 2);
});

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function tls(port: number, credentials: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({
    ...credentials,
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  });
  socket.on('error', () => undefined);
  return new Promise((resolve) => socket.once('secureConnect', () => resolve(socket)));
}

async function gone(socket: { once(event: 'close' | 'error', listener: () => void): unknown; resume(): unknown }) {
  socket.once('error', () => undefined);
  socket.resume();
  await new Promise<void>((resolve) => socket.once('close', resolve));
}

async function http2Session(port: number, identity: Identity) {
  const socket = await tls(port, tlsCredentials(identity));
  const session = connectHttp2('https://peer', { createConnection: () => socket });
  session.on('error', () => undefined);
  return session;
}

type Session = Awaited<ReturnType<typeof http2Session>>;

function post(session: Session, path: string, body: Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    const stream = session.request({ ':method': 'POST', ':path': path });
    stream.on('error', () => undefined);
    let status = 0;
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('close', () => resolve(status));
    stream.resume();
    stream.end(body);
  });
}

/** Says one thing and waits to be shown out. */
async function refusedSession(port: number, identity: Identity, path: string, body: Uint8Array): Promise<void> {
  const session = await http2Session(port, identity);
  const closed = new Promise<void>((resolve) => session.once('close', resolve));
  assert.notEqual(await post(session, path, body), 200);
  await closed;
}
