/**
 * The limit of this peer: of the settings, or one that was set while it ran, which is kept, or one for a while. A change is
 * carried into the bandwidth at its moment.
 */
import type { Clock, Milliseconds, Timer } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import {
  type Limit,
  limitText,
  type StopSwitch,
  sameLimit,
  shownTime,
  Timetable,
  type WallClock,
  wallClock,
} from '../flow/timetable.ts';
import type { Bandwidth } from '../network/bandwidth.ts';
import { type Said, said } from '../sentences.ts';
import type { Catalog } from '../storage/catalog.ts';

const settingOfLimit = 'limit';
/** The clock may be set, or the machine sleep: what holds is looked up at least this often. */
const lookMilliseconds: Milliseconds = 30_000;
/** A timer early by a fraction would find what held before. */
const marginMilliseconds = 5;
/** The wall clock and the steady one are read apart: a moment this close to the end of a limit for a while is past it. */
const endMilliseconds: Milliseconds = 2;

interface Ports {
  readonly clock: Clock;
  /** Default: that of the system. */
  readonly wall?: WallClock;
  readonly bandwidth: Bandwidth;
  /** Keeps what is set without an end. */
  readonly catalog: Pick<Catalog, 'setting' | 'setSetting'>;
  /** Of the settings. */
  readonly configured?: Timetable;
  readonly tell: (line: Pick<Said, 'text'>) => void;
}

interface ForAWhile {
  readonly timetable: Timetable;
  /** By the monotonic clock. */
  readonly until: Milliseconds;
}

/** What holds, as interfaces show it. */
export interface LimitsStatus {
  /** Now: a rate, `up:down`, `off` or `stop`. */
  readonly limit: string;
  /** Bytes per second; null: no limit. */
  readonly up: number | null;
  readonly down: number | null;
  /** Puts and gets wait. */
  readonly isStopped: boolean;
  /** When something else holds, as ISO 8601; null: never. */
  readonly until: string | null;
  /** What holds then. */
  readonly next: string | null;
  /** The rate or timetable in force. */
  readonly timetable: string;
  /** The same, but for one for a while. */
  readonly usual: string;
  readonly source: 'settings' | 'command' | 'for-a-while';
  /** When one for a while ends. */
  readonly forAWhileUntil: string | null;
  /** That of the settings. */
  readonly configured: string;
  readonly limitsLan: boolean;
  /** Of this machine, since Sunday 00:00: what timetables go by. */
  readonly minuteOfWeek: number;
}

export interface LimitWish {
  /** A rate or timetable; null: that of the settings again. */
  readonly limit: string | null;
  /** For so long; without it until another is set. */
  readonly milliseconds?: number;
}

export class PeerLimits implements StopSwitch {
  readonly #ports: Ports;
  readonly #wall: WallClock;
  readonly #listeners = new Set<() => void>();
  #kept: Timetable | null;
  #forAWhile: ForAWhile | null = null;
  #timer: Timer | null = null;

  constructor(ports: Ports) {
    this.#ports = ports;
    this.#wall = ports.wall ?? wallClock();
    this.#kept = this.#read();
    this.#look();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  status(): LimitsStatus {
    const { bandwidth, clock, configured } = this.#ports;
    const change = this.#nextChange();
    return {
      limit: limitText(bandwidth.limit),
      ...speedOf(bandwidth.limit),
      isStopped: bandwidth.limit === 'stop',
      until: change === null ? null : new Date(change).toISOString(),
      next: change === null ? null : limitText(this.#limitAt(change)),
      timetable: this.#timetable?.text ?? 'off',
      usual: this.#usual?.text ?? 'off',
      source: this.#forAWhile !== null ? 'for-a-while' : this.#kept !== null ? 'command' : 'settings',
      forAWhileUntil:
        this.#forAWhile === null
          ? null
          : new Date(clock.wallTime() + this.#forAWhile.until - clock.now()).toISOString(),
      configured: configured?.text ?? 'off',
      limitsLan: bandwidth.limitsLan,
      minuteOfWeek: Math.floor(this.#wall.minuteOfWeek(clock.wallTime())),
    };
  }

  /** Throws `bad-usage` for what is no limit. Resolves when what is to outlive a restart is durable. */
  async set({ limit, milliseconds }: LimitWish): Promise<LimitsStatus> {
    const timetable = limit === null ? null : Timetable.parse(limit, 'The limit');
    if (milliseconds !== undefined) {
      if (timetable === null) {
        throw new ChordialError(
          'bad-usage',
          'Without a limit there is nothing to hold for a while. Give one, such as 2M.',
        );
      }
      this.#forAWhile = { timetable, until: this.#ports.clock.now() + milliseconds };
    } else {
      await this.#ports.catalog.setSetting(settingOfLimit, timetable?.text);
      this.#forAWhile = null;
      this.#kept = timetable;
    }
    this.#look();
    return this.status();
  }

  /** Why people's transfers wait. */
  reason(): string | null {
    if (this.#ports.bandwidth.limit !== 'stop') return null;
    const change = this.#nextChange();
    const until = change === null ? '' : ` until ${shownTime(change)}`;
    return `The limit of this peer is "stop"${until}: puts and gets wait. "chordial limit off" lets them go on.`;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What holds without one for a while. */
  get #usual(): Timetable | null {
    return this.#kept ?? this.#ports.configured ?? null;
  }

  get #timetable(): Timetable | null {
    return this.#forAWhile?.timetable ?? this.#usual;
  }

  #limitAt(time: Milliseconds): Limit {
    const { clock } = this.#ports;
    const end = this.#forAWhile === null ? null : clock.wallTime() + this.#forAWhile.until - clock.now();
    const timetable = end !== null && time < end - endMilliseconds ? this.#forAWhile!.timetable : this.#usual;
    return timetable?.at(time, this.#wall) ?? { up: null, down: null };
  }

  /** Milliseconds since 1970. */
  #nextChange(): Milliseconds | null {
    const { clock } = this.#ports;
    const now = clock.wallTime();
    const change = this.#timetable?.nextChange(now, this.#wall) ?? null;
    if (this.#forAWhile === null) return change;
    const end = Math.ceil(now + this.#forAWhile.until - clock.now());
    if (change !== null && change < end) return change;
    if (!sameLimit(this.#limitAt(now), this.#limitAt(end))) return end;
    return this.#usual?.nextChange(end, this.#wall) ?? null;
  }

  /** Carries out what holds now, and comes back when that changes. */
  #look(): void {
    const { bandwidth, clock, tell } = this.#ports;
    if (this.#forAWhile !== null && this.#forAWhile.until <= clock.now()) this.#forAWhile = null;
    const limit = this.#limitAt(clock.wallTime());
    const change = this.#nextChange();
    const wait = change === null ? lookMilliseconds : change - clock.wallTime() + marginMilliseconds;
    this.#timer?.cancel();
    this.#timer = clock.after(Math.max(marginMilliseconds, Math.min(wait, lookMilliseconds)), () => this.#look());
    if (sameLimit(limit, bandwidth.limit)) return;
    bandwidth.limit = limit;
    const text = `The limit is ${limitText(limit)} now${change === null ? '' : `, until ${shownTime(change)}`}.`;
    const until = change === null ? null : new Date(change).toISOString();
    tell(said('limit-changed', { isStopped: limit === 'stop', ...speedOf(limit), until }, text));
    for (const listener of [...this.#listeners]) listener();
  }

  #read(): Timetable | null {
    const kept = this.#ports.catalog.setting(settingOfLimit);
    if (typeof kept !== 'string') return null;
    try {
      return Timetable.parse(kept, 'The limit kept in the data folder');
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      this.#ports.tell({ text: `${error.message} That of the settings holds.` });
      return null;
    }
  }
}

function speedOf(limit: Limit): { readonly up: number | null; readonly down: number | null } {
  return limit === 'stop' ? { up: null, down: null } : limit;
}
