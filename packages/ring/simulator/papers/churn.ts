/** ToN 2003, Table III: lookups while nodes join and crash, at the paper's rate of stabilization and at ours. */
import type { RingTimers } from '../../src/host/timers.ts';
import { type Asked, ask, someMember } from '../asking.ts';
import { poisson } from '../poisson.ts';
import { addSettled } from '../settled-ring.ts';
import { churn, sources } from './published.ts';
import { atMost, bound, type PaperRow, type PaperTable } from './row.ts';
import { papersPace, papersRing } from './settings.ts';

const peers = 1000;
const successors = 20;
const timeoutSlack = 0.1;

interface Pace {
  readonly timers: Partial<RingTimers>;
  /** A lookup ends at the first live node after the key, as in the paper; otherwise the owner must confirm. */
  readonly ownersKnow: boolean;
  /** Virtual minutes of churn before and during the lookups. */
  readonly warmUp: number;
  readonly measured: number;
}

/** Fingers need time to age; at the paper's rate each is looked up every few minutes. */
const theirs: Pace = { timers: papersPace, ownersKnow: true, warmUp: 15, measured: 40 };
const own: Pace = { timers: {}, ownersKnow: false, warmUp: 1, measured: 3 };

/** Smaller rings have a proportional rate; `shorter` divides all times. */
interface Scale {
  readonly peers: number;
  readonly shorter: number;
}

export function churnTable(
  seed: number,
  lookups: number,
  rates: readonly number[] = churn.map(({ rate }) => rate),
  scale: Scale = { peers, shorter: 1 },
): PaperTable {
  const began = performance.now();
  const rows: PaperRow[] = [];
  for (const { rate, timeouts, failuresPer10000 } of churn.filter((row) => rates.includes(row.rate))) {
    const same = underChurn(theirs, { seed, rate, lookups, scale });
    const ours = underChurn(own, { seed, rate, lookups, scale });
    const of = `${rate.toFixed(2)} a second`;
    rows.push(atMost(`${of}: timeouts per lookup`, same.timeouts / lookups, timeouts, timeoutSlack));
    rows.push(atMost(`${of}: failures per 10 000`, per10000(same), failuresPer10000));
    rows.push(atMost(`${of}, our own pace: timeouts per lookup`, ours.timeouts / lookups, timeouts));
    rows.push(bound(`${of}, our own pace: failures per 10 000`, per10000(ours), 0, failuresPer10000));
  }
  return {
    title: `Lookups amid joins and crashes (N ≈ ${peers}, s = ${successors}; joins a second, and as many crashes)`,
    source: sources.table3,
    settings: [
      'v = 1, exact fingers, one ask at a time; a host that is asked and has crashed counts as a time-out.',
      `The paper's pace: stabilize every 15 to 45 s, nothing looked for, owners by the oracle; ${theirs.warmUp} min of churn before, ${theirs.measured} min of lookups.`,
      `Our own pace: default timers, failure detector, owners that confirm; ${own.warmUp} min of churn before, ${own.measured} min of lookups.`,
      `${lookups} lookups a row; a failure is no answer, or one by a host that owned the key neither before nor after; a host that crashes before the answer has asked in vain, and fails no lookup.`,
    ],
    rows,
    realSeconds: (performance.now() - began) / 1000,
  };
}

interface Trial {
  readonly seed: number;
  readonly rate: number;
  readonly lookups: number;
  readonly scale: Scale;
}

function underChurn(pace: Pace, { seed, rate, lookups, scale }: Trial): Asked {
  const { timers, ownersKnow } = pace;
  const ring = papersRing({ seed, successors, timers, ownersKnow, ...(ownersKnow ? { guesses: successors } : {}) });
  addSettled(ring, scale.peers);
  const minute = 60_000 / scale.shorter;
  const end = ring.time.now + (pace.warmUp + pace.measured) * minute;
  const perSecond = (rate * scale.peers) / peers;
  poisson(ring, perSecond, end, () => ring.join(ring.add(), someMember(ring)));
  poisson(ring, perSecond, end, () => ring.crash(someMember(ring)));
  ring.time.runUntil(ring.time.now + pace.warmUp * minute);
  return ask(ring, lookups, pace.measured * minute);
}

function per10000({ failures, lookups }: Asked): number {
  return (10_000 * failures) / lookups;
}
