/** A user's verbs on files; what src/node hands to the API and the command line. */
import type { Readable } from 'node:stream';
import type { CID } from 'multiformats/cid';
import { type FileAttributes, noAttributes } from '../content/attributes.ts';
import type { HostId } from '../ring/pointer.ts';
import type { FileMark } from './file-mark.ts';
import type { FolderItem } from './local-folder.ts';

export interface PutOptions {
  readonly replicas?: number;
  /** Lifetime in milliseconds; none unless given. */
  readonly timeToLive?: number;
  readonly signal?: AbortSignal;
  readonly progress?: (done: TransferProgress) => void;
  /** Of a stream; a file of this machine has its own where none are given. */
  readonly attributes?: FileAttributes;
  /** Bytes that a stream says it has, when it does: a small one then takes no more memory than it has. */
  readonly size?: number;
}

export interface PutPathOptions extends PutOptions {
  /** The very file that is meant: another that came to its place is not read. */
  readonly mark?: FileMark;
}

export interface GetPathOptions {
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  readonly progress?: (done: TransferProgress) => void;
  /** Told what it is before anything is written; nothing is when this rejects. */
  readonly resolved?: (entry: FileEntry) => Promise<void>;
  /** The very part file that is to be written, which lies in a folder reached through no link. */
  readonly mark?: FileMark;
}

export interface TransferProgress {
  readonly bytesDone: number;
  /** null when the size is not known beforehand. */
  readonly bytesTotal: number | null;
}

export interface PutResult {
  readonly name: string;
  readonly cid: string;
  readonly size: number;
  /** The file survives copies − 1 deaths before repair. */
  readonly copies: number;
  readonly publisher: string;
}

/** What a get names: a CID, or a name with an optional publisher (prefix of at least 8 characters). */
export interface FileReference {
  readonly name?: string;
  readonly publisher?: string;
  readonly cid?: string;
}

export interface FileEntry {
  /** null when the file was named by CID only. */
  readonly name: string | null;
  readonly cid: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly publisher: string | null;
  /** What the publisher is called; a piece of its id where it has no name. */
  readonly publisherName: string | null;
  /** ISO 8601. */
  readonly time: string | null;
  readonly expiry: string | null;
  readonly sha256: string | null;
  /** Of a file its own; of a folder the CID of the list of those of its files. */
  readonly attributes?: FileAttributes | string | null;
  /** How many other publishers use this name. */
  readonly others: number;
}

/** Whose file of a name may be meant. */
export interface FileChoice {
  readonly publisher: string;
  readonly publisherName: string;
  /** ISO 8601, as the publisher tells it. */
  readonly time: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly cid: string;
}

export interface FileStat extends FileEntry {
  readonly blocks: number;
  /** Live copies: the minimum over the file's blocks, counted by asking. */
  readonly copies: number;
  /** Copies of its blocks, all together, that lie somewhere besides as cache; they do not count. */
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
  /** Of the whole, as its entry announced it. */
  readonly size?: number;
}

export interface Files {
  /** Reads the stream to its end; a stream that breaks publishes nothing (`body-cut-off`). */
  put(name: string, source: Readable | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<PutResult>;
  /** Throws `quota-full` when a file of so many bytes cannot fit. */
  checkFits(name: string, bytes: number): Promise<void>;
  /** A file of this machine. */
  putPath(name: string, path: string, options?: PutPathOptions): Promise<PutResult>;
  /** A folder, each folder in it before what is in that. Reads the items to their end. */
  putFolder(name: string, items: AsyncIterable<FolderItem>, options?: PutOptions): Promise<PutResult>;
  /** With `pins` the content is going to be fetched: from then on the name alone means its publisher. */
  resolve(reference: FileReference, options?: { readonly pins?: boolean }): Promise<FileEntry>;
  /** Verified bytes of [start, end) in order. Memory bounded. Throws `bad-content` for content of another size than `size`. */
  read(cid: string, range?: ReadRange, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Entries below a directory, depth first; paths are relative, '/'-separated and safe. */
  walk(cid: string, signal?: AbortSignal): AsyncIterable<DirectoryEntry>;
  /** The entry at a path below a folder, found by its parts alone; null when there is none. */
  entryAt(cid: string, path: readonly string[], signal?: AbortSignal): Promise<DirectoryEntry | null>;
  /** Writes a file at `path`, through a part beside it and a rename; never through a link. */
  getPath(
    reference: FileReference,
    path: string,
    options?: GetPathOptions,
  ): Promise<FileEntry & { readonly unchanged: boolean }>;
  stat(reference: FileReference): Promise<FileStat>;
  /** Live copies of the first block of each content, counted within so many milliseconds. */
  copiesOf(cids: readonly string[], milliseconds: number): Promise<readonly number[]>;
  /** Who publishes a name, by their own entries. Rejects with `no-live-source` when no host answers. */
  evidenceOf(name: string): Promise<readonly PublishedName[]>;
  list(options: { all: boolean; cursor: string | null; limit: number }): Promise<FilePage>;
  /** Ends this peer's own entry of the name. */
  remove(name: string): Promise<void>;
}

/** What happened to a file, in plain words, for `start` and the event stream. */
export interface FileEvent {
  readonly kind: 'stored' | 'sent' | 'received' | 'moved' | 'published' | 'removed' | 'freed' | 'repaired';
  readonly text: string;
}

/** Of a file; none for a folder. */
export function fileAttributesOf({ attributes = null }: Pick<FileEntry, 'attributes'>): FileAttributes {
  return typeof attributes === 'string' || attributes === null ? noAttributes : attributes;
}
