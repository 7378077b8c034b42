/**
 * Hashes found files and adds them to the index: several small ones at a time, a large one with all hashing threads. A
 * file that is being written waits until it is quiet; one that keeps changing is hashed after growing pauses, at most
 * once in ten minutes (restless-files.ts).
 */
import { availableParallelism } from 'node:os';
import { HashingThread } from '../content/hashing-thread.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { IndexedFile, SharedFileTable } from '../storage/shared-file-table.ts';
import { hashOpened } from './hash-file.ts';
import { type FoundFile, stampOf } from './look-through.ts';
import { RestlessFiles } from './restless-files.ts';
import type { SharedFileOpener } from './shared-file-opener.ts';

export interface IndexerPorts {
  readonly table: Pick<SharedFileTable, 'put'>;
  readonly opener: SharedFileOpener;
  /** Called when files were indexed. */
  readonly indexed: (files: number) => void;
  /** A file that cannot be indexed in its present state; the next scan of its share finds it again. */
  readonly failed: (file: FoundFile, error: ChordialError) => void;
  /** A file that keeps changing differs from its index entry, and will not be hashed for a while. */
  readonly deferred: (file: FoundFile) => void;
  /** Called when few files are waiting again. */
  readonly hasRoom: () => void;
  readonly now: () => number;
  /** Most files waiting to be hashed; those of further folders are found again later (look-through.ts). */
  readonly filesInMemory: number;
}

interface HashedFound extends IndexedFile {
  readonly found: FoundFile;
}

/** Each uses a core while large files are hashed, and ends otherwise. */
const hashingThreads = 2;
const fileConcurrency = 4;
/** Larger files are hashed alone. */
const smallBytes = 4 * 1024 * 1024;
/** No reason to withdraw a file's announcement. */
const shortWaitMilliseconds = 5000;
const filesPerWrite = 256;
const writeMilliseconds = 200;

export class FileIndexer {
  readonly #ports: IndexerPorts;
  /** By path, in order of arrival; bounded by `isEnough`. */
  readonly #waiting = new Map<string, FoundFile>();
  /** Position of the next one in `#waiting`: starting from the beginning each time would skip all finished entries. */
  #queue: Iterator<FoundFile> = this.#waiting.values();
  #next: FoundFile | null = null;
  readonly #inFlight = new Map<string, AbortController>();
  readonly #restless: RestlessFiles;
  readonly #hashed = new Map<string, HashedFound>();
  /** Stamps by path. */
  readonly #beingWritten = new Map<string, string>();
  /** The share of each file in progress. */
  readonly #folders = new Map<string, number>();
  readonly #bytesDone = new Map<string, number>();
  readonly #threads = Array.from(
    { length: Math.min(hashingThreads, availableParallelism()) },
    () => new HashingThread(),
  );
  readonly #leaves = new LeafPool();
  #isLarge = false;
  #writing: Promise<void> = Promise.resolve();
  #write: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(ports: IndexerPorts) {
    this.#ports = ports;
    this.#restless = new RestlessFiles(
      ports.now,
      (file, delay) => {
        if (delay > shortWaitMilliseconds) ports.deferred(file);
      },
      (file) => {
        this.#waiting.set(file.path, file);
        this.#start();
      },
    );
  }

  add(files: readonly FoundFile[]): void {
    for (const file of files) {
      if (this.#isTaken(file)) continue;
      if (file.indexed !== null) this.#restless.changedAgain(file, file.indexed);
      this.#waiting.set(file.path, file);
    }
    this.#start();
  }

  /** Whether this many found files, with those waiting, reach the limit. */
  isEnough(found: number): boolean {
    return this.#waiting.size + found >= this.#ports.filesInMemory;
  }

  /** Files of a share not yet in the index. */
  pending(folder: number): number {
    let waiting = 0;
    for (const file of this.#waiting.values()) if (file.folder === folder) waiting += 1;
    for (const file of this.#hashed.values()) if (file.folder === folder) waiting += 1;
    return waiting + this.#restless.pending(folder) + (this.#inFlight.size > 0 ? this.#busyWith(folder) : 0);
  }

  /** Files of a share that keep changing and wait to be hashed. */
  changing(folder: number): readonly FoundFile[] {
    return this.#restless.changing(folder);
  }

  get isBusy(): boolean {
    return this.#waiting.size + this.#inFlight.size + this.#hashed.size > 0 || this.#restless.isAnySoon;
  }

  /** Hashed bytes of large files that are not yet indexed. */
  get bytesInFlight(): number {
    return [...this.#bytesDone.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Drops the pending files of a share. */
  drop(folder: number): void {
    for (const [key, file] of this.#waiting) if (file.folder === folder) this.#waiting.delete(key);
    this.#restless.drop(folder);
    for (const key of this.#folders.keys()) if (this.#folders.get(key) === folder) this.#inFlight.get(key)?.abort();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    this.#restless.close();
    for (const stopping of this.#inFlight.values()) stopping.abort();
    if (this.#write !== null) clearTimeout(this.#write);
    this.#flush();
    await this.#writing;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** In progress, or hashed in its present state and not yet indexed. */
  #isTaken({ path: place, stamp }: FoundFile): boolean {
    return (
      this.#inFlight.has(place) || this.#hashed.get(place)?.stamp === stamp || this.#beingWritten.get(place) === stamp
    );
  }

  #busyWith(folder: number): number {
    return [...this.#folders.values()].filter((one) => one === folder).length;
  }

  #start(): void {
    for (let file = this.#first(); file !== null; file = this.#first()) {
      const isLarge = file.size > smallBytes;
      if (this.#closed || this.#inFlight.size >= fileConcurrency || this.#isLarge) return;
      if (isLarge && this.#inFlight.size > 0) return;
      this.#waiting.delete(file.path);
      if (this.#waiting.size === Math.floor(this.#ports.filesInMemory / 2)) this.#ports.hasRoom();
      if (!this.#restless.isLater(file)) this.#begin(file, isLarge);
    }
  }

  /** The one that has waited longest, in its latest state; null when none waits. */
  #first(): FoundFile | null {
    while (this.#waiting.size > 0) {
      const known = this.#next === null ? undefined : this.#waiting.get(this.#next.path);
      if (known !== undefined) return known;
      const step = this.#queue.next();
      this.#next = step.done === true ? null : step.value;
      if (step.done === true) this.#queue = this.#waiting.values();
    }
    return null;
  }

  #begin(file: FoundFile, isLarge: boolean): void {
    const stopping = new AbortController();
    const began = this.#ports.now();
    let hasChanged = false;
    this.#inFlight.set(file.path, stopping);
    this.#folders.set(file.path, file.folder);
    this.#isLarge = isLarge;
    void this.#index(file, stopping.signal)
      .catch((error: unknown) => {
        if (stopping.signal.aborted) return;
        const known = asKnown(error, file);
        hasChanged = known.code === 'changed';
        if (!hasChanged) this.#ports.failed(file, known);
      })
      .finally(() => {
        this.#inFlight.delete(file.path);
        this.#folders.delete(file.path);
        this.#bytesDone.delete(file.path);
        if (isLarge) this.#isLarge = false;
        if (hasChanged && !this.#closed) {
          this.#restless.changedAgain(file, began);
          this.#restless.lookAgain(file);
        }
        this.#start();
      });
  }

  async #index(file: FoundFile, signal: AbortSignal): Promise<void> {
    const name = checkName(file.base);
    const opened = await this.#ports.opener.open(file);
    await using handle = opened.file;
    if (stampOf(opened.status) !== file.stamp) throw changed(file);
    const hashed = await hashOpened(handle, file.path, {
      signal,
      hashing: this.#threads,
      leaves: this.#leaves,
      progress: (bytes) => {
        if (file.size > smallBytes) this.#bytesDone.set(file.path, bytes);
      },
    });
    if (hashed.size !== file.size || stampOf(hashed.status) !== file.stamp) throw changed(file);
    const { cid, size, leafDigests, nodes, sha256 } = hashed;
    this.#hashed.set(file.path, {
      found: file,
      folder: file.folder,
      parent: file.parent,
      base: file.base,
      name,
      size,
      stamp: file.stamp,
      root: cid.bytes,
      sha256,
      leafDigests,
      nodes: nodes.map((node) => ({ digest: node.cid.multihash.digest, bytes: node.bytes })),
    });
    if (this.#hashed.size >= filesPerWrite) this.#flush();
    else this.#write ??= setTimeout(() => this.#flush(), writeMilliseconds);
    if (this.#hashed.size >= filesPerWrite * 4) await this.#writing;
  }

  #flush(): void {
    if (this.#write !== null) clearTimeout(this.#write);
    this.#write = null;
    this.#writing = this.#writing.then(async () => {
      while (this.#hashed.size > 0) {
        const some = [...this.#hashed.values()].slice(0, filesPerWrite);
        for (const { found } of some) this.#hashed.delete(found.path);
        await this.#put(some);
      }
    });
  }

  async #put(files: readonly HashedFound[]): Promise<void> {
    for (const { found } of files) this.#beingWritten.set(found.path, found.stamp);
    try {
      await this.#ports.table.put(files);
      this.#ports.indexed(files.length);
    } catch (error) {
      const message = `The index of shares was not written: ${(error as Error).message}. It is tried again.`;
      const reason = error instanceof ChordialError ? error : new ChordialError('internal', message, { cause: error });
      for (const { found } of files) this.#ports.failed(found, reason);
    } finally {
      for (const { found } of files) this.#beingWritten.delete(found.path);
    }
  }
}

function changed({ path: place }: FoundFile): ChordialError {
  return new ChordialError('changed', `${place} was changed while it was looked at. It is looked at again.`);
}

function asKnown(error: unknown, { path: place }: FoundFile): ChordialError {
  if (error instanceof ChordialError) return error;
  return new ChordialError('unreadable-file', `${place} cannot be read: ${(error as Error).message}.`, {
    cause: error,
  });
}
