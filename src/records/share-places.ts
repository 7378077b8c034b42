/** Everything that publishers and readers of shares reach of the outside world, handed in once. */
import type { RingId } from '../ring/identifier.ts';
import type { Contact, HostId } from '../ring/pointer.ts';
import type { HeaderVerifier } from './header-verifier.ts';
import type { RecordHosts, RecordPorts } from './record-ports.ts';
import type { ShareHolder } from './share-holder.ts';

export interface ShareHosts extends RecordHosts {
  places(key: RingId, wanted: number): Promise<readonly Contact[]>;
  /** Those of all keys from `first` to `last`, both included. */
  placesOfRange(first: RingId, last: RingId, wanted: number): Promise<readonly Contact[]>;
}

export interface SharePorts
  extends Pick<RecordPorts, 'view' | 'transport' | 'clock' | 'rule' | 'places' | 'silences' | 'report'> {
  readonly placement: ShareHosts;
  readonly headers: HeaderVerifier;
  /** What this host holds itself. */
  readonly holder: ShareHolder;
}

export type ByHost<Work> = Map<HostId, { readonly host: Contact; readonly work: Work[] }>;

export function addWork<Work>(byHost: ByHost<Work>, host: Contact, work: Work): void {
  const known = byHost.get(host.host) ?? { host, work: [] };
  known.work.push(work);
  byHost.set(host.host, known);
}

/** Runs `take` for every item, at most `most` at the same time. */
export async function forEachOf<Item>(
  items: Iterable<Item>,
  most: number,
  take: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) await take(next.value);
  };
  await Promise.all(Array.from({ length: most }, work));
}
