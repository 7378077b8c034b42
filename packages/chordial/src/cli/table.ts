/** Plain text columns without colours or frames, readable by other tools. */

import { visibleText as plain } from '../client/shown.ts';
import { shortPeer } from '../transfer/of-publisher.ts';

export { plain };

export type Align = 'left' | 'right';

export interface Column {
  readonly title: string;
  readonly align?: Align;
  /** Truncated when the terminal is too narrow: a name, whose length others choose. */
  readonly isCut?: boolean;
}

const gap = '  ';
/** Columns are not cut below this. */
const minCutWidth = 24;

/**
 * One line per row after a header; the last column is not padded. `terminal` is its width in columns, null when writing
 * to a file or another program, which get everything.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  terminal: number | null = (process.stdout.isTTY && process.stdout.columns) || null,
): string {
  const widest = columns.map(({ title }, index) =>
    rows.reduce((most, row) => Math.max(most, width(plain(row[index] ?? ''))), width(title)),
  );
  const others = columns.reduce((sum, { isCut }, index) => sum + gap.length + (isCut ? 0 : (widest[index] ?? 0)), 0);
  const left = terminal === null ? Number.POSITIVE_INFINITY : Math.max(minCutWidth, terminal - others + gap.length);
  const widths = columns.map(({ isCut }, index) => (isCut ? Math.min(left, widest[index] ?? 0) : (widest[index] ?? 0)));
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => {
        const most = widths[index] ?? 0;
        return pad(cut(plain(cells[index] ?? ''), most), most, align ?? 'left');
      })
      .join(gap)
      .trimEnd();
  return [columns.map(({ title }) => title), ...rows].map(line).join('\n');
}

/** `name  value` lines. */
export function fields(pairs: readonly (readonly [string, string])[]): string {
  const widest = Math.max(...pairs.map(([name]) => width(name)));
  return pairs.map(([name, value]) => `${pad(name, widest, 'left')}  ${plain(value)}`).join('\n');
}

/** The name of a peer, and the end of its id unless that is its name or part of it. */
export function calledWithId({ id, name }: { readonly id: string; readonly name: string }): string {
  return name.includes(shortPeer(id)) ? name : `${name} (${shortPeer(id)})`;
}

/** A prefix of a long id. */
export function short(id: string): string {
  return id.length > 13 ? `${id.slice(0, 12)}…` : id;
}

function pad(text: string, to: number, align: Align): string {
  const filling = ' '.repeat(Math.max(0, to - width(text)));
  return align === 'left' ? text + filling : filling + text;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** East Asian scripts and emoji take two columns (Unicode East Asian Width W and F). */
const wide =
  /\p{Emoji_Presentation}|\uFE0F|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18DFF}\u{1B000}-\u{1B2FF}\u{20000}-\u{3FFFD}]/u;

/** In terminal columns. */
export function width(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += columnsOf(segment);
  return columns;
}

function columnsOf(grapheme: string): number {
  if (wide.test(grapheme)) return 2;
  return /^\p{M}+$/u.test(grapheme) ? 0 : 1;
}

/** Truncated, with a mark. */
function cut(text: string, most: number): string {
  if (width(text) <= most) return text;
  let shown = '';
  let columns = 1;
  for (const { segment } of graphemes.segment(text)) {
    columns += columnsOf(segment);
    if (columns > most) break;
    shown += segment;
  }
  return `${shown}…`;
}
