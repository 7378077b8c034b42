/**
 * Ranges for which this host holds everything that exists: elsewhere it answers UNKNOWN, never "absent" (spec/4,
 * Hand-over).
 *
 * Nothing is confirmed at start. An owner confirms its arc when it has reconciled it with all other places and at least
 * one host that was confirmed itself; it then tells the other places. A confirmation is a lease that expires unless
 * renewed, since a partitioned host misses later writes.
 *
 * Where no such host is there, as in the small part of a partition, the range is confirmed in doubt: copies are made and
 * dropped as ever, but no one says "absent" while r hosts are away that may know more.
 */
import type { Clock, HostId, Milliseconds } from '@chordial/ring';
import { isInArc, type KeyArc } from '../storage/range-parts.ts';

/** Three times the longest pause between two rounds of an owner. */
const leaseMilliseconds = 180_000;
/** 64 arcs of this host, and those of 8 preceding hosts each. */
const maxRanges = 1024;
/** Beyond this many keys, their ranges are withdrawn instead. */
const maxDisowned = 4096;

interface Confirmed {
  readonly range: KeyArc;
  readonly until: Milliseconds;
  /** Hosts that may know more. */
  readonly missed: readonly HostId[];
  isOutgrown: boolean;
}

export class AuthoritativeRanges {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #areAway: (hosts: readonly HostId[]) => boolean;
  readonly #leaseMilliseconds: Milliseconds;
  /** By their ends, oldest first. */
  readonly #ranges = new Map<string, Confirmed>();
  /** The same ranges as a list, built on demand: every answer to every host needs it. */
  #listed: readonly Confirmed[] | null = null;
  /** Keys with fewer replicas wanted than the range around them has places. */
  readonly #disowned = new Set<string>();
  /** Called for each range that an owner confirms, this host's own included. */
  renewed: ((range: KeyArc) => void) | null = null;

  /** @param areAway so many of the hosts that they may be all the places of a key */
  constructor(
    clock: Pick<Clock, 'now'>,
    areAway: (hosts: readonly HostId[]) => boolean = () => false,
    lease: Milliseconds = leaseMilliseconds,
  ) {
    this.#clock = clock;
    this.#areAway = areAway;
    this.#leaseMilliseconds = lease;
  }

  /** @param missed hosts that may know more */
  confirm(range: KeyArc, missed: readonly HostId[] = []): void {
    for (const key of this.#disowned) if (isInArc(range, key)) this.#disowned.delete(key);
    const name = `${range.after} ${range.upTo}`;
    this.#drop(name);
    this.#ranges.set(name, { range, until: this.#clock.now() + this.#leaseMilliseconds, missed, isOutgrown: false });
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

  /** Whether a block or record with this key would be here if any host that is there had it. */
  covers(key: string): boolean {
    return !this.#disowned.has(key) && this.#live().some(({ range }) => isInArc(range, key));
  }

  /** Whether it would be here if it existed at all. */
  isSureOf(key: string): boolean {
    return !this.#disowned.has(key) && this.#live().some((known) => isInArc(known.range, key) && this.#isSure(known));
  }

  /**
   * This host seems to be no place of the range any more: what comes from now on goes to others, and is missing here even
   * when it seems to be one again, until the owner says so.
   */
  outgrow({ after, upTo }: KeyArc): void {
    const known = this.#ranges.get(`${after} ${upTo}`);
    if (known !== undefined) known.isOutgrown = true;
  }

  /** Whether any part of a range is confirmed. */
  touches(range: KeyArc): boolean {
    return this.#live().some((known) => overlap(known.range, range));
  }

  /** Whether the whole range is confirmed, possibly by adjacent confirmations. */
  coversAll(range: KeyArc): boolean {
    return reachesThrough(this.#live(), range);
  }

  /** Whether it is, and whether anything that exists in it would be here. */
  standing(range: KeyArc): 'no' | 'doubted' | 'sure' {
    if (!this.coversAll(range)) return 'no';
    const sure = this.#live().filter((known) => overlap(known.range, range) && this.#isSure(known));
    return reachesThrough(sure, range) ? 'sure' : 'doubted';
  }

  /** What is confirmed now, including overlaps. */
  ranges(): readonly KeyArc[] {
    return this.#live().map(({ range }) => range);
  }

  #isSure({ missed, isOutgrown }: Confirmed): boolean {
    return !isOutgrown && !(missed.length > 0 && this.#areAway(missed));
  }

  #live(): readonly Confirmed[] {
    const now = this.#clock.now();
    for (const [name, { until }] of this.#ranges) {
      // Later ones were confirmed later.
      if (until > now) break;
      this.#drop(name);
    }
    this.#listed ??= [...this.#ranges.values()];
    return this.#listed;
  }

  #drop(name: string): void {
    this.#ranges.delete(name);
    this.#listed = null;
  }
}

function reachesThrough(confirmed: readonly Confirmed[], range: KeyArc): boolean {
  let reached = range.after;
  for (let steps = 0; steps <= confirmed.length; steps++) {
    // A range that contains or begins at `reached` extends to its own end.
    const next = confirmed.find(
      ({ range: known }) => known.after === reached || (isInArc(known, reached) && known.upTo !== reached),
    )?.range;
    if (next === undefined) return false;
    if (next.after === next.upTo || passes(reached, next.upTo, range)) return true;
    reached = next.upTo;
  }
  return false;
}

/** Of two arcs that share a key, one contains the last key of the other. */
function overlap(a: KeyArc, b: KeyArc): boolean {
  return isInArc(a, b.upTo) || isInArc(b, a.upTo);
}

/** On the way from `reached` to `to` the end of the range is passed. */
function passes(reached: string, to: string, range: KeyArc): boolean {
  return reached === range.upTo ? range.after !== range.upTo : isInArc({ after: reached, upTo: to }, range.upTo);
}
