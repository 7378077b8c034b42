/**
 * Known sharers of each content: from the entry by which a file was found, or from the ring when its places do not have
 * the content.
 */

import type { Clock, Contact, HostId, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { ShareReader } from '../records/shares.ts';
import type { Sharers } from '../replication/block-fetcher.ts';

const maxContents = 1024;
/** Sharers come and go. */
const keptMilliseconds: Milliseconds = 10_000;

type Reader = Pick<ShareReader, 'providersOf'>;

export class SharersOf {
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #report: (error: Error) => void;
  readonly #contents = new BoundedCache<string, ContentSharers>(maxContents);

  constructor(reader: Reader, clock: Clock, report: (error: Error) => void) {
    this.#reader = reader;
    this.#clock = clock;
    this.#report = report;
  }

  of(root: CID): Sharers {
    return this.#of(root);
  }

  /** A host claims to share it: looks up the other sharers at once. */
  hint(root: CID, sources: readonly Contact[]): void {
    this.#of(root).hint(sources);
  }

  #of(root: CID): ContentSharers {
    const key = root.toString();
    const known = this.#contents.get(key);
    if (known !== undefined) return known;
    const made = new ContentSharers(root, this.#reader, this.#clock, this.#report);
    this.#contents.set(key, made);
    return made;
  }
}

class ContentSharers implements Sharers {
  readonly #root: CID;
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #report: (error: Error) => void;
  readonly #contacts = new Map<HostId, Contact>();
  #found: { readonly at: Milliseconds; readonly contacts: Promise<readonly Contact[]> } | null = null;

  constructor(root: CID, reader: Reader, clock: Clock, report: (error: Error) => void) {
    this.#root = root;
    this.#reader = reader;
    this.#clock = clock;
    this.#report = report;
  }

  known(): readonly Contact[] {
    // Content with one sharer may have gained more.
    if (this.#contacts.size > 0) void this.find();
    return [...this.#contacts.values()];
  }

  hint(sources: readonly Contact[]): void {
    for (const contact of sources) if (!this.#contacts.has(contact.host)) this.#contacts.set(contact.host, contact);
  }

  find(): Promise<readonly Contact[]> {
    const now = this.#clock.now();
    if (this.#found !== null && now - this.#found.at < keptMilliseconds) return this.#found.contacts;
    const contacts = this.#ask();
    this.#found = { at: now, contacts };
    return contacts;
  }

  async #ask(): Promise<readonly Contact[]> {
    try {
      const found = await this.#reader.providersOf(this.#root);
      this.#contacts.clear();
      for (const contact of found) this.#contacts.set(contact.host, contact);
    } catch (error) {
      // No host answered: the previous result is kept.
      this.#report(error as Error);
    }
    return [...this.#contacts.values()];
  }
}
