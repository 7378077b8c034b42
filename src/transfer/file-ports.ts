/** What the verbs on files reach of the rest of the peer, handed in once. */
import type { CID } from 'multiformats/cid';
import type { BuildOptions } from '../content/builder.ts';
import type { CopyRule } from '../records/durable-copies.ts';
import type { NameEntry } from '../records/name-entry.ts';
import type { Names } from '../records/names.ts';
import type { RecordPlaces } from '../records/record-keys.ts';
import type { ShareReader } from '../records/shares.ts';
import type { BlockStorer } from '../replication/block-storer.ts';
import type { EndedName } from '../replication/claim-messages.ts';
import type { DataPorts } from '../replication/data-ports.ts';
import type { OwnPuts } from '../replication/own-puts.ts';
import type { HostId } from '../ring/pointer.ts';
import type { ContentFetcher } from './content-fetcher.ts';
import type { FileEvent } from './files.ts';
import type { ReadMemory } from './read-memory.ts';
import type { SharersOf } from './sharers-of.ts';

export interface NameChanges {
  /** `before` is the entry that the name has, or null. */
  changing(name: string, before: NameEntry | null): Promise<void>;
  /** It has changed, or the attempt failed. */
  changed(name: string): void;
}

/** What people call peers. */
export interface PeerCalling {
  shown(host: HostId): string;
  named(name: string): readonly HostId[];
}

/** Whose file of a name is meant by it. */
export interface Pins {
  of(name: string): string | null;
  pin(name: string, publisher: string): Promise<void>;
}

export interface FilePorts {
  readonly data: DataPorts;
  /** Whether the block with this key is cache here, and counts as no copy. */
  readonly isCached: (key: string) => boolean;
  readonly storer: BlockStorer;
  readonly puts: OwnPuts;
  /** Blocks of any content, from the ring. */
  readonly fetcher: ContentFetcher;
  /** Blocks of this content, from those who share it too. */
  readonly fetcherOf: (root: CID) => ContentFetcher;
  /** Memory of those who read contents here. */
  readonly reading: ReadMemory;
  readonly shares: Pick<ShareReader, 'entriesOf'>;
  /** Who shares which content. */
  readonly sharers: Pick<SharersOf, 'of' | 'hint'>;
  readonly names: Names;
  readonly places: RecordPlaces;
  /** How files are cut into blocks, when not as everywhere. */
  readonly cut: Pick<BuildOptions, 'leafBytes' | 'linksPerNode'>;
  /** r and w of the network. */
  readonly rule: CopyRule;
  /** The peer that publishes. */
  readonly publisher: string;
  readonly peerNames: PeerCalling;
  readonly pins: Pins;
  /** When what a publisher has under a name was first seen here; kept in memory. */
  readonly firstSeen: { get(key: string): number | undefined; set(key: string, time: number): void };
  /** A sentence when this peer's clock is off, which may be why something is not found. */
  readonly clockNote: () => string | null;
  readonly notify: (event: FileEvent) => void;
  /** This host's own claims of names that its publisher has ended. */
  readonly release: (names: readonly EndedName[]) => void;
  /** Told before and after this host's own entry of a name changes, for the index of words. */
  readonly nameChanges: NameChanges;
  /** Takes over work that no one waits for; it ends soon once `closing` fires. */
  readonly afterwards: (work: Promise<void>) => void;
  readonly closing: AbortSignal;
}
