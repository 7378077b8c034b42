/** One line of the table of faults: what is done, what is promised, and what was measured. */
import type { Torture } from '../torture.ts';
import type { Workload } from '../workload.ts';

export interface Measured {
  readonly figure: string;
  readonly passed: boolean;
}

export interface Scene {
  readonly torture: Torture;
  /** Does nothing by itself: a row asks it for puts, or starts readers of its own. */
  readonly workload: Workload;
  readonly minutes: number;
  /** As many as the network holds, or as a bare row is to make. */
  readonly files: number;
}

export interface FaultRow {
  readonly name: string;
  readonly what: string;
  readonly target: string;
  /** Unless the command line says otherwise. */
  readonly peers: number;
  readonly files: number;
  /** The row makes its own files: the network holds none when it begins. */
  readonly isBare?: boolean;
  /** It cuts hosts off from each other: they speak through proxies. */
  readonly cuts?: boolean;
  /** The peers are one ring and hold the files at full replicas. */
  measure(scene: Scene): Promise<Measured>;
}
