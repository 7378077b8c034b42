/** Results of a measured simulator run, and their table. */

export interface Measured {
  readonly peers: number;
  readonly virtualNodes: number;
  readonly successors: number;
  readonly seed: number;
  /** Joins plus crashes per second of virtual time. */
  readonly churn: number;
  readonly loss: number;
  readonly cache: boolean;
  /** Whether the peers joined one by one; a large network starts settled. */
  readonly joined: boolean;
  /** Virtual milliseconds from the last join to the ideal ring; null if never reached. */
  readonly settledAfter: number | null;
  /** Nodes contacted by a lookup, the owner included. */
  readonly hops: { readonly mean: number; readonly p50: number; readonly p99: number };
  /** ½·log2 N, as in the papers, and ½·log2 N − ½·log2 s + 1, which counts the owner and the successor list. */
  readonly halfLog: number;
  readonly formula: number;
  readonly lookups: number;
  readonly timeoutsPerLookup: number;
  readonly failures: number;
  /** Answers that disagreed with the oracle on arrival; transient under churn. */
  readonly wrongOwners: number;
  /** While lookups were measured: messages by kind, per peer and second of virtual time. */
  readonly messages: Readonly<Record<string, number>>;
  readonly virtualSeconds: number;
  readonly realSeconds: number;
}

export function measuredText(m: Measured): string {
  const rows: [string, string][] = [
    ['peers', `${m.peers}, each with ${m.virtualNodes} member${m.virtualNodes === 1 ? '' : 's'}; seed ${m.seed}`],
    ['successors', `s = ${m.successors}, membership cache ${m.cache ? 'on' : 'off'}`],
    ['trouble', `${m.churn} joins and crashes per second, ${(100 * m.loss).toFixed(1)} % loss`],
    [
      'ring',
      m.settledAfter === null
        ? 'not ideal'
        : m.joined
          ? `ideal ${(m.settledAfter / 1000).toFixed(1)} s after the last join`
          : 'begun settled: every peer as if it had joined long ago',
    ],
    ['hops', `mean ${m.hops.mean.toFixed(3)}, p50 ${m.hops.p50}, p99 ${m.hops.p99}`],
    ['½·log2 N', m.halfLog.toFixed(3)],
    ['½·log2 N − ½·log2 s + 1', `${m.formula.toFixed(3)} (${difference(m)})`],
    ['lookups', `${m.lookups}: ${m.failures} failed, ${m.wrongOwners} wrong owners`],
    ['timeouts', `${m.timeoutsPerLookup.toFixed(3)} per lookup`],
    ...Object.entries(m.messages).map(([kind, rate]): [string, string] => [
      `messages: ${kind}`,
      `${rate.toFixed(3)} per peer and second`,
    ]),
    ['time', `${m.virtualSeconds.toFixed(1)} s virtual, ${m.realSeconds.toFixed(1)} s real`],
  ];
  const widest = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(widest)}  ${value}`).join('\n');
}

function difference({ hops, formula }: Measured): string {
  const percent = 100 * (hops.mean / formula - 1);
  return `measured ${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`;
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
