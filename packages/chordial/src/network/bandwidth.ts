/**
 * Limits on bulk bytes, each way: one rate for all connections, shared by classes, and one of repair below it. Control
 * traffic passes free, and so do hosts on the LAN unless they are limited too; repair keeps its own rate everywhere.
 */
import type { Clock, HostId, Milliseconds } from '@chordial/ring';
import { SharedRate } from '../flow/shared-rate.ts';
import { type Limit, unlimited } from '../flow/timetable.ts';
import { TransportError } from '../wire/transport-error.ts';
import { isLanAddress } from './addresses.ts';
import { BoundedCache } from './bounded-cache.ts';

/** `people`: what someone here waits for. `serving`: what others want from this host, or give it to store. */
export const trafficClasses = ['people', 'serving', 'repair'] as const;
export type TrafficClass = (typeof trafficClasses)[number];
export const directions = ['up', 'down'] as const;
export type Direction = (typeof directions)[number];

/** Parts of a rate that is not enough for all. */
const weights: Readonly<Record<TrafficClass, number>> = { people: 4, serving: 2, repair: 1 };
export const defaultRepairBytesPerSecond = 100_000_000;
/** Repair alone passes during a stop, and any member may call its requests repair: so much of each, each way. */
const stoppedRepairBytesPerSecond = 256 * 1024;
const maxMembers = 4096;
/** Rates of single hosts are told over so many milliseconds. */
const rateMilliseconds = 5000;

export interface BandwidthOptions {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** Whether hosts on the LAN, and on this machine, are limited too. */
  readonly limitsLan?: boolean;
  /** Default: as the interfaces of this machine say. */
  readonly isOnLan?: (address: string) => boolean;
  readonly repairBytesPerSecond?: number;
}

type Ways<One> = Readonly<Record<Direction, One>>;
export type MovedBytes = Ways<Readonly<Record<TrafficClass, number>>>;
/** Payload with one host: bytes since the start, and bytes per second over the last seconds. */
export type MovedWith = Ways<{ readonly bytes: number; readonly perSecond: number }>;

/** The other end of a connection. */
export interface LinkEnd {
  readonly address: string;
  /** The address counts as one beyond the LAN in any case. */
  readonly isRemote?: boolean;
  /** Who is there. */
  readonly host?: HostId;
  /** It opened the connection. */
  readonly isCaller?: boolean;
}

export class Bandwidth {
  readonly #clock: BandwidthOptions['clock'];
  /** Of all classes together. */
  readonly all: Ways<SharedRate<TrafficClass>>;
  readonly repair: Ways<SharedRate<TrafficClass>>;
  readonly #isOnLan: (address: string) => boolean;
  /** Whether hosts on the LAN, and on this machine, are limited too. */
  limitsLan: boolean;
  readonly #moved: Ways<Record<TrafficClass, number>> = {
    up: { people: 0, serving: 0, repair: 0 },
    down: { people: 0, serving: 0, repair: 0 },
  };
  readonly #repairOf = new BoundedCache<HostId, Ways<SharedRate<TrafficClass>>>(maxMembers);
  readonly #movedWith = new BoundedCache<HostId, Ways<MovedByHost>>(maxMembers);
  #limit: Limit = unlimited;

  constructor({
    clock,
    limitsLan = false,
    isOnLan = isLanAddress,
    repairBytesPerSecond = defaultRepairBytesPerSecond,
  }: BandwidthOptions) {
    this.#clock = clock;
    this.#isOnLan = isOnLan;
    this.limitsLan = limitsLan;
    this.all = this.#rates(null);
    this.repair = this.#rates(repairBytesPerSecond);
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

  /** Of the hosts that this one moved most recently something with; nothing for others. */
  movedWith(host: HostId): MovedWith {
    const known = this.#movedWith.get(host);
    const of = (way: Direction) => known?.[way].read(this.#clock.now()) ?? { bytes: 0, perSecond: 0 };
    return { up: of('up'), down: of('down') };
  }

  link({ address, isRemote = false, host, isCaller = false }: LinkEnd): LinkBandwidth {
    return new LinkBandwidth(this, !isRemote && this.#isOnLan(address), { host, isCaller });
  }

  /** What a member may call repair during a stop, over all of its connections. */
  repairOf(member: HostId): Ways<SharedRate<TrafficClass>> {
    const known = this.#repairOf.get(member) ?? this.#rates(stoppedRepairBytesPerSecond);
    this.#repairOf.set(member, known);
    return known;
  }

  count(way: Direction, traffic: TrafficClass, { bytes, host }: { bytes: number; host: HostId | undefined }): void {
    this.#moved[way][traffic] += bytes;
    if (host === undefined) return;
    let known = this.#movedWith.get(host);
    if (known === undefined) {
      known = { up: new MovedByHost(), down: new MovedByHost() };
      this.#movedWith.set(host, known);
    }
    known[way].add(this.#clock.now(), bytes);
  }

  #rates(perSecond: number | null): Ways<SharedRate<TrafficClass>> {
    const rate = () => new SharedRate(this.#clock, weights, perSecond);
    return { up: rate(), down: rate() };
  }
}

/** Bytes in all, of this stretch of time, and of the one before it. */
class MovedByHost {
  #bytes = 0;
  #stretch = 0;
  #now = 0;
  #before = 0;

  add(now: Milliseconds, bytes: number): void {
    this.#turn(now);
    this.#bytes += bytes;
    this.#now += bytes;
  }

  read(now: Milliseconds): { readonly bytes: number; readonly perSecond: number } {
    this.#turn(now);
    const rest = 1 - (now % rateMilliseconds) / rateMilliseconds;
    return { bytes: this.#bytes, perSecond: Math.round((this.#now + this.#before * rest) / (rateMilliseconds / 1000)) };
  }

  #turn(now: Milliseconds): void {
    const stretch = Math.floor(now / rateMilliseconds);
    if (stretch === this.#stretch) return;
    this.#before = stretch === this.#stretch + 1 ? this.#now : 0;
    this.#stretch = stretch;
    this.#now = 0;
  }
}

/** What holds for one connection. */
export class LinkBandwidth {
  readonly #bandwidth: Bandwidth;
  readonly #isNear: boolean;
  readonly #end: Pick<LinkEnd, 'isCaller'> & { readonly host: HostId | undefined };

  constructor(
    bandwidth: Bandwidth,
    isNear: boolean,
    end: Pick<LinkEnd, 'isCaller'> & { readonly host: HostId | undefined },
  ) {
    this.#bandwidth = bandwidth;
    this.#isNear = isNear;
    this.#end = end;
  }

  isLimited(way: Direction, traffic: TrafficClass): boolean {
    return this.#rates(way, traffic).some(({ perSecond }) => perSecond !== null);
  }

  /** Bytes to move in one go. */
  piece(way: Direction, traffic: TrafficClass, most: number): number {
    return this.#rates(way, traffic).reduce((piece, rate) => rate.piece(piece), most);
  }

  /** Throws a TransportError `stopped` where nothing of this class moves now. */
  check(traffic: TrafficClass): void {
    if (!this.#isStopped || traffic === 'repair') return;
    throw new TransportError('refused', 'This peer moves no files now: its limit is "stop".', 'stopped');
  }

  /** Null when the bytes may move now; else resolves when they may. Throws like `check`. */
  pass(way: Direction, traffic: TrafficClass, bytes: number, isWanted: () => boolean): Promise<void> | null {
    this.check(traffic);
    let waiting: Promise<void> | null = null;
    for (const rate of this.#rates(way, traffic)) {
      const pass = () => rate.pass(traffic, bytes, isWanted);
      waiting = waiting === null ? pass() : waiting.then(() => pass() ?? undefined);
    }
    return waiting?.then(() => this.check(traffic)) ?? null;
  }

  /** What came without asking. */
  take(way: Direction, traffic: TrafficClass, bytes: number): void {
    for (const rate of this.#rates(way, traffic)) rate.take(traffic, bytes);
  }

  giveBack(way: Direction, traffic: TrafficClass, bytes: number): void {
    for (const rate of this.#rates(way, traffic)) rate.giveBack(bytes);
  }

  count(way: Direction, traffic: TrafficClass, bytes: number): void {
    this.#bandwidth.count(way, traffic, { bytes, host: this.#end.host });
  }

  get #isExempt(): boolean {
    return this.#isNear && !this.#bandwidth.limitsLan;
  }

  get #isStopped(): boolean {
    return this.#bandwidth.limit === 'stop' && !this.#isExempt;
  }

  /** All that hold, in the order in which they are asked. */
  #rates(way: Direction, traffic: TrafficClass): readonly SharedRate<TrafficClass>[] {
    const all = this.#isExempt ? [] : [this.#bandwidth.all[way]];
    if (traffic !== 'repair') return all;
    const { host, isCaller } = this.#end;
    const isBounded = isCaller && host !== undefined && this.#isStopped;
    const own = isBounded ? [this.#bandwidth.repairOf(host)[way]] : [];
    return [...own, this.#bandwidth.repair[way], ...all];
  }
}
