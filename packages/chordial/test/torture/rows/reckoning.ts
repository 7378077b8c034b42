/** Results of rows on files: lost, wrong, resurrected, and read times. */
import { finalCheck } from '../final-check.ts';
import { promisedMilliseconds } from '../patient-read.ts';
import type { Torture } from '../torture.ts';

export interface Reckoning {
  readonly text: string;
  /** No file lost, wrong or resurrected. */
  readonly isSound: boolean;
  readonly isQuick: boolean;
}

/** Reads every file once more, after the load has stopped. */
export async function reckon(torture: Torture): Promise<Reckoning> {
  const { lost, wrong, risen } = await finalCheck(torture);
  const { wrongReads, slowestReadMilliseconds, reads, lateReads } = torture.tally;
  const wrongs = wrong.length + wrongReads;
  const slowest = reads === 0 ? '' : `; slowest of ${reads} reads ${seconds(slowestReadMilliseconds)}`;
  const late = lateReads === 0 ? '' : ` (${lateReads} later than 2 s)`;
  const again = risen.length === 0 ? '' : `, ${risen.length} risen after their removal`;
  return {
    text: `${lost.length} lost, ${wrongs} wrong${again} of ${torture.oracle.files.size} files${slowest}${late}`,
    isSound: lost.length + wrongs + risen.length === 0,
    isQuick: slowestReadMilliseconds <= promisedMilliseconds,
  };
}

export function seconds(milliseconds: number | null): string {
  return milliseconds === null ? 'never' : `${(milliseconds / 1000).toFixed(1)} s`;
}

export function isWithin(milliseconds: number | null, max: number): boolean {
  return milliseconds !== null && milliseconds <= max;
}
