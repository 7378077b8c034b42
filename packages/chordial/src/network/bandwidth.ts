/**
 * Limits on bulk bytes, each way: one rate for all connections, shared by classes, and one of repair below it. Control
 * traffic passes free, and so do hosts on the LAN unless they are limited too; repair keeps its own rate everywhere.
 */
import type { Clock } from '@chordial/ring';
import { SharedRate } from '../flow/shared-rate.ts';
import { type Limit, unlimited } from '../flow/timetable.ts';
import { TransportError } from '../wire/transport-error.ts';
import { isOnLan } from './addresses.ts';

/** `people`: what someone here waits for. `serving`: what others want from this host, or give it to store. */
export const trafficClasses = ['people', 'serving', 'repair'] as const;
export type TrafficClass = (typeof trafficClasses)[number];
export const directions = ['up', 'down'] as const;
export type Direction = (typeof directions)[number];

/** Parts of a rate that is not enough for all. */
const weights: Readonly<Record<TrafficClass, number>> = { people: 4, serving: 2, repair: 1 };
const defaultRepairBytesPerSecond = 100_000_000;

export interface BandwidthOptions {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** Whether hosts on the LAN, and on this machine, are limited too. */
  readonly limitsLan?: boolean;
  readonly repairBytesPerSecond?: number;
}

type Ways<One> = Readonly<Record<Direction, One>>;
export type MovedBytes = Ways<Readonly<Record<TrafficClass, number>>>;

export class Bandwidth {
  /** Of all classes together. */
  readonly all: Ways<SharedRate<TrafficClass>>;
  readonly repair: Ways<SharedRate<TrafficClass>>;
  readonly #limitsLan: boolean;
  readonly #moved: Ways<Record<TrafficClass, number>> = {
    up: { people: 0, serving: 0, repair: 0 },
    down: { people: 0, serving: 0, repair: 0 },
  };
  #limit: Limit = unlimited;

  constructor({ clock, limitsLan = false, repairBytesPerSecond = defaultRepairBytesPerSecond }: BandwidthOptions) {
    this.#limitsLan = limitsLan;
    const rate = (perSecond: number | null) => new SharedRate(clock, weights, perSecond);
    this.all = { up: rate(null), down: rate(null) };
    this.repair = { up: rate(repairBytesPerSecond), down: rate(repairBytesPerSecond) };
  }

  get limit(): Limit {
    return this.#limit;
  }

  /** With `stop` repair alone passes, at its own rate. */
  set limit(limit: Limit) {
    this.#limit = limit;
    const { up, down } = limit === 'stop' ? unlimited : limit;
    this.all.up.perSecond = up;
    this.all.down.perSecond = down;
  }

  /** Payload over bulk connections since the start. */
  get moved(): MovedBytes {
    return { up: { ...this.#moved.up }, down: { ...this.#moved.down } };
  }

  /** @param isRemote the address counts as one beyond the LAN in any case */
  link(address: string, isRemote = false): LinkBandwidth {
    return new LinkBandwidth(this, !this.#limitsLan && !isRemote && isOnLan(address));
  }

  count(way: Direction, traffic: TrafficClass, bytes: number): void {
    this.#moved[way][traffic] += bytes;
  }
}

/** What holds for one connection. */
export class LinkBandwidth {
  readonly #bandwidth: Bandwidth;
  readonly #isExempt: boolean;
  /** All that hold, in the order in which they are asked. */
  readonly #rates: Ways<Readonly<Record<TrafficClass, readonly SharedRate<TrafficClass>[]>>>;

  constructor(bandwidth: Bandwidth, isExempt: boolean) {
    this.#bandwidth = bandwidth;
    this.#isExempt = isExempt;
    const ratesOf = (way: Direction) => {
      const all = isExempt ? [] : [bandwidth.all[way]];
      return { people: all, serving: all, repair: [bandwidth.repair[way], ...all] };
    };
    this.#rates = { up: ratesOf('up'), down: ratesOf('down') };
  }

  isLimited(way: Direction, traffic: TrafficClass): boolean {
    return this.#rates[way][traffic].some(({ perSecond }) => perSecond !== null);
  }

  /** Whether all classes together are. */
  isTight(way: Direction): boolean {
    return this.isLimited(way, 'people');
  }

  /** Bytes to move in one go. */
  piece(way: Direction, traffic: TrafficClass, most: number): number {
    return this.#rates[way][traffic].reduce((piece, rate) => rate.piece(piece), most);
  }

  /** Throws a TransportError `busy` where nothing of this class moves now. */
  check(traffic: TrafficClass): void {
    if (this.#bandwidth.limit !== 'stop' || this.#isExempt || traffic === 'repair') return;
    throw new TransportError('refused', 'This peer moves no files now: its limit is "stop".', 'busy');
  }

  /** Null when the bytes may move now; else resolves when they may. Throws like `check`. */
  pass(way: Direction, traffic: TrafficClass, bytes: number, isWanted: () => boolean): Promise<void> | null {
    this.check(traffic);
    let waiting: Promise<void> | null = null;
    for (const rate of this.#rates[way][traffic]) {
      const pass = () => rate.pass(traffic, bytes, isWanted);
      waiting = waiting === null ? pass() : waiting.then(() => pass() ?? undefined);
    }
    return waiting?.then(() => this.check(traffic)) ?? null;
  }

  /** What came without asking. */
  take(way: Direction, traffic: TrafficClass, bytes: number): void {
    for (const rate of this.#rates[way][traffic]) rate.take(traffic, bytes);
  }

  giveBack(way: Direction, traffic: TrafficClass, bytes: number): void {
    for (const rate of this.#rates[way][traffic]) rate.giveBack(bytes);
  }

  count(way: Direction, traffic: TrafficClass, bytes: number): void {
    this.#bandwidth.count(way, traffic, bytes);
  }
}
