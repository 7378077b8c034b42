/**
 * The keys of age with which this peer opens sealed files, in its data folder as age itself keeps them, made with the
 * folder, since its disk may be full when one is needed. The first is current; those before it still open what was sealed
 * for them. Keys derived from them seal what the peer notes of sealed files on its own disk.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import path from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { recipientOf, tagBytes } from '../content/sealed-header.ts';
import { ChordialError } from '../errors.ts';
import { writeFileDurably } from '../storage/durable-file.ts';
import { readSmallFile } from '../storage/small-file.ts';
import { errnoOf } from '../storage/system-error.ts';

export const keysFile = 'age-keys.txt';
export const maxKeys = 16;
const maxFileBytes = 64 * 1024;
const sealedNamePrefix = 'sealed-';
const nameCharacters = 26;
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

interface SettingsTable {
  settings(prefix: string): readonly { readonly name: string; readonly value: unknown }[];
  setSetting(name: string, value: unknown): Promise<void>;
}

export class OwnKeys {
  readonly #file: string | null;
  #identities: readonly string[];
  #making: Promise<void> | null = null;

  private constructor(file: string | null, identities: readonly string[]) {
    this.#file = file;
    this.#identities = identities;
  }

  /** Throws `broken-data-folder` when the file is there and unusable. */
  static async load(folder: string): Promise<OwnKeys> {
    const file = path.join(folder, keysFile);
    try {
      return new OwnKeys(file, await identitiesIn((await readSmallFile(file, maxFileBytes)).toString()));
    } catch (cause) {
      if (errnoOf(cause) === 'ENOENT') {
        const made = new OwnKeys(file, []);
        await made.identities();
        return made;
      }
      throw new ChordialError(
        'broken-data-folder',
        `The keys in ${file} cannot be used: ${(cause as Error).message} Put the file back from a copy, or remove it: then sealed files of before cannot be opened.`,
        { cause },
      );
    }
  }

  /** Of a peer without a disk. */
  static inMemory(): OwnKeys {
    return new OwnKeys(null, []);
  }

  /** Those there are: none in memory before the first need. */
  get made(): readonly string[] {
    return this.#identities;
  }

  /** Current first. */
  async identities(): Promise<readonly string[]> {
    if (this.#identities.length === 0) {
      this.#making ??= generateX25519Identity()
        .then((identity) => this.#keep([identity]))
        .finally(() => {
          this.#making = null;
        });
      await this.#making;
    }
    return this.#identities;
  }

  async recipient(): Promise<string> {
    return recipientOf((await this.identities())[0]!);
  }

  /** Makes the first key of the text current, and keeps the others too. Throws `bad-request`, `too-many-entries`. */
  async add(text: string): Promise<string> {
    const given = await identitiesIn(text);
    const all = [...new Set([...given, ...this.#identities])];
    if (all.length > maxKeys)
      throw new ChordialError('too-many-entries', `A peer keeps at most ${maxKeys} keys. Import fewer.`);
    await this.#keep(all);
    return this.recipient();
  }

  /** As age reads it with -i. */
  async text(): Promise<string> {
    return textOf(await this.identities());
  }

  /** Names under which a file of this name is published when it is sealed: one for each key. */
  publicNames(name: string): readonly string[] {
    return this.#identities.map((identity) => publicName(identity, name));
  }

  async publicName(name: string): Promise<string> {
    return publicName((await this.identities())[0]!, name);
  }

  /** Settings of which the disk shows the keys alone: for what holds names, paths and secrets. */
  sealedSettings(table: SettingsTable): SettingsTable {
    return {
      settings: (prefix) =>
        table
          .settings(prefix)
          .map(({ name, value }) => ({ name, value: typeof value === 'string' ? this.open(value) : null })),
      setSetting: async (name, value) =>
        table.setSetting(name, value === undefined ? undefined : await this.seal(value)),
    };
  }

  async seal(value: unknown): Promise<string> {
    const [identity] = await this.identities();
    const nonce = randomBytes(12);
    const cipher = createCipheriv('chacha20-poly1305', derived(identity!, 'box'), nonce, { authTagLength: tagBytes });
    const sealed = cipher.update(JSON.stringify(value) ?? 'null');
    cipher.final();
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64');
  }

  /** Null when none of the keys opens it. */
  open(text: string): unknown {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length < 12 + tagBytes) return null;
    const end = bytes.length - tagBytes;
    for (const identity of this.#identities) {
      const key = derived(identity, 'box');
      const decipher = createDecipheriv('chacha20-poly1305', key, bytes.subarray(0, 12), { authTagLength: tagBytes });
      decipher.setAuthTag(bytes.subarray(end));
      const opened = decipher.update(bytes.subarray(12, end));
      try {
        decipher.final();
        return JSON.parse(opened.toString()) as unknown;
      } catch {
        // Of another key.
      }
    }
    return null;
  }

  /** 32 bytes for one purpose. */
  async secret(purpose: string): Promise<Uint8Array> {
    return derived((await this.identities())[0]!, purpose);
  }

  async #keep(identities: readonly string[]): Promise<void> {
    if (this.#file !== null) await writeFileDurably(this.#file, Buffer.from(await textOf(identities)), 0o600);
    this.#identities = identities;
  }
}

export function isSealedName(name: string): boolean {
  return name.startsWith(sealedNamePrefix) && name.length === sealedNamePrefix.length + nameCharacters;
}

/** Not to be guessed from the name without the key, and the same each time. */
function publicName(identity: string, name: string): string {
  const digest = createHmac('sha256', derived(identity, 'names')).update(name).digest();
  let text = '';
  for (const byte of digest.subarray(0, nameCharacters)) text += alphabet[byte & 31];
  return sealedNamePrefix + text;
}

function derived(identity: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', identity, '', `chordial ${purpose} v1`, 32));
}

async function textOf(identities: readonly string[]): Promise<string> {
  const lines = await Promise.all(
    identities.map(async (identity) => `# public key: ${await recipientOf(identity)}\n${identity}\n`),
  );
  return lines.join('');
}

/** Throws `bad-request`. */
async function identitiesIn(text: string): Promise<readonly string[]> {
  const lines = text.split('\n').map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (identities.length === 0) throw new ChordialError('bad-request', 'There is no key of age in it.');
  for (const identity of identities) await recipientOf(identity);
  return identities;
}
