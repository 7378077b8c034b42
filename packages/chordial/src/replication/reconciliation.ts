/**
 * Keeps every item at its places (spec/4, Replicas): each host reconciles the arcs that it owns with the following
 * hosts, shortly after its neighbours changed and every 30 to 60 s, and then gives up what has no place with it. The
 * same rounds give a joiner its share, repair after failures, account for the copies of a returning host and remove
 * excess replicas.
 *
 * A round after a change asks only about arcs that are not in sync; the regular ones ask about all. One round runs at a
 * time. It is interrupted by a change of the ring, once that has settled, and the next one starts; by nothing else, or
 * rounds that take longer than their interval would never finish.
 */
import { type Milliseconds, nextId, type RingId, ringIdOfHash, type Timer } from '@chordial/ring';
import { likelyPlaces } from '../records/zone-order.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import { Absences } from './absences.ts';
import { ExcessReplicas } from './excess-replicas.ts';
import { InSyncRanges } from './in-sync-ranges.ts';
import { BlockMover } from './items/block-mover.ts';
import { ReconciliationRound, type RoundOutcome } from './reconciliation-round.ts';
import { type RareBlock, RepairProgress, type RepairState } from './repair-progress.ts';
import type { SyncPorts } from './sync-ports.ts';

/** A round is not interrupted sooner, or in an ever-changing ring none would finish; the next one may take twice as long. */
const minRoundMilliseconds = 5000;
const maxDoublings = 4;
/** Random part of the interval, so that hosts do not all start at once. */
const jitter = 0.5;

/** Blocks repaired in spite of the grace period and remembered for the next round; the others wait for its end. */
const maxUrgent = 50_000;

/** A place that had no room takes its block back without any change of the ring, and a host eventually is known long enough. */
const lookAtAllEveryMilliseconds: Milliseconds = 300_000;
/** Farther away the ring may keep changing unnoticed: after this time everything is examined once more. */
const unheardMilliseconds: Milliseconds = 1000;
/** How often this host checks whether it is still a place of what owners have confirmed to it. */
const placesMilliseconds: Milliseconds = 1000;
/** The items of a range that seems lost are examined when that is first seen, and at these later checks: its owner may be the last to learn it. */
const lostLookedAt: readonly number[] = [0, 5, 30];
/** Confirmed ranges remembered to look for cache in them, and of these looked through at each check. */
const maxRenewed = 1024;
const renewedAtOnce = 64;
/** Arrivals within this time are examined together. */
const gatherMilliseconds: Milliseconds = 500;
/** A stop may last for hours: rounds that find nothing to do are so many times rarer. */
const stoppedRetries = 10;
/** Before leftovers are examined again; doubles after some times without progress. */
const lookAgainMilliseconds: Milliseconds = 400;
const vainLooksBeforeDoubling = 4;
const maxLookDoublings = 6;

export interface Reconciled extends RoundOutcome {
  readonly dropped: number;
  /** Copies that become cache. */
  readonly cached: number;
}

export class Reconciliation {
  readonly #ports: SyncPorts;
  readonly #blocks: BlockMover;
  readonly #surplus: ExcessReplicas;
  readonly #absences: Absences;
  readonly #settled: InSyncRanges;
  /** When all arcs are to be compared again, in sync or not. */
  #everythingDue: Milliseconds = Number.NEGATIVE_INFINITY;
  readonly #stopListening: () => void;
  readonly #stopping = new AbortController();
  #round: {
    readonly ending: AbortController;
    readonly done: Promise<unknown>;
    readonly changes: number;
    /** A look for excess replicas ends by itself soon after the ring has changed. */
    readonly isLook: boolean;
  } | null = null;
  /** Rounds interrupted since one finished. */
  #brokenOff = 0;
  /** By the last round over all arcs. */
  #inSharedZones = 0;
  readonly #progress: RepairProgress;
  #running: ReconciliationRound | null = null;
  #rare: readonly RareBlock[] = [];
  #roundBegan: Milliseconds = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #timerDue: Milliseconds = Number.POSITIVE_INFINITY;
  readonly #urgent = new Set<string>();
  #changes = 0;
  #lastChange: Milliseconds = Number.NEGATIVE_INFINITY;
  /** Changes up to which everything here was examined for excess replicas. */
  #lookedAtAllSince = -1;
  #lookedAtAll: Milliseconds = Number.NEGATIVE_INFINITY;
  /** Consecutive looks with leftovers and without progress. */
  #vainLooks = 0;
  #lookTimer: Timer | null = null;
  #placesTimer: Timer;
  /** Confirmed ranges of which this host seems to be no longer a place, by name, with how often that was seen in a row. */
  #lost: ReadonlyMap<string, number> = new Map();
  /** Ranges that owners have confirmed since, by name: what is cache in them may have a place here. */
  readonly #renewed = new Map<string, KeyArc>();
  #lookDue: Milliseconds = Number.POSITIVE_INFINITY;
  #wasAlone: boolean;

  constructor(ports: SyncPorts) {
    this.#ports = ports;
    this.#blocks = new BlockMover(ports);
    this.#progress = new RepairProgress(ports.clock);
    this.#surplus = new ExcessReplicas(ports, this.#blocks, () => this.#lookIn(gatherMilliseconds));
    ports.confirmed.renewed = (range) => {
      if (this.#renewed.size < maxRenewed) this.#renewed.set(nameOf(range), range);
    };
    ports.blocks.makeRoom = (bytes) => this.#surplus.makeRoom(bytes);
    this.#settled = new InSyncRanges(ports.view);
    this.#absences = new Absences(ports.view, ports.clock, ports.times, {
      isRemoved: (host) => ports.membership.isRemoved(host),
      isLeaving: (host) => ports.leavers.isLeaving(host),
    });
    if (ports.index.sets().length > 0) this.#absences.awaitOthers();
    this.#wasAlone = ports.view.hosts().length <= 1;
    const undo = [
      ports.view.onChange(() => this.#changed()),
      ports.view.onRestart((host) => {
        this.#settled.forget(host);
        this.#schedule(ports.times.settleMilliseconds);
      }),
    ];
    this.#stopListening = () => {
      for (const each of undo) each();
    };
    ports.stop?.onChange(() => !this.#isStopped && this.#schedule(0));
    this.#schedule(0);
    this.#placesTimer = ports.clock.after(placesMilliseconds, () => this.#watchPlaces());
  }

  /** Resolves when no round is running; the current one is interrupted. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#stopListening();
    this.#surplus.close();
    this.#ports.confirmed.renewed = null;
    this.#timer?.cancel();
    this.#lookTimer?.cancel();
    this.#placesTimer.cancel();
    this.#round?.ending.abort();
    await this.#round?.done;
  }

  /** Copies of blocks of this host's arcs that are in the zone of another one, since there are too few zones. */
  get copiesInSharedZones(): number {
    return this.#inSharedZones;
  }

  /** A block that is cache here was offered by another host, or asked for as a copy. */
  lookAtCache(key: string): void {
    this.#surplus.lookAtCache(key);
  }

  /** How far repair of this host's arcs is. */
  get repair(): RepairState {
    const running = this.#running?.lacking ?? null;
    if (running !== null) this.#progress.note(running);
    const graceEnds = this.#absences.graceEnds();
    const { lacking, remaining } = this.#progress;
    const graceLeft = graceEnds === null ? null : Math.max(0, graceEnds - this.#ports.clock.now());
    return { lacking, remaining, graceLeft, rare: this.#rare };
  }

  /** One round over all arcs, after the current ones. */
  round(): Promise<Reconciled> {
    return this.#next(false, (signal) => this.#run(true, signal));
  }

  /** Only what has too few copies is moved then. */
  get #isStopped(): boolean {
    return (this.#ports.stop?.reason() ?? null) !== null;
  }

  async #next<Outcome>(isLook: boolean, run: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
    while (this.#round !== null) await this.#round.done;
    const ending = new AbortController();
    const running = run(AbortSignal.any([ending.signal, this.#stopping.signal]));
    const round = { ending, done: running.catch(() => undefined), changes: this.#changes, isLook };
    this.#round = round;
    this.#roundBegan = this.#ports.clock.now();
    try {
      const outcome = await running;
      if (!ending.signal.aborted && !isLook) this.#brokenOff = 0;
      return outcome;
    } finally {
      this.#round = null;
    }
  }

  async #run(everything: boolean, signal: AbortSignal): Promise<Reconciled> {
    const { times, clock } = this.#ports;
    const graceEnds = this.#absences.graceEnds();
    const alone = this.#ports.view.hosts().length <= 1;
    const isStopped = this.#isStopped;
    const isOn = graceEnds !== null || isStopped;
    if (!isOn || this.#urgent.size > maxUrgent) this.#urgent.clear();
    const grace = {
      isOn,
      isFindingOthers: this.#absences.isFindingOthers(),
      urgent: this.#urgent,
      missed: () => this.#absences.missed(),
    };
    const scope = { settled: this.#settled, everything };
    const transfers = { ports: this.#ports, blocks: this.#blocks, signal };
    this.#running = new ReconciliationRound(transfers, scope, grace);
    const outcome = await this.#running.run().finally(() => {
      this.#running = null;
    });
    if (!signal.aborted) {
      this.#progress.note(outcome.lacking);
      this.#rare = outcome.rare;
    }
    if (everything && !signal.aborted) {
      this.#everythingDue = clock.now() + this.#interval();
      this.#inSharedZones = outcome.inSharedZones;
    }
    // What was received may be in cells shared with other arcs, or missing elsewhere: nothing is assumed to be in sync.
    if (outcome.again) this.#settled.clear();
    // Without other hosts a confirmation needs none.
    this.#wasAlone = alone;
    if (everything) this.#surplus.lookAtWaiting();
    const { dropped, cached } = await this.#lookForExcessReplicas(signal);
    if (outcome.blocks + outcome.records + dropped + cached > 0) this.#ports.moved?.({ ...outcome, dropped, cached });
    if (outcome.again) this.#schedule(0);
    else if (!outcome.complete) {
      // What waits for the grace period is not urgent, but something else may have been left undone.
      const { retryMilliseconds } = times;
      const isWaiting = isStopped && outcome.blocks + outcome.records === 0;
      if (graceEnds !== null) this.#schedule(Math.min(graceEnds - clock.now(), 3 * retryMilliseconds));
      else this.#schedule(isWaiting ? stoppedRetries * retryMilliseconds : retryMilliseconds);
    }
    return { ...outcome, dropped, cached };
  }

  /** Examines arrivals since the last look, or everything when due; not while the ring changes or a host may return. */
  async #lookForExcessReplicas(signal: AbortSignal): Promise<{ readonly dropped: number; readonly cached: number }> {
    const { times, clock } = this.#ports;
    const changes = this.#changes;
    const began = clock.now();
    const isOld = this.#lookedAtAll + lookAtAllEveryMilliseconds <= clock.now();
    const looksAtAll = isOld || this.#lookedAtAllSince !== changes;
    if (signal.aborted || (!looksAtAll && !this.#surplus.hasDue)) return { dropped: 0, cached: 0 };
    const graceEnds = this.#absences.graceEnds() ?? Number.NEGATIVE_INFINITY;
    const wait = Math.max(this.#lastChange + times.excessReplicasMilliseconds, graceEnds) - clock.now();
    if (wait > 0) {
      this.#lookIn(wait);
      return { dropped: 0, cached: 0 };
    }
    // A recent lookup may be from before the change.
    if (looksAtAll) this.#ports.placement.clear();
    const outcome = await this.#surplus.remove(looksAtAll, () => changes !== this.#changes, signal);
    if (looksAtAll && !signal.aborted && changes === this.#changes) {
      const settledIn = this.#lastChange + times.excessReplicasMilliseconds + unheardMilliseconds - began;
      if (settledIn <= 0) this.#lookedAtAllSince = changes;
      else this.#lookIn(settledIn);
      this.#lookedAtAll = began;
    }
    this.#vainLooks = outcome.left === 0 || outcome.dropped + outcome.cached > 0 ? 0 : this.#vainLooks + 1;
    const doublings = Math.min(Math.max(0, this.#vainLooks - vainLooksBeforeDoubling), maxLookDoublings);
    if (outcome.left > 0) this.#lookIn(lookAgainMilliseconds * 2 ** doublings);
    return outcome;
  }

  /**
   * A host that joins after the owner of an arc takes the place of one that is not its neighbour and sees no change of
   * the ring. Confirmations by owners tell where the arcs begin and end; the known members there are a guess, which the
   * look verifies with the owner.
   */
  #watchPlaces(): void {
    const { clock, confirmed, replicas, view } = this.#ports;
    if (this.#stopping.signal.aborted) return;
    this.#lookAtRenewed().catch((error: Error) => this.#failed('A look at the cache', error));
    const { bits } = view.shape;
    const isPlaceOf = (key: RingId): boolean =>
      likelyPlaces(view, key, replicas).some(({ host }) => host === view.self.host);
    const lost = new Map<string, number>();
    let isDue = false;
    for (const range of confirmed.ranges()) {
      const [first, last] = [nextId(ringIdOfHash(range.after, bits), bits), ringIdOfHash(range.upTo, bits)];
      if (isPlaceOf(first) && isPlaceOf(last)) continue;
      const name = nameOf(range);
      const seen = this.#lost.has(name) ? this.#lost.get(name)! + 1 : 0;
      lost.set(name, seen);
      // Once may be a guess from the middle of a change.
      if (seen > 0) confirmed.outgrow(range);
      if (!lostLookedAt.includes(seen)) continue;
      this.#surplus.lookAtRange(range);
      isDue = true;
    }
    this.#lost = lost;
    if (isDue) {
      // A recent lookup may be from before the change.
      this.#ports.placement.clear();
      this.#lookIn(gatherMilliseconds);
    }
    this.#placesTimer = clock.after(placesMilliseconds, () => this.#watchPlaces());
  }

  async #lookAtRenewed(): Promise<void> {
    for (const [name, range] of [...this.#renewed].slice(0, renewedAtOnce)) {
      this.#renewed.delete(name);
      await this.#surplus.lookAtCacheIn(range);
    }
  }

  /** Schedules a look for excess replicas, unless one is due sooner. A round includes one. */
  #lookIn(delay: Milliseconds): void {
    const { clock } = this.#ports;
    const due = clock.now() + delay;
    if (this.#stopping.signal.aborted || due >= this.#lookDue) return;
    this.#lookTimer?.cancel();
    this.#lookDue = due;
    this.#lookTimer = clock.after(delay, () => {
      this.#lookDue = Number.POSITIVE_INFINITY;
      if (this.#round !== null) return this.#lookIn(lookAgainMilliseconds);
      this.#next(true, async (signal) => {
        const { dropped, cached } = await this.#lookForExcessReplicas(signal);
        if (dropped + cached > 0) this.#ports.moved?.({ blocks: 0, records: 0, dropped, cached });
      }).catch((error: Error) => {
        this.#lookIn(this.#ports.times.retryMilliseconds);
        this.#failed('A look for copies that have no place here', error);
      });
    });
  }

  #failed(what: string, error: Error): void {
    if (this.#stopping.signal.aborted) return;
    const { report, view } = this.#ports;
    report?.('no-answer', view.self, `${what} failed and is done again: ${error.message}`);
  }

  #changed(): void {
    this.#changes += 1;
    this.#lastChange = this.#ports.clock.now();
    this.#absences.look();
    this.#settled.look();
    if (this.#wasAlone && this.#ports.view.hosts().length > 1) {
      this.#wasAlone = false;
      this.#ports.confirmed.clear();
      this.#settled.clear();
    }
    this.#vainLooks = 0;
    this.#schedule(this.#ports.times.settleMilliseconds);
    this.#lookIn(this.#ports.times.excessReplicasMilliseconds);
  }

  /** Between two rounds over all arcs. */
  #interval(): Milliseconds {
    return this.#ports.times.intervalMilliseconds * (1 - jitter * this.#ports.random.next());
  }

  /** Schedules a round, unless one is due sooner. */
  #schedule(delay: Milliseconds): void {
    const due = this.#ports.clock.now() + Math.max(0, delay);
    if (this.#stopping.signal.aborted || due >= this.#timerDue) return;
    this.#timer?.cancel();
    this.#timerDue = due;
    this.#timer = this.#ports.clock.after(Math.max(0, delay), () => this.#begin());
  }

  #begin(): void {
    this.#timerDue = Number.POSITIVE_INFINITY;
    if (this.#round !== null && !this.#round.isLook) {
      const mayRun = minRoundMilliseconds * 2 ** Math.min(this.#brokenOff, maxDoublings);
      const left = this.#roundBegan + mayRun - this.#ports.clock.now();
      if (left > 0 || this.#round.changes === this.#changes) {
        this.#schedule(Math.max(left, this.#ports.times.retryMilliseconds));
        return;
      }
      // Its arcs may have changed; what it has transferred is not transferred again.
      this.#round.ending.abort();
      this.#brokenOff += 1;
    }
    const everything = this.#everythingDue <= this.#ports.clock.now();
    this.#next(false, (signal) => this.#run(everything, signal)).then(
      () =>
        this.#schedule(Math.max(this.#everythingDue - this.#ports.clock.now(), this.#ports.times.retryMilliseconds)),
      (error: Error) => {
        // Usually the ring was just changing and an owner could not be found.
        this.#schedule(this.#ports.times.retryMilliseconds);
        this.#failed('A round of reconciliation', error);
      },
    );
  }
}

function nameOf({ after, upTo }: KeyArc): string {
  return `${after} ${upTo}`;
}
