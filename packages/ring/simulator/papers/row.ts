/** A table row that compares our value with the paper's. */
export interface PaperRow {
  readonly what: string;
  readonly ours: number;
  /** The paper's value or formula; null where it has none. */
  readonly theirs: number | null;
  /** The target in words; empty without a verdict. */
  readonly target: string;
  readonly verdict: 'holds' | 'falls short' | null;
}

export interface PaperTable {
  readonly title: string;
  /** Source of the paper's values. */
  readonly source: string;
  /** How our values were measured, one sentence per line. */
  readonly settings: readonly string[];
  readonly rows: readonly PaperRow[];
  readonly realSeconds: number;
}

/** Within the fraction `part` of the paper's value. */
export function within(what: string, ours: number, theirs: number, part: number): PaperRow {
  const target = theirs === 0 ? '0' : `within ${percent(part)}`;
  return { what, ours, theirs, target, verdict: verdictOf(Math.abs(ours - theirs) <= part * theirs) };
}

/** At most the paper's value, plus slack for random variation. */
export function atMost(what: string, ours: number, theirs: number, slack = 0): PaperRow {
  const target = slack === 0 ? 'at most theirs' : `at most theirs + ${percent(slack)}`;
  return { what, ours, theirs, target, verdict: verdictOf(ours <= theirs * (1 + slack)) };
}

export function bound(what: string, ours: number, max: number, theirs: number | null = null): PaperRow {
  return { what, ours, theirs, target: `at most ${max}`, verdict: verdictOf(ours <= max) };
}

export function shown(what: string, ours: number, theirs: number | null = null): PaperRow {
  return { what, ours, theirs, target: '', verdict: null };
}

export function tableText({ title, source, settings, rows, realSeconds }: PaperTable): string {
  const cells = rows.map((row) => [
    row.what,
    figure(row.ours),
    row.theirs === null ? '–' : figure(row.theirs),
    row.target,
    row.verdict ?? '',
  ]);
  const table = [['', 'ours', 'theirs', 'target', 'verdict'], ...cells];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column === 1 || column === 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  );
  const notes = [...settings, `Theirs: ${source}.`, `${realSeconds.toFixed(1)} s.`];
  return [title, '', ...lines, '', ...notes].join('\n');
}

function verdictOf(holds: boolean): PaperRow['verdict'] {
  return holds ? 'holds' : 'falls short';
}

function percent(part: number): string {
  return `${Math.round(100 * part)} %`;
}

function figure(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
}
