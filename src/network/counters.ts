/** What others sent that was not answered as asked. A fixed set, so that metrics have no unbounded labels. */
const names = [
  'tls-failed',
  'no-certificate',
  'too-many-connections',
  'before-hello',
  'hello-too-late',
  'hello-refused',
  'unknown-path',
  'malformed',
  'too-large',
  'busy',
  'refused-by-handler',
  'handler-failed',
  'broken-stream',
  'broken-session',
  'late-answer',
] as const;

export type CounterName = (typeof names)[number];
export type Counters = Readonly<Record<CounterName, number>>;

export class RefusalCounters {
  readonly #counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<CounterName, number>;

  count(name: CounterName): void {
    this.#counts[name] += 1;
  }

  read(): Counters {
    return { ...this.#counts };
  }
}
