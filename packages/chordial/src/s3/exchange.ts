/** One signed request to a store and its answer: TLS with certificates checked, no redirects, everything bounded. */
import http from 'node:http';
import https from 'node:https';
import { AwsV4Signer } from 'aws4fetch';
import { faultOfFailure, type S3Answer, S3Fault } from './answers.ts';
import type { S3Keys } from './keys.ts';
import type { S3Place } from './place.ts';

export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'DELETE';
  /** Of the object; null for the bucket. */
  readonly key: string | null;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** SHA-256 of the body, in hexadecimal; default: that of an empty one. */
  readonly sha256?: string;
  /** A buffer for the body of a 200; one of another length is not read, and comes as no bytes. */
  readonly take?: () => Uint8Array;
}

export interface ExchangeTimes {
  /** Without a byte moving. */
  readonly idleMilliseconds: number;
  /** From the start to the last byte. */
  readonly totalMilliseconds: number;
}

const maxSmallBodyBytes = 4 * 1024 * 1024;
const maxHeaderBytes = 16 * 1024;
const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export class S3Exchanges {
  readonly #place: S3Place;
  readonly #times: ExchangeTimes;
  readonly #agent: http.Agent;
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  constructor(place: S3Place, times: ExchangeTimes, maxConnections: number) {
    this.#place = place;
    this.#times = times;
    const options = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: maxConnections };
    this.#agent = this.#isTls ? new https.Agent(options) : new http.Agent(options);
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Any whole answer. Rejects with S3Fault `away`, and with the reason of the signal. */
  async exchange(request: S3Request, keys: S3Keys, signal: AbortSignal): Promise<S3Answer> {
    const url = this.#url(request);
    const headers = await this.#signed(url, request, keys);
    const { method, body, take } = request;
    const { idleMilliseconds, totalMilliseconds } = this.#times;
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.#agent, maxHeaderSize: maxHeaderBytes };
      const sent = this.#isTls ? https.request(url, options) : http.request(url, options);
      let isOver = false;
      const timer = setTimeout(() => fail(`not done after ${totalMilliseconds / 1000} s`), totalMilliseconds).unref();
      // Afterwards the connection may carry another exchange.
      const fail = (why: string | Error): void => {
        if (isOver) return;
        end(() => reject(typeof why === 'string' ? new S3Fault('away', why) : faultOfFailure(why)));
        sent.destroy();
      };
      const abort = (): void => {
        if (isOver) return;
        end(() => reject(signal.reason));
        sent.destroy();
      };
      const end = (settle: () => void): void => {
        isOver = true;
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        settle();
      };
      signal.addEventListener('abort', abort);
      sent.setTimeout(idleMilliseconds, () => fail(`silent for ${idleMilliseconds / 1000} s`));
      sent.on('error', fail);
      sent.on('response', (response) => {
        const { statusCode: status = 0 } = response;
        const into = status === 200 && take !== undefined ? take() : null;
        const pieces: Buffer[] = [];
        let filled = 0;
        const header = (name: string): string | null => {
          const value = response.headers[name];
          return typeof value === 'string' ? value : null;
        };
        response.on('error', fail);
        response.on('close', () => fail('its answer was cut off'));
        if (into !== null && header('content-encoding') !== null) return fail('its answer is encoded');
        if (into !== null && header('content-length') !== null && Number(header('content-length')) !== into.length) {
          end(() => resolve({ status, header, bytes: new Uint8Array(0) }));
          sent.destroy();
          return;
        }
        response.on('data', (piece: Buffer) => {
          if (isOver) return;
          if (filled + piece.length > (into?.length ?? maxSmallBodyBytes)) return fail('its answer is too long');
          if (into === null) pieces.push(piece);
          else into.set(piece, filled);
          filled += piece.length;
        });
        response.on('end', () => {
          if (!response.complete || filled < (into?.length ?? 0)) return fail('its answer was cut off');
          end(() => resolve({ status, header, bytes: into ?? Buffer.concat(pieces) }));
        });
      });
      sent.end(body);
    });
  }

  get #isTls(): boolean {
    return this.#place.endpoint.startsWith('https:');
  }

  /** The bucket as a part of the path: names of hosts made of buckets need certificates and DNS for each. */
  #url({ key, query = {} }: S3Request): URL {
    const { endpoint, bucket } = this.#place;
    const url = new URL(`${endpoint}/${bucket}${key === null ? '' : `/${key}`}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  async #signed(url: URL, request: S3Request, keys: S3Keys): Promise<Record<string, string>> {
    const { method, headers = {}, sha256 = emptySha256, body } = request;
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers, 'x-amz-content-sha256': sha256 },
      ...keys,
      service: 's3',
      region: this.#place.region,
      cache: this.#signingKeys,
    });
    const signed = await signer.sign();
    return {
      ...Object.fromEntries(signed.headers),
      'user-agent': 'chordial',
      'accept-encoding': 'identity',
      'content-length': String(body?.length ?? 0),
    };
  }
}
