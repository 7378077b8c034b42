/** Sizes and names as people see them, in pages and on the command line. */

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes with three significant figures: 1.05 MB, the digits as `written` says. */
export function shownSize(
  bytes: number,
  written = (value: number, digits: number): string => value.toFixed(digits),
): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${written(value, digits)} ${units[unit]}`;
}

/**
 * Names are untrusted: hidden characters and those that change text direction are shown by code point. A byte order mark
 * and U+202E are invisible, and make one name look like another.
 */
export function visibleText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
