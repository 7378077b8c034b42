/** Codes that this host keeps for their senders: in memory with all that was counted, and in the catalogue. */
import type { Clock, HostId } from '@chordial/ring';
import { decode, encode } from '../network/dag-cbor.ts';
import type { CodeRow } from '../storage/code-table.ts';
import { decodeAs, encodeAs, tuple, type ValueOf } from '../wire/schema.ts';
import { TransportError } from '../wire/transport-error.ts';
import { type Counted, counts, type KeepQuestion, kept } from './code-messages.ts';

/** Wrong guesses that end a code. */
export const maxGuesses = 5;
export const maxCodesKept = 1024;
export const maxCodesPerSender = 64;
export const maxCodeMilliseconds = 31 * 86_400_000;

export interface CodeRows {
  all(): readonly CodeRow[];
  put(row: CodeRow): Promise<void>;
  remove(row: Pick<CodeRow, 'publisher' | 'number'>): Promise<void>;
}

const stored = tuple({ kept, counts });
const none = { begun: 0, free: 0, right: 0 } as const;

/** One code with what its guardians have counted. */
export class KeptCode {
  readonly publisher: HostId;
  readonly kept: KeepQuestion;
  readonly #counted: Map<HostId, Counted>;
  /** Confirmations are looked at one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(publisher: HostId, { kept: first, counts: counted }: ValueOf<typeof stored>) {
    this.publisher = publisher;
    this.kept = first;
    this.#counted = new Map(counted.map((one) => [one.guardian, one]));
  }

  get counts(): readonly Counted[] {
    return [...this.#counted.values()];
  }

  /** Guesses that were wrong, or are being looked at. */
  get guesses(): number {
    return this.counts.reduce((sum, { begun, free }) => sum + Math.max(0, begun - free), 0);
  }

  /** Burnt by wrong guesses, or received as often as it may be. */
  get isOver(): boolean {
    const { times } = this.kept;
    return (
      this.guesses >= maxGuesses || (times !== null && this.counts.reduce((sum, { right }) => sum + right, 0) >= times)
    );
  }

  count(guardian: HostId, what: readonly (keyof typeof none)[]): void {
    const counted = { guardian, ...(this.#counted.get(guardian) ?? none) };
    for (const each of what) counted[each] += 1;
    this.#counted.set(guardian, counted);
  }

  /** Takes over what a guardian knows and this host does not; what was counted never shrinks. Whether that was any. */
  merge(told: readonly Counted[]): boolean {
    let isNews = false;
    for (const { guardian, begun, free, right } of told) {
      if (!this.kept.guardians.includes(guardian)) continue;
      const own = this.#counted.get(guardian) ?? none;
      const most = {
        guardian,
        begun: Math.max(own.begun, begun),
        free: Math.max(own.free, free),
        right: Math.max(own.right, right),
      };
      if (most.begun === own.begun && most.free === own.free && most.right === own.right) continue;
      this.#counted.set(guardian, most);
      isNews = true;
    }
    return isNews;
  }

  /** Runs once what was given before has ended. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** As it is stored. */
  get row(): CodeRow {
    const { publisher, counts: counted, kept: said } = this;
    return { publisher, number: said.number, bytes: encode(encodeAs(stored, { kept: said, counts: counted })) };
  }
}

export class KeptCodes {
  readonly #rows: CodeRows;
  readonly #clock: Clock;
  readonly #codes = new Map<string, KeptCode>();

  constructor(rows: CodeRows, clock: Clock) {
    this.#rows = rows;
    this.#clock = clock;
    for (const row of rows.all()) {
      const code = readable(row);
      if (code === null) this.#forget(row.publisher as HostId, row.number);
      else this.#codes.set(keyOf(code.publisher, row.number), code);
    }
    this.dropExpired();
  }

  /** Null when it is unknown, expired or over. */
  find(publisher: HostId, number: number): KeptCode | null {
    const code = this.#codes.get(keyOf(publisher, number));
    return code === undefined || this.#isExpired(code) || code.isOver ? null : code;
  }

  /** The same while it has not expired, over or not. */
  known(publisher: HostId, number: number): KeptCode | null {
    const code = this.#codes.get(keyOf(publisher, number));
    return code === undefined || this.#isExpired(code) ? null : code;
  }

  numbersOf(publisher: HostId): readonly number[] {
    return [...this.#codes.values()]
      .filter((code) => code.publisher === publisher)
      .map(({ kept: { number } }) => number);
  }

  /** The same code again keeps what was counted. Rejects with `refused`. */
  async keep(publisher: HostId, question: KeepQuestion): Promise<void> {
    const { number, expiry, words } = question;
    this.dropExpired();
    const now = this.#clock.wallTime();
    if (expiry <= now || expiry > now + maxCodeMilliseconds)
      throw new TransportError('refused', 'A code is kept for at most 30 days.', 'bad-request');
    const before = this.#codes.get(keyOf(publisher, number));
    if (before === undefined) {
      const isFull = this.#codes.size >= maxCodesKept || this.numbersOf(publisher).length >= maxCodesPerSender;
      if (isFull) throw new TransportError('refused', 'This peer keeps as many codes as it may.', 'quota-full');
    }
    const isSame = before !== undefined && before.kept.words === words;
    const code = new KeptCode(publisher, { kept: question, counts: isSame ? before.counts : [] });
    this.#codes.set(keyOf(publisher, number), code);
    await this.#rows.put(code.row);
  }

  /** Durable when it resolves. */
  async save(code: KeptCode): Promise<void> {
    await this.#rows.put(code.row);
  }

  burn(publisher: HostId, number: number): void {
    if (this.#codes.delete(keyOf(publisher, number))) this.#forget(publisher, number);
  }

  dropExpired(): void {
    for (const code of this.#codes.values()) if (this.#isExpired(code)) this.burn(code.publisher, code.kept.number);
  }

  #forget(publisher: HostId, number: number): void {
    // A row that stays is dropped at the next start.
    this.#rows.remove({ publisher, number }).catch(() => undefined);
  }

  #isExpired({ kept: { expiry } }: KeptCode): boolean {
    return expiry <= this.#clock.wallTime();
  }
}

function keyOf(publisher: HostId, number: number): string {
  return `${publisher} ${number}`;
}

function readable({ publisher, bytes }: CodeRow): KeptCode | null {
  try {
    return new KeptCode(publisher as HostId, decodeAs(stored, decode(bytes)));
  } catch {
    return null;
  }
}
