/**
 * Rates, storage and queries of the last hour, day and month, in rings of steps: of 10 s, 5 min and 2 h. Kept in the
 * catalogue every five minutes and at the end, so that a restart leaves a gap and no more.
 */
import type { Clock, Milliseconds, Timer } from '@chordial/ring';
import type { Catalog } from '../storage/catalog.ts';

export const historySubjects = {
  rates: ['up people', 'up serving', 'up repair', 'down people', 'down serving', 'down repair'],
  storage: ['quota', 'used', 'cached'],
  queries: ['asked', 'answered', 'forwarded'],
} as const;
export type HistorySubject = keyof typeof historySubjects;

const spans = {
  hour: { stepSeconds: 10, steps: 360 },
  day: { stepSeconds: 300, steps: 288 },
  month: { stepSeconds: 7200, steps: 360 },
} as const;
export type HistorySpan = keyof typeof spans;

type FieldName = (typeof historySubjects)[HistorySubject][number];
const fieldNames: readonly FieldName[] = Object.values(historySubjects).flat();
/** Others only grow: a step has what came in it. */
const gauges: readonly string[] = historySubjects.storage;

/** What the peer counts now. */
export type Reading = Readonly<Record<FieldName, number>>;

export interface ShownHistory {
  readonly of: HistorySubject;
  readonly span: HistorySpan;
  readonly stepSeconds: number;
  /** Unix time of the beginning of each step, the current one last. */
  readonly times: readonly number[];
  /** Null while the peer did not run. */
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

interface Ports {
  readonly clock: Clock;
  readonly read: () => Reading;
  readonly catalog: Pick<Catalog, 'setting' | 'setSetting'>;
  readonly failed: (error: Error) => void;
}

const settingOfHistory = 'history';
const sampleMilliseconds: Milliseconds = 10_000;
const keepMilliseconds: Milliseconds = 300_000;
const rowLength = 1 + fieldNames.length;

export class History {
  readonly #ports: Ports;
  readonly #rings: Readonly<Record<HistorySpan, StepRing>>;
  #before: Reading;
  #timer: Timer;
  #keptAt: Milliseconds;

  constructor(ports: Ports) {
    this.#ports = ports;
    const kept = ports.catalog.setting(settingOfHistory);
    const ringOf = (span: HistorySpan) => new StepRing(spans[span], (kept as Record<string, unknown> | null)?.[span]);
    this.#rings = { hour: ringOf('hour'), day: ringOf('day'), month: ringOf('month') };
    this.#before = ports.read();
    this.#keptAt = ports.clock.now();
    this.#timer = this.#again();
  }

  /** Rates and counts per second, bytes for storage. */
  shown(of: HistorySubject, span: HistorySpan): ShownHistory {
    this.#sample();
    const ring = this.#rings[span];
    const now = this.#ports.clock.wallTime() / 1000;
    const times = ring.times(now);
    const series = historySubjects[of].map((name) => {
      const place = fieldNames.indexOf(name);
      return { name, values: times.map((time) => ring.value(time, place, now)) };
    });
    return { of, span, stepSeconds: ring.stepSeconds, times, series };
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    this.#sample();
    await this.#keep();
  }

  #again(): Timer {
    return this.#ports.clock.after(sampleMilliseconds, () => {
      this.#sample();
      if (this.#ports.clock.now() - this.#keptAt >= keepMilliseconds) this.#keep().catch(this.#ports.failed);
      this.#timer = this.#again();
    });
  }

  #sample(): void {
    const { clock, read } = this.#ports;
    const now = read();
    const grown = fieldNames.map((name) =>
      gauges.includes(name) ? now[name] : Math.max(0, now[name] - this.#before[name]),
    );
    this.#before = now;
    const seconds = clock.wallTime() / 1000;
    for (const ring of Object.values(this.#rings)) ring.add(seconds, grown);
  }

  async #keep(): Promise<void> {
    this.#keptAt = this.#ports.clock.now();
    const kept = Object.entries(this.#rings).map(([span, ring]) => [span, ring.text]);
    await this.#ports.catalog.setSetting(settingOfHistory, Object.fromEntries(kept));
  }
}

class StepRing {
  readonly stepSeconds: number;
  readonly #steps: number;
  /** Rows of a step's number and its values. */
  readonly #rows: Float64Array;

  constructor({ stepSeconds, steps }: { readonly stepSeconds: number; readonly steps: number }, kept: unknown) {
    this.stepSeconds = stepSeconds;
    this.#steps = steps;
    this.#rows = new Float64Array(steps * rowLength);
    const bytes = typeof kept === 'string' ? Buffer.from(kept, 'base64') : null;
    if (bytes?.length === this.#rows.byteLength) this.#rows.set(new Float64Array(Uint8Array.from(bytes).buffer));
  }

  get text(): string {
    return Buffer.from(this.#rows.buffer).toString('base64');
  }

  add(seconds: number, values: readonly number[]): void {
    const step = Math.floor(seconds / this.stepSeconds);
    const row = this.#row(step);
    const isNew = row[0] !== step;
    if (isNew) row.fill(0);
    row[0] = step;
    for (const [place, name] of fieldNames.entries())
      row[1 + place] = gauges.includes(name) ? values[place]! : row[1 + place]! + values[place]!;
  }

  times(now: number): readonly number[] {
    const last = Math.floor(now / this.stepSeconds);
    return Array.from({ length: this.#steps }, (_, back) => (last - this.#steps + 1 + back) * this.stepSeconds);
  }

  value(time: number, place: number, now: number): number | null {
    const step = time / this.stepSeconds;
    const row = this.#row(step);
    const value = row[1 + place]!;
    if (row[0] !== step || !Number.isFinite(value)) return null;
    if (gauges.includes(fieldNames[place]!)) return value;
    // The current step is not over.
    return value / Math.max(1, Math.min(this.stepSeconds, now - time));
  }

  #row(step: number): Float64Array {
    const at = (step % this.#steps) * rowLength;
    return this.#rows.subarray(at, at + rowLength);
  }
}
