/** A row of the fault table: the fault, the promise, and the measurement. */
import type { Torture } from '../torture.ts';
import type { Workload } from '../workload.ts';

export interface Measured {
  readonly figure: string;
  readonly passed: boolean;
}

export interface Scene {
  readonly torture: Torture;
  /** Passive: rows request puts, or start their own readers. */
  readonly workload: Workload;
  readonly minutes: number;
  /** Number of files in the network, or to be created by a row without files. */
  readonly files: number;
}

export interface FaultRow {
  readonly name: string;
  readonly what: string;
  readonly target: string;
  /** Defaults of the command line. */
  readonly peers: number;
  readonly files: number;
  /** The row creates its own files; the network starts without any. */
  readonly isBare?: boolean;
  /** It partitions hosts, so they connect through proxies. */
  readonly cuts?: boolean;
  /** The peers form one ring and the files have all replicas. */
  measure(scene: Scene): Promise<Measured>;
}
