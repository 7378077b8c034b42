/** Columns of plain text for people: no colours, no frames, so that other tools can read them too. */

export type Align = 'left' | 'right';

export interface Column {
  readonly title: string;
  readonly align?: Align;
}

/** One line per row after a line of titles; the last column is not padded. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, index) =>
    Math.max(width(title), ...rows.map((row) => width(plain(row[index] ?? '')))),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => pad(plain(cells[index] ?? ''), widths[index] ?? 0, align ?? 'left'))
      .join('  ')
      .trimEnd();
  return [columns.map(({ title }) => title), ...rows].map(line).join('\n');
}

/** `name  value` lines. */
export function fields(pairs: readonly (readonly [string, string])[]): string {
  const widest = Math.max(...pairs.map(([name]) => width(name)));
  return pairs.map(([name, value]) => `${pad(name, widest, 'left')}  ${plain(value)}`).join('\n');
}

/** Names come from others: what moves the cursor or hides text is shown, not obeyed. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The beginning of a long id. */
export function short(id: string): string {
  return id.length > 13 ? `${id.slice(0, 12)}…` : id;
}

/** Peer ids all begin alike: their end tells them apart. */
export function shortPeer(id: string): string {
  return id.length > 9 ? `…${id.slice(-8)}` : id;
}

function pad(text: string, to: number, align: Align): string {
  const gap = ' '.repeat(Math.max(0, to - width(text)));
  return align === 'left' ? text + gap : gap + text;
}

/** Code points stand for columns; wide characters make a table ragged, not wrong. */
function width(text: string): number {
  return [...text].length;
}
