/**
 * Headers of sealed files, which are age v1 files (age-encryption.org/v1): who can open them, and the file key for those
 * who can. The library writes and reads headers; here are its passphrases off this thread, keys from bytes, and the
 * place where a header ends.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { Decrypter, Encrypter, type Identity, identityToRecipient, type Recipient, Stanza } from 'age-encryption';
import { ChordialError } from '../errors.ts';

/** Those who can open a file: recipients `age1…`, or all who know the passphrase. */
export type SealedFor =
  | { readonly recipients: readonly string[] }
  | {
      readonly passphrase: string;
      /** Less only in tests. */
      readonly workFactor?: number;
    };

/** What may open a file. Identities begin with `AGE-SECRET-KEY-1`. */
export interface Keys {
  readonly identities?: readonly string[];
  readonly passphrase?: string | undefined;
  /** Of this very file. */
  readonly fileKey?: Uint8Array | undefined;
}

/** The secret of one file. */
export interface Seal {
  /** 16 bytes. */
  readonly fileKey: Uint8Array;
  /** Up to the end of its last line. */
  readonly header: Uint8Array;
  /** 16 bytes after the header, from which the key of the body is derived. */
  readonly nonce: Uint8Array;
}

export interface HeaderShown {
  readonly header: Uint8Array;
  /** Kinds of its recipients, each once: X25519, scrypt, or those of other programs. */
  readonly kinds: readonly string[];
}

export const fileKeyBytes = 16;
export const nonceBytes = 16;
/** Of a file that is opened; 512 recipients. */
export const maxHeaderBytes = 64 * 1024;
export const maxRecipients = 16;
/** scrypt takes 2^this KiB of memory: age itself writes 18, which takes a second. */
const workFactor = 18;
const maxWorkFactor = 20;
const magic = 'age-encryption.org/v1\n';

/** A new file key for these. Throws `bad-request` for a recipient that is none. */
export async function newSeal(to: SealedFor): Promise<Seal> {
  const encrypter = new Encrypter();
  let fileKey: Uint8Array | null = null;
  const noting: Recipient = {
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [];
    },
  };
  encrypter.addRecipient(noting);
  if ('passphrase' in to) encrypter.addRecipient(new PassphraseRecipient(to.passphrase, to.workFactor ?? workFactor));
  else {
    if (to.recipients.length === 0 || to.recipients.length > maxRecipients)
      throw new ChordialError(
        'bad-request',
        `A file is sealed for 1 to ${maxRecipients}, not ${to.recipients.length}.`,
      );
    for (const recipient of to.recipients) encrypter.addRecipient(checkRecipient(recipient));
  }
  const empty = await encrypter.encrypt(new Uint8Array(0));
  if (fileKey === null) throw new Error('The library gave no file key.');
  const header = empty.slice(0, empty.length - nonceBytes - tagBytes);
  return { fileKey, header, nonce: randomBytes(nonceBytes) };
}

/** Bytes of the tag that ends each piece. */
export const tagBytes = 16;

/** Throws `bad-request` unless it is the X25519 recipient of an age key. */
export function checkRecipient(text: string): string {
  try {
    if (!/^age1[a-z0-9]{58}$/.test(text)) throw new Error('not of that form');
    new Encrypter().addRecipient(text);
    return text;
  } catch (cause) {
    throw new ChordialError(
      'bad-request',
      `${JSON.stringify(text.slice(0, 80))} is no recipient of age. One begins with "age1" and has 62 characters; "chordial key show" prints it.`,
      { cause },
    );
  }
}

/** The recipient of an identity. Throws `bad-request` when it is none. */
export async function recipientOf(identity: string): Promise<string> {
  try {
    if (!/^AGE-SECRET-KEY-1[A-Z0-9]{58}$/.test(identity)) throw new Error('not of that form');
    return await identityToRecipient(identity);
  } catch (cause) {
    throw new ChordialError(
      'bad-request',
      'This is no key of age: one begins with "AGE-SECRET-KEY-1" and has 74 characters.',
      { cause },
    );
  }
}

/** Whether these bytes begin a sealed file. */
export function isSealed(start: Uint8Array): boolean {
  return Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, magic.length)).toString('latin1') === magic;
}

/** The header in the first bytes of a file: `maxHeaderBytes`, or all. Throws `bad-content` when there is none. */
export function headerIn(start: Uint8Array): HeaderShown {
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, maxHeaderBytes)).toString('latin1');
  if (!text.startsWith(magic)) throw malformed('it does not begin like a file of age');
  const kinds = new Set<string>();
  for (let from = magic.length; ; ) {
    const end = text.indexOf('\n', from);
    if (end === -1) throw malformed(`its header has no end within ${maxHeaderBytes} bytes`);
    const line = text.slice(from, end);
    from = end + 1;
    if (line.startsWith('-> ')) kinds.add(line.split(' ')[1]!.slice(0, 32));
    if (line.startsWith('---')) return { header: Uint8Array.from(start.subarray(0, from)), kinds: [...kinds] };
  }
}

/**
 * The file key, from any key that fits. Throws `no-key`, naming the kinds of recipients, when none does, and
 * `bad-content` when the header does not hold.
 */
export async function openHeader({ header, kinds }: HeaderShown, keys: Keys): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  const { fileKey, passphrase, identities = [] } = keys;
  if (fileKey !== undefined) decrypter.addIdentity({ unwrapFileKey: () => fileKey });
  for (const identity of identities) decrypter.addIdentity(identity);
  if (passphrase !== undefined) decrypter.addIdentity(new PassphraseIdentity(passphrase));
  try {
    return await decrypter.decryptHeader(header);
  } catch (cause) {
    if (cause instanceof ChordialError) throw cause;
    const reason = (cause as Error).message;
    if (reason.startsWith('no identity matched')) throw noKey(kinds, passphrase !== undefined, cause);
    if (fileKey !== undefined && reason.startsWith('invalid header HMAC')) throw noKey(kinds, false, cause);
    throw malformed(`its header does not hold (${reason})`, cause);
  }
}

/** Why no key opens a file, and what to do. */
export function noKey(kinds: readonly string[], isPassphraseTried: boolean, cause?: unknown): ChordialError {
  const isByPassphrase = kinds.includes('scrypt');
  const what = isByPassphrase
    ? isPassphraseTried
      ? 'The passphrase does not open it'
      : 'It is sealed with a passphrase; give it with --passphrase'
    : `It is sealed for others, and no key of this peer opens it (recipients: ${kinds.join(', ') || 'none'})`;
  const advice = isByPassphrase
    ? ''
    : ' Ask its publisher to put it with --to this peer, import a key with "chordial key import", or get it with --raw as it is stored.';
  return new ChordialError('no-key', `${what}.${advice}`, { cause, details: { recipients: [...kinds] } });
}

/** An identity of age made from a secret of any length from 16 bytes on, such as one that travels in a link. */
export function identityFrom(secret: Uint8Array): string {
  if (secret.length < 16) throw new RangeError(`${secret.length} bytes are too few for a key.`);
  const scalar = new Uint8Array(hkdfSync('sha256', secret, '', 'chordial age identity v1', 32));
  return bech32('age-secret-key-', scalar).toUpperCase();
}

class PassphraseRecipient implements Recipient {
  readonly #passphrase: string;
  readonly #workFactor: number;

  constructor(passphrase: string, factor: number) {
    this.#passphrase = passphrase;
    this.#workFactor = factor;
  }

  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const salt = randomBytes(16);
    const key = await stretched(this.#passphrase, salt, this.#workFactor);
    const cipher = createCipheriv('chacha20-poly1305', key, noNonce, { authTagLength: tagBytes });
    const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
    return [new Stanza(['scrypt', unpadded(salt), String(this.#workFactor)], body)];
  }
}

class PassphraseIdentity implements Identity {
  readonly #passphrase: string;

  constructor(passphrase: string) {
    this.#passphrase = passphrase;
  }

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const stanza = stanzas.find(({ args }) => args[0] === 'scrypt');
    if (stanza === undefined) return null;
    const [, saltText = '', factor = ''] = stanza.args;
    const salt = Buffer.from(saltText, 'base64');
    const isForm = stanza.args.length === 3 && /^[1-9][0-9]?$/.test(factor) && stanza.body.length === 32;
    if (stanzas.length !== 1 || !isForm || salt.length !== 16 || unpadded(salt) !== saltText)
      throw new Error('invalid scrypt stanza');
    if (Number(factor) > maxWorkFactor) throw new Error(`scrypt would take 2^${factor} KiB of memory`);
    const key = await stretched(this.#passphrase, salt, Number(factor));
    const decipher = createDecipheriv('chacha20-poly1305', key, noNonce, { authTagLength: tagBytes });
    decipher.setAuthTag(stanza.body.subarray(fileKeyBytes));
    const fileKey = decipher.update(stanza.body.subarray(0, fileKeyBytes));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return Uint8Array.from(fileKey);
  }
}

const noNonce = new Uint8Array(12);

function stretched(passphrase: string, salt: Uint8Array, factor: number): Promise<Buffer> {
  const salted = Buffer.concat([Buffer.from('age-encryption.org/v1/scrypt'), salt]);
  const options = { N: 2 ** factor, r: 8, p: 1, maxmem: 2 ** (factor + 10) + 2 ** 21 };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salted, 32, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

/** BIP 173. */
function bech32(prefix: string, bytes: Uint8Array): string {
  const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
  const words: number[] = [];
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) words.push((held >> (bits - 5)) & 31);
    held &= 0xff;
  }
  if (bits > 0) words.push((held << (5 - bits)) & 31);
  const codes = [...prefix].map((letter) => letter.charCodeAt(0));
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
  let sum = 1;
  for (const word of [...expanded, ...words, 0, 0, 0, 0, 0, 0]) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ word;
    for (const [bit, generator] of generators.entries()) if ((top >>> bit) & 1) sum ^= generator;
  }
  sum ^= 1;
  const check = [5, 4, 3, 2, 1, 0].map((place) => (sum >>> (5 * place)) & 31);
  return `${prefix}1${[...words, ...check].map((word) => alphabet[word]).join('')}`;
}

const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

export function malformed(reason: string, cause?: unknown): ChordialError {
  return new ChordialError('bad-content', `The sealed file cannot be opened: ${reason}. It was changed or cut.`, {
    cause,
  });
}
