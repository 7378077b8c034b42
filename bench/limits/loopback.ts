/**
 * Rate of two Node processes that only exchange bytes: `raw TLS` and `raw HTTP/2` over loopback, TLS 1.3.
 * The child serves, the caller of `loopbackRate` counts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2, createSecureServer } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { tlsCredentials } from '../../packages/chordial/src/network/certificate.ts';
import { connectionWindowBytes, http2Settings } from '../../packages/chordial/src/network/connection-limits.ts';
import { createIdentity } from '../../packages/chordial/src/network/identity.ts';

export type Loopback = 'raw TLS' | 'raw HTTP/2';

const chunkBytes = 1024 * 1024;

/** Megabytes per second. */
export async function loopbackRate(kind: Loopback, bytes: number): Promise<number> {
  const server = fork(import.meta.filename, [kind, String(bytes)]);
  try {
    const [port] = (await once(server, 'message')) as [number];
    const start = performance.now();
    const counted = await (kind === 'raw TLS' ? drainTls(port) : drainHttp2(port));
    if (counted !== bytes) throw new Error(`${kind} carried ${counted} bytes of ${bytes}`);
    return bytes / 1000 / (performance.now() - start);
  } finally {
    await ended(server);
  }
}

async function drainTls(port: number): Promise<number> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  return counted(socket);
}

async function drainHttp2(port: number): Promise<number> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, settings: http2Settings });
  session.once('connect', () => session.setLocalWindowSize(connectionWindowBytes));
  try {
    return await counted(session.request({ ':path': '/' }));
  } finally {
    session.destroy();
  }
}

async function counted(stream: NodeJS.ReadableStream): Promise<number> {
  let bytes = 0;
  stream.on('data', (piece: Buffer) => {
    bytes += piece.length;
  });
  await once(stream, 'end');
  return bytes;
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill();
  await exit;
}

async function serve(kind: Loopback, bytes: number): Promise<void> {
  const options = { ...tlsCredentials(createIdentity()), minVersion: 'TLSv1.3' as const };
  const send = async (stream: NodeJS.WritableStream): Promise<void> => {
    const chunk = Buffer.alloc(chunkBytes);
    for (let sent = 0; sent < bytes; sent += chunkBytes) {
      if (!stream.write(chunk.subarray(0, Math.min(chunkBytes, bytes - sent)))) await once(stream, 'drain');
    }
    stream.end();
  };
  const server: Server =
    kind === 'raw TLS'
      ? createTlsServer(options, (socket) => void send(socket))
      : (createSecureServer({ ...options, settings: http2Settings }).on('stream', (stream) => {
          stream.respond({ ':status': 200 });
          void send(stream);
        }) as unknown as Server);
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

if (import.meta.main) await serve(process.argv[2] as Loopback, Number(process.argv[3]));
