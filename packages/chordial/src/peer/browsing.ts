/**
 * Lists what a peer publishes and shares, asked of the peer itself, page by page: `browse.files {cursor}` → `{hits,
 * cursor}`, the cursor empty at the beginning and at the end. Puts first, each followed by the share of the same file,
 * then the other shares.
 */

import type { Contact, Milliseconds } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { type Transport, TransportError } from '../network/transport.ts';
import type { Names } from '../records/names.ts';
import type { RingView } from '../records/ring-view.ts';
import type { Hit } from '../search/hit.ts';
import { hits } from '../search/hit-codec.ts';
import type { SharedFolders } from '../sharing/shared-folders.ts';
import type { SharedFile } from '../storage/shared-file-table.ts';
import { Message, type Registry } from '../wire/message.ts';
import { map, text } from '../wire/schema.ts';
import { hitOfShared } from './answered-files.ts';

export interface BrowsedPage {
  readonly hits: readonly Hit[];
  /** For the next page; null at the end. */
  readonly cursor: string | null;
}

const hitsPerPage = 200;
const maxCursorCharacters = 1024;

/** Empty for the first page, and after the last. */
const cursorText = text(maxCursorCharacters);

export const browseMessages = {
  files: new Message('browse.files', map({ cursor: cursorText }), map({ hits, cursor: cursorText })),
};

const deadlineMilliseconds: Milliseconds = 5000;
const ofShares = /^share:(\d{1,15})$/;

export class Browsing {
  readonly #view: Pick<RingView, 'self'>;
  readonly #transport: Pick<Transport, 'request'>;
  readonly #names: Pick<Names, 'listOwn' | 'own'>;
  readonly #shares: Pick<SharedFolders, 'page' | 'named'>;

  constructor(
    view: Pick<RingView, 'self'>,
    transport: Pick<Transport, 'request'>,
    names: Pick<Names, 'listOwn' | 'own'>,
    shares: Pick<SharedFolders, 'page' | 'named'>,
  ) {
    this.#view = view;
    this.#transport = transport;
    this.#names = names;
    this.#shares = shares;
  }

  /** A page of a peer's files. Rejects with `unreachable`, or `bad-content` when the answer is about others. */
  async files(of: Contact, cursor: string | null): Promise<BrowsedPage> {
    if (of.host === this.#view.self.host) return this.#own(cursor ?? '');
    try {
      const options = { deadline: deadlineMilliseconds };
      const page = await browseMessages.files.ask(this.#transport, of, { cursor: cursor ?? '' }, options);
      if (page.hits.some(({ source }) => source.host !== of.host)) throw forOthers(of);
      return { hits: page.hits, cursor: page.cursor === '' ? null : page.cursor };
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      throw new ChordialError('unreachable', `${of.host} does not tell its files: ${error.message}`, { cause: error });
    }
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    return registry.on(browseMessages.files, ({ cursor }) => {
      const page = this.#own(cursor);
      return { hits: page.hits, cursor: page.cursor ?? '' };
    });
  }

  #own(cursor: string): BrowsedPage {
    const from = ofShares.exec(cursor)?.[1];
    return from === undefined ? this.#put(cursor) : this.#shared(Number(from));
  }

  #put(cursor: string): BrowsedPage {
    const page = this.#names.listOwn(cursor === '' ? null : cursor, hitsPerPage);
    const hits = page.names.flatMap(({ name, cid, size, type, sha256, time }): Hit[] => {
      const put = { name, root: cid, size, type, sha256, time, source: this.#view.self, isShared: false };
      const shared = this.#shares.named(name);
      return isOf(shared, cid.bytes) ? [put, hitOfShared(shared, this.#view.self)] : [put];
    });
    if (page.cursor !== null) return { hits, cursor: page.cursor };
    return hits.length === 0 ? this.#shared(0) : { hits, cursor: 'share:0' };
  }

  #shared(from: number): BrowsedPage {
    const files = this.#shares.page(from, hitsPerPage);
    const last = files.at(-1);
    const hits = files.filter((file) => !this.#isShown(file)).map((file) => hitOfShared(file, this.#view.self));
    return { hits, cursor: last === undefined || files.length < hitsPerPage ? null : `share:${last.file + 1}` };
  }

  /** With the put of the same file, or with another share of it. */
  #isShown({ name, root, file }: SharedFile): boolean {
    const newest = this.#shares.named(name);
    const put = this.#names.own(name);
    return (put !== null && Buffer.compare(put.cid.bytes, root) === 0) || (isOf(newest, root) && newest.file !== file);
  }
}

function isOf(shared: SharedFile | null, root: Uint8Array): shared is SharedFile {
  return shared !== null && Buffer.compare(shared.root, root) === 0;
}

function forOthers({ host }: Contact): ChordialError {
  return new ChordialError('bad-content', `${host} tells files of others as its own. Search for them instead.`);
}
