/** What publishers and readers of shares need from outside. */

import { type Contact, type HostId, type Milliseconds, type RingId, ringIdOfHash } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import type { HeaderVerifier } from './header-verifier.ts';
import type { RecordHosts, RecordPorts } from './record-ports.ts';
import type { ShareHolder } from './share-holder.ts';
import { keysOfCell } from './share-leaf.ts';

export interface ShareHosts extends RecordHosts {
  places(key: RingId, wanted: number): Promise<readonly Contact[]>;
  /** Those of all keys from `first` to `last`, inclusive. */
  placesOfRange(first: RingId, last: RingId, wanted: number): Promise<readonly Contact[]>;
}

export interface SharePorts
  extends Pick<RecordPorts, 'view' | 'transport' | 'clock' | 'rule' | 'places' | 'unresponsivePeers' | 'report'> {
  readonly placement: ShareHosts;
  readonly headers: HeaderVerifier;
  /** What this host holds. */
  readonly holder: ShareHolder;
}

/** Concurrent lookups of cells; the placement cache limits how many become ring lookups. */
const cellConcurrency = 16;
/**
 * While the ring is being repaired an owner may be silent; this many attempts, with pauses, outlast the detection of
 * its failure.
 */
const maxTries = 12;
const pauseMilliseconds: Milliseconds = 1000;

/** The hosts that hold the leaves of each of these cells. Rejects with `timeout` when the ring does not recover. */
export async function placesOfCells(
  cells: Iterable<number>,
  { placement, places, rule, clock }: Pick<SharePorts, 'placement' | 'places' | 'rule' | 'clock'>,
): Promise<ReadonlyMap<number, readonly Contact[]>> {
  const found = new Map<number, readonly Contact[]>();
  await forEachConcurrently(new Set(cells), cellConcurrency, async (cell) => {
    const { first, last } = keysOfCell(cell);
    const range = [ringIdOfHash(first, places.bits), ringIdOfHash(last, places.bits)] as const;
    for (let tries = 1; ; tries++) {
      try {
        found.set(cell, await placement.placesOfRange(...range, rule.replicas));
        return;
      } catch (error) {
        if (!(error instanceof ChordialError) || error.code !== 'timeout' || tries === maxTries) throw error;
      }
      await new Promise<void>((resolve) => clock.after(pauseMilliseconds, resolve));
    }
  });
  return found;
}

export type ByHost<Work> = Map<HostId, { readonly host: Contact; readonly work: Work[] }>;

export function addWork<Work>(byHost: ByHost<Work>, host: Contact, work: Work): void {
  const known = byHost.get(host.host) ?? { host, work: [] };
  known.work.push(work);
  byHost.set(host.host, known);
}
