/** SHA-256 of shared files of several blocks, one after the other, after they are announced. */
import { ChordialError } from '../errors.ts';
import type { SharedFile, SharedFileTable } from '../storage/shared-file-table.ts';
import { stampOf } from './look-through.ts';
import { type SharedFileOpener, shownPath } from './shared-file-opener.ts';
import { WholeHash } from './whole-hash.ts';

interface HashingEvents {
  /** One is done; `isLast` when none is queued. */
  readonly hashed: (isLast: boolean) => void;
  readonly failed: (error: Error) => void;
}

const filesPerPage = 64;

export class ShareHashing {
  readonly #table: SharedFileTable;
  readonly #opener: SharedFileOpener;
  readonly #events: HashingEvents;
  readonly #hash = new WholeHash();
  #working: Promise<void> | null = null;
  #closed = false;

  constructor(table: SharedFileTable, opener: SharedFileOpener, events: HashingEvents) {
    this.#table = table;
    this.#opener = opener;
    this.#events = events;
  }

  wake(): void {
    if (this.#closed) return;
    this.#working ??= this.#run()
      .catch((error: Error) => this.#events.failed(error))
      .finally(() => {
        this.#working = null;
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#hash.close();
    await this.#working;
  }

  /** Failed ones are retried at the next wake-up. */
  async #run(): Promise<void> {
    const { hashed } = this.#events;
    let any = false;
    for (let after = 0; ; ) {
      const files = this.#table.unhashed(after, filesPerPage);
      for (const file of files) {
        if (this.#closed) return;
        if (await this.#one(file)) {
          any = true;
          hashed(false);
        }
      }
      const last = files.at(-1);
      if (last === undefined) break;
      after = last.file;
    }
    if (any) hashed(true);
  }

  async #one(file: SharedFile): Promise<boolean> {
    const table = this.#table;
    const place = table.placeOf(file);
    if (place === null) return false;
    const path = shownPath(place);
    const open = async () => {
      const opened = await this.#opener.open(place);
      if (stampOf(opened.status) === file.stamp) return opened.file;
      await opened.file.close();
      throw new ChordialError('changed', `${path} was changed since it was indexed. It is looked at again later.`);
    };
    try {
      const sha256 = await this.#hash.of(path, { open });
      await table.setSha256(file.file, sha256);
      return true;
    } catch (error) {
      // Gone or changing: the scan of its share handles it.
      if (error instanceof ChordialError || (error as NodeJS.ErrnoException).code !== undefined) return false;
      throw error;
    }
  }
}
