/** Client of a running peer's API. Bodies of any size stream both ways. */
import type { Agent, ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { callOf, type GivenArguments } from '../client/call.ts';
import type { AnswerOf, OperationName } from '../client/operations.ts';
import { ChordialError, isErrorCode } from '../errors.ts';

/** Importing it loads all of its exports, with WebSocket the whole of undici: 14 MB, in a peer too. */
const http = process.getBuiltinModule('node:http');

export interface ApiRequest {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Readable | Uint8Array | string;
  readonly signal?: AbortSignal;
  readonly withoutToken?: boolean;
}

/** Responses are at most pages of lists; folders are read as streams. */
const maxJsonBytes = 64 * 1024 * 1024;

export interface ApiAccess {
  /** Null when none is sent. */
  readonly token: string | null;
  /** PEM: the certificate that an https API must present; default: the system's trust store. */
  readonly certificate?: string | null;
  /** Whatever certificate it presents: what is exchanged proves itself. */
  readonly isUnchecked?: boolean;
}

export class ApiClient {
  /** Without a trailing slash. */
  readonly url: string;
  readonly #token: string | null;
  readonly #request: typeof http.request;
  /** Idle sockets of an agent do not keep the process alive. */
  readonly #agent: Agent;

  constructor(url: string, { token, certificate = null, isUnchecked = false }: ApiAccess) {
    this.url = url;
    this.#token = token;
    if (url.startsWith('https:')) {
      const https = process.getBuiltinModule('node:https');
      // The certificate comes from the peer's own note, so the names in it do not matter.
      const trust = certificate === null ? {} : { ca: certificate, checkServerIdentity: () => undefined };
      this.#request = https.request;
      const unchecked = isUnchecked ? { rejectUnauthorized: false } : {};
      this.#agent = new https.Agent({ keepAlive: true, ...trust, ...unchecked });
    } else {
      this.#request = http.request;
      this.#agent = new http.Agent({ keepAlive: true });
    }
  }

  /** An operation of the API, typed from its document; the result is undefined when there is no body. */
  async call<N extends OperationName>(operation: N, ...given: GivenArguments<N>): Promise<AnswerOf<N>> {
    const { method, route, body } = callOf(operation, ...given);
    const content = body === undefined ? {} : jsonOf(body);
    return this.json<AnswerOf<N>>(await this.open(route, { method, ...content }));
  }

  /** The response with its body unread. Throws the ChordialError of a problem document. */
  async open(route: string, asked: ApiRequest = {}): Promise<IncomingMessage> {
    const response = await this.#exchange(route, asked);
    const status = response.statusCode ?? 0;
    // Without a body, but it holds its connection until read.
    if (asked.method === 'HEAD') response.resume();
    if (status < 400) return response;
    // A HEAD has no body with the reason.
    if (asked.method === 'HEAD')
      return this.open(route, { ...asked, method: 'GET', headers: { ...asked.headers, Range: 'bytes=0-0' } });
    throw problemIn(await textOf(response), status, this.url);
  }

  async json<T>(response: IncomingMessage): Promise<T> {
    const text = await textOf(response);
    try {
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch (cause) {
      throw new ChordialError(
        'internal',
        `${this.url} answered with something that is not JSON. Is it a Chordial peer?`,
        { cause },
      );
    }
  }

  async #exchange(route: string, asked: ApiRequest): Promise<IncomingMessage> {
    const { method = 'GET', body, signal } = asked;
    const headers = { ...(asked.withoutToken === true ? {} : this.#authorization()), ...asked.headers };
    const sent = this.#request(this.url + route, {
      method,
      headers,
      agent: this.#agent,
      ...(signal === undefined ? {} : { signal }),
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.once('error', reject);
    });
    try {
      if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
        sent.end(body);
        return await answered;
      }
      return await sendStream(body, sent, answered);
    } catch (error) {
      throw connectionFailure(error as NodeJS.ErrnoException, this.url);
    }
  }

  #authorization(): OutgoingHttpHeaders {
    return this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` };
  }
}

/** A peer that refuses a body answers before reading it: the answer counts, not the broken pipe. */
async function sendStream(
  body: Readable,
  sent: ClientRequest,
  answered: Promise<IncomingMessage>,
): Promise<IncomingMessage> {
  const piped = pipeline(body, sent);
  piped.catch(() => undefined);
  const first = await Promise.race([answered, piped.then(() => null)]);
  if (first === null) return answered;
  body.destroy();
  return first;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxJsonBytes) {
      throw new ChordialError(
        'too-large',
        `The answer has more than ${maxJsonBytes} bytes. Ask page by page through the API.`,
      );
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function problemIn(text: string, status: number, url: string): ChordialError {
  try {
    const { code, detail, choices } = JSON.parse(text) as { code?: unknown; detail?: unknown; choices?: unknown };
    const details = Array.isArray(choices) ? { choices } : {};
    if (isErrorCode(code) && typeof detail === 'string') return new ChordialError(code, detail, { details });
  } catch {
    // Not a problem document: another program answers there, reported below.
  }
  return new ChordialError('internal', `${url} answered ${status} without saying why. Is it a Chordial peer?`);
}

function connectionFailure(error: NodeJS.ErrnoException, url: string): Error {
  if (error instanceof ChordialError) return error;
  if (error.code === 'ECONNREFUSED') return noRunningPeer(`Nothing listens at ${url}`, error);
  if (error.name === 'AbortError') return new ChordialError('interrupted', 'Interrupted.', { cause: error });
  const reason = error.code ?? error.message;
  return new ChordialError(
    'unreachable',
    `The connection to ${url} failed (${reason}). Check whether the peer is still running.`,
    {
      cause: error,
    },
  );
}

export function noRunningPeer(what: string, cause?: unknown): ChordialError {
  return new ChordialError(
    'no-running-peer',
    `${what}. Start a peer with "chordial start" (add --join HOST:PORT to enter a network), or name a running one with --api URL or --data DIR.`,
    { cause },
  );
}

/** With a length, since Node does not frame the body of a DELETE by itself. */
function jsonOf(body: unknown): Pick<ApiRequest, 'headers' | 'body'> {
  const text = JSON.stringify(body);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
  return { headers, body: text };
}
