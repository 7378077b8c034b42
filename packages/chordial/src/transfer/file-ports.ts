/** What file operations need from the rest of the peer. */

import type { HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import type { BuildOptions } from '../content/builder.ts';
import type { WalkRoom } from '../content/dag-walk.ts';
import type { CopyRule } from '../records/durable-copies.ts';
import type { NameEntry } from '../records/name-entry.ts';
import type { Names } from '../records/names.ts';
import type { RecordPlaces } from '../records/record-keys.ts';
import type { ShareReader } from '../records/shares.ts';
import type { BlockStorer } from '../replication/block-storer.ts';
import type { EndedName } from '../replication/claim-messages.ts';
import type { DataPorts } from '../replication/data-ports.ts';
import type { OwnPuts } from '../replication/own-puts.ts';
import type { ContentFetcher } from './content-fetcher.ts';
import type { FileEvent } from './files.ts';
import type { ReadMemory } from './read-memory.ts';
import type { Seals } from './seals.ts';
import type { SharersOf } from './sharers-of.ts';

export interface NameChanges {
  /** `before` is the current entry of the name, or null. */
  changing(name: string, before: NameEntry | null): Promise<void>;
  /** Called after the change, or after a failed attempt. */
  changed(name: string): void;
}

/** Names of peers. */
export interface PeerCalling {
  shown(host: HostId): string;
  named(name: string): readonly HostId[];
}

/** The publisher that a name alone refers to. */
export interface Pins {
  of(name: string): string | null;
  pin(name: string, publisher: string): Promise<void>;
}

export interface FilePorts {
  readonly data: DataPorts;
  /** Whether the block is cache here and does not count as a replica. */
  readonly isCached: (key: string) => boolean;
  readonly storer: BlockStorer;
  readonly puts: OwnPuts;
  /** Blocks of any content, from the ring. */
  readonly fetcher: ContentFetcher;
  /** Blocks of this content, also from its sharers. */
  readonly fetcherOf: (root: CID) => ContentFetcher;
  /** Memory budget of readers. */
  readonly reading: ReadMemory;
  /** What walks through DAGs may hold. */
  readonly walks: WalkRoom;
  readonly shares: Pick<ShareReader, 'entriesOf'>;
  /** Sharers of a content. */
  readonly sharers: Pick<SharersOf, 'of' | 'hint'>;
  /** The root of shared files by the CIDs of their blocks, of those asked for one by one. */
  readonly sharedParts: { get(cid: string): CID | undefined; set(cid: string, root: CID): void };
  readonly names: Names;
  readonly places: RecordPlaces;
  /** Sealed entries of this name that a key here opens, of such publishers. */
  readonly sealedAs: (name: string, isMeant: (publisher: string) => boolean) => Promise<readonly NameEntry[]>;
  /** Opens and seals files. */
  readonly seals: Seals;
  /** Puts are sealed for this peer unless they say otherwise. */
  readonly sealsPuts: boolean;
  /** Chunking parameters, if not the default. */
  readonly cut: Pick<BuildOptions, 'leafBytes' | 'linksPerNode'>;
  /** r and w of the network. */
  readonly rule: CopyRule;
  /** This peer's id as publisher. */
  readonly publisher: string;
  readonly peerNames: PeerCalling;
  readonly pins: Pins;
  /** When an entry was first seen here; in memory only. */
  readonly firstSeen: { get(key: string): number | undefined; set(key: string, time: number): void };
  /** A sentence when this peer's clock is off, a possible reason for a miss. */
  readonly clockNote: () => string | null;
  readonly notify: (event: FileEvent) => void;
  /** Releases this host's own claims of names that its publisher has ended. */
  readonly release: (names: readonly EndedName[]) => void;
  /** Called before and after this host's own entry of a name changes, for the word index. */
  readonly nameChanges: NameChanges;
  /** Runs work in the background; it ends soon once `closing` fires. */
  readonly afterwards: (work: Promise<void>) => void;
  readonly closing: AbortSignal;
}
