/**
 * Requests to an object store, tried again with growing pauses while it is slow or away. It is away when a request found no
 * answer to the end: then all fail at once, and one is made now and then to see whether it is back.
 */
import { setMaxListeners } from 'node:events';
import type { Random } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { type FaultKind, faultOf, isAbsent, type ListedPage, listedPage, type S3Answer, S3Fault } from './answers.ts';
import { type ExchangeTimes, S3Exchanges, type S3Request } from './exchange.ts';
import type { S3Keys } from './keys.ts';
import { type S3Place, shownPlace } from './place.ts';

export interface S3Times extends ExchangeTimes {
  /** All attempts of a request together, from the first to the start of the last. */
  readonly attemptsMilliseconds: number;
  /** Longest pause before the second attempt; doubles with each. */
  readonly firstPauseMilliseconds: number;
  readonly maxPauseMilliseconds: number;
  /** Between looks whether it is back: the first, which doubles, and the longest. */
  readonly firstLookMilliseconds: number;
  readonly maxLookMilliseconds: number;
}

export const defaultTimes: S3Times = {
  idleMilliseconds: 10_000,
  totalMilliseconds: 30_000,
  attemptsMilliseconds: 20_000,
  firstPauseMilliseconds: 200,
  maxPauseMilliseconds: 5000,
  firstLookMilliseconds: 1000,
  maxLookMilliseconds: 10_000,
};

/** Requests at the same time. */
const maxRequests = 16;
/** Of one request. */
const maxAttempts = 6;

export interface S3State {
  readonly state: 'up' | 'away' | 'refused' | 'full';
  /** Why it is not up; empty when it is. */
  readonly text: string;
}

/** Since the start, but for those that wait now. */
export interface S3Counts {
  /** Each attempt, by what came of it. */
  readonly requests: Readonly<Record<'answered' | FaultKind, number>>;
  /** That they took together. */
  readonly milliseconds: number;
  /** Of bodies. */
  readonly bytes: Readonly<Record<'up' | 'down', number>>;
  /** Requests that wait until others are over. */
  readonly waiting: number;
}

export interface S3ClientOptions {
  readonly place: S3Place;
  /** Asked at the first request, and again once the store has refused them. */
  readonly keys: () => Promise<S3Keys>;
  readonly random: Random;
  readonly times?: Partial<S3Times>;
  readonly changed?: (state: S3State) => void;
}

export class S3Client {
  readonly place: S3Place;
  readonly #options: S3ClientOptions;
  readonly #times: S3Times;
  readonly #exchanges: S3Exchanges;
  readonly #slots = new Semaphore(maxRequests);
  readonly #closing = new AbortController();
  #keys: Promise<S3Keys> | null = null;
  #state: S3State = { state: 'up', text: '' };
  #look: NodeJS.Timeout | null = null;
  readonly #requests = { answered: 0, away: 0, refused: 0, full: 0 };
  readonly #bytes = { up: 0, down: 0 };
  #milliseconds = 0;

  constructor(options: S3ClientOptions) {
    this.place = options.place;
    this.#options = options;
    this.#times = { ...defaultTimes, ...options.times };
    // One for each request that runs or waits.
    setMaxListeners(0, this.#closing.signal);
    this.#exchanges = new S3Exchanges(options.place, this.#times, maxRequests);
  }

  get state(): S3State {
    return this.#state;
  }

  get counts(): S3Counts {
    const [requests, bytes] = [{ ...this.#requests }, { ...this.#bytes }];
    return { requests, milliseconds: this.#milliseconds, bytes, waiting: this.#slots.waiting };
  }

  close(): void {
    this.#closing.abort(new ChordialError('interrupted', 'This peer is stopping.'));
    if (this.#look !== null) clearTimeout(this.#look);
    this.#exchanges.close();
  }

  /**
   * Resolves when the store has the object: then it is whole. False when one is there already, where that is a condition.
   * @param sha256 of the bytes, which the store compares
   */
  async put(key: string, bytes: Uint8Array, sha256: Uint8Array, ifAbsent: boolean): Promise<boolean> {
    const { status } = await this.#ask(
      putOf(key, bytes, sha256, ifAbsent ? { 'if-none-match': '*' } : {}),
      (one) => one.status === 200 || (ifAbsent && one.status === 412),
    );
    return status !== 412;
  }

  /** Whether the store refuses bytes that have another SHA-256 than it is told: then what it takes has arrived whole. */
  async compares(key: string, bytes: Uint8Array, wrongSha256: Uint8Array): Promise<boolean> {
    const { status } = await this.#ask(putOf(key, bytes, wrongSha256), (one) =>
      [200, 400, 403, 422].includes(one.status),
    );
    return status !== 200;
  }

  /** Whether the store heeds the condition that an object is put only where there is none. */
  async isConditional(keyInUse: string, bytes: Uint8Array, sha256: Uint8Array): Promise<boolean> {
    const request = putOf(keyInUse, bytes, sha256, { 'if-none-match': '*' });
    const { status } = await this.#ask(request, (one) => [200, 400, 412, 501].includes(one.status));
    return status === 412;
  }

  /** An object, into the buffer taken; null when it is absent, no bytes when it has another size than that. */
  async get(key: string, take: () => Uint8Array): Promise<Uint8Array | null> {
    const answer = await this.#ask({ method: 'GET', key, take }, (one) => one.status === 200 || isAbsent(one));
    return answer.status === 200 ? answer.bytes : null;
  }

  /** Null when it is absent. Asked with GET: an answer to HEAD does not say whether the object is not there, or the bucket. */
  async size(key: string): Promise<number | null> {
    const isExpected = (one: S3Answer): boolean => [200, 206, 416].includes(one.status) || isAbsent(one);
    const answer = await this.#ask({ method: 'GET', key, headers: { range: 'bytes=0-0' } }, isExpected);
    if (answer.status === 404) return null;
    if (answer.status === 416) return 0;
    const told =
      answer.status === 206 ? answer.header('content-range')?.split('/')[1] : answer.header('content-length');
    const size = Number(told ?? Number.NaN);
    if (Number.isSafeInteger(size)) return size;
    throw this.#told(new S3Fault('away', 'it does not tell the size of an object'));
  }

  /** SHA-256 in base64 of an object that is there; null where the store does not tell it. */
  async sha256Of(key: string): Promise<string | null> {
    const headers = { 'x-amz-checksum-mode': 'ENABLED' };
    const answer = await this.#ask({ method: 'HEAD', key, headers }, ({ status }) => status === 200 || status === 404);
    return answer.header('x-amz-checksum-sha256');
  }

  async delete(key: string): Promise<void> {
    await this.#ask({ method: 'DELETE', key }, (one) => one.status === 204 || one.status === 200 || isAbsent(one));
  }

  /** A page of the keys that begin with the prefix. */
  async list(prefix: string, token: string | null, maxKeys = 1000): Promise<ListedPage> {
    const query = {
      'list-type': '2',
      'encoding-type': 'url',
      'max-keys': String(maxKeys),
      prefix,
      ...(token === null ? {} : { 'continuation-token': token }),
    };
    let page: ListedPage | null = null;
    await this.#ask({ method: 'GET', key: null, query }, (answer) => {
      if (answer.status !== 200) return false;
      page = listedPage(answer);
      return true;
    });
    return page!;
  }

  /** One attempt although the store is away or refuses; throws what keeps it from being used. */
  async look(): Promise<void> {
    await this.#attempt(
      { method: 'GET', key: null, query: { 'list-type': '2', 'max-keys': '1', prefix: `${this.place.prefix}/look` } },
      ({ status }) => status === 200,
    )
      .then(() => this.#isUp())
      .catch((error: unknown) => {
        throw this.#failed(error);
      });
  }

  /** An answer that is expected. Throws `store-away`, `store-refused`, `disk-full` or `interrupted`. */
  async #ask(request: S3Request, isExpected: (answer: S3Answer) => boolean): Promise<S3Answer> {
    if (this.#state.state === 'away' || this.#state.state === 'refused')
      throw this.#error(this.#state.state, this.#state.text);
    const until = performance.now() + this.#times.attemptsMilliseconds;
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#slots.pass(() => this.#attempt(request, isExpected));
        // What is full still lets itself be read.
        if (this.#state.state !== 'full' || request.method === 'PUT') this.#isUp();
        return answer;
      } catch (error) {
        const isLast = attempt >= maxAttempts || performance.now() >= until;
        if (!(error instanceof S3Fault) || error.kind !== 'away' || isLast) throw this.#failed(error);
        await this.#pause(attempt, error.retryAfter);
      }
    }
  }

  async #attempt(request: S3Request, isExpected: (answer: S3Answer) => boolean): Promise<S3Answer> {
    this.#keys ??= this.#options.keys();
    let keys: S3Keys;
    try {
      keys = await this.#keys;
    } catch (error) {
      this.#keys = null;
      throw error;
    }
    const began = performance.now();
    try {
      const answer = await this.#exchanges.exchange(request, keys, this.#closing.signal);
      this.#bytes.up += request.body?.length ?? 0;
      this.#bytes.down += answer.bytes.length;
      if (!isExpected(answer)) throw faultOf(answer);
      this.#requests.answered += 1;
      return answer;
    } catch (error) {
      if (error instanceof S3Fault) this.#requests[error.kind] += 1;
      // They may have been replaced meanwhile.
      if (error instanceof S3Fault && error.kind === 'refused') this.#keys = null;
      throw error;
    } finally {
      this.#milliseconds += performance.now() - began;
    }
  }

  /** Full jitter, so that many requests that failed together do not come again together. */
  async #pause(attempt: number, least: number): Promise<void> {
    const { firstPauseMilliseconds, maxPauseMilliseconds } = this.#times;
    const most = Math.min(maxPauseMilliseconds, firstPauseMilliseconds * 2 ** (attempt - 1));
    const pause = Math.max(least, most * this.#options.random.next());
    const { signal } = this.#closing;
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      }, pause);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
    });
  }

  #failed(error: unknown): unknown {
    if (error instanceof S3Fault) return this.#told(error);
    // Keys that cannot be read.
    if (error instanceof ChordialError && error.code === 'bad-configuration') {
      this.#become({ state: 'refused', text: error.message });
      this.#lookLater(this.#times.firstLookMilliseconds);
    }
    return error;
  }

  #told(fault: S3Fault): ChordialError {
    const { kind, message } = fault;
    if (!this.#closing.signal.aborted) {
      this.#become({ state: kind, text: message });
      if (kind !== 'full') this.#lookLater(this.#times.firstLookMilliseconds);
    }
    return this.#error(kind, message, fault);
  }

  #error(kind: Exclude<S3State['state'], 'up'>, text: string, cause?: unknown): ChordialError {
    const place = `The object store ${shownPlace(this.place)}`;
    if (kind === 'full') {
      const message = `${place} is full (${text}): the block was not stored. Free some space there, or raise its limit.`;
      return new ChordialError('disk-full', message, { cause });
    }
    if (kind === 'refused')
      return new ChordialError('store-refused', `${place} cannot be used by this peer: ${text}`, { cause });
    const message = `${place} does not answer as it should (${text}). What lies there can be read when it is back; it is looked for all the time.`;
    return new ChordialError('store-away', message, { cause });
  }

  #isUp(): void {
    if (this.#state.state === 'up') return;
    if (this.#look !== null) clearTimeout(this.#look);
    this.#look = null;
    this.#become({ state: 'up', text: '' });
  }

  #become(state: S3State): void {
    const before = this.#state;
    this.#state = state;
    if (before.state !== state.state) this.#options.changed?.(state);
  }

  #lookLater(milliseconds: number): void {
    if (this.#look !== null || this.#closing.signal.aborted) return;
    this.#look = setTimeout(() => {
      this.look().catch(() => {
        this.#look = null;
        this.#lookLater(Math.min(this.#times.maxLookMilliseconds, milliseconds * 2));
      });
    }, milliseconds).unref();
  }
}

function putOf(
  key: string,
  body: Uint8Array,
  digest: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): S3Request {
  return {
    method: 'PUT',
    key,
    headers: {
      ...headers,
      'content-type': 'application/octet-stream',
      'x-amz-checksum-sha256': Buffer.from(digest).toString('base64'),
    },
    body,
    sha256: Buffer.from(digest).toString('hex'),
  };
}
