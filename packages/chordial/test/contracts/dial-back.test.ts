import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { parseAddress } from '../../src/network/addresses.ts';
import { hostAt } from '../../src/network/dial.ts';
import { found } from '../../src/network/genesis.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { TlsTransport } from '../../src/network/tls-transport.ts';
import { TransportError } from '../../src/network/transport.ts';
import { DialBacks } from '../../src/reach/dial-back.ts';
import { type DialledBack, reachMessages } from '../../src/reach/reach-messages.ts';

const genesis = found({ admission: 'open' });
const elsewhere = '127.0.0.2';

interface Place {
  readonly listen?: string;
  readonly dialFrom?: string;
}

async function peer(t: TestContext, { listen = '127.0.0.1', dialFrom }: Place = {}): Promise<TlsTransport> {
  const identity = createIdentity();
  const transport = new TlsTransport({
    identity,
    genesis,
    listen: `${listen}:0`,
    treatAsRemote: (address) => address === elsewhere,
    ...(dialFrom === undefined ? {} : { dialFrom }),
  });
  t.after(() => transport.close());
  const dialBacks = new DialBacks({
    self: identity.host,
    now: () => performance.now(),
    hostAt: (address) => hostAt(address, identity),
  });
  await transport.serve({
    request: (from, kind, body, seenAt) => {
      assert.equal(kind, reachMessages.dialBack.kind);
      return dialBacks.answer(from.host, seenAt, body);
    },
    stream: async () => ({ header: null }),
  });
  return transport;
}

function ask(from: TlsTransport, to: TlsTransport, port: number): Promise<DialledBack> {
  return reachMessages.dialBack.ask(from, to.contact, { port }, { deadline: 10_000 });
}

const portOf = ({ listening }: TlsTransport): number => parseAddress(listening).port;

test('B10 over real sockets: the address from which a member sees the asker is dialled, and TLS tells who is there', async (t) => {
  const asked = await peer(t);
  const asker = await peer(t, { listen: elsewhere, dialFrom: elsewhere });
  assert.deepEqual(await ask(asker, asked, portOf(asker)), { address: elsewhere, outcome: 'reached' });

  const other = await peer(t, { listen: elsewhere });
  assert.deepEqual(await ask(asker, asked, portOf(other)), { address: elsewhere, outcome: 'another' });

  const noTls = createServer((socket) => socket.end('220 mail.example.org ESMTP\r\n', () => socket.destroy()));
  await new Promise<void>((resolve) => noTls.listen(0, elsewhere, resolve));
  t.after(() => noTls.close());
  const { port } = noTls.address() as { port: number };
  assert.deepEqual(await ask(asker, asked, port), { address: elsewhere, outcome: 'another' });
  await new Promise((resolve) => noTls.close(resolve));
  assert.deepEqual(await ask(asker, asked, port), { address: elsewhere, outcome: 'refused' });
});

test('B10 an asker on another address than its own listening one is dialled where it is seen, and nowhere else', async (t) => {
  const asked = await peer(t);
  // It gives itself 127.0.0.1 in HELLO, and is seen at another address, where nothing listens.
  const asker = await peer(t, { dialFrom: elsewhere });
  assert.deepEqual(await ask(asker, asked, portOf(asker)), { address: elsewhere, outcome: 'refused' });
});

test('B10 an asker on the same machine proves nothing, and is refused', async (t) => {
  const [asked, asker] = [await peer(t), await peer(t)];
  await assert.rejects(
    ask(asker, asked, portOf(asker)),
    (error) => error instanceof TransportError && error.failure === 'refused' && /this machine/.test(error.message),
  );
});
