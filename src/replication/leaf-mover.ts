/**
 * Transfers leaves of shares between this host and another, for repair and hand-over. Failed ones are retried in a
 * later round.
 */

import type { Contact } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { TransportError } from '../network/transport.ts';
import { fetchLeaves, sendLeaves } from '../records/leaf-exchange.ts';
import { leafSet } from '../storage/item-index.ts';
import { chunks } from './sync-client.ts';
import type { SyncPorts } from './sync-ports.ts';

/** Read into memory at a time: at most 1 MiB. */
const leavesPerPart = 128;

export type LeafPorts = Pick<SyncPorts, 'shares' | 'transport' | 'index' | 'clock' | 'report'>;

/** Resolves with the number of valid leaves received, or null when the host did not send them. */
export async function pullLeaves(
  ports: LeafPorts,
  host: Contact,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<number | null> {
  let kept = 0;
  try {
    for (const some of chunks(keys, leavesPerPart)) {
      const runs = await fetchLeaves(host, some, ports.transport, signal);
      kept += (await ports.shares.keep(host, runs)).filter((result) => result === 'stored').length;
    }
    return kept;
  } catch (error) {
    failed(ports, host, error);
    return null;
  }
}

/** Resolves with how many of these leaves are still current here, all of which the host now holds; null when it does not. */
export async function pushLeaves(
  ports: LeafPorts,
  host: Contact,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<number | null> {
  const { shares, transport, index, clock } = ports;
  let pushed = 0;
  try {
    for (const some of chunks(keys, leavesPerPart)) {
      if (signal.aborted) return null;
      const rows = some.map((key) => index.find(leafSet, key)?.record ?? null);
      const leaves = rows.flatMap((row) => (row === null ? [] : (shares.table.byRow(row, clock.wallTime()) ?? [])));
      if (leaves.length > 0 && !(await sendLeaves(host, leaves, transport, signal))) return null;
      pushed += leaves.length;
    }
    return pushed;
  } catch (error) {
    failed(ports, host, error);
    return null;
  }
}

function failed({ report }: LeafPorts, host: Contact, error: unknown): void {
  if (!(error instanceof TransportError) && !(error instanceof ChordialError)) throw error;
  const isSilent = error instanceof TransportError && error.failure !== 'refused';
  report?.(isSilent ? 'no-answer' : 'refused', host, error.message);
}
