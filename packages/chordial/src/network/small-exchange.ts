/** One request and answer on a separate HTTP/2 stream, such as HELLO; and the form of refusals on any stream. */
import { type ClientHttp2Session, constants, type Http2Stream, type IncomingHttpHeaders } from 'node:http2';
import { bytesUpTo, decodeAs, encodeAs, list, nullable, text, tuple } from '../wire/schema.ts';
import { TransportError } from './transport.ts';
import { decodeBody, encodeBody, maxBodyBytes, tooLarge } from './wire-body.ts';

/** The connection was lost before an answer; says nothing about the host. */
export class ConnectionLost extends Error {}

const maxMessageCharacters = 1000;
/** Links of the membership log that prove a removal. */
export const maxProofs = 16;
/** A larger proof is left out of the refusal. */
const maxProofBytes = 128 * 1024;

export const refusal = tuple({
  code: nullable(text(64)),
  message: text(maxMessageCharacters),
  proof: list(bytesUpTo(maxProofBytes), maxProofs),
});

/** Sends a request and resolves with the answer's bytes; ends with ConnectionLost at the signal. */
export function askSmall(
  session: ClientHttp2Session,
  path: string,
  body: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (session.closed || session.destroyed || signal?.aborted)
      return reject(new ConnectionLost('The connection is closing.'));
    const stream = session.request({ ':method': 'POST', ':path': path });
    const stop = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal?.addEventListener('abort', stop, { once: true });
    stream.once('close', () => signal?.removeEventListener('abort', stop));
    let status = 0;
    stream.on('response', (headers: IncomingHttpHeaders & { ':status'?: number }) => {
      status = headers[':status'] ?? 0;
    });
    gatherBody(stream, maxBodyBytes).then(
      (answer) => {
        if (status === 200) resolve(answer);
        else reject(readRefusal(status, answer));
      },
      (error) => {
        if (error instanceof TransportError) stream.close(constants.NGHTTP2_CANCEL);
        reject(error);
      },
    );
    stream.end(body);
  });
}

/**
 * Rejects with a TransportError when it is too long, with ConnectionLost when it ends early. `grew` is called for every
 * piece, and throws the TransportError for a body without room.
 */
export function gatherBody(stream: Http2Stream, maxBytes: number, grew?: (bytes: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    let ended = false;
    let isRefused = false;
    const refuse = (error: unknown) => {
      isRefused = true;
      parts.length = 0;
      reject(error);
    };
    stream.on('data', (part: Buffer) => {
      if (isRefused) return;
      length += part.length;
      if (length > maxBytes) return refuse(tooLarge(length));
      try {
        grew?.(part.length);
      } catch (error) {
        return refuse(error);
      }
      parts.push(part);
    });
    stream.on('end', () => {
      ended = stream.rstCode === undefined || stream.rstCode === constants.NGHTTP2_NO_ERROR;
      if (ended) resolve(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts));
    });
    let reason = 'the stream was reset';
    stream.on('error', (error) => {
      reason = error.message;
    });
    stream.on('close', () => {
      if (!ended) reject(new ConnectionLost(`The answer was interrupted: ${reason}.`));
    });
  });
}

const statusOfCode: Readonly<Record<string, number>> = {
  'bad-request': 400,
  'not-admitted': 403,
  'bad-certificate': 403,
  'member-removed': 403,
  'not-found': 404,
  'other-network': 409,
  'wrong-peer': 421,
  'too-large': 413,
  busy: 503,
  stopped: 503,
};

/** A refusal as status and body. */
export function encodeRefusal({
  message,
  code,
  proof,
}: Pick<TransportError, 'message' | 'code' | 'proof'>): readonly [status: number, body: Uint8Array] {
  const fitting = proof.reduce((sum, one) => sum + one.length, 0) <= maxProofBytes ? proof : [];
  return [
    statusOfCode[code ?? ''] ?? 422,
    encodeBody(encodeAs(refusal, { code, message: message.slice(0, maxMessageCharacters), proof: fitting })),
  ];
}

export function readRefusal(status: number, bytes: Uint8Array): TransportError {
  try {
    const { code, message, proof } = decodeAs(refusal, decodeBody(bytes));
    return new TransportError('refused', message, code, proof);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return new TransportError('refused', `The other side answered with status ${status} and no reason.`);
  }
}
