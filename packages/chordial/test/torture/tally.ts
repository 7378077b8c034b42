/** Counters of a run, for the report. Times in milliseconds. */
export interface Tally {
  acknowledged: number;
  /** Of these, with a single copy: a host alone on its side of a partition cannot write to others. */
  acknowledgedWithOneCopy: number;
  replaced: number;
  removed: number;
  failedPuts: Record<string, number>;
  failedRemoves: Record<string, number>;
  reads: number;
  /** Reads that needed another try. */
  retriedReads: number;
  /** Of these, time from the first attempt. */
  slowestRetriedReadMilliseconds: number;
  failedReads: Record<string, number>;
  /** Not answered within 2 s, retries included. */
  lateReads: number;
  slowestReadMilliseconds: number;
  /** Files reported absent that a retry found. */
  wronglyAbsent: number;
  /** Reads of versions replaced before the read began. */
  staleReads: number;
  wrongReads: number;
  recoveries: Recovery[];
}

export interface Recovery {
  readonly step: string;
  /** Null: not before the deadline. */
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
