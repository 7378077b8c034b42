import type { SimulatedHost } from '@chordial/ring/simulator';
import type { SimulatedFile } from './shared-population.ts';

/** A question that was asked, and what of the answer is owed: files whose peers were there from its beginning to its end. */
export interface AskedQuestion {
  readonly asker: SimulatedHost;
  readonly text: string;
  /** All files that answer it, by a plain scan. */
  readonly answers: readonly SimulatedFile[];
  readonly isThere: (file: SimulatedFile) => boolean;
}
