/** The network of a data folder: its genesis and, with certificates, this member's documents. */
import { join } from 'node:path';
import { ChordialError } from '../errors.ts';
import { writeFileDurably } from '../storage/durable-file.ts';
import { readSmallFile, UnfitFileError } from '../storage/small-file.ts';
import { type Admission, decodeAdmission } from './admission.ts';
import { decodeGenesis, encodeGenesis, type Genesis } from './genesis.ts';

export const genesisFile = 'genesis.cbor';
export const admissionFile = 'admission.cbor';
const maxFileBytes = 64 * 1024;

export async function saveGenesis(folder: string, genesis: Genesis): Promise<void> {
  await writeFileDurably(join(folder, genesisFile), encodeGenesis(genesis), 0o644);
}

/** Null when the folder belongs to no network yet; `broken-data-folder` when the file is unusable. */
export function loadGenesis(folder: string): Promise<Genesis | null> {
  const remedy = 'copy it from another peer of the network or start in a new data folder';
  return load(join(folder, genesisFile), decodeGenesis, remedy);
}

export async function saveAdmission(folder: string, { bytes }: Admission): Promise<void> {
  await writeFileDurably(join(folder, admissionFile), bytes, 0o600);
}

/** null when the folder has none; `broken-data-folder` when the file is unusable. */
export function loadAdmission(folder: string): Promise<Admission | null> {
  const remedy = 'remove it; the other members know this one, and give it back at the next start with --join';
  return load(join(folder, admissionFile), decodeAdmission, remedy);
}

async function load<Value>(path: string, read: (bytes: Uint8Array) => Value, remedy: string): Promise<Value | null> {
  const bytes = await readIfPresent(path, remedy);
  if (bytes === null) return null;
  try {
    return read(Uint8Array.from(bytes));
  } catch (cause) {
    throw broken(path, (cause as Error).message, remedy, cause);
  }
}

async function readIfPresent(path: string, remedy: string): Promise<Buffer | null> {
  try {
    return await readSmallFile(path, maxFileBytes);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const isUnfit = cause instanceof UnfitFileError;
    throw broken(path, (cause as Error).message, isUnfit ? remedy : 'make it readable for this user', cause);
  }
}

function broken(path: string, reason: string, remedy: string, cause: unknown): ChordialError {
  const told = reason.replace(/\.$/, '');
  return new ChordialError('broken-data-folder', `${path} cannot be used: ${told}. To repair: ${remedy}.`, { cause });
}
