/** A user's operations on files; src/peer offers them to the API and the command line. */
import type { Readable } from 'node:stream';
import type { HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { type FileAttributes, noAttributes } from '../content/attributes.ts';
import type { DagWish } from '../content/dag-walk.ts';
import type { Said, SentenceCode } from '../sentences.ts';
import type { FileMark } from './file-mark.ts';
import type { ListedPeers, ListingCounts, ListingWish } from './listing-order.ts';
import type { FolderItem } from './local-folder.ts';
import type { SealedPart, SealJournal, SealWish } from './sealing.ts';

export interface PutOptions {
  readonly replicas?: number;
  /** Lifetime in milliseconds; unlimited unless given. */
  readonly timeToLive?: number;
  readonly signal?: AbortSignal;
  readonly progress?: (done: TransferProgress) => void;
  /** Of a stream; a local file provides its own unless given. */
  readonly attributes?: FileAttributes;
  /** Size announced for a stream, if any: a small one then takes no more memory than needed. */
  readonly size?: number;
  /** Readable for these alone; null: for everybody. Default: the setting of the peer. */
  readonly sealed?: SealWish | null;
}

/** Of a CAR. */
export interface PutCarOptions extends PutOptions {
  /** What the name is for; by default the only root. */
  readonly root?: CID;
  /** An own file of the name that has other content stays, also one that was put meanwhile: throws `already-exists`. */
  readonly keepsOther?: boolean;
}

export interface PutPathOptions extends PutOptions {
  /** Identity of the intended file: another one in its place is not read. */
  readonly mark?: FileMark;
  /** Notes the seal of a put for the next attempt, and has that of the one before. */
  readonly seals?: SealJournal;
}

export interface GetPathOptions {
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  readonly progress?: (done: TransferProgress) => void;
  /** Called with the entry before anything is written; when it rejects, nothing is. */
  readonly resolved?: (entry: FileEntry) => Promise<void>;
  /** Identity of the part file to write, in a folder reached without links. */
  readonly mark?: FileMark;
}

export interface TransferProgress {
  readonly bytesDone: number;
  /** Null when the size is not known in advance. */
  readonly bytesTotal: number | null;
}

export interface PutResult {
  readonly name: string;
  readonly cid: string;
  readonly size: number;
  /** The file survives copies − 1 failures before repair. */
  readonly copies: number;
  readonly publisher: string;
  /** Of a sealed file: its name in the network. */
  readonly sealedName?: string;
}

/** What a get refers to: a CID, or a name with an optional publisher (prefix of at least 8 characters). */
export interface FileReference {
  readonly name?: string;
  readonly publisher?: string;
  readonly cid?: string;
  /** Of a sealed file. */
  readonly passphrase?: string;
  /** By CID: opens what is sealed, else it is as it is stored. */
  readonly isOpened?: boolean;
}

export interface FileEntry {
  /** Null when the file was referred to by CID only. */
  readonly name: string | null;
  readonly cid: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly publisher: string | null;
  /** The publisher's name, or part of its id when it has none. */
  readonly publisherName: string | null;
  /** ISO 8601. */
  readonly time: string | null;
  readonly expiry: string | null;
  readonly sha256: string | null;
  /** A file's own; for a folder the CID of the list of those of its files. */
  readonly attributes?: FileAttributes | string | null;
  /** Number of other publishers of this name. */
  readonly others: number;
  /** Of a sealed file: then name, size and attributes are those of its content, as far as a key here opens it. */
  readonly sealed?: SealedPart | null;
}

/** A candidate for a name. */
export interface FileChoice {
  readonly publisher: string;
  readonly publisherName: string;
  /** ISO 8601, as claimed by the publisher. */
  readonly time: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly cid: string;
}

export interface FileStat extends FileEntry {
  readonly blocks: number;
  /** Live replicas: the minimum over the file's blocks, counted by asking. */
  readonly copies: number;
  /** Cached copies of its blocks in total; they do not count as replicas. */
  readonly cached: number;
  readonly holders: readonly FileHolder[];
  readonly ageSeconds: number | null;
}

export interface FileHolder {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly zone: string | null;
}

export interface FilePage {
  readonly files: readonly FileEntry[];
  readonly cursor: string | null;
}

/** Another entry of the same content. */
export interface AlsoPut {
  readonly name: string;
  readonly publisher: string;
  readonly publisherName: string;
}

export interface SortedFilePage {
  readonly files: readonly (FileEntry & { readonly also: readonly AlsoPut[] })[];
  /** That the filters let pass. */
  readonly total: number;
  readonly counts: ListingCounts;
}

export interface DirectoryEntry {
  readonly path: string;
  readonly cid: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
}

/** An entry of one folder as the folder has it, its own content unopened. */
export interface FolderEntry {
  readonly name: string;
  readonly cid: string;
  /** Bytes of a leaf; of any other content unverified. */
  readonly size: number;
  /** A file of one block; whether another one is a file or a folder shows when it is opened. */
  readonly isLeaf: boolean;
}

export interface PublishedName {
  readonly host: HostId;
  readonly root: CID;
  readonly size: number;
  readonly isShared: boolean;
}

export interface ReadRange {
  readonly start: number;
  readonly end: number;
  /** Of the whole file, as announced by its entry. */
  readonly size?: number;
}

/** A block as it is stored. Closed by reading it to its end or leaving it, else by `close`. */
export interface OpenedBlock {
  readonly size: number;
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  close(): void;
}

/** Blocks as a CARv1 that breaks off where one of them cannot be had. */
export interface OpenedCar {
  /** Of the root and each name of the path. */
  readonly roots: readonly string[];
  /** What the path leads to: the root of the CAR. */
  readonly cid: string;
  read(): AsyncIterable<Uint8Array>;
}

export interface Files {
  /** Reads the stream to its end; a stream that breaks publishes nothing (`body-cut-off`). */
  put(name: string, source: Readable | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<PutResult>;
  /** For whom a put with this wish is sealed, after the setting of the peer; null: not at all. */
  sealWish(wish: SealWish | null | undefined): SealWish | null;
  /** Throws `quota-full` when a file of this size cannot fit. */
  checkFits(name: string, bytes: number): Promise<void>;
  /** A local file. */
  putPath(name: string, path: string, options?: PutPathOptions): Promise<PutResult>;
  /** A folder, each folder before its contents. Reads the items to their end. */
  putFolder(name: string, items: AsyncIterable<FolderItem>, options?: PutOptions): Promise<PutResult>;
  /** What a CARv1 holds: a file or a folder with all of its blocks. Throws `bad-request`, `bad-content`. */
  putCar(name: string, source: AsyncIterable<Uint8Array>, options?: PutCarOptions): Promise<PutResult>;
  /** With `pins` the content will be fetched: afterwards the name alone refers to its publisher. */
  resolve(reference: FileReference, options?: { readonly pins?: boolean }): Promise<FileEntry>;
  /**
   * Verified bytes of [start, end) in order, in bounded memory. Throws `bad-content` when the content's size differs
   * from `size`.
   */
  read(cid: string, range?: ReadRange, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** The same for the content of an entry: a sealed file is opened. Throws `no-key`. */
  readEntry(
    entry: FileEntry,
    options?: { readonly range?: ReadRange; readonly signal?: AbortSignal; readonly passphrase?: string | undefined },
  ): AsyncIterable<Uint8Array>;
  /** The file key of a sealed file, with which anybody opens this one. Throws `no-key`, or `bad-request` for a plain one. */
  fileKey(entry: FileEntry, passphrase?: string): Promise<Uint8Array>;
  /** Entries below a directory, depth first; paths are relative, '/'-separated and safe. */
  walk(cid: string, signal?: AbortSignal): AsyncIterable<DirectoryEntry>;
  /** Entries of one folder, not of those below it, in no order. */
  entries(cid: string, signal?: AbortSignal): AsyncIterable<FolderEntry>;
  /** The entry at a path below a folder, or the content itself when the path is empty; null when there is none. */
  entryAt(cid: string, path: readonly string[], signal?: AbortSignal): Promise<DirectoryEntry | null>;
  /** One block of any codec, for those who verify it. Throws `no-live-source`. */
  openBlock(cid: string, signal?: AbortSignal): Promise<OpenedBlock>;
  /** The same for a DAG. Throws `not-found` for a path that leads nowhere, `bad-request` for bytes outside of a file, `bad-content`. */
  openCar(cid: string, wish: DagWish, signal?: AbortSignal): Promise<OpenedCar>;
  /** Whether the block is on the disk of this peer. */
  isHere(cid: string): Promise<boolean>;
  /** Whether a host that should have the block says so, or any shares it as a file. */
  isThere(cid: string): Promise<boolean>;
  /** Writes a file at `path` through a part file beside it and a rename; never through a link. */
  getPath(
    reference: FileReference,
    path: string,
    options?: GetPathOptions,
  ): Promise<FileEntry & { readonly unchanged: boolean }>;
  stat(reference: FileReference): Promise<FileStat>;
  /** Live replicas of the first block of each content, counted within this time. */
  copiesOf(cids: readonly string[], milliseconds: number): Promise<readonly number[]>;
  /** Publishers of a name, by their own entries. Rejects with `no-live-source` when no host answers. */
  evidenceOf(name: string): Promise<readonly PublishedName[]>;
  list(options: { all: boolean; cursor: string | null; limit: number }): Promise<FilePage>;
  /** Filtered and sorted, from a place on. */
  sorted(
    page: { all: boolean; skip: number; limit: number },
    wish: ListingWish,
    peers: ListedPeers,
  ): Promise<SortedFilePage>;
  /** Removes this peer's own entry of the name: with `cid` only while it stands for that, and otherwise throws `changed`. */
  remove(name: string, cid?: string): Promise<void>;
}

/** An event of a file in plain words, for `start` and the event stream. */
export interface FileEvent {
  readonly kind: 'stored' | 'sent' | 'received' | 'moved' | 'published' | 'removed' | 'freed' | 'repaired';
  readonly text: string;
  readonly code: SentenceCode;
  readonly values: Said['values'];
}

/** Attributes of a file; none for a folder. */
export function fileAttributesOf({ attributes = null }: Pick<FileEntry, 'attributes'>): FileAttributes {
  return typeof attributes === 'string' || attributes === null ? noAttributes : attributes;
}
