/** What one connection may make a peer hold in memory, and that others are answered meanwhile. */
import assert from 'node:assert/strict';
import type { ClientHttp2Session } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { found, networkId } from '../../src/network/genesis.ts';
import { smallBodyRoom } from '../../src/network/http2-limits.ts';
import { Http2Transport } from '../../src/network/http2-transport.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { createSecret } from '../../src/network/network-files.ts';
import { encodeBody, maximumBodyBytes } from '../../src/network/wire-body.ts';
import { until } from '../end-to-end/until.ts';
import { greeted, open } from '../hostile/raw-session.ts';

const deadline = 20_000;
const [genesis, secret] = [found(), createSecret()];
const answerBytes = 512 * 1024 - 100;

async function peer(t: TestContext, handled: () => void = () => {}): Promise<Http2Transport> {
  const transport = new Http2Transport({ identity: createIdentity(), genesis, secret, listen: '127.0.0.1:0' });
  t.after(() => transport.close());
  await transport.serve({
    request: async (_, kind) => {
      handled();
      return kind === 'much' ? new Uint8Array(answerBytes) : kind;
    },
    stream: async () => ({ header: null }),
  });
  return transport;
}

async function hostile(t: TestContext, to: Http2Transport, windowBytes?: number): Promise<ClientHttp2Session> {
  const port = Number(to.listening.split(':')[1]);
  const session = await greeted(port, networkId(genesis), secret, windowBytes === undefined ? {} : { windowBytes });
  t.after(() => session.destroy());
  return session;
}

test('bodies that are held back take no more than their room, and others are heard', { timeout: 60_000 }, async (t) => {
  const [host, other] = [await peer(t), await peer(t)];
  const sessions = await Promise.all(Array.from({ length: 10 }, () => hostile(t, host)));
  const body = new Uint8Array(maximumBodyBytes - 16);
  // 160 MiB are on offer.
  for (const session of sessions) for (let count = 0; count < 16; count++) open(session, '/control/hear').write(body);
  const perConnection = smallBodyRoom.mostBytesPerConnection / maximumBodyBytes;
  const most = Math.min(10 * perConnection, smallBodyRoom.mostBytes / maximumBodyBytes);
  await until('what does not fit is refused', async () => host.counters['busy'] >= 160 - most - 10);
  assert.equal(await other.request(host.contact, 'hear', null, { deadline }), 'hear');
});

test('answers that nobody reads are not made without end, and others get theirs', { timeout: 60_000 }, async (t) => {
  let handled = 0;
  const [host, other] = [await peer(t, () => handled++), await peer(t)];
  const session = await hostile(t, host, 0);
  const asked = 200;
  for (let count = 0; count < asked; count++) open(session, '/control/much').end(encodeBody(null));
  const fitting = Math.floor(smallBodyRoom.mostBytesPerConnection / answerBytes);
  await until('what does not fit is refused', async () => host.counters['busy'] >= asked - fitting);
  assert.ok(handled <= asked / 4, `${handled} of ${asked} were worked on`);
  const answer = await other.request(host.contact, 'much', null, { deadline });
  assert.equal((answer as Uint8Array).length, answerBytes);
});
