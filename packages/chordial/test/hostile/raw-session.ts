/** Raw connections: TCP, TLS, HTTP/2 and bulk frames by hand, as a member, a stranger, or without an identity. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { bulkProtocol } from '../../src/network/bulk-connection.ts';
import { encodeFrame, encodeOpening, frameKinds } from '../../src/network/bulk-frames.ts';
import { tlsCredentials } from '../../src/network/certificate.ts';
import { controlPath } from '../../src/network/control-channel.ts';
import { encodeHelloAsk } from '../../src/network/hello.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import { encodeBody } from '../../src/network/wire-body.ts';

const connectMilliseconds = 5000;

/** Open until the other side or `destroy` ends it. */
export function tcp(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  return settled(socket, 'connect');
}

/** `credentials` empty: a stranger without a certificate. */
export function tls(port: number, credentials: ConnectionOptions = {}): Promise<TLSSocket> {
  const options = { host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...credentials };
  const socket = connectTls(options);
  socket.on('error', () => {});
  return settled(socket, 'secureConnect');
}

export interface SessionOptions {
  readonly identity?: Identity;
  /** Membership documents of the identity; none in an open network. */
  readonly shown?: readonly Uint8Array[];
  /** Receive window per stream. */
  readonly windowBytes?: number;
  /** ALPN. */
  readonly protocol?: string;
}

/** A session after a valid HELLO; the rest is up to the caller. */
export async function greeted(
  port: number,
  network: string,
  { identity = createIdentity(), shown = [], windowBytes, protocol = 'h2' }: SessionOptions = {},
): Promise<ClientHttp2Session> {
  const socket = await tls(port, { ...tlsCredentials(identity), ALPNProtocols: [protocol] });
  const session = connectHttp2('https://peer', { createConnection: () => socket, settings: { enablePush: false } });
  session.on('error', () => {});
  const status = await post(session, '/hello', helloOf(network, shown, identity));
  if (status !== 200) {
    session.destroy();
    throw new Error(`HELLO was answered with ${status}`);
  }
  if (windowBytes !== undefined) session.settings({ initialWindowSize: windowBytes });
  return session;
}

/** A bulk connection after a valid HELLO; further bytes are up to the caller. */
export async function greetedBulk(
  port: number,
  network: string,
  { identity = createIdentity(), shown = [] }: SessionOptions = {},
): Promise<TLSSocket> {
  const socket = await tls(port, { ...tlsCredentials(identity), ALPNProtocols: [bulkProtocol] });
  socket.write(encodeFrame('hello', 0, helloOf(network, shown, identity)));
  const [answer] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [Buffer | undefined];
  if (answer?.[0] !== frameKinds.hello) {
    socket.destroy();
    throw new Error('HELLO was refused');
  }
  socket.resume();
  return socket;
}

/** The opening of an exchange on a bulk connection. */
export function opening(id: number, kind: string, header: Uint8Array): Buffer {
  return encodeFrame('open', id, encodeOpening(kind, header));
}

function helloOf(network: string, shown: readonly Uint8Array[], identity: Identity): Uint8Array {
  const contact = { host: identity.host, addresses: ['127.0.0.1:9'] };
  return encodeBody(encodeHelloAsk({ network, contact, shown, name: null, epoch: 0 }));
}

/** Status of the answer, 0 without one. The body is discarded. */
export function post(session: ClientHttp2Session, path: string, body: Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    if (session.closed || session.destroyed) return resolve(0);
    const stream = open(session, path);
    let status = 0;
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('close', () => resolve(status));
    stream.resume();
    stream.end(body);
  });
}

/** A request whose body is up to the caller; its answer is not read. */
export function open(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = session.request({ ':method': 'POST', ':path': path });
  stream.on('error', () => {});
  return stream;
}

/** The control stream of a session, on which questions are up to the caller; answers are discarded without `read`. */
export function openControl(session: ClientHttp2Session, read: (answer: Buffer) => void = () => {}): ClientHttp2Stream {
  const stream = open(session, controlPath);
  stream.on('data', read);
  return stream;
}

interface FrameHead {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
}

/** One frame of HTTP/2 as it goes over the wire. */
export function frame({ type, flags, stream }: FrameHead, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame({ type: 4, flags: 0, stream: 0 }, Buffer.alloc(0)),
]);

function settled<Sort extends Socket>(socket: Sort, event: 'connect' | 'secureConnect'): Promise<Sort> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(), connectMilliseconds);
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new Error('closed'));
    });
    socket.once(event, () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}
