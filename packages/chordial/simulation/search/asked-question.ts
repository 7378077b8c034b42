import type { SimulatedHost } from '@chordial/ring/simulator';
import type { SimulatedFile } from './shared-population.ts';

/** A question and its expected answer: files whose peers were up from its start to its end. */
export interface AskedQuestion {
  readonly asker: SimulatedHost;
  readonly text: string;
  /** All matching files, by a linear scan. */
  readonly answers: readonly SimulatedFile[];
  readonly isThere: (file: SimulatedFile) => boolean;
}
