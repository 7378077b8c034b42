/**
 * Sealed files of this peer and of others: for whom a put is sealed, what an entry seals, and the content behind it. A
 * sealed file is published under a name without meaning; its own name, size and attributes are sealed for the same ones
 * as its content.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import { checkedAttributes, type FileAttributes } from '../content/attributes.ts';
import { checkName } from '../content/name.ts';
import { OpenedFile, openWhole, type ReadSealed, sealWhole } from '../content/sealed.ts';
import {
  checkRecipient,
  headerIn,
  type Keys,
  maxRecipients,
  newSeal,
  noKey,
  nonceBytes,
  type Seal,
} from '../content/sealed-header.ts';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { decode, encode } from '../network/dag-cbor.ts';
import { type Transport, TransportError } from '../network/transport.ts';
import type { NameEntry } from '../records/name-entry.ts';
import type { RingView } from '../records/ring-view.ts';
import { Message, type Registry } from '../wire/message.ts';
import { map, text } from '../wire/schema.ts';
import type { FileEntry } from './files.ts';
import { isPublisher, looksLikePeer } from './of-publisher.ts';
import type { OwnKeys } from './own-keys.ts';
import type { KeptSeal, SealedPart, SealWish } from './sealing.ts';

const deadlineMilliseconds: Milliseconds = 5000;
const recipientCharacters = 62;
/** Entries of which it is known what they seal, or that no key opens them. */
const maxOpened = 16_384;
/** Files of which the key is known. */
const maxFiles = 1024;
/** Entries of others that one listing tries to open. */
export const maxTriedAtOnce = 2048;
/** Each takes a second and 256 MiB. */
const passphrasesAtOnce = 1;

export const keyMessages = {
  /** The X25519 recipient of the age key of the one asked. */
  recipient: new Message('key.recipient', map({}), map({ recipient: text(recipientCharacters) })),
};

/** What is sealed in an entry. */
export interface SealedFacts {
  readonly name: string;
  readonly size: number;
  readonly attributes: FileAttributes;
  /** Ids of peers, or recipients; none where a passphrase opens it. */
  readonly to: readonly string[];
}

/** A put that is to be sealed. */
export interface SealedPut {
  /** In the network. */
  readonly name: string;
  readonly seal: Seal;
  /** What its entry seals. */
  facts(size: number, attributes: FileAttributes): Promise<Pick<NameEntry, 'sealed' | 'own'>>;
}

export interface SealPorts {
  readonly keys: OwnKeys;
  readonly view: Pick<RingView, 'self' | 'hosts'>;
  readonly transport: Pick<Transport, 'request'>;
  readonly peerNames: { shown(host: HostId): string; named(name: string): readonly HostId[] };
}

interface Known {
  readonly facts: SealedFacts | null;
  readonly keys: number;
}

export class Seals {
  /** Puts are sealed unless they say otherwise. */
  sealsPuts = false;
  readonly keys: OwnKeys;
  readonly #ports: SealPorts;
  readonly #known = new BoundedCache<string, Known>(maxOpened);
  readonly #files = new BoundedCache<string, Seal>(maxFiles);
  readonly #stretching = new Semaphore(passphrasesAtOnce);

  constructor(ports: SealPorts) {
    this.keys = ports.keys;
    this.#ports = ports;
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): void {
    registry.on(keyMessages.recipient, async () => ({ recipient: await this.keys.recipient() }));
  }

  /** Throws `not-found`, `ambiguous-name` or `unreachable` for a peer whose key is not to be had. */
  async plan(name: string, wish: SealWish, kept: KeptSeal | null = null): Promise<SealedPut> {
    const publicName = await this.keys.publicName(name);
    const made = kept === null ? await this.#sealFor(wish) : { seal: sealOf(kept), to: kept.to };
    const { seal, to } = made;
    const facts = async (size: number, attributes: FileAttributes) => {
      const { modified, executable } = attributes;
      const bytes = encode({ name, size, modified, executable, to: [...to] });
      const sealed = await sealWhole(bytes, { ...seal, nonce: randomBytes(nonceBytes) });
      if (to.length > 0) return { sealed, own: null };
      const own = await newSeal({ recipients: [await this.keys.recipient()] });
      return { sealed, own: await sealWhole(bytes, own) };
    };
    return { name: publicName, seal, facts };
  }

  /** A new seal for the journal, with which `plan` resumes. */
  async keptSeal(wish: SealWish): Promise<KeptSeal> {
    const { seal, to } = await this.#sealFor(wish);
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    return { fileKey: text(seal.fileKey), header: text(seal.header), nonce: text(seal.nonce), to };
  }

  async #sealFor({ to = [], passphrase }: SealWish): Promise<{ readonly seal: Seal; readonly to: readonly string[] }> {
    if (passphrase !== undefined) {
      if (to.length > 0)
        throw new ChordialError('bad-request', 'A file is sealed with a passphrase or for peers, not both.');
      return { seal: await this.#stretching.pass(() => newSeal({ passphrase })), to: [] };
    }
    if (to.length >= maxRecipients)
      throw new ChordialError(
        'bad-request',
        `A file is sealed for at most ${maxRecipients - 1} others, not ${to.length}.`,
      );
    const { self } = this.#ports.view;
    const found = new Map([[await this.keys.recipient(), self.host as string]]);
    for (const [recipient, host] of await Promise.all(to.map((one) => this.#recipientOf(one))))
      if (!found.has(recipient)) found.set(recipient, host);
    return { seal: await newSeal({ recipients: [...found.keys()] }), to: [...found.values()] };
  }

  /** The recipient of a peer comes from that peer, over a connection that proves who it is. */
  async #recipientOf(one: string): Promise<readonly [recipient: string, host: string]> {
    if (one.startsWith('age1')) return [checkRecipient(one), one];
    const { view, transport, peerNames } = this.#ports;
    const called = peerNames.named(one);
    const isMeant = (host: HostId): boolean =>
      looksLikePeer(one) ? isPublisher(host, one) || host.endsWith(one) : called.includes(host);
    const [host, another] = view.hosts().filter((contact) => isMeant(contact.host));
    if (another !== undefined)
      throw new ChordialError('ambiguous-name', `Several peers match ${one}. Give more of the peer id.`);
    if (host === undefined)
      throw new ChordialError(
        called.length > 0 ? 'unreachable' : 'not-found',
        `No peer ${JSON.stringify(one)} is here now to tell its key. Start it, or give its recipient, which "chordial key show" prints there.`,
      );
    if (host.host === view.self.host) return [await this.keys.recipient(), host.host];
    try {
      const options = { deadline: deadlineMilliseconds };
      const { recipient } = await keyMessages.recipient.ask(transport, host, {}, options);
      return [checkRecipient(recipient), host.host];
    } catch (cause) {
      if (!(cause instanceof TransportError) && !(cause instanceof ChordialError)) throw cause;
      const why = (cause as Error).message;
      throw new ChordialError('unreachable', `${peerNames.shown(host.host)} does not tell its key: ${why}`, { cause });
    }
  }

  /** What the entry seals; null when no key opens it. */
  async facts(entry: Pick<NameEntry, 'sealed' | 'own'>, passphrase?: string): Promise<SealedFacts | null> {
    const { sealed = null, own = null } = entry;
    const mine = own === null ? null : await this.#factsIn(own);
    return mine ?? (sealed === null ? null : await this.#factsIn(sealed, passphrase));
  }

  async #factsIn(sealed: Uint8Array, passphrase?: string): Promise<SealedFacts | null> {
    const key = `${hash('sha256', sealed, 'base64')} ${passphrase === undefined ? '' : hash('sha256', passphrase)}`;
    const known = this.#known.get(key);
    if (known !== undefined && (known.facts !== null || known.keys === this.keys.made.length)) return known.facts;
    const facts = await this.#opened(sealed, passphrase);
    this.#known.set(key, { facts, keys: this.keys.made.length });
    return facts;
  }

  async #opened(sealed: Uint8Array, passphrase?: string): Promise<SealedFacts | null> {
    try {
      return readFacts((await this.#withKeys(passphrase, (keys) => openWhole(sealed, keys))).content);
    } catch (error) {
      if (error instanceof ChordialError) return null;
      throw error;
    }
  }

  /** The entry as those see it who can open it, else with what anybody sees. */
  async shown(entry: FileEntry, of: Pick<NameEntry, 'sealed' | 'own'>, passphrase?: string): Promise<FileEntry> {
    const { sealed = null } = of;
    if (sealed === null) return entry;
    const facts = await this.facts(of, passphrase);
    const kinds = kindsIn(sealed);
    const isByPassphrase = kinds.includes('scrypt');
    const isOpen = isByPassphrase ? (await this.#factsOf(sealed, passphrase)) !== null : facts !== null;
    const part: SealedPart = { name: entry.name ?? '', size: entry.size, kinds, to: facts?.to ?? [], isOpen };
    if (facts === null) return { ...entry, sealed: part };
    const { name, size, attributes } = facts;
    return { ...entry, name, size, attributes, sha256: null, sealed: part };
  }

  #factsOf(sealed: Uint8Array, passphrase: string | undefined): Promise<SealedFacts | null> {
    return passphrase === undefined ? Promise.resolve(null) : this.#factsIn(sealed, passphrase);
  }

  /** The content of a sealed file. Throws `no-key`, `bad-content`. */
  async open(cid: string, sealedBytes: number, read: ReadSealed, passphrase?: string): Promise<OpenedFile> {
    const key = `${cid} ${passphrase === undefined ? '' : hash('sha256', passphrase)}`;
    const known = this.#files.get(key);
    if (known !== undefined) return new OpenedFile(known, sealedBytes, read);
    const opened = await this.#withKeys(passphrase, (keys) => OpenedFile.open(sealedBytes, read, keys));
    this.#files.set(key, opened.seal);
    return opened;
  }

  #withKeys<Result>(passphrase: string | undefined, use: (keys: Keys) => Promise<Result>): Promise<Result> {
    const { made } = this.keys;
    if (passphrase === undefined) return use({ identities: made });
    return this.#stretching.pass(() => use({ identities: made, passphrase }));
  }
}

/** Throws `no-key` for a sealed file that no key of this peer opens. */
export function checkIsOpen({ sealed }: Pick<FileEntry, 'sealed'>, passphrase?: string): void {
  if (sealed && !sealed.isOpen) throw noKey(sealed.kinds, passphrase !== undefined);
}

/** The entry of what is stored. */
export function rawEntry(entry: FileEntry): FileEntry {
  const { sealed, ...rest } = entry;
  return sealed ? { ...rest, name: sealed.name, size: sealed.size, attributes: null } : entry;
}

function sealOf({ fileKey, header, nonce }: KeptSeal): Seal {
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));
  return { fileKey: bytes(fileKey), header: bytes(header), nonce: bytes(nonce) };
}

function kindsIn(sealed: Uint8Array): readonly string[] {
  try {
    return headerIn(sealed).kinds;
  } catch (error) {
    if (error instanceof ChordialError) return [];
    throw error;
  }
}

/** Null for anything that no peer writes. */
function readFacts(bytes: Uint8Array): SealedFacts | null {
  let read: Partial<Record<keyof SealedFacts | 'modified' | 'executable', unknown>> | null;
  try {
    read = decode(bytes) as typeof read;
  } catch {
    return null;
  }
  if (typeof read !== 'object' || read === null) return null;
  const { name, size, modified, executable, to } = read;
  if (typeof name !== 'string' || !Number.isSafeInteger(size) || (size as number) < 0) return null;
  if (!Array.isArray(to) || to.length > maxRecipients || to.some((one) => typeof one !== 'string')) return null;
  const attributes = checkedAttributes(modified, executable);
  return { name: checkName(name), size: size as number, attributes, to: to as string[] };
}
