/**
 * A timetable of limits in rclone's form, `08:00,512k:2M Mon-18:00,10M 23:00,off`: each moment holds until the next, and
 * the week wraps. It follows the clock on the wall, also over daylight-saving changes: an hour that is skipped is
 * skipped here too, and one that comes twice holds twice.
 */
import { ChordialError } from '../errors.ts';

/** Bytes per second each way; null: no limit. */
export interface Speed {
  readonly up: number | null;
  readonly down: number | null;
}

/** `stop`: people's transfers wait. */
export type Limit = Speed | 'stop';

/** Whether people's transfers wait. */
export interface StopSwitch {
  /** A sentence; null: they do not. */
  reason(): string | null;
  /** Called when that may have changed, until the result is called. */
  onChange(listener: () => void): () => void;
}

export const unlimited: Speed = { up: null, down: null };

interface Moment {
  /** Since Sunday 00:00. */
  readonly minute: number;
  readonly limit: Limit;
}

/** Time on the wall. */
export interface WallClock {
  /** Minutes since Sunday 00:00, with fractions. */
  minuteOfWeek(at: number): number;
  /** Milliseconds by which the wall is ahead of UTC. */
  offset(at: number): number;
}

const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const minutesPerDay = 24 * 60;
const minutesPerWeek = 7 * minutesPerDay;
const minuteMilliseconds = 60_000;
const weekMilliseconds = minutesPerWeek * minuteMilliseconds;
/** Below this an answer takes longer than others wait for it. */
const minBytesPerSecond = 32 * 1024;
/** One for each hour of the week. */
const maxEntries = 168;
export const maxTimetableCharacters = 4096;

const bytesPerUnit: Readonly<Record<string, number>> = { '': 1, B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

export class Timetable {
  /** As given, with single spaces. */
  readonly text: string;
  /** In the order of the week; at least one. */
  readonly #moments: readonly Moment[];

  private constructor(text: string, moments: readonly Moment[]) {
    this.text = text;
    this.#moments = moments;
  }

  /** Throws `bad-usage` naming `place`, the entry and what is allowed. */
  static parse(text: string, place: string): Timetable {
    const entries = text.split(/[\s;]+/).filter((entry) => entry !== '');
    const bad = (why: string): ChordialError => new ChordialError('bad-usage', `${place} ${why}`);
    const form =
      'Give a rate such as 2M or 512k:2M (up:down), "off" for no limit or "stop", or a timetable of them such as "08:00,512k Mon-18:00,10M 23:00,off".';
    if (entries.length === 0) throw bad(`is empty. ${form}`);
    if (entries.length > maxEntries || text.length > maxTimetableCharacters)
      throw bad(`is too long. Give at most ${maxEntries} entries and ${maxTimetableCharacters} characters.`);
    const [only = ''] = entries;
    if (entries.length === 1 && !only.includes(',')) {
      return new Timetable(only, [{ minute: 0, limit: parseLimit(only, (why) => bad(`${quoted(only)} ${why}`)) }]);
    }
    const moments = new Map<number, Moment & { readonly entry: number }>();
    for (const [index, entry] of entries.entries()) {
      const wrong = (why: string): ChordialError => bad(`entry ${index + 1}, ${quoted(entry)}, ${why}`);
      const comma = entry.indexOf(',');
      if (comma === -1) throw wrong('has no time. Give [DAY-]HH:MM,RATE, for example 08:00,512k or Mon-18:00,10M.');
      const limit = parseLimit(entry.slice(comma + 1), wrong);
      for (const minute of parseMinutes(entry.slice(0, comma), wrong)) {
        const before = moments.get(minute);
        if (before !== undefined) {
          throw wrong(`begins on ${shownMinute(minute)}, as entry ${before.entry + 1} does. Give each moment once.`);
        }
        moments.set(minute, { minute, limit, entry: index });
      }
    }
    const inOrder = [...moments.values()].sort((a, b) => a.minute - b.minute);
    return new Timetable(entries.join(' '), inOrder);
  }

  /** What holds at this minute of the week. */
  limitAt(minuteOfWeek: number): Limit {
    const begun = this.#moments.findLast(({ minute }) => minute <= minuteOfWeek);
    return (begun ?? this.#moments.at(-1)!).limit;
  }

  at(time: number, wall: WallClock): Limit {
    return this.limitAt(wall.minuteOfWeek(time));
  }

  /** When something else will hold, in milliseconds since 1970; null: never. */
  nextChange(time: number, wall: WallClock): number | null {
    const now = this.at(time, wall);
    const end = time + weekMilliseconds + minutesPerDay * minuteMilliseconds;
    for (let at = time; at < end; ) {
      const moment = at + this.#untilNextMoment(wall.minuteOfWeek(at));
      // The wall clock is set before: what it shows then decides.
      const next = clockSetIn(at, moment, wall) ?? moment;
      if (!sameLimit(this.at(next, wall), now)) return next;
      at = next;
    }
    return null;
  }

  /** Milliseconds, more than 0. */
  #untilNextMoment(minuteOfWeek: number): number {
    const next = this.#moments.find(({ minute }) => minute > minuteOfWeek)?.minute;
    const minute = next ?? this.#moments[0]!.minute + minutesPerWeek;
    return Math.max(1, Math.round((minute - minuteOfWeek) * minuteMilliseconds));
  }
}

/** The first moment after `from`, up to `to`, at which the wall clock is set; null: it is not. */
function clockSetIn(from: number, to: number, wall: WallClock): number | null {
  const before = wall.offset(from);
  if (wall.offset(to) === before) return null;
  let [same, other] = [from, to];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (wall.offset(middle) === before) same = middle;
    else other = middle;
  }
  return other;
}

/** The wall clock of a time zone, that of this process by default. */
export function wallClock(timeZone?: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    ...(timeZone === undefined ? {} : { timeZone }),
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  /** What the wall shows, as if it were UTC. */
  const shown = (at: number): number => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const seconds = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return seconds + (((at % 1000) + 1000) % 1000);
  };
  return {
    offset: (at) => shown(at) - at,
    minuteOfWeek: (at) => {
      const local = shown(at);
      const inDay = local % (minutesPerDay * minuteMilliseconds);
      return new Date(local).getUTCDay() * minutesPerDay + inDay / minuteMilliseconds;
    },
  };
}

export function sameLimit(one: Limit, other: Limit): boolean {
  if (one === 'stop' || other === 'stop') return one === other;
  return one.up === other.up && one.down === other.down;
}

/** A time in milliseconds since 1970, or as ISO 8601, by the clock on the wall of this machine: `Mon 18:00`. */
export function shownTime(time: number | string): string {
  return new Date(time).toLocaleString('en-GB', { weekday: 'short', hour: '2-digit', minute: '2-digit' });
}

/** In the form in which it is given: `512K:2M`, `off`, `stop`. */
export function limitText(limit: Limit): string {
  if (limit === 'stop') return limit;
  const { up, down } = limit;
  return up === down ? rateText(up) : `${rateText(up)}:${rateText(down)}`;
}

function rateText(bytes: number | null): string {
  if (bytes === null) return 'off';
  const [unit, size] = Object.entries(bytesPerUnit).findLast(([, of]) => bytes >= of && bytes % of === 0)!;
  return `${bytes / size}${unit === 'B' ? '' : unit}`;
}

type Wrong = (why: string) => ChordialError;

function parseLimit(text: string, wrong: Wrong): Limit {
  if (text.toLowerCase() === 'stop') return 'stop';
  const rates = text.split(':');
  if (rates.length > 2) throw wrong('has more than two rates. Give one, or up:down.');
  const [up = null, down = up] = rates.map((rate) => parseRate(rate, wrong));
  return { up, down };
}

function parseRate(text: string, wrong: Wrong): number | null {
  if (text.toLowerCase() === 'off') return null;
  if (text.toLowerCase() === 'stop') throw wrong('has "stop" beside a rate. It holds for both ways: give it alone.');
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)([BKMGT]?)$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(digits) * (bytesPerUnit[unit.toUpperCase()] ?? 1));
  if (digits === '' || !Number.isSafeInteger(bytes))
    throw wrong(
      `has no rate in ${quoted(text)}. Give bytes per second with a unit K, M or G of 1024, "off" or "stop".`,
    );
  if (bytes === 0)
    throw wrong('has a rate of 0, which may mean either. Give "off" for no limit, or "stop" to let transfers wait.');
  if (bytes < minBytesPerSecond)
    throw wrong(`has a rate of ${bytes} bytes a second: give at least ${rateText(minBytesPerSecond)}, or "stop".`);
  return bytes;
}

/** Of one day, or of each. */
function parseMinutes(text: string, wrong: Wrong): readonly number[] {
  const dash = text.indexOf('-');
  const time = text.slice(dash + 1);
  const [, hours = '', minutes = ''] = /^(\d{1,2}):(\d{2})$/.exec(time) ?? [];
  if (hours === '' || Number(hours) > 23 || Number(minutes) > 59)
    throw wrong(`has no time in ${quoted(time)}. Give hours and minutes from 00:00 to 23:59.`);
  const inDay = Number(hours) * 60 + Number(minutes);
  if (dash === -1) return dayNames.map((_, day) => day * minutesPerDay + inDay);
  const named = text.slice(0, dash).toLowerCase();
  const day = dayNames.findIndex((name) => [name.toLowerCase(), name.slice(0, 3).toLowerCase()].includes(named));
  if (day === -1)
    throw wrong(`has no day in ${quoted(text.slice(0, dash))}. Give Mon, Tue, Wed, Thu, Fri, Sat or Sun.`);
  return [day * minutesPerDay + inDay];
}

function shownMinute(minute: number): string {
  const [day, inDay] = [Math.floor(minute / minutesPerDay), minute % minutesPerDay];
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${dayNames[day]?.slice(0, 3)}-${two(Math.floor(inDay / 60))}:${two(inDay % 60)}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
