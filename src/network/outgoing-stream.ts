/** A bulk exchange as the caller sees it. */
import { constants } from 'node:http2';
import { type PooledConnection, using } from './connection-pool.ts';
import { readRefusal } from './small-exchange.ts';
import { FrameReader, sendStream } from './stream-framing.ts';
import { StreamWatch } from './stream-watch.ts';
import { type IncomingStream, type OutgoingStream, type RequestOptions, TransportError } from './transport.ts';

const maximumRefusalBytes = 16 * 1024;

export async function openStream(
  pooled: PooledConnection,
  path: string,
  outgoing: OutgoingStream,
  { deadline, signal }: RequestOptions,
): Promise<IncomingStream> {
  const { session } = pooled.connection;
  if (session.closed || session.destroyed) throw new TransportError('timeout', 'The connection was just lost.');
  const stream = session.request({ ':method': 'POST', ':path': path }, { waitForTrailers: true });
  let status = 0;
  stream.once('response', (headers) => {
    status = headers[':status'] ?? 0;
  });
  const watch = new StreamWatch(stream, deadline);
  const abort = () => watch.fail(new TransportError('aborted', 'The caller gave up.'));
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  // The connection is in use until the stream is over, whoever ends it.
  void using(pooled, () => new Promise<void>((resolve) => stream.once('close', resolve)));
  stream.once('close', () => signal?.removeEventListener('abort', abort));

  const sending = sendStream(watch, outgoing);
  while (status === 0) {
    if (watch.failure !== null) throw watch.failure;
    await watch.event();
  }
  const reader = new FrameReader(watch);
  if (status !== 200) {
    const refusal = readRefusal(status, await reader.text(maximumRefusalBytes));
    stream.close(constants.NGHTTP2_CANCEL);
    throw refusal;
  }
  try {
    const header = await reader.header();
    return { header, payload: reader.payload(() => stream.close(constants.NGHTTP2_CANCEL)) };
  } catch (error) {
    stream.close(constants.NGHTTP2_CANCEL);
    await sending;
    throw error;
  }
}
