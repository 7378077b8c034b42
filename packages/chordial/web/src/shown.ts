/** Formats sizes, rates, ages and ids for the page. */

import { shownSize, visibleText as visible } from '../../src/client/shown.ts';
import { locale } from './locale.ts';

export { visible };

export function size(bytes: number): string {
  return shownSize(bytes, decimal);
}

export function rate(bytesPerSecond: number): string {
  return `${size(bytesPerSecond)}/s`;
}

/** The suffix distinguishes peers, since all ids begin alike. */
export function shortPeer(id: string): string {
  return id.length <= 10 ? id : `…${id.slice(-8)}`;
}

export function shortHash(hash: string): string {
  return hash.length <= 14 ? hash : `${hash.slice(0, 6)}…${hash.slice(-6)}`;
}

/** In a teaching ring ids are numbers. */
export function shortRingId(ringId: string, bits: number): string {
  return bits <= 32 ? String(Number.parseInt(ringId, 16)) : ringId.slice(0, 8);
}

/** Durations for people: 0.4 s, 12 s, 5 min, 3 h, 2 d. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${decimal(seconds, 1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** An ISO time in the conventions of the reader: of today the time alone, of this year without the year. */
export function moment(time: string): string {
  const then = new Date(time);
  const now = new Date();
  if (then.toDateString() === now.toDateString()) return dated({ timeStyle: 'short' }).format(then);
  if (then.getFullYear() !== now.getFullYear()) return dated({ dateStyle: 'medium' }).format(then);
  return dated({ day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' }).format(then);
}

/** Whole, to the second and with the zone. */
export function exactly(time: string): string {
  return dated({ dateStyle: 'full', timeStyle: 'long' }).format(new Date(time));
}

/** From now: 5 min. ago, in 3 days. */
export function ago(time: string): string {
  const milliseconds = Date.parse(time) - Date.now();
  const distance = Math.abs(milliseconds);
  if (distance < minute) return near().format(0, 'second');
  if (distance < hour) return near().format(Math.trunc(milliseconds / minute), 'minute');
  if (distance < day) return near().format(Math.trunc(milliseconds / hour), 'hour');
  return near().format(Math.trunc(milliseconds / day), 'day');
}

/** What is near as a distance from now, and the rest as a date. */
export function momentOrAgo(time: string): string {
  const then = Date.parse(time);
  if (Math.abs(then - Date.now()) < hour) return ago(time);
  const days = Math.round((midnight(then) - midnight(Date.now())) / day);
  if (Math.abs(days) !== 1) return moment(time);
  return `${near().format(days, 'day')}, ${dated({ timeStyle: 'short' }).format(then)}`;
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

/** Formats are costly to make, and lists use few. */
const formats = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat | Intl.RelativeTimeFormat>();

function kept<F extends Intl.DateTimeFormat | Intl.NumberFormat | Intl.RelativeTimeFormat>(
  name: string,
  make: () => F,
): F {
  const known = formats.get(`${locale} ${name}`) ?? make();
  formats.set(`${locale} ${name}`, known);
  return known as F;
}

function dated(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(JSON.stringify(options), () => new Intl.DateTimeFormat(locale, options));
}

function near(): Intl.RelativeTimeFormat {
  return kept('near', () => new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }));
}

/** A whole number of hours in words: 1 hour, 7 days. */
export function span(hours: number): string {
  const [count, unit] = hours % 24 === 0 ? [hours / 24, 'day'] : [hours, 'hour'];
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
}

/** A number with so many digits after the point. */
export function decimal(value: number, digits: number): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return kept(`decimal ${digits}`, () => new Intl.NumberFormat(locale, options)).format(value);
}

/** From 0 to 1. */
export function percent(part: number): string {
  return kept('percent', () => new Intl.NumberFormat(locale, { style: 'percent' })).format(part);
}

/** A count with its noun, the digits grouped as the language of the reader does. */
export function plural(count: number, one: string, many: string): string {
  return `${count.toLocaleString(locale)} ${count === 1 ? one : many}`;
}

/** A moment of a day to the minute, with the day unless it is today. */
export function timeOfDay(time: string | number): string {
  const then = new Date(time);
  const isToday = then.toDateString() === new Date().toDateString();
  const clock = { hour: '2-digit', minute: '2-digit' } as const;
  return isToday
    ? then.toLocaleTimeString(locale, clock)
    : then.toLocaleString(locale, { weekday: 'short', day: 'numeric', month: 'short', ...clock });
}

/** A Unix time in seconds beside an axis: a time of day, or a date. */
export function axisTime(seconds: number, isDate: boolean): string {
  const then = new Date(seconds * 1000);
  const isMidnight = then.getHours() === 0 && then.getMinutes() === 0;
  return isDate || isMidnight
    ? then.toLocaleDateString(locale, { day: 'numeric', month: 'short' })
    : then.toLocaleTimeString(locale, { hour: 'numeric', minute: '2-digit' });
}

/** A Unix time in seconds: to the second of today, else to the minute. */
export function exactTime(seconds: number): string {
  const then = new Date(seconds * 1000);
  return then.toDateString() === new Date().toDateString()
    ? then.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
    : timeOfDay(seconds * 1000);
}

/** Unix time in milliseconds as a time of day, to the second. */
export function clockTime(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString(locale);
}
