/** The outcome of a run in plain lines. */

import type { TortureOutcome } from './run-torture.ts';
import type { Recovery } from './tally.ts';

export function reportLines({ seed, seconds, tally, check, isWhole }: TortureOutcome): readonly string[] {
  return [
    `seed ${seed}, ${Math.round(seconds)} s, ${tally.recoveries.length} recoveries`,
    `puts acknowledged   ${tally.acknowledged} (${tally.replaced} replaced a file, ${tally.acknowledgedWithOneCopy} with one copy), failed: ${codes(tally.failedPuts)}`,
    `removals            ${tally.removed}, failed: ${codes(tally.failedRemoves)}, risen again ${check.risen.length}`,
    `reads               ${tally.reads}, tried again ${tally.retriedReads}, failed tries: ${codes(tally.failedReads)}`,
    `slowest read        ${(tally.slowestReadMilliseconds / 1000).toFixed(2)} s, ${tally.lateReads} later than 2 s`,
    `said to be absent   ${tally.wronglyAbsent}, stale ${tally.staleReads}`,
    `lost                ${check.lost.length}`,
    `wrong               ${check.wrong.length + tally.wrongReads}`,
    `whole at the end    ${isWhole ? 'yes: one ring, full replicas' : 'NO'}`,
    ...recoveryLines(tally.recoveries),
  ];
}

export function isPassed({ tally, check }: TortureOutcome): boolean {
  return check.lost.length + check.wrong.length + tally.wrongReads === 0;
}

/** Count, median and maximum by kind of step. */
function recoveryLines(recoveries: readonly Recovery[]): readonly string[] {
  const kinds = [...new Set(recoveries.map(({ step }) => step))].sort();
  return kinds.map((kind) => {
    const those = recoveries.filter(({ step }) => step === kind);
    const ring = range(those.map(({ consistentMilliseconds }) => consistentMilliseconds));
    const full = range(those.map(({ fullMilliseconds }) => fullMilliseconds));
    return `${kind.padEnd(19)} ${those.length} times; ring in order after ${ring}; full replicas after ${full}`;
  });
}

function range(times: readonly (number | null)[]): string {
  const known = times.filter((time) => time !== null).sort((a, b) => a - b);
  const never = times.length - known.length;
  const seconds = (time: number | undefined) => ((time ?? 0) / 1000).toFixed(1);
  const text = known.length === 0 ? '' : `${seconds(known[known.length >> 1])} s, at most ${seconds(known.at(-1))} s`;
  return never === 0 ? text : `${text} NEVER ${never} times`;
}

function codes(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([code, number]) => `${number} ${code}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}
