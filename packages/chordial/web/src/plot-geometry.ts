/** Where a plot over time has its areas, lines and ticks. */

export interface Series {
  readonly name: string;
  /** One for each time; null where nothing is known. */
  readonly values: readonly (number | null)[];
}

const minTickPixels = 64;

/** Null where any is unknown. */
export function sumAt(series: readonly Series[], place: number): number | null {
  const values = series.map(({ values }) => values[place] ?? null);
  return values.includes(null) ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

interface Area {
  readonly from: number;
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

/** Pieces without a gap, each series upon those before. */
export function areas(
  sums: readonly (number | null)[],
  series: readonly Series[],
): readonly (Area & { tone: number })[] {
  const pieces: { from: number; to: number }[] = [];
  for (const [place, sum] of sums.entries()) {
    const piece = pieces.at(-1);
    if (sum === null) continue;
    if (piece !== undefined && piece.to === place) piece.to = place + 1;
    else pieces.push({ from: place, to: place + 1 });
  }
  return pieces.flatMap(({ from, to }) => {
    let lower: readonly number[] = new Array(to - from).fill(0);
    return series.map(({ values }, tone) => {
      const upper = lower.map((below, index) => below + (values[from + index] ?? 0));
      const area = { tone, from, lower, upper };
      lower = upper;
      return area;
    });
  });
}

type Scale = (value: number) => number;

export function areaPath({ from, lower, upper }: Area, x: Scale, y: Scale): string {
  const points = [
    ...upper.map((value, index) => [x(from + index), y(value)] as const),
    // A single moment is as wide as a pixel.
    ...(upper.length === 1 ? [[x(from) + 1, y(upper[0]!)] as const] : []),
    ...lower.map((value, index) => [x(from + index), y(value)] as const).toReversed(),
  ];
  return `M${points.map(([a, b]) => `${a.toFixed(1)} ${b.toFixed(1)}`).join('L')}Z`;
}

export function linePath(values: readonly (number | null)[], x: Scale, y: Scale): string {
  const moves = values.map((value, place) => {
    if (value === null) return '';
    const isFirst = (values[place - 1] ?? null) === null;
    return `${isFirst ? 'M' : 'L'}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return moves.join('');
}

/** The next of 1, 2, 5, 10, … at or above the value. */
export function niceTop(most: number): number {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return (([1, 2, 5].find((one) => one * power >= most) ?? 10) as number) * power;
}

const [minute, hour, day] = [60, 3600, 86_400];
const tickSteps = [5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour];
const tickDays = [1, 2, 5, 7, 10, 15];

export interface Tick {
  /** Unix time in seconds. */
  readonly time: number;
  readonly isDate: boolean;
}

/** Round moments of the reader's clock, as many as there is room for, away from both ends. */
export function ticks(times: readonly number[], width: number): readonly Tick[] {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || last <= first) return [];
  const least = ((last - first) / width) * minTickPixels;
  const step = tickSteps.find((one) => one >= least);
  const days = tickDays.find((one) => one * day >= least) ?? 30;
  const margin = ((last - first) / width) * (minTickPixels / 3);
  const found: Tick[] = [];
  const midnight = new Date(first * 1000);
  midnight.setHours(0, 0, 0, 0);
  for (let count = 0; midnight.getTime() / 1000 <= last; count++) {
    const begin = midnight.getTime() / 1000;
    midnight.setDate(midnight.getDate() + 1);
    const end = midnight.getTime() / 1000;
    // Days have 23 to 25 hours.
    const moments = step === undefined ? (count % days === 0 ? [begin] : []) : momentsOf(begin, end, step);
    for (const time of moments)
      if (time >= first + margin && time <= last - margin) found.push({ time, isDate: step === undefined });
  }
  return found;
}

function momentsOf(begin: number, end: number, step: number): readonly number[] {
  return Array.from({ length: Math.ceil((end - begin) / step) }, (_, place) => begin + place * step);
}
