/** The control stream: what ends it and what does not, from either end. */
import assert from 'node:assert/strict';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import { type TestContext, test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { tlsCredentials } from '../../src/network/certificate.ts';
import { maxPendingRequests, maxRunningRequests } from '../../src/network/connection-limits.ts';
import { ControlChannel, controlPath } from '../../src/network/control-channel.ts';
import { ControlFrameReader, decodeAnswer, encodeAnswer, encodeQuestion } from '../../src/network/control-frames.ts';
import type { CounterName } from '../../src/network/counters.ts';
import type { Wait } from '../../src/network/deadline.ts';
import { encodeGenesis, found, networkId } from '../../src/network/genesis.ts';
import { encodeHelloAnswer } from '../../src/network/hello.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { TlsTransport } from '../../src/network/tls-transport.ts';
import type { Handlers } from '../../src/network/transport.ts';
import { decodeBody, encodeBody, maxBodyBytes } from '../../src/network/wire-body.ts';
import { until } from '../fixtures/until.ts';
import { greeted, openControl, post } from '../hostile/raw-session.ts';

const deadline = 20_000;
const patience = { timeout: 60_000 };
const genesis = found({ admission: 'open' });
const echo: Handlers['request'] = async (_, kind, body) => [kind, body];

async function peer(t: TestContext, request: Handlers['request'] = echo): Promise<TlsTransport> {
  const options = { identity: createIdentity(), genesis, listen: '127.0.0.1:0', report: () => {} };
  const transport = new TlsTransport(options);
  t.after(() => transport.close());
  await transport.serve({ request, stream: async () => ({ header: null }) });
  return transport;
}

async function session(t: TestContext, to: TlsTransport) {
  const opened = await greeted(Number(to.listening.split(':')[1]), networkId(genesis));
  t.after(() => opened.destroy());
  return opened;
}

/** Status and body of answers by question id. */
function answers() {
  const byId = new Map<number, readonly [status: number, body: unknown]>();
  const reader = new ControlFrameReader({
    take: (id, rest) => {
      const { status, body } = decodeAnswer(rest);
      byId.set(id, [status, decodeBody(body)]);
    },
    makeRoom: () => true,
    giveRoom: () => {},
    missed: () => {},
  });
  return { byId, read: (piece: Buffer) => reader.push(piece) };
}

const question = encodeQuestion(1, 'ask', encodeBody(null));
const length = (bytes: number): Buffer => {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes);
  return prefix;
};

const endings: Record<string, { readonly sent: Buffer; readonly counted: CounterName }> = {
  'a question asked twice': { sent: Buffer.concat([question, question]), counted: 'malformed' },
  'an id that was passed over': {
    sent: Buffer.concat([encodeQuestion(5, 'ask', encodeBody(null)), question]),
    counted: 'malformed',
  },
  'a frame of no length': { sent: length(0), counted: 'malformed' },
  'a frame longer than any': { sent: length(maxBodyBytes + 1000), counted: 'too-large' },
  'a frame without end': { sent: length(0xffffffff), counted: 'too-large' },
  'a kind longer than its frame': {
    sent: Buffer.concat([length(8), Buffer.from([0, 0, 0, 1, 60, 97, 97, 97])]),
    counted: 'malformed',
  },
};

for (const [what, { sent, counted }] of Object.entries(endings)) {
  test(`${what} ends the stream and nothing else`, patience, async (t) => {
    const [host, other] = [await peer(t), await peer(t)];
    await other.request(host.contact, 'before', 1, { deadline });
    const hostile = await session(t, host);
    const stream = openControl(hostile);
    stream.write(sent);
    await new Promise<void>((resolve) => stream.once('close', () => resolve()));
    assert.equal(host.counters[counted], 1, JSON.stringify(host.counters));
    assert.deepEqual(await other.request(host.contact, 'after', 2, { deadline }), ['after', 2]);
    // And it can be opened again.
    const { byId, read } = answers();
    openControl(hostile, read).write(question);
    await until('a good question is answered', () => byId.has(1));
    assert.deepEqual(byId.get(1), [200, ['ask', null]]);
    hostile.destroy();
  });
}

test('unknown kinds and invalid bodies are refused individually', patience, async (t) => {
  const host = await peer(t);
  const { byId, read } = answers();
  const stream = openControl(await session(t, host), read);
  stream.write(encodeQuestion(1, '../x', encodeBody(null)));
  stream.write(encodeQuestion(2, 'ask', Buffer.from([0xff])));
  stream.write(encodeQuestion(3, 'ask', new Uint8Array(maxBodyBytes + 1)));
  stream.write(encodeQuestion(9, 'ask', encodeBody('good')));
  await until('all are answered', () => byId.size === 4);
  assert.deepEqual(
    [1, 2, 3, 9].map((id) => byId.get(id)?.[0]),
    [404, 400, 413, 200],
  );
  const { malformed, 'unknown-path': unknown, 'too-large': tooLarge } = host.counters;
  assert.deepEqual([malformed, unknown, tooLarge], [1, 1, 1]);
});

test('a second control stream beside the first is refused', patience, async (t) => {
  const host = await peer(t);
  const hostile = await session(t, host);
  const { byId, read } = answers();
  const first = openControl(hostile, read);
  first.write(question);
  await until('the first is open', () => byId.size === 1);
  assert.equal(await post(hostile, controlPath, question), 503);
  first.write(encodeQuestion(2, 'ask', encodeBody(null)));
  await until('the first goes on', () => byId.size === 2);
});

test('questions beyond the concurrency limit wait at the asker, and each is answered', patience, async (t) => {
  let [running, most] = [0, 0];
  const host = await peer(t, async (_, __, body) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return body;
  });
  const asker = await peer(t);
  const asked = Array.from({ length: 3000 }, (_, number) => number);
  const answered = await Promise.all(asked.map((number) => asker.request(host.contact, 'ask', number, { deadline })));
  assert.deepEqual(answered, asked);
  assert.ok(most <= maxRunningRequests, `${most} at once`);
  assert.equal(host.counters['busy'], 0);
});

test(
  'what was given up before it was sent is never asked, and a late answer is counted and dropped',
  patience,
  async (t) => {
    const kinds: string[] = [];
    const held = Promise.withResolvers<void>();
    const host = await peer(t, async (_, kind) => {
      kinds.push(kind);
      if (kind === 'held') await held.promise;
      return kind;
    });
    const asker = await peer(t);
    const one = asker.request(host.contact, 'first', null, { deadline });
    assert.equal(await one, 'first');
    const given = new AbortController();
    const options = { deadline, signal: given.signal };
    const asked = Array.from({ length: maxRunningRequests }, () =>
      assert.rejects(asker.request(host.contact, 'held', null, options), { failure: 'aborted' }),
    );
    const unsent = assert.rejects(asker.request(host.contact, 'unsent', null, options), { failure: 'aborted' });
    await until('as many run as may', () => kinds.length === 1 + maxRunningRequests);
    given.abort();
    await Promise.all([...asked, unsent]);
    const next = asker.request(host.contact, 'next', null, { deadline });
    held.resolve();
    assert.equal(await next, 'next');
    assert.equal(kinds.includes('unsent'), false);
    await until('all late ones have come', () => asker.counters['late-answer'] === maxRunningRequests);
  },
);

test(
  'a question that no one waits for is over at once, and its late answer shows that the host lives',
  patience,
  async (t) => {
    const held = Promise.withResolvers<void>();
    const host = await peer(t, () => held.promise);
    const heard = Promise.withResolvers<void>();
    const counted: CounterName[] = [];
    const channel = new ControlChannel(
      await session(t, host),
      (name) => counted.push(name),
      () => heard.resolve(),
    );
    const wait: Wait = { isOver: false, ended: null };
    const asked = channel.ask('ask', encodeBody(null), wait);
    const over = assert.rejects(asked, { failure: 'aborted' });
    await new Promise((resolve) => setImmediate(resolve));
    wait.ended?.();
    await over;
    held.resolve();
    await heard.promise;
    assert.deepEqual(counted, ['late-answer']);
  },
);

test('any number of questions may go unanswered in sequence', patience, async (t) => {
  const host = await peer(t, async (_, kind) => {
    await new Promise((resolve) => setImmediate(resolve));
    return kind;
  });
  const asker = await peer(t);
  await asker.request(host.contact, 'first', null, { deadline });
  for (let count = 0; count < maxPendingRequests + 10; count += 100) {
    const given = new AbortController();
    const asked = Array.from({ length: 100 }, () =>
      assert.rejects(asker.request(host.contact, 'ask', null, { deadline, signal: given.signal })),
    );
    given.abort();
    await Promise.all(asked);
  }
  assert.equal(await asker.request(host.contact, 'last', null, { deadline }), 'last');
});

test('a host that shuts down answers pending questions', patience, async (t) => {
  const asked = Promise.withResolvers<void>();
  const host = await peer(t, async () => {
    asked.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    return 'answered';
  });
  const asker = await peer(t);
  const answer = asker.request(host.contact, 'ask', null, { deadline });
  await asked.promise;
  await host.close();
  assert.equal(await answer, 'answered');
});

/** A host that sends a correct HELLO, then whatever `speak` writes to the control stream. */
async function liar(t: TestContext, speak: (stream: ServerHttp2Stream, piece: Buffer) => void): Promise<Contact> {
  const identity = createIdentity();
  const server: Http2SecureServer = createSecureServer({
    ...tlsCredentials(identity),
    requestCert: true,
    rejectUnauthorized: false,
  });
  t.after(() => server.close());
  const contact = await new Promise<Contact>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      resolve({ host: identity.host, addresses: [`127.0.0.1:${port}`] });
    });
  });
  const parts = { genesis: encodeGenesis(genesis), contact, observedAddress: '127.0.0.1' };
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/hello') {
      stream.end(
        encodeBody(encodeHelloAnswer({ ...parts, shown: [], name: null, epoch: 0, admission: null, links: [] })),
      );
    } else stream.on('data', (piece: Buffer) => speak(stream, piece));
  });
  return contact;
}

const answer = encodeAnswer(1, 200, encodeBody('answer'));
const lies: Record<string, { readonly said: Buffer; readonly counted: CounterName }> = {
  'an answer to nothing': { said: encodeAnswer(77, 200, encodeBody(null)), counted: 'malformed' },
  'an answer without end': { said: length(0xffffffff), counted: 'too-large' },
  'an answer of nothing': { said: length(4), counted: 'malformed' },
};

for (const [what, { said, counted }] of Object.entries(lies)) {
  test(`${what} ends the connection; the next one may be better`, patience, async (t) => {
    const asker = await peer(t);
    let turns = 0;
    const contact = await liar(t, (stream) => stream.write(turns++ === 0 ? said : answer));
    assert.equal(await asker.request(contact, 'ask', null, { deadline }), 'answer');
    assert.equal(turns, 2);
    assert.equal(asker.counters[counted], 1, JSON.stringify(asker.counters));
  });
}

test('a duplicate answer is dropped', patience, async (t) => {
  const asker = await peer(t);
  let asked = 0;
  const contact = await liar(t, (stream) => {
    asked += 1;
    const twice = encodeAnswer(asked, 200, encodeBody('other'));
    stream.write(Buffer.concat([encodeAnswer(asked, 200, encodeBody('answer')), twice]));
  });
  assert.equal(await asker.request(contact, 'ask', null, { deadline }), 'answer');
  assert.equal(await asker.request(contact, 'ask', null, { deadline }), 'answer');
  await until('both were counted', () => asker.counters['late-answer'] === 2);
});

test('a host that ends the stream repeatedly is given up after the second time', patience, async (t) => {
  const asker = await peer(t);
  let asked = 0;
  const contact = await liar(t, (stream) => {
    asked += 1;
    stream.end();
  });
  await assert.rejects(asker.request(contact, 'ask', null, { deadline }), { failure: 'timeout' });
  assert.equal(asked, 2);
});
