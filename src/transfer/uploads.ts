/**
 * Files on their way from a browser, piece by piece, in the data folder until they are whole and put into the network.
 * What was acknowledged of one is on the disk: it goes on after a restart of either side.
 *
 * The last byte is acknowledged only when the file is published, so that a peer killed before that is asked to do it.
 */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { writeFileDurably } from '../storage/durable-file.ts';
import type { Files, PutResult } from './files.ts';

export interface Upload {
  readonly id: string;
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** Bytes that need not be sent again. */
  readonly received: number;
  /** Milliseconds since 1970. */
  readonly touched: number;
  readonly result: PutResult | null;
}

const maximumUploads = 256;
/** One that nobody goes on with is given up; so long is the result of a finished one told. */
const maximumIdleMilliseconds = 7 * 24 * 3600 * 1000;
/** Room on the disk that uploads leave to everything else. */
const spareBytes = 256 * 1024 * 1024;

export class Uploads {
  readonly #folder: string;
  readonly #files: Pick<Files, 'putPath'>;
  readonly #now: () => number;
  readonly #known: Map<string, Upload>;
  /** Uploads that somebody is sending right now. */
  readonly #busy = new Set<string>();

  private constructor(folder: string, files: Pick<Files, 'putPath'>, now: () => number, known: Map<string, Upload>) {
    this.#folder = folder;
    this.#files = files;
    this.#now = now;
    this.#known = known;
  }

  /** `folder` is made when the first upload comes. */
  static async open(folder: string, files: Pick<Files, 'putPath'>, now: () => number = Date.now): Promise<Uploads> {
    const uploads = new Uploads(folder, files, now, new Map());
    await uploads.#recover();
    return uploads;
  }

  /** Throws `not-found`. */
  get(id: string): Upload {
    const upload = this.#known.get(id);
    if (upload !== undefined) return upload;
    throw new ChordialError('not-found', `There is no upload ${JSON.stringify(id)}: it was ended. Begin a new one.`);
  }

  /** Bytes that the sender need not send again; less than all until the file is published. */
  offset({ received, size, result }: Upload): number {
    return result === null && received === size ? Math.max(0, size - 1) : received;
  }

  /** Throws `busy` or `disk-full`. */
  async create(name: string, size: number): Promise<Upload> {
    await this.#forgetIdle();
    if (this.#known.size >= maximumUploads) {
      throw new ChordialError(
        'busy',
        `There are ${maximumUploads} uploads already, which is the limit. End some first.`,
      );
    }
    await fs.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#checkRoom(name, size);
    const upload: Upload = { id: randomUUID(), name, size, received: 0, touched: this.#now(), result: null };
    await fs.writeFile(this.#bytesOf(upload.id), '', { mode: 0o600 });
    await this.#keep(upload);
    return size === 0 ? this.#publish(upload) : upload;
  }

  /**
   * Takes bytes from `offset` on and publishes the file when it is whole. What came in before a cut is kept. Throws `changed`
   * when the offset is another than the upload's, `busy` when another request sends it, `too-large`, `body-cut-off`.
   */
  async append(id: string, offset: number, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Upload> {
    const before = this.get(id);
    if (before.result !== null) return before;
    if (this.#busy.has(id)) {
      throw new ChordialError('busy', `Another request is sending ${before.name}. Wait for it, or end it.`);
    }
    if (offset !== this.offset(before)) {
      const message = `The upload of ${before.name} stands at byte ${this.offset(before)}, not at ${offset}. Ask with HEAD and go on from there.`;
      throw new ChordialError('changed', message);
    }
    this.#busy.add(id);
    try {
      const written = await this.#write(before, offset, body);
      return written.received === written.size ? await this.#publish(written, signal) : written;
    } finally {
      this.#busy.delete(id);
    }
  }

  /** Ends an upload and frees its bytes. Throws `not-found` or `busy`. */
  async remove(id: string): Promise<void> {
    const { name } = this.get(id);
    if (this.#busy.has(id)) throw new ChordialError('busy', `Another request is sending ${name}. End that one first.`);
    this.#known.delete(id);
    await fs.rm(this.#stateOf(id), { force: true });
    await fs.rm(this.#bytesOf(id), { force: true });
  }

  async #write(upload: Upload, offset: number, body: AsyncIterable<Uint8Array>): Promise<Upload> {
    const handle = await fs.open(this.#bytesOf(upload.id), 'r+');
    let at = offset;
    try {
      for await (const piece of body) {
        if (at + piece.length > upload.size) {
          const message = `More bytes came than the ${upload.size} that were announced for ${upload.name}. End the upload and begin a new one.`;
          throw new ChordialError('too-large', message);
        }
        await handle.write(piece, 0, piece.length, at);
        at += piece.length;
      }
    } finally {
      await handle.datasync();
      await handle.close();
      if (at > offset) await this.#keep({ ...upload, received: at, touched: this.#now() });
    }
    return this.get(upload.id);
  }

  async #publish(upload: Upload, signal?: AbortSignal): Promise<Upload> {
    const file = this.#bytesOf(upload.id);
    const result = await this.#files.putPath(upload.name, file, signal === undefined ? {} : { signal });
    const published = { ...upload, touched: this.#now(), result };
    await this.#keep(published);
    await fs.rm(file, { force: true });
    return published;
  }

  async #keep(upload: Upload): Promise<void> {
    await writeFileDurably(this.#stateOf(upload.id), Buffer.from(JSON.stringify(upload)));
    this.#known.set(upload.id, upload);
  }

  async #checkRoom(name: string, size: number): Promise<void> {
    const { bavail, bsize } = await fs.statfs(this.#folder);
    const promised = [...this.#known.values()].reduce(
      (sum, one) => sum + (one.result ? 0 : one.size - one.received),
      0,
    );
    if (size + promised + spareBytes <= bavail * bsize) return;
    const message = `${name} has ${size} bytes, and the disk of the data folder has no room for so many beside other uploads. Free some, or put the file with "chordial put", which needs no room for a second copy.`;
    throw new ChordialError('disk-full', message);
  }

  async #forgetIdle(): Promise<void> {
    const oldest = this.#now() - maximumIdleMilliseconds;
    for (const { id, touched } of this.#known.values()) {
      if (touched < oldest && !this.#busy.has(id)) await this.remove(id);
    }
  }

  async #recover(): Promise<void> {
    let names: string[];
    try {
      names = await fs.readdir(this.#folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    for (const name of names.filter((one) => one.endsWith('.json'))) {
      const upload = JSON.parse(await fs.readFile(path.join(this.#folder, name), 'utf8')) as Upload;
      this.#known.set(upload.id, upload);
      // Bytes behind the mark were never acknowledged, and after a loss of power may be anything.
      if (upload.result === null) await fs.truncate(this.#bytesOf(upload.id), upload.received);
    }
    // A peer killed between two lines may have left bytes without a state, or a state half written.
    const kept = new Set(
      [...this.#known.values()].flatMap(({ id, result }) => [`${id}.json`, ...(result ? [] : [id])]),
    );
    for (const name of names) if (!kept.has(name)) await fs.rm(path.join(this.#folder, name), { force: true });
  }

  #bytesOf(id: string): string {
    return path.join(this.#folder, id);
  }

  #stateOf(id: string): string {
    return path.join(this.#folder, `${id}.json`);
  }
}
