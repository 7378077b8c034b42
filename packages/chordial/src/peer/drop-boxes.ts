/**
 * Drop boxes: who has the link of one uploads files, which this peer puts under its own name, as `FOLDER - NAME`. What a
 * box has taken is counted durably, so that it takes no more than its link says, whatever happens to the files later.
 */
import type { Clock } from '@chordial/ring';
import { checkName, maxNameBytes } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import type { Catalog } from '../storage/catalog.ts';
import { type AppendOptions, activeMilliseconds, type Upload, type Uploads } from '../transfer/uploads.ts';

export interface DropBox {
  /** Of its link. */
  readonly id: string;
  readonly folder: string;
  /** Bytes that it takes in all. */
  readonly most: number;
}

export interface Offered {
  readonly name: string;
  readonly size: number;
  /** What tells this file from others of the same name and size; null: it never goes on with another upload. */
  readonly mark: string | null;
}

interface Taken {
  readonly bytes: number;
  readonly files: number;
  /** Uploads that are counted; those that may come again. */
  readonly counted: readonly string[];
}

export interface DropPorts {
  readonly settings: Pick<Catalog, 'setting' | 'setSetting'>;
  readonly clock: Pick<Clock, 'wallTime'>;
  readonly uploads: Uploads;
  /** Whether the link of this box, made by this peer, still leads to it. */
  readonly isOpen: (id: string) => boolean;
  /** Whether this peer publishes this name. */
  readonly isOwn: (name: string) => boolean;
}

const prefix = 'drop:';
const maxFiles = 10_000;
/** Finished uploads whose results may still be kept. */
const maxCounted = 512;
const maxNumbered = 1000;

export class DropBoxes {
  readonly #ports: DropPorts;
  /** One after another: the room of a box, and names, are looked at before they are taken. */
  readonly #turns = new Semaphore(1);
  /** Of those that are being published. */
  readonly #names = new Set<string>();

  constructor(ports: DropPorts) {
    this.#ports = ports;
  }

  taken({ id }: Pick<DropBox, 'id'>): Pick<Taken, 'bytes' | 'files'> {
    const { bytes, files } = this.#count(id);
    return { bytes, files };
  }

  /**
   * The upload of this file: a new one, or one that was interrupted, from any sender. Rejects with `too-large` for what is
   * larger than the box, and `quota-full` when it is full.
   */
  create(box: DropBox, offered: Offered): Promise<Upload> {
    return this.#turns.pass(() => {
      const name = checkName(offered.name);
      const { size, mark } = offered;
      const { uploads } = this.#ports;
      const begun = uploads.inBox(box.id).find((one) => {
        return mark !== null && one.result === null && one.mark === mark && one.size === size && one.name === name;
      });
      if (begun !== undefined) return Promise.resolve(begun);
      this.#checkRoom(box, size, null);
      return this.#naming(box, (naming) => uploads.create(name, size, { box: box.id, mark, naming }));
    });
  }

  /** Throws `not-found`. */
  get({ id: box }: Pick<DropBox, 'id'>, id: string): Upload {
    const upload = this.#ports.uploads.inBox(box).find((one) => one.id === id);
    if (upload !== undefined) return upload;
    throw new ChordialError('not-found', 'There is no such upload: it was ended. Begin a new one.');
  }

  /** Goes on to publish when its sender is gone: what has come is not sent again. `publishing` is called before that. */
  async append(
    box: DropBox,
    id: string,
    { offset, body, publishing }: { offset: number; body: AsyncIterable<Uint8Array>; publishing: () => void },
  ): Promise<Upload> {
    const before = this.get(box, id);
    if (before.result !== null) return before;
    this.#checkRoom(box, before.size, before);
    return this.#naming(box, (naming) => {
      const named: typeof naming = (upload) => {
        publishing();
        return naming(upload);
      };
      return this.#ports.uploads.append(id, offset, body, { naming: named });
    });
  }

  /** The name is taken from when it is chosen until the upload is published. */
  async #naming(
    box: DropBox,
    work: (naming: NonNullable<AppendOptions['naming']>) => Promise<Upload>,
  ): Promise<Upload> {
    let taken: string | null = null;
    try {
      const upload = await work((one) => {
        taken = this.#nameFor(box, one.name);
        this.#names.add(taken);
        return Promise.resolve(taken);
      });
      if (upload.result !== null) await this.#settle(box);
      return upload;
    } catch (error) {
      throw forStranger(error);
    } finally {
      if (taken !== null) this.#names.delete(taken);
    }
  }

  async remove(box: DropBox, id: string): Promise<void> {
    if (this.get(box, id).result === null) await this.#ports.uploads.remove(id);
  }

  /** Ends uploads into boxes that were taken back or have expired, and those that no one goes on with. */
  sweep(): Promise<void> {
    return this.#ports.uploads.sweep(this.#ports.isOpen);
  }

  /** Of this upload, beside all others of the box. */
  #checkRoom({ id, most }: DropBox, size: number, own: Upload | null): void {
    if (size > most) throw new ChordialError('too-large', 'This is more than the box takes in all.');
    const { uploads, clock } = this.#ports;
    const { bytes, files, counted } = this.#count(id);
    const now = clock.wallTime();
    let promised = bytes;
    for (const one of uploads.inBox(id)) {
      if (one.id === own?.id || counted.includes(one.id)) continue;
      const isActive = uploads.isBusy(one.id) || now - one.touched < activeMilliseconds;
      promised += one.result !== null || isActive ? one.size : one.received;
    }
    if (promised + size <= most && files < maxFiles) return;
    throw new ChordialError('quota-full', 'The box has not enough room left for this file.');
  }

  #count(id: string): Taken {
    const value = this.#ports.settings.setting(prefix + id) as Taken | undefined;
    const taken = value ?? { bytes: 0, files: 0, counted: [] };
    // Published right before a crash.
    const missed = this.#ports.uploads
      .inBox(id)
      .filter((one) => one.result !== null && !taken.counted.includes(one.id));
    return {
      bytes: missed.reduce((sum, { size }) => sum + size, taken.bytes),
      files: taken.files + missed.length,
      counted: [...taken.counted, ...missed.map((one) => one.id)].slice(-maxCounted),
    };
  }

  async #settle({ id }: DropBox): Promise<void> {
    await this.#ports.settings.setSetting(prefix + id, this.#count(id));
  }

  /** One that this peer does not publish yet: `Inbox - a.jpg`, `Inbox - a (2).jpg`. */
  #nameFor({ folder }: DropBox, name: string): string {
    const dot = name.lastIndexOf('.');
    const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
    for (let number = 1; number <= maxNumbered; number++) {
      const wanted = fitted(`${folder} - ${stem}`, number === 1 ? ending : ` (${number})${ending}`);
      if (!this.#names.has(wanted) && !this.#ports.isOwn(wanted)) return wanted;
    }
    throw new ChordialError('already-exists', `${folder} has ${maxNumbered} files of this name. Choose another one.`);
  }
}

/** Cut before its ending to what a name may have. */
function fitted(stem: string, ending: string): string {
  let kept = stem.normalize('NFC');
  while (Buffer.byteLength(kept + ending) > maxNameBytes) kept = [...kept].slice(0, -1).join('');
  return checkName(kept + ending);
}

/** How full the peer is, and where, is nothing to strangers. */
function forStranger(error: unknown): unknown {
  if (!(error instanceof ChordialError) || !['disk-full', 'quota-full', 'too-few-copies'].includes(error.code))
    return error;
  const message = 'There is no room for it at the moment. Tell the one who sent you the link.';
  return new ChordialError(error.code, message, { cause: error });
}
