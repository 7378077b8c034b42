/** Hits as the interfaces show them. */
import type { HostId } from '../ring/pointer.ts';
import type { Hit } from '../search/hit.ts';

export interface ShownHit {
  readonly name: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly cid: string;
  readonly sha256: string | null;
  readonly publisher: string;
  /** Where the publisher is reached; null while it is not here. */
  readonly address: string | null;
  /** The file lies at its publisher; otherwise the ring keeps it. */
  readonly shared: boolean;
  /** Live copies on the ring when it was found, or live sources of a shared file; null when not counted. */
  readonly copies: number | null;
  /** A file that only its publisher has, and that is not here now, cannot be fetched. */
  readonly live: boolean;
  readonly time: string;
}

/** @param addressOf null for a peer that is not here */
export function shownHit(hit: Hit, addressOf: (host: HostId) => string | null): ShownHit {
  const { name, root, size, type, sha256, source, isShared, time } = hit;
  const address = addressOf(source.host);
  return {
    name,
    size,
    type,
    cid: root.toString(),
    sha256,
    publisher: source.host,
    address,
    shared: isShared,
    copies: isShared ? (address === null ? 0 : 1) : (hit.copies ?? null),
    live: !isShared || address !== null,
    time: new Date(time).toISOString(),
  };
}
