/** Hosts that cannot be dialled, reached through a member that relays: over real sockets, with all hosts on one machine. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { Contact } from '@chordial/ring';
import { parseAddress, relayAddress } from '../../src/network/addresses.ts';
import { tlsCredentials } from '../../src/network/certificate.ts';
import type { ControlConnection } from '../../src/network/dial.ts';
import { found, type Genesis } from '../../src/network/genesis.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import { backProtocol, decodeCall, newToken, registerPath, tokenText } from '../../src/network/relay-messages.ts';
import { maxTunnelsPerHost, Relays } from '../../src/network/relays.ts';
import { type Reachability, TlsTransport, type TlsTransportOptions } from '../../src/network/tls-transport.ts';
import { drainPayload } from '../../src/network/transport.ts';
import { CertifiedNetwork } from '../fixtures/certified.ts';
import { relayMember } from '../fixtures/relay-member.ts';
import { until } from '../fixtures/until.ts';

const genesis = found({ admission: 'open' });
const patience = { timeout: 60_000 };
const soon = { deadline: 8000 };
const open: Reachability = { isHidden: () => false, isOpen: () => true };
const hidden: Reachability = { isHidden: () => true, isOpen: () => false };
/** Where nothing listens: others try it in vain. */
const nowhere = '127.0.0.1:9';

async function peer(t: TestContext, options: Partial<TlsTransportOptions> = {}): Promise<TlsTransport> {
  const transport = new TlsTransport({ identity: createIdentity(), genesis, listen: '127.0.0.1:0', ...options });
  t.after(() => transport.close());
  await transport.serve({
    request: async (from, kind, body) => [kind, body, from.host],
    stream: async (_, kind, { header, payload }) => {
      if (kind === 'get') return { header: null, payload: pieces(Number(header)) };
      let bytes = 0;
      await drainPayload(payload, (piece) => {
        bytes += piece.length;
        return undefined;
      });
      return { header: bytes };
    },
  });
  return transport;
}

const piece = randomBytes(64 * 1024);

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield piece;
}

/** A host that only its relays lead to. */
async function hiddenPeer(
  t: TestContext,
  relays: readonly TlsTransport[],
  options: Partial<TlsTransportOptions> = {},
): Promise<TlsTransport> {
  const made = await peer(t, { reachability: hidden, advertise: nowhere, ...options });
  made.reachThrough(() => relays.map(({ contact }) => contact));
  const wanted = Math.min(3, relays.length);
  await until('it is registered', async () => relaysOf(made.contact).length === wanted);
  return made;
}

function relaysOf({ addresses }: Contact): readonly string[] {
  return addresses.filter((address) => relayAddress(address) !== null);
}

async function received(from: TlsTransport, to: Contact, count: number): Promise<number> {
  const { payload } = await from.stream(to, 'get', { header: count }, soon);
  let bytes = 0;
  for await (const chunk of payload) bytes += chunk.length;
  return bytes;
}

/** All that hosts say to each other. */
async function talk(from: TlsTransport, to: Contact): Promise<void> {
  assert.deepEqual(await from.request(to, 'hello', [1, 'two'], soon), ['hello', [1, 'two'], from.self]);
  assert.ok((await from.ping(to, 8000)) >= 0);
  assert.equal(await received(from, to, 50), 50 * piece.length);
  const { header } = await from.stream(to, 'put', { header: null, payload: pieces(50) }, soon);
  assert.equal(header, 50 * piece.length);
}

test('B10 a hidden host dials back those that ask for it, and its relay carries nothing', patience, async (t) => {
  const relay = await peer(t, { reachability: open });
  const host = await hiddenPeer(t, [relay]);
  await talk(await peer(t), host.contact);
  assert.deepEqual(relay.relayed, { registered: 1, tunnels: 0, bytes: 0 });
});

test('B10 two hidden hosts speak through a tunnel of their relay', patience, async (t) => {
  const relay = await peer(t, { reachability: open });
  const [one, other] = [await hiddenPeer(t, [relay]), await hiddenPeer(t, [relay])];
  await talk(one, other.contact);
  await talk(other, one.contact);
  assert.ok(relay.relayed.bytes > 200 * piece.length);
});

test('B10 the relay itself has the hidden host dial it back', patience, async (t) => {
  const relay = await peer(t, { reachability: open });
  const host = await hiddenPeer(t, [relay]);
  await talk(relay, host.contact);
  assert.equal(relay.relayed.bytes, 0);
});

test(
  'B10 a hidden host that has another address, or that slept, registers again at once where it was',
  patience,
  async (t) => {
    const relay = await peer(t, { reachability: open });
    const host = await hiddenPeer(t, [relay]);
    const lease = { address: '127.0.0.1', prefix: 8 };
    for (const change of [
      { added: [], gone: [lease], slept: 0 },
      { added: [], gone: [], slept: 60_000 },
    ]) {
      const before = relaysOf(host.contact);
      host.networkChanged(change);
      assert.deepEqual(relaysOf(host.contact), []);
      await until('it is registered again', () => relaysOf(host.contact).join() === before.join(), 4000);
      await talk(await peer(t), host.contact);
      assert.equal(relay.relayed.registered, 1);
    }
  },
);

const raw = (t: TestContext, relay: TlsTransport, identity = createIdentity(), of: Genesis = genesis) =>
  relayMember(t, relay, { identity, genesis: of });

/** Status of the answer; null when the stream or the connection was closed without any. */
function asked({ session }: ControlConnection, headers: Record<string, string>): Promise<number | null> {
  return new Promise((resolve) => {
    if (session.destroyed) return resolve(null);
    const stream = session.request(headers, { endStream: false });
    stream.on('error', () => undefined);
    stream.once('response', (answer) => resolve(answer[':status'] ?? null));
    stream.once('close', () => resolve(null));
    stream.resume();
  });
}

const connectTo = (authority: string) => ({ ':method': 'CONNECT', ':authority': authority });

/** The protocol that a TLS server takes; null when it takes none. */
function negotiated(to: TlsTransport, identity: Identity, protocol: string): Promise<string | null> {
  const { host, port } = parseAddress(to.listening);
  const { secureContext } = tlsCredentials(identity);
  return new Promise((resolve) => {
    const socket = connectTls({ host, port, secureContext, rejectUnauthorized: false, ALPNProtocols: [protocol] });
    socket.once('error', () => resolve(null));
    socket.once('secureConnect', () => {
      resolve(socket.alpnProtocol || null);
      socket.destroy();
    });
  });
}

test(
  'B10 when a relay ends amid a get, another is in use within 5 s, and the host has replaced it',
  patience,
  async (t) => {
    const relays = await Promise.all(Array.from({ length: 4 }, () => peer(t, { reachability: open })));
    const host = await hiddenPeer(t, relays);
    const asker = await peer(t, { reachability: hidden, advertise: nowhere });
    const { payload } = await asker.stream(host.contact, 'get', { header: 100_000 }, soon);
    const used = relays.find(({ relayed }) => relayed.tunnels > 0);
    assert.ok(used);
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of payload) bytes += chunk.length;
    })();
    await until('it flows', async () => bytes > 1_000_000);
    const killed = performance.now();
    await Promise.all([assert.rejects(reading, { failure: 'timeout' }), used.close()]);
    assert.equal(await received(asker, host.contact, 50), 50 * piece.length);
    assert.ok(performance.now() - killed < 5000, `${performance.now() - killed} ms`);
    await until('a fourth relay stands in', async () => relaysOf(host.contact).length === 3);
    assert.ok(!relaysOf(host.contact).some((address) => relayAddress(address)?.relay === used.self));
  },
);

test(
  'B10 a relay that drops, delays or changes bytes makes a get fail, and never changes what is got',
  patience,
  async (t) => {
    const relay = await peer(t, { reachability: open });
    const other = await hiddenPeer(t, [relay]);
    const { connect } = Relays.prototype;
    for (const fault of ['change', 'drop', 'swap'] as const) {
      const one = await peer(t, { reachability: hidden, advertise: nowhere });
      let copied = 0;
      const meddling = t.mock.method(
        Relays.prototype,
        'connect',
        function (this: Relays, stream: ServerHttp2Stream, ...rest: [Parameters<typeof connect>[1], string]) {
          const write = stream.write.bind(stream) as (bytes: Buffer) => boolean;
          let held: Buffer | null = null;
          stream.write = ((bytes: Buffer) => {
            copied += bytes.length;
            if (copied < 500_000) return write(bytes);
            if (fault === 'drop') return true;
            if (fault === 'swap' && held === null) {
              held = bytes;
              return true;
            }
            const changed = Buffer.from(bytes);
            if (fault === 'change') changed[changed.length >> 1]! ^= 1;
            return write(changed);
          }) as typeof stream.write;
          connect.call(this, stream, ...rest);
        },
      );
      const { payload } = await one.stream(other.contact, 'get', { header: 200 }, { deadline: 6000 });
      let at = 0;
      await assert.rejects(
        async () => {
          for await (const chunk of payload) {
            for (let read = 0; read < chunk.length; at++, read++) {
              if (chunk[read] !== piece[at % piece.length]) assert.fail('another byte came');
            }
          }
        },
        { failure: 'timeout' },
      );
      meddling.mock.restore();
      assert.equal(await received(one, other.contact, 20), 20 * piece.length);
    }
  },
);

test('B10 a token counts once, for the host that it was made for', patience, async (t) => {
  const relay = await peer(t, { reachability: open });
  const identity = createIdentity();
  const hiddenOne = await raw(t, relay, identity);
  const tokens: string[] = [];
  const calls = hiddenOne.session.request({ ':method': 'POST', ':path': registerPath }, { endStream: false });
  calls.on('error', () => undefined);
  calls.on('data', (frame: Buffer) => {
    const kindEnd = 9 + frame[8]!;
    const call = decodeCall(frame.toString('latin1', 9, kindEnd), frame.subarray(kindEnd));
    if (call !== null) tokens.push(tokenText(call.token));
  });
  await until('it is registered', async () => relay.relayed.registered === 1);
  const [asker, stranger] = [await raw(t, relay), await raw(t, relay)];
  const opening = asked(asker, connectTo(identity.host));
  const token = await until('it is called', async () => tokens[0]);
  assert.equal(await asked(stranger, connectTo(token)), 404);
  assert.equal(await asked(asker, connectTo(token)), 404);
  assert.equal(await asked(hiddenOne, connectTo(tokenText(newToken()))), 404);
  assert.equal(await asked(hiddenOne, connectTo(token)), 200);
  assert.equal(await opening, 200);
  assert.equal(await asked(hiddenOne, connectTo(token)), 404);
  assert.equal(await asked(stranger, connectTo('no-peer-id')), 404);
  assert.equal(await asked(stranger, connectTo(createIdentity().host)), 404);
});

test('B10 a host that was not asked to dial back is not taken', patience, async (t) => {
  const host = await peer(t);
  for (const protocol of [backProtocol(newToken()), 'chordial-back/1:', 'chordial-back/1'])
    assert.equal(await negotiated(host, createIdentity(), protocol), null, protocol);
});

test(
  'B10 one that is no member gets nothing of a relay, and a member that was removed loses what it has',
  patience,
  async (t) => {
    const certified = new CertifiedNetwork();
    const of = { genesis: certified.genesis };
    const known = certified.member('relay');
    const relay = await peer(t, { ...known, ...of, reachability: open });
    const [one, other] = [certified.member('one'), certified.member('other')];
    for (const { members } of [known, one, other]) members.takeAdmissions(certified.members.admissions);
    const host = await hiddenPeer(t, [relay], { ...one, ...of });
    const asker = await hiddenPeer(t, [relay], { ...other, ...of });
    await talk(asker, host.contact);
    await assert.rejects(raw(t, relay, createIdentity(), certified.genesis), { failure: 'refused' });
    await assert.rejects(raw(t, relay), { code: 'other-network' });

    const { members } = certified;
    members.change('remove', asker.self);
    known.members.takeLinks(members.log.links);
    relay.expel(asker.self);
    await until('its registration is gone', async () => relay.relayed.registered === 1);
    await assert.rejects(asker.request(host.contact, 'hello', null, soon));
    await assert.rejects(relay.request(asker.contact, 'hello', null, soon), { code: 'member-removed' });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(relay.relayed.registered, 1);
  },
);

test('B10 a flood of tunnels is bounded, and others still get through', patience, async (t) => {
  const relay = await peer(t, { reachability: open });
  const host = await hiddenPeer(t, [relay]);
  const flooding = await raw(t, relay);
  let most = 0;
  const watching = setInterval(() => {
    most = Math.max(most, relay.relayed.tunnels);
  }, 1);
  t.after(() => clearInterval(watching));
  const answers = await Promise.all(Array.from({ length: 300 }, () => asked(flooding, connectTo(host.self))));
  assert.ok(answers.filter((status) => status === constants.HTTP_STATUS_SERVICE_UNAVAILABLE).length > 200);
  assert.ok(most <= maxTunnelsPerHost, `${most} tunnels`);
  flooding.end();
  await talk(await peer(t), host.contact);
});

test('B10 a hidden host relays for no one, nor does one that may not or was not reached', patience, async (t) => {
  const relay = await peer(t, { reachability: open });
  const host = await hiddenPeer(t, [relay]);
  const none = await peer(t, { reachability: open, relayBytesPerSecond: 0 });
  const unproved = await peer(t);
  const register = { ':method': 'POST', ':path': registerPath };
  for (const refusing of [host, none, unproved]) assert.equal(await asked(await raw(t, refusing), register), 404);
  assert.equal(await asked(await raw(t, relay), register), 200);
  const later = await peer(t, { reachability: hidden, advertise: nowhere });
  later.reachThrough(() => [host.contact, none.contact, unproved.contact, later.contact]);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.deepEqual(relaysOf(later.contact), []);
});

test('B10 what a relay copies keeps to its rate', patience, async (t) => {
  const relay = await peer(t, { reachability: open, relayBytesPerSecond: 2_000_000 });
  const [one, other] = [await hiddenPeer(t, [relay]), await hiddenPeer(t, [relay])];
  const began = performance.now();
  await received(one, other.contact, 120);
  const seconds = (performance.now() - began) / 1000;
  const bytes = 120 * piece.length;
  assert.ok(bytes / seconds < 2_700_000, `${Math.round(bytes / seconds)} bytes a second`);
});
