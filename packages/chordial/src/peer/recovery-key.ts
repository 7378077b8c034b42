/** The recovery key of a network: shown once, when it is founded, and not stored. It replaces lost admins. */
import { hash, randomBytes } from 'node:crypto';
import { ChordialError } from '../errors.ts';
import { type Identity, identityOfSeed, seedBytes } from '../network/identity.ts';

const prefix = 'chordial-recovery:';
const checksumBytes = 4;

export interface RecoveryKey {
  /** One line to write down. */
  readonly text: string;
  /** SHA-256 of its public key, for the genesis. */
  readonly hash: Uint8Array;
}

export function createRecoveryKey(): RecoveryKey {
  const seed = randomBytes(seedBytes);
  const { publicKey } = identityOfSeed(seed);
  const text = prefix + Buffer.concat([seed, checksum(seed)]).toString('base64url');
  return { text, hash: Uint8Array.from(hash('sha256', publicKey, 'buffer')) };
}

/** Throws `bad-usage` for invalid text. */
export function identityOfRecoveryKey(text: string): Identity {
  const line = text.replace(/\s+/g, '');
  const bytes = Buffer.from(line.slice(prefix.length), 'base64url');
  const seed = bytes.subarray(0, seedBytes);
  const isWhole = bytes.length === seedBytes + checksumBytes && checksum(seed).equals(bytes.subarray(seedBytes));
  if (line.startsWith(prefix) && isWhole) return identityOfSeed(seed);
  const message = `This is no recovery key: one begins with ${prefix} and was printed when the network was founded. Copy the whole line.`;
  throw new ChordialError('bad-usage', message);
}

function checksum(seed: Uint8Array): Buffer {
  return hash('sha256', seed, 'buffer').subarray(0, checksumBytes);
}
