/** What a run counts; the report is made of it. Times in milliseconds. */
export interface Tally {
  acknowledged: number;
  /** Of these, with one copy only: alone on its side of a cut, a host has no other to write to. */
  acknowledgedWithOneCopy: number;
  replaced: number;
  removed: number;
  failedPuts: Record<string, number>;
  failedRemoves: Record<string, number>;
  reads: number;
  /** Reads that needed another try. */
  retriedReads: number;
  /** Of these, from the first try on. */
  slowestRetriedReadMilliseconds: number;
  failedReads: Record<string, number>;
  /** Not answered within 2 s, retries counted in. */
  lateReads: number;
  slowestReadMilliseconds: number;
  /** A kept file that a peer said to be absent, though a retry found it. */
  wronglyAbsent: number;
  /** Bytes that were replaced by an acknowledged put before the read began. */
  staleReads: number;
  wrongReads: number;
  recoveries: Recovery[];
}

export interface Recovery {
  readonly step: string;
  /** Null: not within the patience. */
  readonly consistentMilliseconds: number | null;
  readonly fullMilliseconds: number | null;
}

export function emptyTally(): Tally {
  return {
    acknowledged: 0,
    acknowledgedWithOneCopy: 0,
    replaced: 0,
    removed: 0,
    failedPuts: {},
    failedRemoves: {},
    reads: 0,
    retriedReads: 0,
    slowestRetriedReadMilliseconds: 0,
    failedReads: {},
    lateReads: 0,
    slowestReadMilliseconds: 0,
    wronglyAbsent: 0,
    staleReads: 0,
    wrongReads: 0,
    recoveries: [],
  };
}

export function count(codes: Record<string, number>, code: string): void {
  codes[code] = (codes[code] ?? 0) + 1;
}
