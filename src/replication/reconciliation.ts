/**
 * Keeps every item at its places (spec/4, Replicas): each host reconciles the arcs that it owns with the hosts that come
 * next, a moment after its neighbours changed and every 30 to 60 s, and then gives up what has no place with it. The same
 * rounds hand a joiner its share, repair after deaths, take a returning host's copies into account and remove surplus.
 *
 * A round after a change asks only about arcs that are not settled; those every 30 to 60 s ask about all.
 * One round runs at a time. A change of the ring breaks it off, when it has settled, and the next one begins; nothing else
 * does, or rounds that take longer than the pause between them would never see an end.
 */
import { type Milliseconds, nextId, type RingId, ringIdOfHash, type Timer } from '@chordial/ring';
import { Absences } from './absences.ts';
import { ExcessReplicas } from './excess-replicas.ts';
import { InSyncRanges } from './in-sync-ranges.ts';
import { ItemMover } from './item-mover.ts';
import { ReconciliationRound, type RoundOutcome } from './reconciliation-round.ts';
import type { SyncPorts } from './sync-ports.ts';

/** A round is not broken off sooner, or a ring that changes all the time would never see one end; the next one may take twice as long. */
const minRoundMilliseconds = 5000;
const maxDoublings = 4;
/** The share of the interval that chance takes off, so that hosts do not all begin at once. */
const jitter = 0.5;

/** Blocks repaired in spite of the grace and remembered for the next round; beyond, they wait for its end. */
const maxUrgent = 50_000;

/** A place that had no room takes its block back without any change of the ring, and a host is known long enough at last. */
const lookAtAllEveryMilliseconds: Milliseconds = 300_000;
/** Farther away the ring may go on changing, unheard of here: so much later everything is looked at once more. */
const unheardMilliseconds: Milliseconds = 1000;
/** How often it is looked whether this host is a place still of what owners have confirmed to it. */
const placesMilliseconds: Milliseconds = 1000;
/** What came is looked at together with what comes so soon after it. */
const gatherMilliseconds: Milliseconds = 500;
/** Before what was left over is looked at again; twice as long each time when nothing was achieved for some times. */
const lookAgainMilliseconds: Milliseconds = 400;
const vainLooksBeforeDoubling = 4;
const maxLookDoublings = 7;

export interface Reconciled extends RoundOutcome {
  readonly dropped: number;
  /** Copies that count as cache from now on. */
  readonly cached: number;
}

export class Reconciliation {
  readonly #ports: SyncPorts;
  readonly #mover: ItemMover;
  readonly #surplus: ExcessReplicas;
  readonly #absences: Absences;
  readonly #settled: InSyncRanges;
  /** When all arcs are to be compared again, settled or not. */
  #everythingDue: Milliseconds = Number.NEGATIVE_INFINITY;
  readonly #stopListening: () => void;
  readonly #stopping = new AbortController();
  #round: {
    readonly ending: AbortController;
    readonly done: Promise<unknown>;
    readonly changes: number;
    /** A look for surplus ends by itself soon after the ring has changed. */
    readonly isLook: boolean;
  } | null = null;
  /** Rounds broken off since one came to its end. */
  #brokenOff = 0;
  #roundBegan: Milliseconds = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #timerDue: Milliseconds = Number.POSITIVE_INFINITY;
  readonly #urgent = new Set<string>();
  #changes = 0;
  #lastChange: Milliseconds = Number.NEGATIVE_INFINITY;
  /** Changes up to which all that is here was looked at for surplus. */
  #lookedAtAllSince = -1;
  #lookedAtAll: Milliseconds = Number.NEGATIVE_INFINITY;
  /** Looks in a row that left something over and achieved nothing. */
  #vainLooks = 0;
  #lookTimer: Timer | null = null;
  #placesTimer: Timer;
  /** Confirmed ranges of which this host seems to be a place no more, by name; their items are looked at once. */
  #lost = new Set<string>();
  #lookDue: Milliseconds = Number.POSITIVE_INFINITY;
  #wasAlone: boolean;

  constructor(ports: SyncPorts) {
    this.#ports = ports;
    this.#mover = new ItemMover(ports);
    this.#surplus = new ExcessReplicas(ports, this.#mover, () => this.#lookIn(gatherMilliseconds));
    ports.blocks.makeRoom = (bytes) => this.#surplus.makeRoom(bytes);
    this.#settled = new InSyncRanges(ports.view);
    this.#absences = new Absences(ports.view, ports.clock, ports.times, (host) => ports.membership.isRemoved(host));
    if (ports.index.sets().length > 0) this.#absences.awaitOthers();
    this.#wasAlone = ports.view.hosts().length <= 1;
    this.#stopListening = ports.view.onChange(() => this.#changed());
    this.#schedule(0);
    this.#placesTimer = ports.clock.after(placesMilliseconds, () => this.#watchPlaces());
  }

  /** Resolves when no round runs any more; the one under way is broken off. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#stopListening();
    this.#surplus.close();
    this.#timer?.cancel();
    this.#lookTimer?.cancel();
    this.#placesTimer.cancel();
    this.#round?.ending.abort();
    await this.#round?.done;
  }

  /** One round over all arcs, when those under way have ended. */
  round(): Promise<Reconciled> {
    return this.#next(false, (signal) => this.#run(true, signal));
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
    if (graceEnds === null || this.#urgent.size > maxUrgent) this.#urgent.clear();
    const grace = {
      isOn: graceEnds !== null,
      isFindingOthers: this.#absences.isFindingOthers(),
      urgent: this.#urgent,
    };
    const scope = { settled: this.#settled, everything };
    const outcome = await new ReconciliationRound(this.#ports, this.#mover, scope, grace, signal).run();
    if (everything && !signal.aborted) this.#everythingDue = clock.now() + this.#interval();
    // What was got may lie in cells that other arcs share, or be lacked elsewhere: nothing is taken for settled.
    if (outcome.again) this.#settled.clear();
    // What no one else could confirm counts for as long as no one else is there.
    this.#wasAlone = alone;
    if (everything) this.#surplus.lookAtWaiting();
    const { dropped, cached } = await this.#lookForExcessReplicas(signal);
    if (outcome.blocks + outcome.records + dropped + cached > 0) this.#ports.moved?.({ ...outcome, dropped, cached });
    if (outcome.again) this.#schedule(0);
    else if (!outcome.complete) {
      // What waits for the grace needs no haste, but something else may have been left undone beside it.
      const { retryMilliseconds } = times;
      this.#schedule(graceEnds === null ? retryMilliseconds : Math.min(graceEnds - clock.now(), 3 * retryMilliseconds));
    }
    return { ...outcome, dropped, cached };
  }

  /** At what came since the last look, or at everything where that is due; not while the ring changes or somebody may come back. */
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
    // What was looked up a moment ago may be from before the change.
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
   * A host that joins behind the owner of an arc takes the place of one that is no neighbour of its own and sees no change
   * of the ring. Of the owners' confirmations that lie here it may be told where the arcs begin and end; whom the ring knows there is a guess,
   * which the look asks the owner about.
   */
  #watchPlaces(): void {
    const { clock, confirmed, replicas, view } = this.#ports;
    if (this.#stopping.signal.aborted) return;
    const { bits } = view.shape;
    const isPlaceOf = (key: RingId): boolean => view.nearby(key, replicas).some(({ host }) => host === view.self.host);
    const lost = new Set<string>();
    for (const range of confirmed.ranges()) {
      const [first, last] = [nextId(ringIdOfHash(range.after, bits), bits), ringIdOfHash(range.upTo, bits)];
      if (isPlaceOf(first) && isPlaceOf(last)) continue;
      const name = `${range.after} ${range.upTo}`;
      lost.add(name);
      if (this.#lost.has(name)) continue;
      this.#surplus.lookAtRange(range);
      this.#lookIn(gatherMilliseconds);
    }
    this.#lost = lost;
    this.#placesTimer = clock.after(placesMilliseconds, () => this.#watchPlaces());
  }

  /** A look for surplus begins then, unless one is due sooner. A round looks as well. */
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

  /** A round begins then, unless one is due sooner. */
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
      // Its arcs may be others by now; what it has carried is not carried again.
      this.#round.ending.abort();
      this.#brokenOff += 1;
    }
    const everything = this.#everythingDue <= this.#ports.clock.now();
    this.#next(false, (signal) => this.#run(everything, signal)).then(
      () =>
        this.#schedule(Math.max(this.#everythingDue - this.#ports.clock.now(), this.#ports.times.retryMilliseconds)),
      (error: Error) => {
        // Most often the ring was just changing and an owner could not be found.
        this.#schedule(this.#ports.times.retryMilliseconds);
        this.#failed('A round of reconciliation', error);
      },
    );
  }
}
