/** Floods of connections, streams, questions and frames, and slow bodies in either direction. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { encodeFrame } from '../../src/network/bulk-frames.ts';
import { tlsCredentials } from '../../src/network/certificate.ts';
import { controlPath } from '../../src/network/control-channel.ts';
import { encodeQuestion } from '../../src/network/control-frames.ts';
import { createIdentity } from '../../src/network/identity.ts';
import {
  backAsk,
  backPath,
  newToken,
  registerPath,
  relayProtocol,
  tokenText,
} from '../../src/network/relay-messages.ts';
import { encodeBody } from '../../src/network/wire-body.ts';
import { decodeEntry } from '../../src/records/entry.ts';
import { readNameEntry } from '../../src/records/name-entry.ts';
import { searchMessages, signedQuestion } from '../../src/search/search-messages.ts';
import { encodeAs } from '../../src/wire/schema.ts';
import { type Battlefield, relentlessly, untilOver } from './attack.ts';
import { badBodies } from './nonsense.ts';
import { bulkKinds, controlKinds, namesAt, pair } from './pushes.ts';
import {
  frame,
  greeted,
  greetedBulk,
  open,
  openControl,
  opening,
  preface,
  type SessionOptions,
  tcp,
  tls,
} from './raw-session.ts';

const deadline = 3000;

/** Far more connections than a peer accepts, half silent from the start, half in the middle of TLS. */
export async function floodConnections(field: Battlefield): Promise<void> {
  const held = new Set<Socket>();
  await relentlessly(field, 16, 2, async (turn) => {
    const { port } = field.targets[turn % field.targets.length]!;
    const socket = turn % 3 === 0 ? await tls(port) : await tcp(port);
    // An incomplete ClientHello.
    if (turn % 3 === 1) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    held.add(socket);
    socket.once('close', () => held.delete(socket));
  });
  for (const socket of held) socket.destroy();
}

/** Each with its own identity and a valid HELLO, until no peer accepts more. */
export async function floodMembers(field: Battlefield): Promise<void> {
  const [member] = field.members;
  const sessions: ClientHttp2Session[] = [];
  const targets = field.targets.slice(0, 1);
  await relentlessly({ ...field, targets: [field.targets[0]] }, 12, 1, async (turn) => {
    const identity = createIdentity();
    const own = { identity, shown: member.shownFor(identity) };
    sessions.push(await greeted(targets[turn % targets.length]!.port, member.networkId, own));
  });
  field.did('sessions', sessions.filter((session) => !session.destroyed).length);
  for (const session of sessions) session.destroy();
}

/** Silent after TLS, anything except HELLO, or HELLO byte by byte. */
export async function stallHello(field: Battlefield): Promise<void> {
  const held = new Set<Socket>();
  await relentlessly(field, 12, 5, async (turn) => {
    const { port } = field.targets[turn % field.targets.length]!;
    const socket = await tls(port, tlsCredentials(createIdentity()));
    held.add(socket);
    socket.once('close', () => held.delete(socket));
    if (turn % 2 === 0) socket.write(preface);
  });
  for (const socket of held) socket.destroy();
}

/** The maximum of streams per connection, with unfinished questions. */
export async function floodStreams(field: Battlefield): Promise<void> {
  await withSessions(field, 2, {}, async (session, { signal }) => {
    const control = openControl(session);
    control.write(unfinished());
    // Only one control stream is allowed.
    const streams = Array.from({ length: 1500 }, (_, index) => {
      const stream = open(session, index % 2 === 0 ? controlPath : '/no-such');
      stream.resume();
      return stream;
    });
    field.did('streams', streams.length);
    // Slow writes: an occasional byte avoids idle timeouts.
    while (!signal.aborted) {
      for (const stream of [control, ...streams]) if (!stream.destroyed && stream.writable) stream.write(Buffer.of(0));
      await wait(500);
    }
  });
}

/** Registers as hidden, calls hosts and opens tunnels without end, with ids and tokens of no one, and reads no answer. */
export async function floodRelays(field: Battlefield): Promise<void> {
  const ids = [...field.targets.map(({ contact }) => contact.host), createIdentity().host];
  await withSessions(field, 4, { protocol: relayProtocol, windowBytes: 0 }, async (session, { signal }) => {
    for (let turn = 0; !signal.aborted && !session.destroyed; turn++) {
      const id = ids[turn % ids.length]!;
      const token = newToken();
      const call = encodeBody(
        encodeAs(backAsk, { to: id, port: 1 + (turn % 65_535), purpose: 'bulk' as const, token }),
      );
      for (const body of [call, badBodies[turn % badBodies.length]!]) open(session, backPath).end(body);
      const authorities = [id, tokenText(token), 'no-peer-id'];
      for (const authority of authorities) {
        const tunnel = session.request({ ':method': 'CONNECT', ':authority': authority }, { endStream: false });
        tunnel.on('error', () => {});
        if (tunnel.writable) tunnel.write(randomBytes(16 * 1024));
      }
      const registering = open(session, registerPath);
      registering.write(randomBytes(1024));
      field.did('turns');
      await wait(20);
    }
  });
}

/** Questions of almost maximum length without their last byte, which occupy memory of the peer. */
export async function holdBodies(field: Battlefield): Promise<void> {
  await withSessions(field, 24, {}, async (session, { signal }) => {
    openControl(session).write(unfinished());
    await untilOver(signal);
  });
}

/** Asks for everything and reads nothing. */
export async function readNothing(field: Battlefield): Promise<void> {
  const list = encodeBody({ kind: 'name', cursor: null, limit: 128 });
  await withSessions(field, 4, { windowBytes: 0 }, async (session, { signal }) => {
    const control = openControl(session);
    for (let id = 1; id <= 5000 && !signal.aborted && !control.destroyed; id++) {
      control.write(encodeQuestion(id, 'records.list', list));
      if (id % 250 === 0) await wait(10);
    }
    field.did('unread');
    await untilOver(signal);
  });
}

/** Opens the maximum of exchanges repeatedly: requests all blocks without credit, offers blocks and sends none. */
export async function hoardExchanges(field: Battlefield): Promise<void> {
  const [member] = field.members;
  const names = await namesAt(member, field.targets[0].contact).catch(() => []);
  const cids = names.map((bytes) => readNameEntry(decodeEntry(bytes)).cid.bytes).slice(0, 256);
  await withBulk(field, 2, async (socket, { signal }) => {
    const header = encodeBody({ cids });
    for (let id = 1; id <= 200 && !signal.aborted && !socket.destroyed; id++) {
      socket.write(opening(id, bulkKinds[id % 2]!, header));
      if (id % 40 === 0) await wait(100);
    }
    field.did('exchanges', 200);
    // Stops reading, even answers.
    socket.pause();
    await untilOver(signal);
  });
}

/** Invalid bulk frames, more bytes than granted, and exchanges that are interrupted at once. */
export async function pushBadFrames(field: Battlefield): Promise<void> {
  const header = encodeBody({ cids: [] });
  const bad: readonly Buffer[] = [
    Buffer.alloc(12, 0xff),
    Buffer.alloc(1000),
    opening(0, 'blocks.get', header),
    Buffer.concat([opening(1, 'blocks.get', header), opening(1, 'blocks.get', header)]),
    Buffer.concat([opening(1, 'blocks.put', header), encodeFrame('data', 1, randomBytes(500_000))]),
    Buffer.concat([opening(1, 'blocks.put', header), encodeFrame('end', 1), encodeFrame('end', 1)]),
    encodeFrame('data', 7, randomBytes(100)),
    many(Buffer.concat([opening(1, 'shares.put', header), encodeFrame('break', 1)]), 100),
    ...badBodies.map((body) => opening(1, bulkKinds[0]!, body.length === 0 ? Buffer.of(0) : body)),
    randomBytes(20_000),
  ];
  let turn = 0;
  await withBulk(field, 1, async (socket, { signal }) => {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write(bad[turn++ % bad.length]!);
    field.did('frames');
    await Promise.race([closed, wait(signal.aborted ? 0 : 300)]);
  });
}

/** Invalid and duplicate control frames; each ends the stream. */
export async function pushBadQuestions(field: Battlefield): Promise<void> {
  const question = encodeQuestion(1, 'records.get', encodeBody(null));
  const bad: readonly Buffer[] = [
    Buffer.alloc(4, 0xff),
    Buffer.alloc(1000),
    Buffer.concat([question, question]),
    Buffer.from([0, 0, 0, 9, 0, 0, 0, 1, 200, 97, 98, 99, 100]),
    Buffer.concat([question, randomBytes(20_000)]),
  ];
  let turn = 0;
  await withSessions(field, 1, {}, async (session, { signal }) => {
    while (!signal.aborted && !session.destroyed) {
      const control = openControl(session);
      const ended = new Promise<void>((resolve) => control.once('close', () => resolve()));
      control.write(bad[turn++ % bad.length]!);
      await Promise.race([ended, wait(500)]);
      control.close();
      field.did('questions');
    }
  });
}

/** Patterns with exponential cost in naive matchers, under changing askers; excessive words, counts and pages. */
export async function floodQueries(field: Battlefield): Promise<void> {
  const patterns = [
    '/(a+)+$/',
    '/(x*)*y/',
    `/${'(.*)'.repeat(50)}z/`,
    'a',
    '*',
    `/${'a?'.repeat(200)}${'a'.repeat(200)}/`,
  ];
  await relentlessly(field, 12, 1, async (turn) => {
    const [member, { contact }] = pair(field, turn);
    const asker = createIdentity();
    const own = member.ring.find((one) => one.contact.host === contact.host);
    const id = own?.id ?? member.members[0]!.id;
    const pattern = patterns[randomInt(patterns.length)]!;
    const signed = { id: randomUUID(), pattern, most: 1000, time: Date.now() };
    const question = {
      ...signed,
      asker: asker.host,
      signature: asker.sign(signedQuestion(member.networkId, signed)),
      parts: [{ member: id, end: id }],
      hops: 8,
      left: 5000,
    };
    const { transport } = member;
    await transport.request(contact, searchMessages.ask.kind, searchMessages.ask.encode(question), { deadline });
    const query = `bin ${'word '.repeat(1900)}`;
    const words = { id: randomUUID(), word: 'bin', query, skip: 0, limit: 50 };
    await transport.request(contact, searchMessages.query.kind, words, { deadline });
  });
}

/** Invalid or endlessly repeated HTTP/2 frames. Each socket lasts until the peer ends it. */
export async function floodFrames(field: Battlefield): Promise<void> {
  const none = Buffer.alloc(0);
  const floods: readonly Buffer[] = [
    // An oversized frame; DATA and HEADERS without a stream; an unknown kind.
    frame({ type: 0, flags: 0, stream: 1 }, Buffer.alloc(1000), 0xffffff),
    frame({ type: 0, flags: 0, stream: 0 }, Buffer.alloc(100)),
    frame({ type: 1, flags: 4, stream: 0 }, Buffer.alloc(100)),
    frame({ type: 77, flags: 0, stream: 1 }, Buffer.alloc(100)),
    // Thousands of SETTINGS, PING, PRIORITY, RST_STREAM, WINDOW_UPDATE; empty DATA; endless headers.
    many(frame({ type: 4, flags: 0, stream: 0 }, none), 1000),
    many(frame({ type: 6, flags: 0, stream: 0 }, Buffer.alloc(8)), 1000),
    many(frame({ type: 2, flags: 0, stream: 1 }, Buffer.alloc(5)), 1000),
    many(frame({ type: 3, flags: 0, stream: 1 }, Buffer.alloc(4)), 1000),
    many(frame({ type: 8, flags: 0, stream: 0 }, Buffer.from([0x7f, 0xff, 0xff, 0xff])), 10),
    many(frame({ type: 0, flags: 0, stream: 1 }, none), 1000),
    Buffer.concat([
      frame({ type: 1, flags: 0, stream: 1 }, none),
      many(frame({ type: 9, flags: 0, stream: 1 }, Buffer.alloc(16_000, 0x41)), 50),
    ]),
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    randomBytes(20_000),
  ];
  await relentlessly(field, 6, 5, async (turn) => {
    const { port } = field.targets[turn % field.targets.length]!;
    const socket = await tls(port, tlsCredentials(createIdentity()));
    socket.resume();
    if (turn % 5 !== 4) socket.write(preface);
    const flood = floods[turn % floods.length]!;
    const over = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    for (let count = 0; count < 20 && !socket.destroyed; count++) {
      if (!socket.write(flood))
        await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), over, wait(200)]);
    }
    await Promise.race([over, wait(500)]);
    socket.destroy();
  });
}

/** Streams opened and reset as fast as possible, after HELLO. */
export async function resetRapidly(field: Battlefield): Promise<void> {
  await withSessions(field, 2, {}, async (session, { signal }) => {
    while (!signal.aborted && !session.destroyed) {
      for (let count = 0; count < 200 && !session.destroyed; count++) open(session, controlPath).close(8);
      field.did('resets', 200);
      await wait(10);
    }
  });
}

/** Malformed bodies to every kind of message. */
export async function pushBadBodies(field: Battlefield): Promise<void> {
  await withSessions(field, 1, {}, async (session, { signal }) => {
    const control = openControl(session);
    for (let id = 1; !signal.aborted && !session.destroyed; id++) {
      const body = badBodies[randomInt(badBodies.length)]!;
      field.did('bodies');
      const answered = new Promise<void>((resolve) => control.once('data', () => resolve()));
      control.write(encodeQuestion(id, controlKinds[randomInt(controlKinds.length)]!, body));
      await Promise.race([answered, wait(500)]);
    }
  });
}

/** A question of almost maximum length without its last byte. */
function unfinished(): Buffer {
  return encodeQuestion(1, 'records.get', randomBytes(1024 * 1024 - 16)).subarray(0, -1);
}

/** HTTP/2 with every target, as `withConnections`. */
function withSessions(
  field: Battlefield,
  perTarget: number,
  options: Pick<SessionOptions, 'windowBytes' | 'protocol'>,
  use: (session: ClientHttp2Session, field: Battlefield) => Promise<void>,
): Promise<void> {
  return withConnections(field, perTarget, (port, network, own) => greeted(port, network, { ...own, ...options }), use);
}

/** Bulk connections with every target, as `withConnections`. */
function withBulk(
  field: Battlefield,
  perTarget: number,
  use: (socket: TLSSocket, field: Battlefield) => Promise<void>,
): Promise<void> {
  return withConnections(field, perTarget, greetedBulk, use);
}

/** Connections to every target, each with its own identity, reopened when ended. */
async function withConnections<Sort extends Socket | ClientHttp2Session>(
  field: Battlefield,
  perTarget: number,
  connect: (port: number, network: string, own: SessionOptions) => Promise<Sort>,
  use: (connection: Sort, field: Battlefield) => Promise<void>,
): Promise<void> {
  const [member] = field.members;
  const over = untilOver(field.signal);
  const one = async (port: number): Promise<void> => {
    while (!field.signal.aborted) {
      const identity = createIdentity();
      const own = { identity, shown: member.shownFor(identity) };
      const connection = await Promise.race([connect(port, member.networkId, own).catch(() => null), over]);
      if (connection === undefined) return;
      if (connection === null) field.did('refused');
      else {
        const ended = new Promise<void>((resolve) => connection.once('close', () => resolve()));
        await Promise.race([use(connection, field), ended, over]);
        if (connection.destroyed) field.did('ended');
        connection.destroy();
      }
      await wait(50);
    }
  };
  await Promise.all(field.targets.flatMap(({ port }) => Array.from({ length: perTarget }, () => one(port))));
}

function many(one: Buffer, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => one));
}
