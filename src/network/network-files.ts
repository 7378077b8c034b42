/** The network a data folder belongs to: its genesis and, unless it is open, the secret that admits peers. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChordialError } from '../errors.ts';
import { writeFileDurably } from '../storage/durable-file.ts';
import { decodeGenesis, encodeGenesis, type Genesis } from './genesis.ts';

export const genesisFile = 'genesis.cbor';
export const secretFile = 'secret';
export const secretBytes = 32;

/** 32 random bytes that every member of a network knows. */
export function createSecret(): Uint8Array {
  return Uint8Array.from(randomBytes(secretBytes));
}

export async function saveGenesis(folder: string, genesis: Genesis): Promise<void> {
  await writeFileDurably(join(folder, genesisFile), encodeGenesis(genesis), 0o644);
}

/** null when the folder belongs to no network yet; `broken-data-folder` when the file is unusable. */
export async function loadGenesis(folder: string): Promise<Genesis | null> {
  const path = join(folder, genesisFile);
  const bytes = await readIfPresent(path);
  if (bytes === null) return null;
  try {
    return decodeGenesis(Uint8Array.from(bytes));
  } catch (cause) {
    throw broken(
      path,
      (cause as Error).message,
      'copy it from another peer of the network or start in a new data folder',
      cause,
    );
  }
}

export async function saveSecret(folder: string, secret: Uint8Array): Promise<void> {
  await writeFileDurably(join(folder, secretFile), Buffer.from(`${Buffer.from(secret).toString('hex')}\n`), 0o600);
}

/** null when the folder has none; `broken-data-folder` when the file is unusable. */
export async function loadSecret(folder: string): Promise<Uint8Array | null> {
  const path = join(folder, secretFile);
  const bytes = await readIfPresent(path);
  if (bytes === null) return null;
  return parseSecret(bytes.toString('latin1')) ?? fail(path);
}

/** A secret as it stands in a file or an invite: 64 hexadecimal digits, white space around them allowed. */
export function parseSecret(text: string): Uint8Array | null {
  const digits = text.trim();
  return /^[0-9a-fA-F]{64}$/.test(digits) ? Uint8Array.from(Buffer.from(digits, 'hex')) : null;
}

function fail(path: string): never {
  throw broken(path, `it is not ${secretBytes * 2} hexadecimal digits`, 'copy it from another peer of the network');
}

async function readIfPresent(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw broken(path, (cause as Error).message, 'make it readable for this user', cause);
  }
}

function broken(path: string, reason: string, remedy: string, cause?: unknown): ChordialError {
  return new ChordialError(
    'broken-data-folder',
    `${path} cannot be used: ${reason}. To repair: ${remedy}.`,
    cause === undefined ? undefined : { cause },
  );
}
