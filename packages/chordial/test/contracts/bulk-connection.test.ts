/** Bulk connections over real TLS sockets, with own buffers and with `data` events: protocol violations end them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { Bandwidth } from '../../src/network/bandwidth.ts';
import { BulkConnection, bulkProtocol } from '../../src/network/bulk-connection.ts';
import type { BulkExchange } from '../../src/network/bulk-exchange.ts';
import {
  encodeCredit,
  encodeFrame,
  encodeFrameHeader,
  encodeOpening,
  initialCredit,
} from '../../src/network/bulk-frames.ts';
import { ByteRoom } from '../../src/network/byte-room.ts';
import { tlsCredentials } from '../../src/network/certificate.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { systemClock } from '../../src/network/system-clock.ts';
import { TransportError } from '../../src/network/transport.ts';
import { readInto } from '../../src/network/user-buffer.ts';
import { until } from '../fixtures/until.ts';

const patience = { timeout: 30_000 };
const silence = 10_000;
const bounds = { maxBytes: 8 * 1024 * 1024, maxBytesPerConnection: 8 * 1024 * 1024, alwaysBytesPerConnection: 0 };
const unlimited = new Bandwidth({ clock: systemClock }).link({ address: '127.0.0.1' });
const credentials = tlsCredentials(createIdentity());
const nothing = Buffer.alloc(0);

interface Served {
  readonly port: number;
  readonly room: ByteRoom;
  /** Why connections ended, in order; null for those that just closed. */
  readonly ended: (TransportError | null)[];
  readonly opened: BulkExchange[];
}

async function serve(t: TestContext, plain: boolean): Promise<Served> {
  const room = new ByteRoom(bounds);
  const served: Omit<Served, 'port'> = { room, ended: [], opened: [] };
  const server = createServer({ ...credentials, ALPNProtocols: [bulkProtocol] });
  server.on('secureConnection', (socket: TLSSocket) => {
    const connection: BulkConnection = new BulkConnection(socket, {
      room: room.share(),
      bandwidth: unlimited,
      silence,
      plain,
      spoke: () => undefined,
      ended: (error) => served.ended.push(error),
      answerer: {
        hello: (body) => {
          if (body.toString() !== 'hello') throw new TransportError('refused', 'Not like that.', 'bad-request');
          return Buffer.from('welcome');
        },
        tooMany: () => new TransportError('refused', 'Too many.', 'busy'),
        opened: (exchange, kind) => {
          served.opened.push(exchange);
          if (kind === 'keep') return;
          const told = Number(/^tell-(\d)$/.exec(kind)?.[1] ?? Number.NaN);
          if (!Number.isNaN(told)) {
            const telling = setInterval(() => connection.sendCredit(exchange.id, told), 20);
            t.after(() => clearInterval(telling));
            return;
          }
          connection.answer(exchange.id, Buffer.from('a'));
          void exchange.send({});
        },
      },
    });
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { ...served, port: (server.address() as { port: number }).port };
}

async function raw(t: TestContext, { port }: Served): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: [bulkProtocol] });
  socket.on('error', () => undefined);
  socket.resume();
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

const hello = encodeFrame('hello', 0, Buffer.from('hello'));
const opening = (id: number, kind = 'keep') => encodeFrame('open', id, encodeOpening(kind, Buffer.of(0xf6)));
const data = (id: number, length: number) =>
  Buffer.concat([encodeFrameHeader('data', id, length), Buffer.alloc(length)]);
const bare = (kind: number, id: number, length: number) => {
  const header = Buffer.alloc(12);
  header[0] = kind;
  header.writeUInt32BE(id, 4);
  header.writeUInt32BE(length, 8);
  return header;
};

/** Violations that end a connection, each after HELLO and one exchange. */
const hostile: Readonly<Record<string, Buffer>> = {
  'an unknown kind': bare(77, 1, 0),
  'kind 0': bare(0, 0, 0),
  'bytes that must be zero': Buffer.from([6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
  'a second HELLO': hello,
  'HELLO with an id': encodeFrame('hello', 1, nothing),
  'a header longer than any': bare(2, 2, 0x7fff_ffff),
  'payload longer than any frame': bare(5, 1, 0x7fff_ffff),
  'payload of no bytes': bare(5, 1, 0),
  'an end with a body': bare(6, 1, 4),
  'credit of three bytes': bare(7, 1, 3),
  'an exchange opened twice': opening(1),
  'an exchange of id 0': bare(2, 0, 4),
  'an opening without a kind': encodeFrame('open', 2, Buffer.of(0)),
  'a kind longer than its opening': encodeFrame('open', 2, Buffer.from([60, 97, 98])),
  'payload of an exchange that is not': data(9, 10),
  'the end of an exchange that is not': encodeFrame('end', 9),
  'an answer from the asker': encodeFrame('answer', 1, Buffer.of(0xf6)),
  'a refusal from the asker': encodeFrame('refuse', 1, Buffer.of(0xf6)),
  'more payload than was granted': Buffer.concat([data(1, initialCredit), data(1, 1)]),
  'payload after its end': Buffer.concat([encodeFrame('end', 1), data(1, 1)]),
  'two ends': Buffer.concat([encodeFrame('end', 1), encodeFrame('end', 1)]),
  'more for an ended exchange than was granted': Buffer.concat([
    encodeFrame('break', 1),
    data(1, initialCredit),
    data(1, 1),
  ]),
  'HTTP/2': Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
};

for (const plain of [false, true]) {
  const name = plain ? 'data events' : 'own buffers';

  test(`${name}: what no honest peer sends ends its connection, and no other`, patience, async (t) => {
    const served = await serve(t, plain);
    const bystander = await raw(t, served);
    bystander.write(hello);
    for (const [what, bytes] of Object.entries(hostile)) {
      const before = served.ended.length;
      const socket = await raw(t, served);
      socket.write(Buffer.concat([hello, opening(1)]));
      socket.write(bytes);
      await until(`${what} ends it`, async () => served.ended.length > before);
      assert.equal(served.ended[before]?.code, 'bad-request', what);
      assert.equal(served.room.takenBytes, 0, `${what}: room is given back`);
    }
    const exchanges = served.opened.length;
    bystander.write(opening(1));
    await until('the bystander is served', async () => served.opened.length > exchanges);
    assert.equal(bystander.destroyed, false);
  });

  test(`${name}: anything before HELLO ends a connection, and a refused HELLO says why`, patience, async (t) => {
    const served = await serve(t, plain);
    for (const early of [opening(1), data(1, 5), encodeCredit(1, 5), encodeFrame('end', 1)]) {
      const socket = await raw(t, served);
      const before = served.ended.length;
      socket.write(early);
      await until('it ends', async () => served.ended.length > before);
    }
    assert.equal(served.opened.length, 0);
    const caller = await dialled(t, served, plain);
    await assert.rejects(caller.greet(Buffer.from('let me in')), { code: 'bad-request', message: 'Not like that.' });
    await until('and it is shown out', async () => caller.isClosed);
  });

  test(`${name}: what is not read is bounded, and charged to its connection`, patience, async (t) => {
    const served = await serve(t, plain);
    const socket = await raw(t, served);
    socket.write(hello);
    for (let id = 1; id <= 60; id++) socket.write(Buffer.concat([opening(id), data(id, initialCredit)]));
    await until('the rest is refused', async () => served.opened.length === 40);
    await until('what was granted has come', async () => served.room.takenBytes >= 39 * initialCredit);
    assert.ok(served.room.takenBytes <= bounds.maxBytes);
    assert.equal(socket.destroyed, false);
    socket.destroy();
    await until('it is given back', async () => served.room.takenBytes === 0);
  });

  test(`${name}: too many exchanges are refused one by one`, patience, async (t) => {
    const served = await serve(t, plain);
    const caller = await dialled(t, served, plain);
    await caller.greet(Buffer.from('hello'));
    const kept = Array.from({ length: 40 }, () => caller.open('keep', Buffer.of(0xf6), silence));
    await assert.rejects(caller.open('more', Buffer.of(0xf6), silence).answer(), { code: 'busy' });
    kept[0]?.fail(new TransportError('aborted', 'enough'));
    assert.deepEqual(await caller.open('more', Buffer.of(0xf6), silence).answer(), Buffer.from('a'));
  });

  test(`${name}: who only says that it waits, or grants credit, is believed for a while`, patience, async (t) => {
    const served = await serve(t, plain);
    const caller = await dialled(t, served, plain);
    await caller.greet(Buffer.from('hello'));
    await Promise.all(
      ['tell-0', 'tell-1'].map(async (kind) => {
        const began = performance.now();
        await assert.rejects(caller.open(kind, Buffer.of(0xf6), 300).answer(), { failure: 'timeout' });
        const took = performance.now() - began;
        assert.ok(took > 3000 && took < 15_000, `${kind}: ${took} ms`);
      }),
    );
    const began = performance.now();
    await assert.rejects(caller.open('keep', Buffer.of(0xf6), 300).answer(), { failure: 'timeout' });
    assert.ok(performance.now() - began < 3000, 'one that says nothing is not');
  });

  test(
    `${name}: blocks come byte by byte or all at once, and buffers that stay empty are told`,
    patience,
    async (t) => {
      const served = await serve(t, plain);
      const socket = await raw(t, served);
      socket.write(Buffer.concat([hello, opening(1)]));
      await until('it is open', async () => served.opened.length === 1);
      const [complete, abandoned]: [string[], number[]] = [[], []];
      const receiving = served.opened[0]!.payload(() => undefined).receive!({
        sizes: [3, 0, 5, 4],
        allocate: (_, size) => new Uint8Array(size),
        complete: (_, bytes) => complete.push(Buffer.from(bytes).toString()),
        abandoned: (index) => abandoned.push(index),
      });
      const failed = assert.rejects(receiving, TransportError);
      const frame = (text: string) => encodeFrame('data', 1, Buffer.from(text));
      for (const byte of frame('abc')) {
        socket.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.write(Buffer.concat([frame('de'), frame('fghi')]));
      await until('two are there', async () => complete.length === 3);
      socket.destroy();
      await failed;
      assert.deepEqual([complete, abandoned], [['abc', '', 'defgh'], [3]]);
    },
  );
}

test('this Node lets accepted sockets fill our buffers', patience, async (t) => {
  const server = createServer({ ...credentials });
  const direct = new Promise<boolean>((resolve) => {
    server.on('secureConnection', (socket) => {
      const space = new Uint8Array(1024);
      resolve(readInto(socket, { space: () => space, filled: () => undefined }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const socket = connect({
    port: (server.address() as { port: number }).port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
  });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  assert.equal(await direct, true);
});

async function dialled(t: TestContext, served: Served, plain: boolean): Promise<BulkConnection> {
  const socket = connect({
    port: served.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: [bulkProtocol],
  });
  await once(socket, 'secureConnect');
  const room = new ByteRoom(bounds).share();
  const spoke = (): void => undefined;
  const options = { room, answerer: null, bandwidth: unlimited, silence, plain, spoke, ended: spoke };
  const connection = new BulkConnection(socket, options);
  t.after(() => connection.destroy());
  return connection;
}
