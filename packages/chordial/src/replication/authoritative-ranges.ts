/**
 * Ranges for which this host holds everything that exists: elsewhere it answers UNKNOWN, never "absent" (spec/4,
 * Hand-over).
 *
 * Nothing is confirmed at start. An owner confirms its arc when it has reconciled it with all other places and at least
 * one host that was confirmed itself; it then tells the other places. A confirmation is a lease that expires unless
 * renewed, since a partitioned host misses later writes.
 */
import type { Clock, Milliseconds } from '@chordial/ring';
import { isInArc, type KeyArc } from '../storage/range-parts.ts';

/** Three times the longest pause between two rounds of an owner. */
const leaseMilliseconds = 180_000;
/** 64 arcs of this host, and those of 8 preceding hosts each. */
const maxRanges = 1024;
/** Beyond this many keys, their ranges are withdrawn instead. */
const maxDisowned = 4096;

export class AuthoritativeRanges {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #leaseMilliseconds: Milliseconds;
  /** By their ends, oldest first. */
  readonly #ranges = new Map<string, { readonly range: KeyArc; readonly until: Milliseconds }>();
  /** The same ranges as a list, built on demand: every answer to every host needs it. */
  #listed: readonly KeyArc[] | null = null;
  /** Keys with fewer replicas wanted than the range around them has places. */
  readonly #disowned = new Set<string>();
  /** Called for each range that an owner confirms, this host's own included. */
  renewed: ((range: KeyArc) => void) | null = null;

  constructor(clock: Pick<Clock, 'now'>, lease: Milliseconds = leaseMilliseconds) {
    this.#clock = clock;
    this.#leaseMilliseconds = lease;
  }

  confirm(range: KeyArc): void {
    for (const key of this.#disowned) if (isInArc(range, key)) this.#disowned.delete(key);
    const name = `${range.after} ${range.upTo}`;
    this.#drop(name);
    this.#ranges.set(name, { range, until: this.#clock.now() + this.#leaseMilliseconds });
    const [oldest] = this.#ranges.keys();
    if (this.#ranges.size > maxRanges && oldest !== undefined) this.#drop(oldest);
    this.renewed?.(range);
  }

  /** A key has turned out not to belong here: confirmations around it no longer count. */
  withdraw(key: string): void {
    for (const [name, { range }] of this.#ranges) if (isInArc(range, key)) this.#drop(name);
  }

  /**
   * A key has no place here because few replicas of it are wanted: its range does have one, so this host stays
   * authoritative for everything else in it.
   */
  disown(key: string): void {
    if (this.#disowned.size < maxDisowned) this.#disowned.add(key);
    else this.withdraw(key);
  }

  /** `withdraw` for a range of keys. */
  withdrawAll(range: KeyArc): void {
    for (const [name, known] of this.#ranges) if (overlap(known.range, range)) this.#drop(name);
  }

  clear(): void {
    this.#disowned.clear();
    this.#ranges.clear();
    this.#listed = null;
  }

  /** Whether a block or record with this key would be here if it existed. */
  covers(key: string): boolean {
    return !this.#disowned.has(key) && this.#live().some((range) => isInArc(range, key));
  }

  /** Whether any part of a range is confirmed. */
  touches(range: KeyArc): boolean {
    return this.#live().some((known) => overlap(known, range));
  }

  /** Whether the whole range is confirmed, possibly by adjacent confirmations. */
  coversAll(range: KeyArc): boolean {
    const live = this.#live();
    let reached = range.after;
    for (let steps = 0; steps <= live.length; steps++) {
      // A range that contains or begins at `reached` extends to its own end.
      const next = live.find((known) => known.after === reached || (isInArc(known, reached) && known.upTo !== reached));
      if (next === undefined) return false;
      if (next.after === next.upTo || passes(reached, next.upTo, range)) return true;
      reached = next.upTo;
    }
    return false;
  }

  /** What is confirmed now, including overlaps. */
  ranges(): readonly KeyArc[] {
    return this.#live();
  }

  #live(): readonly KeyArc[] {
    const now = this.#clock.now();
    for (const [name, { until }] of this.#ranges) {
      // Later ones were confirmed later.
      if (until > now) break;
      this.#drop(name);
    }
    this.#listed ??= [...this.#ranges.values()].map(({ range }) => range);
    return this.#listed;
  }

  #drop(name: string): void {
    this.#ranges.delete(name);
    this.#listed = null;
  }
}

/** Of two arcs that share a key, one contains the last key of the other. */
function overlap(a: KeyArc, b: KeyArc): boolean {
  return isInArc(a, b.upTo) || isInArc(b, a.upTo);
}

/** On the way from `reached` to `to` the end of the range is passed. */
function passes(reached: string, to: string, range: KeyArc): boolean {
  return reached === range.upTo ? range.after !== range.upTo : isInArc({ after: reached, upTo: to }, range.upTo);
}
