/** What repair reaches of the outside world, handed in once. */
import type { EncodedEntry } from '../records/entry.ts';
import type { Contact } from '../ring/pointer.ts';
import type { Milliseconds, Random } from '../ring/ports.ts';
import type { RecordTable } from '../storage/record-table.ts';
import type { DataPorts } from './data-ports.ts';
import type { HostLanes } from './host-lanes.ts';

export interface RepairedRecords {
  readonly table: Pick<RecordTable, 'range'>;
  /** Resolves when the host holds all of them, or newer ones. */
  push(host: Contact, entries: readonly EncodedEntry[]): Promise<void>;
}

export interface RepairPorts extends DataPorts {
  readonly lanes: HostLanes;
  readonly records: RepairedRecords;
  readonly replicas: number;
  readonly random: Random;
  /** How long neighbours must have been quiet: a joiner settles, a restarting peer comes back. */
  readonly settleMilliseconds: Milliseconds;
  /** Told of what a round did, when it did something. */
  readonly repaired?: (blocks: number, records: number) => void;
}
