/** Links: what leads somebody who is no member to a file, at the door of any member (docs/links.md). */
import type { Clock, Contact, HostId, Random } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { Transport } from '../network/transport.ts';
import { maxLinkMilliseconds } from '../records/entry.ts';
import type { Registry } from '../wire/message.ts';
import {
  formatLinkKey,
  type LinkId,
  linkIdOf,
  linkKeyBytes,
  linkPath,
  linkSubject,
  secretBytes,
} from './link-address.ts';
import { LinkFetches } from './link-fetches.ts';
import { linkMessages } from './link-messages.ts';
import {
  type Link,
  type LinkedContent,
  linkEntry,
  maxPasswordBytes,
  maxTimes,
  openLock,
  readLinkEntry,
  saltBytes,
  sealForKey,
} from './link-record.ts';
import type { LinkStore } from './link-records.ts';
import { type LinkSettings, type OwnLink, OwnLinks } from './own-links.ts';

export interface LinkWish {
  /** A file or folder, or a drop box that takes `size` bytes. */
  readonly type: 'file' | 'directory' | 'drop';
  readonly name: string;
  readonly cid: CID | null;
  readonly size: number;
  /** Of an age file: its file key, and the size of its content; only the URL's key opens them and the name. */
  readonly sealed?: { readonly fileKey: Uint8Array; readonly size: number };
  /** Own name of what was put for this link alone. */
  readonly copy?: string;
  readonly timeToLive: number;
  readonly password?: string;
  readonly times?: number;
}

export interface MadeLink extends OwnLink {
  /** What comes after the origin of a door. */
  readonly path: string;
}

export interface LinkPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: LinkSettings;
  readonly transport: Transport;
  readonly hosts: () => readonly Contact[];
  /** What peers are called. */
  readonly called: (host: HostId) => string;
  readonly closing: AbortSignal;
}

export const minLinkMilliseconds = 1000;
/** Well below the 5 s within which a link that was taken back is gone at every door. */
const rememberedMilliseconds = 2000;
const maxRemembered = 1024;
const maxReadsAtOnce = 32;

interface Remembered {
  readonly link: Promise<Link | null>;
  readonly at: number;
}

export class Links {
  readonly #ports: LinkPorts;
  readonly #records: LinkStore;
  readonly #own: OwnLinks;
  readonly #fetches: LinkFetches;
  readonly #remembered = new BoundedCache<LinkId, Remembered>(maxRemembered);
  readonly #reads = new Semaphore(maxReadsAtOnce);

  constructor(ports: LinkPorts, records: LinkStore) {
    this.#ports = ports;
    this.#records = records;
    this.#own = new OwnLinks(ports.settings, ports.clock);
    const self = records.publisher;
    this.#fetches = new LinkFetches({
      ...ports,
      self,
      own: ({ id, bytes, whole }) => this.#own.fetched(id, { door: self, bytes, whole }),
    });
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    return registry.on(linkMessages.fetched, ({ id, bytes, whole }, { host }) => ({
      isKnown: this.#own.fetched(id, { door: host, bytes, whole }),
    }));
  }

  /** Durable on the write quorum and listed here when it resolves. */
  async createLink(wish: LinkWish): Promise<MadeLink> {
    checkWish(wish);
    this.#own.checkRoom();
    const { clock } = this.#ports;
    const publisher = this.#records.publisher;
    const secret = this.#bytes(secretBytes);
    const id = linkIdOf(publisher, secret);
    const key = wish.sealed === undefined ? null : this.#bytes(linkKeyBytes);
    const { type, name, cid, size, password = null, times = null, timeToLive } = wish;
    const created = clock.wallTime();
    const own: OwnLink = {
      id,
      created,
      expiry: created + timeToLive,
      type,
      name,
      cid: cid?.toString() ?? null,
      size: wish.sealed?.size ?? size,
      times,
      hasPassword: password !== null,
      key: key === null ? null : formatLinkKey(key),
      copy: wish.copy ?? null,
      fetches: [],
      fetched: 0,
    };
    const from = this.#ports.called(publisher);
    const terms = { publisher, secret, sequence: created, expiry: own.expiry, password, from, times };
    const content = contentOf(wish, id, key);
    await this.#records.publish(await linkEntry({ ...terms, content }, this.#bytes(saltBytes)));
    await this.#own.add(own);
    this.#remembered.delete(id);
    return { ...own, path: pathOf(own) };
  }

  /**
   * The verified record, at most two seconds old; null for one that is unknown, removed, expired or made by another than its
   * id says. Rejects with `no-live-source` when no host that would know answers.
   */
  async readLink(id: LinkId): Promise<Link | null> {
    const now = this.#ports.clock.wallTime();
    const known = this.#remembered.get(id);
    const isFresh = known !== undefined && Math.abs(now - known.at) < rememberedMilliseconds;
    const reading = isFresh ? known.link : this.#reads.pass(() => this.#read(id));
    if (!isFresh) this.#remember(id, { link: reading, at: now });
    const link = await reading;
    return link !== null && link.expiry > this.#ports.clock.wallTime() ? link : null;
  }

  /** What it leads to. Throws `wrong-password`, or `busy` while too many are checked. */
  async openLink(link: Link, password: string | null): Promise<LinkedContent> {
    const content = password === null ? link.content : await openLock(link, password);
    if (content !== null) return content;
    throw new ChordialError(
      'wrong-password',
      'The link has a password, and this is not it. Ask who sent you the link.',
    );
  }

  /** Null when the link was fetched as often as this door lets it. `isWhole`: the answer ends with the last byte. */
  beginFetch(link: Link, isWhole: boolean) {
    return this.#fetches.begin(link, isWhole);
  }

  /** Gone at every door within five seconds; resolves with what was listed of it. Rejects with `not-found` or `not-publisher`. */
  async removeLink(id: LinkId): Promise<OwnLink | null> {
    const own = this.#own.get(id);
    const link = own ?? (await this.#readAfresh(id));
    if (link === null)
      throw new ChordialError('not-found', `There is no link ${id}. List yours with "chordial links".`);
    if ('publisher' in link && link.publisher !== this.#records.publisher) {
      throw new ChordialError(
        'not-publisher',
        `The link ${id} was made by ${this.#ports.called(link.publisher)}, not by this peer; only its maker can take it back.`,
      );
    }
    await this.#records.end(linkSubject(id), { sequence: link.created, expiry: link.expiry });
    await this.#own.remove(id);
    this.#remembered.delete(id);
    return own;
  }

  /** Those made by this peer, newest first; one that expired is listed for 30 days. */
  listLinks(): readonly MadeLink[] {
    return this.#own.list().map((own) => ({ ...own, path: pathOf(own) }));
  }

  async close(): Promise<void> {
    this.#fetches.close();
    await this.#own.close();
  }

  #readAfresh(id: LinkId): Promise<Link | null> {
    this.#remembered.delete(id);
    return this.readLink(id);
  }

  /** A failure is not remembered. */
  #remember(id: LinkId, remembered: Remembered): void {
    this.#remembered.set(id, remembered);
    remembered.link.catch(() => {
      if (this.#remembered.get(id) === remembered) this.#remembered.delete(id);
    });
  }

  async #read(id: LinkId): Promise<Link | null> {
    const entries = await this.#records.read(linkSubject(id));
    for (const encoded of entries) {
      const link = readLinkEntry(id, encoded);
      if (link !== null) return link;
    }
    return null;
  }

  #bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => Math.floor(this.#ports.random.next() * 256));
  }
}

function pathOf({ id, name, key, hasPassword, type }: OwnLink): string {
  return linkPath(id, { name: key !== null || hasPassword || type === 'drop' ? null : name, key });
}

function contentOf({ type, name, cid, size, sealed }: LinkWish, id: LinkId, key: Uint8Array | null): LinkedContent {
  if (type === 'drop') return { type, name, most: size };
  if (cid === null) throw new ChordialError('bad-request', 'A link needs a CID, or a folder that takes uploads.');
  if (sealed === undefined || key === null) return { type, name, root: cid, size, sealedPart: null };
  return { type, name: null, root: cid, size, sealedPart: sealForKey(id, key, { name, ...sealed }) };
}

function checkWish({ timeToLive, password, times, type, sealed }: LinkWish): void {
  const complaint =
    timeToLive < minLinkMilliseconds || timeToLive > maxLinkMilliseconds
      ? 'A link lasts from a second to 366 days.'
      : password !== undefined && (password === '' || Buffer.byteLength(password) > maxPasswordBytes)
        ? `A password has 1 to ${maxPasswordBytes} bytes.`
        : times !== undefined && (times < 1 || times > maxTimes)
          ? `A link may be fetched 1 to ${maxTimes} times.`
          : sealed !== undefined && type !== 'file'
            ? 'Only a file can be sealed.'
            : times !== undefined && type === 'drop'
              ? 'A drop box takes any number of files. Leave out how often.'
              : null;
  if (complaint !== null) throw new ChordialError('bad-usage', complaint);
}
