/**
 * Resumable uploads from browsers, kept in the data folder until complete and put into the network. Acknowledged bytes
 * are durable: an upload continues after a restart of either side.
 *
 * The last byte is acknowledged only when the file is published, so that a client retries if the peer is killed before.
 * Bytes that are to be sealed are never in the clear on the disk, and neither is any name.
 */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { noAttributes } from '../content/attributes.ts';
import { ChordialError } from '../errors.ts';
import { makeFolderDurably, writeFileDurably } from '../storage/durable-file.ts';
import { readSmallFile } from '../storage/small-file.ts';
import { errnoOf } from '../storage/system-error.ts';
import type { Files, PutResult } from './files.ts';
import { OwnKeys } from './own-keys.ts';
import type { SealWish } from './sealing.ts';

export interface Upload {
  readonly id: string;
  readonly name: string;
  /** Total size. */
  readonly size: number;
  /** Bytes that need not be sent again. */
  readonly received: number;
  /** Milliseconds since 1970. */
  readonly touched: number;
  readonly result: PutResult | null;
  /** The drop box that it is for; null for one of the peer's own user. */
  readonly box: string | null;
  /** What tells its file from others of that name and size, as the sender says. */
  readonly mark: string | null;
  /** Of one that is to be sealed, until it is published. */
  readonly sealed?: { readonly wish: SealWish; readonly key: string };
}

export interface AppendOptions {
  readonly signal?: AbortSignal;
  /** Called before the whole is published; returns its name then. */
  readonly naming?: (upload: Upload) => Promise<string>;
}

export interface UploadOptions {
  /** Seals what is noted of uploads. Default: keys in memory, which forget them at a restart. */
  readonly keys?: OwnKeys;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly tell?: (text: string) => void;
}

interface Announced extends Partial<Pick<Upload, 'box' | 'mark'>> {
  /** For whom it is sealed; null: not at all. Default: the setting of the peer. */
  readonly wish?: SealWish | null | undefined;
}

/** A request that sends bytes of an upload, then publishes it. */
interface Sending {
  readonly end: AbortController;
  readonly ended: Promise<void>;
  /** When its last bytes came. */
  moved: number;
  isPublishing: boolean;
}

type UploadFiles = Pick<Files, 'put' | 'putPath' | 'checkFits' | 'sealWish'>;

/** On the disk of the one who uploads: it hides the bytes from who reads it later, and needs no tag. */
const keptCipher = 'aes-256-ctr';
const keyBytes = 32;
const readBytes = 1024 * 1024;
/** Written at once: HTTP brings 16 to 64 KiB at a time. */
const writeBytes = 256 * 1024;
/** Unfinished uploads. The results of as many finished ones are kept. */
const maxUploads = 256;
/** Of strangers, besides: in all drop boxes, and in one. */
const maxDropUploads = 128;
const maxUploadsPerBox = 32;
/** One into a drop box that is silent for so long keeps no room but that of its bytes, and goes when others want its place. */
export const activeMilliseconds = 600_000;
/** Lifetime of an abandoned upload, and of the result of a finished one. */
const maxIdleMilliseconds = 7 * 24 * 3600 * 1000;
const maxStateBytes = 64 * 1024;
/** Bytes that are durable before their request ends, so that a crash costs one that sends all of a large file no more. */
const keptEveryBytes = 64 * 1024 * 1024;
/** A request on which nothing came for so long gives way to the next: that of a machine that has changed its network. */
const stalledMilliseconds = 5000;
/** Disk space that uploads leave free. */
const spareBytes = 256 * 1024 * 1024;

export class Uploads {
  readonly #folder: string;
  readonly #files: UploadFiles;
  readonly #keys: OwnKeys;
  readonly #now: () => number;
  readonly #known = new Map<string, Upload>();
  /** Requests in progress, by the ids of their uploads. */
  readonly #sending = new Map<string, Sending>();

  private constructor(folder: string, files: UploadFiles, keys: OwnKeys, now: () => number) {
    this.#folder = folder;
    this.#files = files;
    this.#keys = keys;
    this.#now = now;
  }

  /**
   * `folder` is created with the first upload. An upload whose files are missing, truncated or corrupt is dropped and
   * reported to `tell`: its sender starts over.
   */
  static async open(
    folder: string,
    files: UploadFiles,
    { keys = OwnKeys.inMemory(), now = Date.now, tell = () => {} }: UploadOptions = {},
  ): Promise<Uploads> {
    const uploads = new Uploads(folder, files, keys, now);
    await uploads.#recover(tell);
    return uploads;
  }

  /** Throws `not-found`. */
  get(id: string): Upload {
    const upload = this.#known.get(id);
    if (upload !== undefined) return upload;
    throw new ChordialError('not-found', `There is no upload ${JSON.stringify(id)}: it was ended. Begin a new one.`);
  }

  /** Into this drop box, finished or not. */
  inBox(box: string): readonly Upload[] {
    return [...this.#known.values()].filter((upload) => upload.box === box);
  }

  /** Whether a request sends or publishes it. */
  isBusy(id: string): boolean {
    return this.#sending.has(id);
  }

  /** Bytes that the sender need not send again; less than all until the file is published. */
  offset({ received, size, result }: Upload): number {
    return result === null && received === size ? Math.max(0, size - 1) : received;
  }

  /** Throws `busy`, `quota-full` or `disk-full`. */
  async create(
    name: string,
    size: number,
    { box = null, mark = null, wish, ...options }: Announced & AppendOptions = {},
  ): Promise<Upload> {
    await this.#forgetIdle();
    if (box !== null) await this.#forgetSilent(box);
    this.#checkNumber(box);
    await this.#files.checkFits(name, size);
    await makeFolderDurably(this.#folder);
    await this.#checkRoom(name, size);
    const sealed = this.#files.sealWish(wish);
    const upload: Upload = {
      ...{ id: randomUUID(), name, size, received: 0, touched: this.#now(), result: null, box, mark },
      ...(sealed === null ? {} : { sealed: { wish: sealed, key: randomBytes(keyBytes).toString('base64') } }),
    };
    await fs.writeFile(this.#bytesOf(upload.id), '', { mode: 0o600 });
    await this.#keep(upload);
    return size === 0 ? this.#publish(upload, options) : upload;
  }

  /**
   * Appends bytes at `offset` and publishes the file when complete. Bytes received before a cut are kept. Throws
   * `changed` when the offset differs from the upload's, `busy` when another request is sending, `too-large`,
   * `body-cut-off`.
   */
  async append(
    id: string,
    offset: number,
    body: AsyncIterable<Uint8Array>,
    options: AppendOptions = {},
  ): Promise<Upload> {
    while (this.#sending.has(id)) await this.#endSending(id, stalledMilliseconds);
    const before = this.get(id);
    if (before.result !== null) return before;
    if (offset !== this.offset(before)) {
      const message = `The upload of ${before.name} is at byte ${this.offset(before)}, not at ${offset}. Ask with HEAD and continue from there.`;
      throw new ChordialError('changed', message);
    }
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const sending = { end: new AbortController(), ended, moved: this.#now(), isPublishing: false };
    this.#sending.set(id, sending);
    try {
      await this.#write(before, offset, this.#bytesFrom(body, sending));
      const written = this.get(id);
      if (written.received < written.size) return written;
      const { signal } = sending.end;
      signal.throwIfAborted();
      sending.isPublishing = true;
      const signals = options.signal === undefined ? [signal] : [signal, options.signal];
      return await this.#publish(written, { ...options, signal: AbortSignal.any(signals) });
    } finally {
      this.#sending.delete(id);
      resolve();
    }
  }

  /** Ends an upload, with the request that sends or publishes it, and frees its bytes. Throws `not-found`. */
  async remove(id: string): Promise<void> {
    const { result } = this.get(id);
    while (this.#sending.has(id)) await this.#endSending(id, 0);
    // What was published meanwhile is over, and its result is kept.
    if (result === null && this.#known.get(id)?.result !== null) return;
    this.#known.delete(id);
    await fs.rm(this.#stateOf(id), { force: true });
    await fs.rm(this.#bytesOf(id), { force: true });
  }

  /** Ends uploads that no one goes on with, and those into drop boxes that are no longer open. */
  async sweep(isOpen: (box: string) => boolean): Promise<void> {
    await this.#forgetIdle();
    for (const { id, box } of this.#begunInBoxes())
      if (box !== null && !isOpen(box) && this.#known.has(id)) await this.remove(id);
  }

  /** Ends the request that sends an upload, if nothing came for so long, and with 0 in any case. Throws `busy`. */
  async #endSending(id: string, silence: number): Promise<void> {
    const { name } = this.get(id);
    const sending = this.#sending.get(id);
    if (sending === undefined) return;
    if (silence > 0 && (sending.isPublishing || this.#now() - sending.moved < silence))
      throw new ChordialError('busy', `Another request is sending ${name}. Wait for it, or end it.`);
    sending.end.abort(
      new ChordialError('busy', `The upload of ${name} was ended, or another request goes on with it.`),
    );
    await sending.ended;
  }

  /** Of a body, until its request is ended for another. */
  async *#bytesFrom(body: AsyncIterable<Uint8Array>, sending: Sending): AsyncGenerator<Uint8Array, void, undefined> {
    const { signal } = sending.end;
    const bytes = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        signal.throwIfAborted();
        const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
          signal.onabort = () => reject(signal.reason);
          bytes.next().then(resolve, reject);
        });
        if (next.done === true) return;
        sending.moved = this.#now();
        yield next.value;
      }
    } finally {
      // Where it waits for bytes it ends when its connection does.
      void bytes.return?.().then(undefined, () => undefined);
    }
  }

  async #write(upload: Upload, offset: number, body: AsyncIterable<Uint8Array>): Promise<void> {
    await using handle = await this.#openBytes(upload);
    const gathered = Buffer.allocUnsafe(writeBytes);
    let [from, to] = [0, 0];
    let [at, kept] = [offset, offset];
    const write = async (): Promise<void> => {
      while (from < to) {
        // Fewer where the disk is nearly full.
        const { bytesWritten } = await handle.write(gathered, from, to - from, at);
        from += bytesWritten;
        at += bytesWritten;
      }
      [from, to] = [0, 0];
    };
    const keep = async (): Promise<void> => {
      await handle.datasync();
      await this.#keep({ ...upload, received: at, touched: this.#now() });
      kept = at;
    };
    try {
      for await (const piece of keptForm(body, upload, offset)) {
        if (at + to + piece.length > upload.size) {
          const message = `More bytes came than the ${upload.size} that were announced for ${upload.name}. End the upload and begin a new one.`;
          throw new ChordialError('too-large', message);
        }
        for (let taken = 0; taken < piece.length; ) {
          const part = piece.subarray(taken, taken + gathered.length - to);
          gathered.set(part, to);
          taken += part.length;
          to += part.length;
          if (to === gathered.length) await write();
        }
        if (at - kept >= keptEveryBytes) await keep();
      }
    } finally {
      try {
        await write();
      } finally {
        if (at > kept) await keep();
      }
    }
  }

  /** Throws `not-found`, and drops the upload, when its bytes are gone. */
  async #openBytes({ id, name }: Upload): Promise<FileHandle> {
    try {
      return await fs.open(this.#bytesOf(id), 'r+');
    } catch (cause) {
      if (errnoOf(cause) !== 'ENOENT') throw cause;
      this.#known.delete(id);
      await fs.rm(this.#stateOf(id), { force: true });
      throw new ChordialError('not-found', `The bytes of the upload of ${name} are gone. Begin a new one.`, { cause });
    }
  }

  async #publish(upload: Upload, { signal, naming }: AppendOptions = {}): Promise<Upload> {
    const file = this.#bytesOf(upload.id);
    const name = naming === undefined ? upload.name : await naming(upload);
    const { sealed, ...rest } = upload;
    // Attributes of the temporary file mean nothing.
    const options = { attributes: noAttributes, ...(signal === undefined ? {} : { signal }) };
    const result =
      sealed === undefined
        ? await this.#files.putPath(name, file, { ...options, sealed: null })
        : await this.#files.put(name, given(file, sealed.key), { ...options, size: upload.size, sealed: sealed.wish });
    const published = { ...rest, name, touched: this.#now(), result };
    await this.#keep(published);
    await fs.rm(file, { force: true });
    return published;
  }

  async #keep(upload: Upload): Promise<void> {
    await writeFileDurably(this.#stateOf(upload.id), Buffer.from(await this.#keys.seal(upload)));
    this.#known.set(upload.id, upload);
  }

  #checkNumber(box: string | null): void {
    const begun = [...this.#known.values()].filter(({ result }) => result === null);
    const own = begun.filter((upload) => upload.box === box).length;
    const most = box === null ? maxUploads : maxUploadsPerBox;
    const isCrowded = box !== null && begun.filter((upload) => upload.box !== null).length >= maxDropUploads;
    if (own < most && !isCrowded) return;
    throw new ChordialError('busy', `There are ${own} uploads in progress, which is the limit. End some first.`);
  }

  async #checkRoom(name: string, size: number): Promise<void> {
    const { bavail, bsize } = await fs.statfs(this.#folder);
    const promised = [...this.#known.values()].reduce(
      (sum, one) => sum + (one.result !== null || this.#isSilent(one) ? 0 : one.size - one.received),
      0,
    );
    if (size + promised + spareBytes <= bavail * bsize) return;
    const message = `${name} has ${size} bytes, and the disk of the data folder has no room for so many beside other uploads. Free some, or put the file with "chordial put", which needs no room for a second copy.`;
    throw new ChordialError('disk-full', message);
  }

  /** Of a stranger who has left it. */
  #isSilent({ id, box, touched }: Upload): boolean {
    return box !== null && !this.#sending.has(id) && this.#now() - touched >= activeMilliseconds;
  }

  /** Where no further one may be begun, the silent one with the fewest bytes goes: who begins many keeps no one else out. */
  async #forgetSilent(box: string): Promise<void> {
    const begun = this.#begunInBoxes();
    const own = begun.filter((one) => one.box === box);
    const crowd = own.length >= maxUploadsPerBox ? own : begun.length >= maxDropUploads ? begun : [];
    const silent = crowd.filter((one) => this.#isSilent(one));
    const [least] = silent.sort((a, b) => a.received - b.received || a.touched - b.touched);
    if (least !== undefined) await this.remove(least.id);
  }

  #begunInBoxes(): readonly Upload[] {
    return [...this.#known.values()].filter(({ box, result }) => box !== null && result === null);
  }

  async #forgetIdle(): Promise<void> {
    const oldest = this.#now() - maxIdleMilliseconds;
    for (const { id, touched } of this.#known.values()) {
      if (touched < oldest && !this.#sending.has(id)) await this.#removeOld(id);
    }
    const ended = [...this.#known.values()].filter(({ id, result }) => result !== null && !this.#sending.has(id));
    ended.sort((a, b) => b.touched - a.touched);
    for (const { id } of ended.slice(maxUploads)) await this.#removeOld(id);
  }

  /** Another may do so at the same time. */
  async #removeOld(id: string): Promise<void> {
    if (this.#known.has(id)) await this.remove(id);
  }

  async #recover(tell: (text: string) => void): Promise<void> {
    for (const name of await this.#names(tell)) {
      if (!name.endsWith('.json')) continue;
      const id = name.slice(0, -'.json'.length);
      const upload = readUpload(id, this.#keys.open(await this.#textOf(name)));
      const isWhole = upload !== null && (upload.result !== null || (await this.#cutToMark(upload)));
      if (upload !== null && isWhole) this.#known.set(id, upload);
      else tell(`Forgot the upload ${id}: its files in ${this.#folder} are damaged. Send it again.`);
    }
    // A peer killed in between may have left bytes without a state, or a partial state.
    const kept = new Set(
      [...this.#known.values()].flatMap(({ id, result }) => [`${id}.json`, ...(result ? [] : [id])]),
    );
    for (const name of await this.#names(tell)) {
      if (!kept.has(name)) await fs.rm(path.join(this.#folder, name), { recursive: true, force: true });
    }
  }

  /** Empty when unreadable. */
  async #textOf(name: string): Promise<string> {
    const bytes = await readSmallFile(path.join(this.#folder, name), maxStateBytes).catch(() => null);
    return bytes?.toString() ?? '';
  }

  async #names(tell: (text: string) => void): Promise<readonly string[]> {
    try {
      return await fs.readdir(this.#folder);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      if (errnoOf(error) !== 'ENOTDIR') throw error;
      await fs.rm(this.#folder, { force: true });
      tell(`Removed ${this.#folder}: it was no folder. Uploads in progress start over.`);
      return [];
    }
  }

  /** Bytes beyond the mark were never acknowledged, and may be anything after a power failure. False when there are fewer. */
  async #cutToMark({ id, received }: Upload): Promise<boolean> {
    try {
      const status = await fs.lstat(this.#bytesOf(id));
      if (!status.isFile() || status.size < received) return false;
      await fs.truncate(this.#bytesOf(id), received);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  #bytesOf(id: string): string {
    return path.join(this.#folder, id);
  }

  #stateOf(id: string): string {
    return path.join(this.#folder, `${id}.json`);
  }
}

/** The place in the key stream of a byte of an upload. */
function counterAt(offset: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.writeUIntBE(Math.floor(offset / 16), 10, 6);
  return counter;
}

/** As it is kept on the disk. */
async function* keptForm(
  body: AsyncIterable<Uint8Array>,
  { sealed }: Upload,
  offset: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (sealed === undefined) return yield* body;
  const cipher = createCipheriv(keptCipher, Buffer.from(sealed.key, 'base64'), counterAt(offset));
  cipher.update(Buffer.alloc(offset % 16));
  for await (const piece of body) yield cipher.update(piece);
}

async function* given(file: string, key: string): AsyncGenerator<Uint8Array, void, undefined> {
  const decipher = createDecipheriv(keptCipher, Buffer.from(key, 'base64'), counterAt(0));
  for await (const piece of createReadStream(file, { highWaterMark: readBytes }))
    yield decipher.update(piece as Buffer);
}

/** Null for anything that this program cannot have written under that id. */
function readUpload(id: string, opened: unknown): Upload | null {
  const read = opened as Partial<Record<keyof Upload, unknown>>;
  if (typeof read !== 'object' || read === null || read.id !== id || typeof read.name !== 'string') return null;
  const { name, size, received, touched, result, box = null, mark = null, sealed } = read;
  if (!isTextOrNull(box) || !isTextOrNull(mark)) return null;
  if (!isCount(size) || !isCount(received) || received > size || !isCount(touched)) return null;
  const head = { id, name, size, received, touched, box, mark };
  if (result === null) return { ...head, result, ...(isSecret(sealed) ? { sealed } : {}) };
  const { cid, copies } = (typeof result === 'object' ? result : {}) as Partial<PutResult>;
  return typeof cid === 'string' && isCount(copies) ? { ...head, result: result as PutResult } : null;
}

function isSecret(value: unknown): value is NonNullable<Upload['sealed']> {
  const { wish, key } = (value ?? {}) as { readonly wish?: unknown; readonly key?: unknown };
  return typeof wish === 'object' && wish !== null && typeof key === 'string';
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
