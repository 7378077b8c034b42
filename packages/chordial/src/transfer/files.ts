/** A user's operations on files; src/peer offers them to the API and the command line. */
import type { Readable } from 'node:stream';
import type { HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { type FileAttributes, noAttributes } from '../content/attributes.ts';
import type { FileMark } from './file-mark.ts';
import type { FolderItem } from './local-folder.ts';

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
}

export interface PutPathOptions extends PutOptions {
  /** Identity of the intended file: another one in its place is not read. */
  readonly mark?: FileMark;
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
}

/** What a get refers to: a CID, or a name with an optional publisher (prefix of at least 8 characters). */
export interface FileReference {
  readonly name?: string;
  readonly publisher?: string;
  readonly cid?: string;
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
  readonly holders: readonly { readonly id: string; readonly name: string; readonly address: string }[];
  readonly ageSeconds: number | null;
}

export interface FilePage {
  readonly files: readonly FileEntry[];
  readonly cursor: string | null;
}

export interface DirectoryEntry {
  readonly path: string;
  readonly cid: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
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

export interface Files {
  /** Reads the stream to its end; a stream that breaks publishes nothing (`body-cut-off`). */
  put(name: string, source: Readable | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<PutResult>;
  /** Throws `quota-full` when a file of this size cannot fit. */
  checkFits(name: string, bytes: number): Promise<void>;
  /** A local file. */
  putPath(name: string, path: string, options?: PutPathOptions): Promise<PutResult>;
  /** A folder, each folder before its contents. Reads the items to their end. */
  putFolder(name: string, items: AsyncIterable<FolderItem>, options?: PutOptions): Promise<PutResult>;
  /** With `pins` the content will be fetched: afterwards the name alone refers to its publisher. */
  resolve(reference: FileReference, options?: { readonly pins?: boolean }): Promise<FileEntry>;
  /**
   * Verified bytes of [start, end) in order, in bounded memory. Throws `bad-content` when the content's size differs
   * from `size`.
   */
  read(cid: string, range?: ReadRange, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Entries below a directory, depth first; paths are relative, '/'-separated and safe. */
  walk(cid: string, signal?: AbortSignal): AsyncIterable<DirectoryEntry>;
  /** The entry at a path below a folder; null when there is none. */
  entryAt(cid: string, path: readonly string[], signal?: AbortSignal): Promise<DirectoryEntry | null>;
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
  /** Removes this peer's own entry of the name. */
  remove(name: string): Promise<void>;
}

/** An event of a file in plain words, for `start` and the event stream. */
export interface FileEvent {
  readonly kind: 'stored' | 'sent' | 'received' | 'moved' | 'published' | 'removed' | 'freed' | 'repaired';
  readonly text: string;
}

/** Attributes of a file; none for a folder. */
export function fileAttributesOf({ attributes = null }: Pick<FileEntry, 'attributes'>): FileAttributes {
  return typeof attributes === 'string' || attributes === null ? noAttributes : attributes;
}
