/** A stream as seen by the caller. */
import { type PooledBulk, using } from './connection-pool.ts';
import { type IncomingStream, type OutgoingStream, type RequestOptions, TransportError } from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

/** Rejects with the refusal, or with the TransportError that ended the exchange. */
export async function openStream(
  pooled: PooledBulk,
  kind: string,
  { header, payload }: OutgoingStream,
  { deadline, signal }: RequestOptions,
): Promise<IncomingStream> {
  if (signal?.aborted) throw new TransportError('aborted', 'The caller gave up.');
  const exchange = pooled.connection.bulk.open(kind, encodeBody(header), deadline);
  const abort = () => exchange.fail(new TransportError('aborted', 'The caller gave up.'));
  signal?.addEventListener('abort', abort);
  // The connection is in use until the exchange has ended on either side.
  void using(pooled, () => exchange.over);
  void exchange.over.then(() => signal?.removeEventListener('abort', abort));
  void exchange.send(payload);
  const answer = await exchange.answer();
  const stopped = () => exchange.fail(new TransportError('aborted', 'The reader stopped.'));
  try {
    return { header: decodeBody(answer), payload: exchange.payload(stopped) };
  } catch (error) {
    stopped();
    throw error;
  }
}
