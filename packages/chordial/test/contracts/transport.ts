/**
 * The contract of every Transport. Each implementation passes a harness that creates connected transports; `dispose` ends
 * what the harness started.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { createIdentity } from '../../src/network/identity.ts';
import {
  type Handlers,
  type IncomingStream,
  type OutgoingStream,
  TransportError,
} from '../../src/network/transport.ts';
import { receiveBlocks } from '../../src/replication/block-payload.ts';
import { until } from '../fixtures/until.ts';
import { drainContract } from './drained-stream.ts';
import type { TransportHarness } from './transport-harness.ts';

const deadline = 5000;
const chunkBytes = 64 * 1024;
/** Most bytes that an implementation may accept from a sender while the reader reads nothing. */
const maxUnreadBytes = 40 * 1024 * 1024;

const noStreams = async (): Promise<OutgoingStream> => {
  throw new TransportError('refused', 'no streams here');
};
const echo: Handlers = { request: async (_, kind, body) => [kind, body], stream: noStreams };

export function transportContract(name: string, makeHarness: () => Promise<TransportHarness>): void {
  drainContract(name, makeHarness);
  const contract = (title: string, run: (harness: TransportHarness) => Promise<void>) =>
    test(`${name}: ${title}`, { timeout: 20_000 }, async () => {
      const harness = await makeHarness();
      try {
        await run(harness);
      } finally {
        await harness.dispose();
      }
    });

  contract('a question is answered, and both ends know who the other is', async ({ serve }) => {
    let asker: Contact | undefined;
    const b = await serve({
      ...echo,
      request: async (from, kind, body) => {
        asker = from;
        return [kind, body];
      },
    });
    const a = await serve(echo);
    const body = { text: 'ä', bytes: new Uint8Array([1, 2]), list: [1, -1.5, null, true] };
    assert.deepEqual(await a.transport.request(b.contact, 'ring/find', body, { deadline }), ['ring/find', body]);
    assert.equal(asker?.host, a.transport.self);
    assert.ok(asker.addresses.length > 0);
    assert.equal(((await b.transport.request(asker, 'back', 1, { deadline })) as unknown[])[0], 'back');
  });

  contract('a thousand questions at once are each answered by their own answer', async ({ serve }) => {
    const [a, b] = [await serve(echo), await serve(echo)];
    const questions = Array.from({ length: 1000 }, (_, number) => number);
    const answers = await Promise.all(questions.map((n) => a.transport.request(b.contact, 'n', n, { deadline })));
    assert.deepEqual(
      answers,
      questions.map((number) => ['n', number]),
    );
  });

  contract('a body of more than 1 MiB is refused in either direction', async ({ serve }) => {
    const huge = new Uint8Array(1024 * 1024 + 1);
    const b = await serve({ ...echo, request: async (_, kind) => (kind === 'huge' ? huge : 'small') });
    const a = await serve(echo);
    await rejects(a.transport.request(b.contact, 'small', huge, { deadline }), 'refused', 'too-large');
    await rejects(a.transport.request(b.contact, 'huge', null, { deadline }), 'refused');
    const nearly = new Uint8Array(1024 * 1024 - 100);
    assert.equal(await a.transport.request(b.contact, 'nearly', nearly, { deadline }), 'small');
  });

  contract('a refusal arrives with its message and code, also for what a handler did not expect', async ({ serve }) => {
    const b = await serve({
      ...echo,
      request: async (_, kind) => {
        if (kind === 'typed') throw new TransportError('refused', 'not for you', 'not-publisher');
        throw new RangeError('a bug');
      },
    });
    const a = await serve(echo);
    const typed = await rejects(
      a.transport.request(b.contact, 'typed', null, { deadline }),
      'refused',
      'not-publisher',
    );
    assert.match(typed.message, /not for you/);
    await rejects(a.transport.request(b.contact, 'bug', null, { deadline }), 'refused');
    await rejects(a.transport.stream(b.contact, 'any', { header: null }, { deadline }), 'refused');
  });

  contract('an answer that does not come is a timeout, and a late one hurts nothing', async ({ serve }) => {
    const late = Promise.withResolvers<void>();
    const b = await serve({
      ...echo,
      request: async (_, kind) => {
        if (kind === 'slow') await late.promise;
        return 2;
      },
    });
    const a = await serve(echo);
    await rejects(a.transport.request(b.contact, 'slow', null, { deadline: 100 }), 'timeout');
    late.resolve();
    assert.equal(await a.transport.request(b.contact, 'quick', null, { deadline }), 2);
  });

  contract('an aborted call rejects at once', async ({ serve }) => {
    const asked = Promise.withResolvers<void>();
    const b = await serve({
      ...echo,
      request: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const a = await serve(echo);
    const controller = new AbortController();
    const pending = a.transport.request(b.contact, 'any', null, { deadline, signal: controller.signal });
    await asked.promise;
    controller.abort();
    await rejects(pending, 'aborted');
    await rejects(a.transport.request(b.contact, 'any', null, { deadline, signal: AbortSignal.abort() }), 'aborted');
  });

  contract('streams go both ways, headers first, bytes in order', async ({ serve }) => {
    const b = await serve({
      ...echo,
      stream: async (_, kind, { header, payload }) => ({ header: { kind, header }, payload: doubled(payload) }),
    });
    const a = await serve(echo);
    const outgoing = { header: { want: ['x'] }, payload: chunks(40) };
    const answer = await a.transport.stream(b.contact, 'files/echo', outgoing, { deadline });
    assert.deepEqual(answer.header, { kind: 'files/echo', header: { want: ['x'] } });
    const bytes = await collect(answer);
    assert.equal(bytes.length, 2 * 40 * chunkBytes);
    for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
      assert.equal(bytes[offset], Math.floor(offset / chunkBytes / 2), `chunk at ${offset}`);
    }
  });

  contract('blocks of known sizes arrive each in its own buffer, either way', async ({ serve }) => {
    const sizes = [0, 5, 300_000, 0, 1, 2_000_000, 0];
    const blocks = sizes.map((size, index) => new Uint8Array(size).fill(index + 1));
    const received = async ({ payload }: IncomingStream): Promise<Uint8Array[]> => {
      const complete: Uint8Array[] = [];
      await receiveBlocks(payload, {
        sizes,
        // Credit sometimes arrives later than the bytes.
        allocate: (index, size) =>
          index % 2 === 0
            ? new Uint8Array(size)
            : new Promise((resolve) => setTimeout(() => resolve(new Uint8Array(size)), 10)),
        complete: (index, bytes) => {
          assert.equal(index, complete.length);
          complete.push(bytes);
        },
      });
      return complete;
    };
    let up: Uint8Array[] = [];
    const b = await serve({
      ...echo,
      stream: async (_, __, incoming) => {
        up = await received(incoming);
        return { header: null, payload: inOrder(blocks) };
      },
    });
    const a = await serve(echo);
    const outgoing = { header: null, payload: inOrder(blocks) };
    const down = await received(await a.transport.stream(b.contact, 'any', outgoing, { deadline }));
    for (const [index, block] of blocks.entries()) {
      assert.deepEqual([Buffer.compare(up[index]!, block), Buffer.compare(down[index]!, block)], [0, 0], `${index}`);
    }
  });

  contract('more or fewer bytes than the blocks have break a stream, and no buffer is forgotten', async ({ serve }) => {
    for (const length of [99, 101]) {
      const held = new Set<number>();
      const b = await serve({
        ...echo,
        stream: async () => ({ header: null, payload: inOrder([new Uint8Array(length)]) }),
      });
      const a = await serve(echo);
      const { payload } = await a.transport.stream(b.contact, 'any', { header: null }, { deadline });
      const receiving = receiveBlocks(payload, {
        sizes: [60, 40],
        allocate: (index, size) => {
          held.add(index);
          return new Uint8Array(size);
        },
        complete: (index) => held.delete(index),
        abandoned: (index) => held.delete(index),
      });
      await rejects(receiving, 'refused', 'bad-request');
      assert.equal(held.size, 0);
    }
  });

  contract('a stream may be a header alone, either way', async ({ serve }) => {
    const b = await serve({
      ...echo,
      stream: async (_, __, incoming) => ({ header: (await collect(incoming)).length }),
    });
    const a = await serve(echo);
    const answer = await a.transport.stream(b.contact, 'any', { header: null }, { deadline });
    assert.equal(answer.header, 0);
    assert.equal((await collect(answer)).length, 0);
  });

  contract('an answer can come while the question is still being sent', async ({ serve }) => {
    const b = await serve({ ...echo, stream: async (_, __, { payload }) => ({ header: 'now', payload }) });
    const a = await serve(echo);
    const rest = Promise.withResolvers<void>();
    async function* payload() {
      yield Uint8Array.of(1);
      await rest.promise;
      yield Uint8Array.of(2);
    }
    const answer = await a.transport.stream(b.contact, 'any', { header: null, payload: payload() }, { deadline });
    assert.equal(answer.header, 'now');
    rest.resolve();
    assert.deepEqual([...(await collect(answer))], [1, 2]);
  });

  contract('a slow reader holds the sender back', async ({ serve }) => {
    let sent = 0;
    async function* endless() {
      const chunk = new Uint8Array(chunkBytes);
      for (;;) {
        sent += chunk.length;
        yield chunk;
      }
    }
    const b = await serve({ ...echo, stream: async () => ({ header: null, payload: endless() }) });
    const a = await serve(echo);
    const answer = await a.transport.stream(b.contact, 'any', { header: null }, { deadline });
    const reader = answer.payload[Symbol.asyncIterator]();
    await reader.next();
    await stable(() => sent);
    assert.ok(sent < maxUnreadBytes, `${sent} bytes were taken of the sender`);
    await reader.return?.();
    await stable(() => sent);
  });

  contract('a reader that stops early stops the sender', async ({ serve }) => {
    const stopped = Promise.withResolvers<void>();
    async function* endless() {
      try {
        for (;;) yield new Uint8Array(chunkBytes);
      } finally {
        stopped.resolve();
      }
    }
    const b = await serve({ ...echo, stream: async () => ({ header: null, payload: endless() }) });
    const a = await serve(echo);
    const answer = await a.transport.stream(b.contact, 'any', { header: null }, { deadline });
    for await (const _ of answer.payload) break;
    await stopped.promise;
    await a.transport.request(b.contact, 'still-there', null, { deadline });
  });

  contract('a sender that fails breaks the reader, which never takes it for the end', async ({ serve }) => {
    async function* failing() {
      yield* chunks(3);
      throw new Error('disk gone');
    }
    let heard: unknown;
    const b = await serve({
      ...echo,
      stream: async (_, kind, incoming) => {
        if (kind === 'down') return { header: null, payload: failing() };
        heard = await collect(incoming).catch((error) => error);
        return { header: null };
      },
    });
    const a = await serve(echo);
    const answer = await a.transport.stream(b.contact, 'down', { header: null }, { deadline });
    await assert.rejects(collect(answer), TransportError);
    await assert.rejects(
      a.transport.stream(b.contact, 'up', { header: null, payload: failing() }, { deadline }).then(collect),
      TransportError,
    );
    await until(() => heard !== undefined);
    assert.ok(heard instanceof TransportError, String(heard));
  });

  contract('silence breaks a stream', async ({ serve }) => {
    async function* stuck() {
      yield Uint8Array.of(1);
      await new Promise(() => {});
    }
    const b = await serve({ ...echo, stream: async () => ({ header: null, payload: stuck() }) });
    const a = await serve(echo);
    const answer = await a.transport.stream(b.contact, 'any', { header: null }, { deadline: 200 });
    await rejects(collect(answer), 'timeout');
    const mute = await serve({ ...echo, stream: () => new Promise(() => {}) });
    await rejects(a.transport.stream(mute.contact, 'any', { header: null }, { deadline: 200 }), 'timeout');
  });

  contract('a stream that the caller aborts breaks at both ends', async ({ serve }) => {
    let heard: unknown;
    async function* slow() {
      yield Uint8Array.of(1);
      await new Promise(() => {});
    }
    const b = await serve({
      ...echo,
      stream: async (_, __, incoming) => {
        collect(incoming).catch((error) => {
          heard = error;
        });
        return { header: null, payload: slow() };
      },
    });
    const a = await serve(echo);
    const controller = new AbortController();
    const options = { deadline, signal: controller.signal };
    const answer = await a.transport.stream(b.contact, 'any', { header: null, payload: slow() }, options);
    const reading = collect(answer);
    controller.abort();
    await rejects(reading, 'aborted');
    await until(() => heard instanceof TransportError);
  });

  contract('a ping measures the way there and back', async ({ serve }) => {
    const [a, b] = [await serve(echo), await serve(echo)];
    for (let round = 0; round < 3; round++) {
      const rtt = await a.transport.ping(b.contact, 2000);
      assert.ok(rtt >= 0 && rtt < 2000, `${rtt} ms`);
    }
  });

  contract('a host where another one answers is not talked to', async ({ serve }) => {
    const [a, b] = [await serve(echo), await serve(echo)];
    const other = { host: createIdentity().host, addresses: b.contact.addresses };
    await rejects(a.transport.request(other, 'any', null, { deadline }), 'unreachable', 'wrong-peer');
    await rejects(a.transport.ping(other, deadline), 'unreachable', 'wrong-peer');
  });

  contract('a host that is gone is unreachable, and reachable when it is back', async ({ serve }) => {
    const [a, b] = [await serve(echo), await serve(echo)];
    await a.transport.request(b.contact, 'any', null, { deadline });
    await b.transport.close();
    await rejects(a.transport.request(b.contact, 'any', null, { deadline }), 'unreachable');
    await rejects(a.transport.ping(b.contact, deadline), 'unreachable');
    await rejects(a.transport.stream(b.contact, 'any', { header: null }, { deadline }), 'unreachable');
    const nowhere = { host: createIdentity().host, addresses: [] };
    await rejects(a.transport.request(nowhere, 'any', null, { deadline }), 'unreachable');
  });

  contract('closing breaks what is in progress at both ends', async ({ serve }) => {
    const asked = Promise.withResolvers<void>();
    const b = await serve({
      ...echo,
      request: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const a = await serve(echo);
    const pending = a.transport.request(b.contact, 'any', null, { deadline });
    const failed = assert.rejects(pending, TransportError);
    await asked.promise;
    await a.transport.close();
    await failed;
    await rejects(a.transport.request(b.contact, 'any', null, { deadline }), 'unreachable');
    await a.transport.close();
  });

  contract('who speaks is heard', async ({ serve }) => {
    const heard = new Set<string>();
    const b = await serve({ ...echo, heard: (from) => heard.add(from.host) });
    const a = await serve(echo);
    await a.transport.request(b.contact, 'any', null, { deadline });
    assert.ok(heard.has(a.transport.self));
  });
}

async function rejects(promise: Promise<unknown>, failure: string, code?: string): Promise<TransportError> {
  const error = await promise.then(
    (value) => assert.fail(`It gave ${JSON.stringify(value)}.`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof TransportError, `${error}`);
  assert.equal(error.failure, failure, error.message);
  if (code !== undefined) assert.equal(error.code, code, error.message);
  return error;
}

async function* inOrder(blocks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* blocks;
}

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  for (let number = 0; number < count; number++) yield new Uint8Array(chunkBytes).fill(number);
}

async function* doubled(payload: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let length = 0;
  for await (const part of payload) {
    pending.push(Uint8Array.from(part));
    length += part.length;
    while (length >= chunkBytes) {
      const all = Buffer.concat(pending);
      yield all.subarray(0, chunkBytes);
      yield all.subarray(0, chunkBytes);
      pending = [all.subarray(chunkBytes)];
      length -= chunkBytes;
    }
  }
}

async function collect({ payload }: IncomingStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of payload) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

/** Resolves when the number stays constant for many turns of the event loop: the sender is blocked. */
async function stable(number: () => number): Promise<void> {
  let last = -1;
  for (let quiet = 0; quiet < 2000; quiet++) {
    if (number() !== last) quiet = 0;
    last = number();
    if (last > maxUnreadBytes) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
