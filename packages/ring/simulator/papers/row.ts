/** A row of a table that sets ours beside theirs. */
export interface PaperRow {
  readonly what: string;
  readonly ours: number;
  /** The paper's value or formula; null where it has none. */
  readonly theirs: number | null;
  /** What ours may be, in words; empty where no verdict is given. */
  readonly target: string;
  readonly verdict: 'holds' | 'falls short' | null;
}

export interface PaperTable {
  readonly title: string;
  /** Where the values of the others come from. */
  readonly source: string;
  /** How ours was measured, one sentence a line. */
  readonly settings: readonly string[];
  readonly rows: readonly PaperRow[];
  readonly realSeconds: number;
}

/** Within `part` of theirs. */
export function within(what: string, ours: number, theirs: number, part: number): PaperRow {
  const target = theirs === 0 ? '0' : `within ${percent(part)}`;
  return { what, ours, theirs, target, verdict: verdictOf(Math.abs(ours - theirs) <= part * theirs) };
}

/** At most theirs, or a little more where chance moves both. */
export function atMost(what: string, ours: number, theirs: number, slack = 0): PaperRow {
  const target = slack === 0 ? 'at most theirs' : `at most theirs + ${percent(slack)}`;
  return { what, ours, theirs, target, verdict: verdictOf(ours <= theirs * (1 + slack)) };
}

export function bound(what: string, ours: number, most: number, theirs: number | null = null): PaperRow {
  return { what, ours, theirs, target: `at most ${most}`, verdict: verdictOf(ours <= most) };
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
