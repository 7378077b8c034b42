/** Memory limits per connection, while others are still answered. */
import assert from 'node:assert/strict';
import type { ClientHttp2Session } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { smallBodyRoom } from '../../src/network/connection-limits.ts';
import { encodeQuestion } from '../../src/network/control-frames.ts';
import { found, networkId } from '../../src/network/genesis.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { TlsTransport } from '../../src/network/tls-transport.ts';
import { encodeBody, maxBodyBytes } from '../../src/network/wire-body.ts';
import { until } from '../fixtures/until.ts';
import { greeted, openControl } from '../hostile/raw-session.ts';

const deadline = 20_000;
const genesis = found({ admission: 'open' });
/** Sixteen of them leave less room of a connection than any answer is given. */
const answerBytes = 517_000;

async function peer(t: TestContext, handled: () => void = () => {}): Promise<TlsTransport> {
  const transport = new TlsTransport({ identity: createIdentity(), genesis, listen: '127.0.0.1:0' });
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

async function hostile(t: TestContext, to: TlsTransport, windowBytes?: number): Promise<ClientHttp2Session> {
  const port = Number(to.listening.split(':')[1]);
  const session = await greeted(port, networkId(genesis), windowBytes === undefined ? {} : { windowBytes });
  t.after(() => session.destroy());
  return session;
}

test('incomplete bodies take no more than their limit, and others are answered', { timeout: 60_000 }, async (t) => {
  const [host, other] = [await peer(t), await peer(t)];
  const body = new Uint8Array(maxBodyBytes);
  const beginning = encodeQuestion(1, 'hear', body).subarray(0, -1);
  const fitting = Math.floor(smallBodyRoom.maxBytes / beginning.length);
  const offered = fitting + 8;
  for (let count = 0; count < offered; count++) openControl(await hostile(t, host)).write(beginning);
  await until('what does not fit is refused', async () => host.counters['busy'] >= offered - fitting);
  assert.equal(await other.request(host.contact, 'hear', null, { deadline }), 'hear');
});

test('unread answers are bounded, and others get theirs', { timeout: 60_000 }, async (t) => {
  let handled = 0;
  const [host, other] = [await peer(t, () => handled++), await peer(t)];
  // Nothing is read, so the window is closed.
  const stream = openControl(await hostile(t, host, 0));
  const ask = (from: number, count: number) => {
    for (let id = from; id < from + count; id++) stream.write(encodeQuestion(id, 'much', encodeBody(null)));
  };
  const fitting = Math.floor(smallBodyRoom.maxBytesPerConnection / answerBytes);
  ask(1, 2 * fitting);
  await until('what does not fit is refused', async () => host.counters['busy'] >= fitting);
  ask(1 + 2 * fitting, 200);
  await until('nothing more is worked on', async () => host.counters['busy'] >= fitting + 200);
  assert.equal(handled, 2 * fitting);
  const answer = await other.request(host.contact, 'much', null, { deadline });
  assert.equal((answer as Uint8Array).length, answerBytes);
  assert.equal(stream.closed, false);
});

test('a host that keeps asking and reads nothing is disconnected', { timeout: 60_000 }, async (t) => {
  const [host, other] = [await peer(t), await peer(t)];
  const stream = openControl(await hostile(t, host, 0));
  const questions = (from: number) =>
    Buffer.concat(Array.from({ length: 1000 }, (_, id) => encodeQuestion(from + id, 'much', encodeBody(null))));
  let asked = 0;
  await until('it is cut off', async () => {
    if (!stream.closed) stream.write(questions(1 + asked));
    asked += 1000;
    return stream.closed;
  });
  assert.equal(await other.request(host.contact, 'hear', null, { deadline }), 'hear');
});
