/** Refused messages of others. A fixed set, so that metrics have bounded labels. */
const names = [
  'tls-failed',
  'no-certificate',
  'too-many-connections',
  'before-hello',
  'hello-too-late',
  'hello-refused',
  'not-admitted',
  'other-network',
  'wrong-peer',
  'bad-certificate',
  'member-removed',
  'wrong-clock',
  'invite-expired',
  'invite-used',
  'bad-members',
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

/** The counter of a refused HELLO. */
export function helloCounter(code: string | null): CounterName {
  return names.find((name) => name === code) ?? 'hello-refused';
}

export class RefusalCounters {
  readonly #counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<CounterName, number>;

  count(name: CounterName): void {
    this.#counts[name] += 1;
  }

  read(): Counters {
    return { ...this.#counts };
  }
}
