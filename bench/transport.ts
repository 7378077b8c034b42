/**
 * Speed of the transport between two peers over loopback, without verification or disk.
 * `node bench/transport.ts` prints the rate of one and of four streams each way, a request and a ping, and memory.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Contact } from '@chordial/ring';
import { decodeGenesis, encodeGenesis, found } from '../packages/chordial/src/network/genesis.ts';
import { createIdentity } from '../packages/chordial/src/network/identity.ts';
import { TlsTransport } from '../packages/chordial/src/network/tls-transport.ts';
import type { Handlers } from '../packages/chordial/src/network/transport.ts';

const chunkBytes = 1024 * 1024;
const chunkCount = 1024;
const questions = 2000;
const deadline = 5000;

interface Meeting {
  readonly genesis: readonly number[];
  readonly contact: Contact;
}

const handlers: Handlers = {
  request: async () => null,
  stream: async (_, kind, { header, payload }) => {
    if (kind === 'up') return { header: await drain(payload) };
    return { header: null, payload: chunks(Number(header)) };
  },
};

if (process.argv[2] === 'caller') {
  const [meeting] = (await once(process, 'message')) as [Meeting];
  await measure(meeting);
} else {
  await serve();
}

async function serve(): Promise<void> {
  const genesis = found({ admission: 'open' });
  const transport = new TlsTransport({ identity: createIdentity(), genesis, listen: '127.0.0.1:0' });
  await transport.serve(handlers);
  const caller = fork(import.meta.filename, ['caller']);
  caller.send({ genesis: [...encodeGenesis(genesis)], contact: transport.contact });
  await once(caller, 'exit');
  console.log(`memory of the one asked: ${megabytes(process.memoryUsage.rss())} MB`);
  await transport.close();
}

async function measure({ genesis, contact }: Meeting): Promise<void> {
  const transport = new TlsTransport({
    identity: createIdentity(),
    genesis: decodeGenesis(Uint8Array.from(genesis)),
    listen: '127.0.0.1:0',
  });
  const down = async (count: number) => {
    const options = { deadline };
    const answer = await transport.stream(contact, 'down', { header: count }, options);
    return drain(answer.payload);
  };
  await rate('one stream down', () => down(chunkCount));
  await rate('four streams down', () => Promise.all([1, 2, 3, 4].map(() => down(chunkCount / 4))));
  await rate('one stream up', () =>
    transport.stream(contact, 'up', { header: null, payload: chunks(chunkCount) }, { deadline }),
  );
  await latency('request', () => transport.request(contact, 'x', null, { deadline }));
  await latency('ping', () => transport.ping(contact, deadline));
  console.log(`memory of the asker: ${megabytes(process.memoryUsage.rss())} MB`);
  await transport.close();
  process.disconnect();
}

async function rate(name: string, run: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await run();
  const seconds = (performance.now() - start) / 1000;
  console.log(`${name}: ${Math.round(megabytes(chunkCount * chunkBytes) / seconds)} MB/s`);
}

async function latency(name: string, run: () => Promise<unknown>): Promise<void> {
  await run();
  const start = performance.now();
  for (let count = 0; count < questions; count++) await run();
  console.log(`${name}: ${Math.round(((performance.now() - start) / questions) * 1000)} µs`);
}

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(chunkBytes);
  for (let number = 0; number < count; number++) yield chunk;
}

async function drain(payload: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of payload) bytes += chunk.length;
  return bytes;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
