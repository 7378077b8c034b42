/**
 * Growth of costs: each measured at three or four sizes, with the cost per unit and the fitted exponent. At 0 a unit costs
 * the same at every size; at 1 the total is quadratic.
 */
import { quantile } from '@chordial/ring/simulator';
import { threeDigits } from './alternating.ts';
import { sizeFigures } from './large-file.ts';
import { indexFigures } from './large-share.ts';
import { heldFigures, namesPerPage } from './restart.ts';
import { type BenchOptions, type BenchRow, type Part, row, rowsOfParts, verdict } from './row.ts';
import { searchFigures } from './search.ts';
import { ringOf, ringOfMany } from './settled-rings.ts';

/** Costs beyond the fixed part below these are noise: megabytes and milliseconds. */
const minMemory = 1;
const minRestart = 20;
/** Lower bounds for CPU, seconds and pings, since values may be negative after subtracting noise. */
const minOfRing = 0.01;

interface Point {
  readonly size: number;
  /** Cost per unit at this size. */
  readonly cost: number;
}

interface Growth {
  readonly what: string;
  readonly by: string;
  readonly unit: string;
  readonly max: number;
  readonly points: readonly Point[];
}

export function growth(options: BenchOptions): Promise<readonly BenchRow[]> {
  const parts = [byHosts, byFiles, byBlocks, byPostings, byBytes].map(
    (measure): Part =>
      async () =>
        (await measure(options)).map(rowOf),
  );
  return rowsOfParts(parts, options);
}

async function byHosts(options: BenchOptions): Promise<readonly Growth[]> {
  const rings = [await ringOf('alone', options), await ringOf('middle', options), await ringOfMany(options)];
  const of = (cost: (ring: (typeof rings)[number]) => number): readonly Point[] =>
    rings.map((ring) => ({ size: ring.hosts, cost: Math.max(minOfRing, cost(ring)) }));
  const by = 'hosts';
  return [
    { what: 'idle CPU of a peer', by, unit: '% of a core', max: 0.1, points: of(({ idle }) => idle.cpu) },
    { what: 'pings of an idle peer', by, unit: 'a second', max: 0.1, points: of(({ idle }) => idle.pings) },
    { what: 'CPU of all others for one join', by, unit: 's', max: 0.3, points: of(({ join }) => join.cpu) },
  ];
}

async function byFiles(options: BenchOptions): Promise<readonly Growth[]> {
  const figures = await indexFigures(options);
  const perFile = (cost: (figure: (typeof figures)[number]) => number): readonly Point[] =>
    figures.map((figure) => ({ size: figure.files, cost: cost(figure) / figure.files }));
  const by = 'files';
  return [
    {
      what: 'CPU of indexing and announcing a file',
      by,
      unit: 'ms',
      max: 0.05,
      points: perFile(({ cpu }) => 1000 * cpu),
    },
    {
      what: 'memory of indexing a file',
      by,
      unit: 'kB',
      max: 0.05,
      points: perFile(({ memory }) => 1000 * Math.max(minMemory, memory)),
    },
  ];
}

async function byBlocks(options: BenchOptions): Promise<readonly Growth[]> {
  const [none, ...held] = await heldFigures(options);
  const perBlock = (key: 'memory' | 'afterKill', min: number): readonly Point[] =>
    held.map((figure) => ({
      size: figure.blocks,
      cost: (1000 * Math.max(min, figure[key] - none![key])) / figure.blocks,
    }));
  return [
    {
      what: 'memory for a block held, beyond the fixed part',
      by: 'blocks',
      unit: 'kB',
      max: 0,
      points: perBlock('memory', minMemory),
    },
    {
      what: 'restart after kill -9 for a block held, beyond the fixed part',
      by: 'blocks',
      unit: 'µs',
      max: 0,
      points: perBlock('afterKill', minRestart),
    },
    {
      what: `\`ls\` page of ${namesPerPage} names`,
      by: 'names of the publisher',
      unit: 'ms',
      max: 0.05,
      points: held.map(({ names, page }) => ({ size: names, cost: page })),
    },
  ];
}

async function byPostings(options: BenchOptions): Promise<readonly Growth[]> {
  const figures = await searchFigures(options);
  const points = figures.map(({ postings, firsts }) => ({ size: postings, cost: quantile(firsts, 0.5) }));
  return [{ what: 'search by words, p50', by: 'postings', unit: 'ms', max: 0.2, points }];
}

async function byBytes(options: BenchOptions): Promise<readonly Growth[]> {
  const figures = await sizeFigures(options);
  const perGigabyte = (key: 'put' | 'get'): readonly Point[] =>
    figures.map((figure) => ({ size: figure.bytes / 1e6, cost: (figure[key] * 1e9) / figure.bytes }));
  return (['put', 'get'] as const).map((key) => ({
    what: `${key} of a GB`,
    by: 'MB of the file',
    unit: 's',
    max: 0.05,
    points: perGigabyte(key),
  }));
}

function rowOf({ what, by, unit, max, points }: Growth): BenchRow {
  const power = exponent(points);
  const each = points.map(({ size, cost }) => `${size}: ${threeDigits(cost)}`).join(', ');
  return row(`${what}, by ${by}`, `${each} ${unit}`, {
    ratio: `exponent ${power.toFixed(2)}`,
    target: `exponent ≤ ${max}`,
    verdict: verdict(Number(power.toFixed(2)) <= max),
  });
}

/** Slope of the least-squares line through the logarithms. */
function exponent(points: readonly Point[]): number {
  const logs = points.map(({ size, cost }) => [Math.log(size), Math.log(cost)] as const);
  const mean = (axis: 0 | 1): number => logs.reduce((sum, one) => sum + one[axis], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const above = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return above / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}
