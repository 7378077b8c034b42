/** Hits as the interfaces show them. */
import type { HostId } from '../ring/pointer.ts';
import type { Hit } from '../search/hit.ts';

export interface ShownHolder {
  readonly publisher: string;
  /** What it is called; a piece of its id where it has no name. */
  readonly publisherName: string;
  /** Where the publisher is reached; null while it is not here. */
  readonly address: string | null;
  /** The file lies at its publisher; otherwise the ring keeps it. */
  readonly shared: boolean;
  /** Live copies on the ring when it was found, or live sources of a shared file; null when not counted. */
  readonly copies: number | null;
  /** A file that only its publisher has, and that is not here now, cannot be fetched. */
  readonly live: boolean;
  /** The publisher's own entry was read; else it is the word of the peers that were asked. */
  readonly verified: boolean;
}

/** One name and content, with what is said of the first of those who have it. */
export interface ShownHit extends ShownHolder {
  readonly name: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly cid: string;
  readonly sha256: string | null;
  readonly time: string;
  /** All who have it, the best first. */
  readonly holders: readonly ShownHolder[];
}

/** @param addressOf null for a peer that is not here */
export function shownHit(
  hits: readonly Hit[],
  addressOf: (host: HostId) => string | null,
  nameOf: (host: HostId) => string,
): ShownHit {
  const [first] = hits;
  if (first === undefined) throw new Error('a file that no one has is no hit');
  const { name, root, size, type, time } = first;
  const holders = hits.map((hit) => shownHolder(hit, addressOf(hit.source.host), nameOf(hit.source.host)));
  return {
    ...{ name, size, type, cid: root.toString() },
    sha256: hits.find(({ sha256 }) => sha256 !== null)?.sha256 ?? null,
    ...holders[0]!,
    live: holders.some(({ live }) => live),
    time: new Date(time).toISOString(),
    holders,
  };
}

function shownHolder(
  { source, isShared, copies, isVerified }: Hit,
  address: string | null,
  publisherName: string,
): ShownHolder {
  return {
    publisher: source.host,
    publisherName,
    address,
    shared: isShared,
    copies: isShared ? (address === null ? 0 : 1) : (copies ?? null),
    live: !isShared || address !== null,
    verified: isVerified === true,
  };
}
