/** Results of a search simulation, and their table. */
import { mean, quantile } from '@chordial/ring/simulator';
import type { SearchCost } from './search-simulation.ts';

export interface SearchRow {
  readonly what: string;
  readonly queries: number;
  /** Recall, 0 to 1; 1 if there was nothing to find. */
  readonly recall: number;
  /** Total number of false hits. */
  readonly wrongHits: number;
  /** Per query, answers included. */
  readonly messages: number;
  readonly bytes: number;
  /** Duplicate questions per query. */
  readonly duplicates: number;
  /** Hosts asked per query to find the places of its words; not counted as messages. */
  readonly lookupHops: number;
  /** Messages received per peer and hundred queries. */
  readonly load: { readonly mean: number; readonly p99: number; readonly max: number };
  /** Virtual milliseconds until the last hit, one way taking 5 to 50; null where it is not modelled. */
  readonly milliseconds: { readonly mean: number; readonly p99: number } | null;
}

export interface SearchMeasured {
  readonly peers: number;
  readonly files: number;
  readonly seed: number;
  /** Joins plus crashes per second of virtual time. */
  readonly churn: number;
  readonly cache: boolean;
  readonly rows: readonly SearchRow[];
  readonly realSeconds: number;
}

export interface SearchRun {
  readonly queries: number;
  readonly results: readonly { readonly owed: number; readonly found: number; readonly wrong: number }[];
  readonly took: readonly number[];
  readonly cost: SearchCost;
}

/** @param peers possible receivers */
export function searchRow(what: string, { queries, results, took, cost }: SearchRun, peers: number): SearchRow {
  const sum = (of: (result: SearchRun['results'][number]) => number) => results.reduce((all, one) => all + of(one), 0);
  const owed = sum((one) => one.owed);
  const idle = Array.from({ length: Math.max(0, peers - cost.received.size) }, () => 0);
  const load = [...idle, ...cost.received.values()].map((count) => (100 * count) / queries).sort((a, b) => a - b);
  const times = [...took].sort((a, b) => a - b);
  return {
    what,
    queries,
    recall: owed === 0 ? 1 : sum((one) => one.found) / owed,
    wrongHits: sum((one) => one.wrong),
    messages: cost.messages / queries,
    bytes: cost.bytes / queries,
    duplicates: cost.duplicates / queries,
    lookupHops: cost.lookupHops / queries,
    load: { mean: mean(load), p99: quantile(load, 0.99), max: load.at(-1) ?? 0 },
    milliseconds: times.length === 0 ? null : { mean: mean(times), p99: quantile(times, 0.99) },
  };
}

const columns = ['', 'recall', 'wrong', 'messages', 'kB', 'duplicates', 'hops', 'mean', 'p99', 'max', 'ms', 'p99'];

export function searchText({ peers, files, seed, churn, cache, rows, realSeconds }: SearchMeasured): string {
  const cells = rows.map((row) => [
    `${row.what} (${row.queries})`,
    `${(100 * row.recall).toFixed(2)} %`,
    String(row.wrongHits),
    row.messages.toFixed(1),
    (row.bytes / 1000).toFixed(1),
    row.duplicates.toFixed(1),
    row.lookupHops.toFixed(1),
    row.load.mean.toFixed(1),
    row.load.p99.toFixed(0),
    row.load.max.toFixed(0),
    row.milliseconds === null ? '–' : row.milliseconds.mean.toFixed(0),
    row.milliseconds === null ? '–' : row.milliseconds.p99.toFixed(0),
  ]);
  const table = [columns, ...cells];
  const widths = columns.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  const lines = table.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
  );
  return [
    `${peers} peers that share ${files} files; ${churn} joins and crashes per second; membership cache ${cache ? 'on' : 'off'}; seed ${seed}`,
    '',
    ...lines,
    '',
    'Messages, kB, duplicates and hops of lookups are those of one query, answers included; mean, p99 and max are the messages that a',
    'peer receives for a hundred queries; ms is virtual time until the last hit. Recall counts files whose peers lived through the query.',
    `${realSeconds.toFixed(1)} s.`,
  ].join('\n');
}
