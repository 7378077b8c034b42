/** Search hits as the interfaces show them. */
import type { HostId } from '@chordial/ring';
import { type FileKind, kindOfFile } from '../content/file-kinds.ts';
import { type Hit, rowKey } from '../search/hit.ts';

export interface ShownHolder {
  /** What the publisher calls the content. */
  readonly name: string;
  readonly publisher: string;
  /** Its name, or part of its id when it has none. */
  readonly publisherName: string;
  /** Address of the publisher; null while it is offline. */
  readonly address: string | null;
  /** The file is at its publisher; otherwise on the ring. */
  readonly shared: boolean;
  /** Live replicas on the ring when found, or live sources of a shared file; null when not counted. */
  readonly copies: number | null;
  /** A file that only its publisher has, and that is offline, cannot be fetched. */
  readonly live: boolean;
  /** The publisher's own entry was read; otherwise it is what the peers asked claim. */
  readonly verified: boolean;
}

/** One content, with the details of its best holder. */
export interface ShownHit extends ShownHolder {
  /** Of the row: what replaces it has the same. */
  readonly key: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly kind: FileKind;
  readonly cid: string;
  readonly sha256: string | null;
  readonly time: string;
  /** Its CID is that of a sealed file, which this peer opens. */
  readonly isSealed: boolean;
  /** All holders, best first. */
  readonly holders: readonly ShownHolder[];
}

/** @param addressOf null for an offline peer */
export function shownHit(
  hits: readonly Hit[],
  addressOf: (host: HostId) => string | null,
  nameOf: (host: HostId) => string,
): ShownHit {
  const [first] = hits;
  if (first === undefined) throw new Error('a file without a holder is not a hit');
  const { root, size, type, time } = first;
  const holders = hits.map((hit) => shownHolder(hit, addressOf(hit.source.host), nameOf(hit.source.host)));
  return {
    ...{ key: rowKey(first), size, type, cid: root.toString() },
    sha256: hits.find(({ sha256 }) => sha256 !== null)?.sha256 ?? null,
    ...holders[0]!,
    kind: kindOfFile(first.name, type),
    live: holders.some(({ live }) => live),
    time: new Date(time).toISOString(),
    isSealed: hits.some(({ isSealed }) => isSealed === true),
    holders,
  };
}

function shownHolder(
  { name, source, isShared, copies, isVerified }: Hit,
  address: string | null,
  publisherName: string,
): ShownHolder {
  return {
    name,
    publisher: source.host,
    publisherName,
    address,
    shared: isShared,
    copies: isShared ? (address === null ? 0 : 1) : (copies ?? null),
    live: !isShared || address !== null,
    verified: isVerified === true,
  };
}
