/** The table of docs/limits.md against the code: every row names a constant and must have its value. */
import { readFileSync } from 'node:fs';

export interface LimitRow {
  readonly what: string;
  /** As written: `16 MiB`, `5 s`, `1024`. */
  readonly value: string;
  /** File below src, or in a folder of packages, and the name of its constant, or `name.field` of an object. */
  readonly file: string;
  readonly constant: string;
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Rows like `| connections | 512 | [network/connection-limits.ts](…) maxIncomingSessions | … |`. */
export function limitRows(page: string): readonly LimitRow[] {
  const row = /^\| ([^|]+?) +\| ([^|]+?) +\| `([a-z0-9/-]+\.ts)` `([A-Za-z.]+)` +\|/gm;
  return [...page.matchAll(row)].map(([, what = '', value = '', file = '', constant = '']) => ({
    what,
    value,
    file,
    constant,
  }));
}

/** Milliseconds, bytes or a count; NaN if invalid. */
export function numberTold(text: string): number {
  const [, digits = '', unit = ''] = /^([\d ]+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text) ?? [];
  const factor = units[unit];
  return digits === '' || factor === undefined ? Number.NaN : Number(digits.replaceAll(' ', '')) * factor;
}

/** The value of a constant in the source; NaN if it does not exist or is not numeric. */
export function constantIn(root: string, file: string, constant: string): number {
  const place = file.startsWith('ring/') ? file.replace('ring', 'packages/ring/src') : `packages/chordial/src/${file}`;
  const source = readFileSync(new URL(place, root), 'utf8');
  const [name = '', field] = constant.split('.');
  const from = new RegExp(`^(?:export )?const ${name}(?:: [^=]+)? = `, 'm').exec(source);
  if (from === null) return Number.NaN;
  const rest = source.slice(from.index + from[0].length);
  if (field === undefined) return evaluated(rest.slice(0, rest.indexOf(';')), source);
  const inside = new RegExp(`\\b${field}: ([^,}\\n]+)`).exec(rest.slice(0, rest.indexOf('}')));
  return evaluated(inside?.[1] ?? '', source);
}

/** Sums, products and powers of numbers and of constants of the same file. */
function evaluated(expression: string, source: string): number {
  const terms = expression
    .split('+')
    .map((term) =>
      term.split(/(?<!\*)\*(?!\*)/).reduce((product, factor) => product * power(factor.trim(), source), 1),
    );
  return terms.reduce((sum, term) => sum + term, 0);
}

function power(text: string, source: string): number {
  const [base = '', exponent] = text.split('**').map((part) => part.trim());
  const number = /^[\d_]+$/.test(base) ? Number(base.replaceAll('_', '')) : named(base, source);
  return exponent === undefined ? number : number ** Number(exponent);
}

function named(name: string, source: string): number {
  const value = new RegExp(`^(?:export )?const ${name}(?:: [^=]+)? = ([^;]+);`, 'm').exec(source)?.[1];
  return value === undefined ? Number.NaN : evaluated(value, source);
}
