/** Formats sizes, rates, ages and ids for the page. */

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes with three significant figures: 1.05 MB. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

export function rate(bytesPerSecond: number): string {
  return `${size(bytesPerSecond)}/s`;
}

/**
 * Names are untrusted: hidden characters and those that change text direction are shown by code point, as on the
 * command line. A byte order mark and U+202E are invisible, and make one name look like another.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
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
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** An ISO time in local time; without the date if today. */
export function moment(time: string): string {
  const then = new Date(time);
  const isToday = then.toDateString() === new Date().toDateString();
  const clock = then.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  return isToday ? clock : `${then.toLocaleDateString()} ${clock}`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
