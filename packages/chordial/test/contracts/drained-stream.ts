/** The contract of every Transport on drained payloads: the same as iterated ones, but faster. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drainPayload, type Handlers, type OutgoingStream, TransportError } from '../../src/network/transport.ts';
import type { TransportHarness } from './transport-harness.ts';

const deadline = 5000;
const chunkBytes = 64 * 1024;
/** As in transport.ts: windows and buffers. */
const maxUnreadBytes = 40 * 1024 * 1024;

export function drainContract(name: string, makeHarness: () => Promise<TransportHarness>): void {
  const contract = (title: string, run: (open: Open) => Promise<void>) =>
    test(`${name}: ${title}`, { timeout: 20_000 }, async () => {
      const harness = await makeHarness();
      try {
        await run((payload, silence = deadline) => openTo(harness, payload, silence));
      } finally {
        await harness.dispose();
      }
    });

  contract(
    'a drained payload hands over every byte, in order, and nothing while a piece is being taken',
    async (open) => {
      const payload = await open(chunks(60));
      let taken = 0;
      let busy = false;
      await drainPayload(payload, (piece) => {
        assert.ok(!busy, 'a piece came while another was being taken');
        for (const byte of [0, piece.length - 1]) {
          assert.equal(piece[byte], Math.floor((taken + byte) / chunkBytes));
        }
        taken += piece.length;
        if (taken % 3 === 0) return undefined;
        busy = true;
        return turns(3).then(() => {
          busy = false;
        });
      });
      assert.equal(taken, 60 * chunkBytes);
    },
  );

  contract(
    'a taker that waits holds the sender back, and its own slowness is not the sender’s silence',
    async (open) => {
      let sent = 0;
      const payload = await open(
        counted(chunks(1000), (bytes) => (sent += bytes)),
        1000,
      );
      let first = true;
      let taken = 0;
      await drainPayload(payload, (piece) => {
        taken += piece.length;
        if (!first) return undefined;
        first = false;
        return new Promise<void>((resolve) => setTimeout(resolve, 2000)).then(() => {
          assert.ok(sent < maxUnreadBytes, `${sent} bytes were taken of the sender`);
        });
      });
      assert.equal(taken, 1000 * chunkBytes);
    },
  );

  contract('a taker that throws ends the drain with its error and stops the sender', async (open) => {
    for (const take of [() => fail(), () => turns(1).then(fail)]) {
      const stopped = Promise.withResolvers<void>();
      const payload = await open(told(chunks(Number.MAX_SAFE_INTEGER), stopped.resolve));
      await assert.rejects(drainPayload(payload, take), /no more/);
      await stopped.promise;
    }
  });

  contract('a sender that fails or falls silent breaks the drain, which never takes it for the end', async (open) => {
    const take = () => undefined;
    async function* failing() {
      yield* chunks(3);
      throw new Error('disk gone');
    }
    await assert.rejects(drainPayload(await open(failing()), take), TransportError);
    async function* stuck() {
      yield Uint8Array.of(1);
      await new Promise(() => {});
    }
    await assert.rejects(drainPayload(await open(stuck(), 200), take), TransportError);
  });
}

type Open = (payload: AsyncIterable<Uint8Array>, silence?: number) => Promise<AsyncIterable<Uint8Array>>;

async function openTo(
  { serve }: TransportHarness,
  payload: AsyncIterable<Uint8Array>,
  silence: number,
): Promise<AsyncIterable<Uint8Array>> {
  const request: Handlers['request'] = async () => null;
  const stream = async (): Promise<OutgoingStream> => ({ header: null, payload });
  const b = await serve({ request, stream });
  const a = await serve({ request, stream });
  return (await a.transport.stream(b.contact, 'any', { header: null }, { deadline: silence })).payload;
}

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  for (let number = 0; number < count; number++) yield new Uint8Array(chunkBytes).fill(number);
}

async function* counted(
  payload: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of payload) {
    count(piece.length);
    yield piece;
  }
}

async function* told(payload: AsyncIterable<Uint8Array>, ended: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* payload;
  } finally {
    ended();
  }
}

function fail(): never {
  throw new Error('no more of this');
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
