/** HTTP with a router: one short exchange on a connection of its own, no redirects, everything bounded. */
import { request } from 'node:http';

const maxBodyBytes = 256 * 1024;
const maxHeaderBytes = 8 * 1024;
/** From the start to the last byte. */
const exchangeMilliseconds = 3000;

export interface SmallRequest {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** POST if given. */
  readonly body?: string;
}

export interface SmallResponse {
  readonly status: number;
  readonly body: string;
}

/** Null when it fails, takes too long, or is too long. The host of the URL is an address. */
export function smallHttp(
  { url, headers = {}, body }: SmallRequest,
  signal: AbortSignal,
): Promise<SmallResponse | null> {
  return new Promise((resolve) => {
    const timer = AbortSignal.timeout(exchangeMilliseconds);
    const sent = request(url, {
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      maxHeaderSize: maxHeaderBytes,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
      signal: AbortSignal.any([signal, timer]),
    });
    const fail = (): void => {
      resolve(null);
      sent.destroy();
    };
    sent.on('error', fail);
    sent.on('close', () => resolve(null));
    sent.on('response', (response) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      response.on('error', fail);
      if (Number(response.headers['content-length'] ?? 0) > maxBodyBytes) return fail();
      response.on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > maxBodyBytes) return fail();
        pieces.push(piece);
      });
      response.on('end', () => {
        // A router that closes early has not told its length, or has lied about it.
        if (response.complete) resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString() });
        else fail();
      });
    });
    sent.end(body);
  });
}
