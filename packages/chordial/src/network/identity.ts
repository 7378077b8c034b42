/** A peer's identity: an Ed25519 key, generated at the first start and kept in the data folder. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { join } from 'node:path';
import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { makeFolderDurably, writeFileDurably } from '../storage/durable-file.ts';
import { readSmallFile } from '../storage/small-file.ts';
import { BoundedCache } from './bounded-cache.ts';
import { hostIdOfPublicKey, isHostId, publicKeyBytes, publicKeyOfHostId } from './host-id.ts';

export interface Identity {
  readonly host: HostId;
  /** 32 raw bytes. */
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
  /** An Ed25519 signature, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

export const identityFile = 'identity.pem';
const maxFileBytes = 64 * 1024;

/** The SubjectPublicKeyInfo of an Ed25519 key without the key itself (RFC 8410). */
const publicKeyInfoPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** A PKCS #8 Ed25519 key without its 32 secret bytes (RFC 8410). */
const privateKeyPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
export const seedBytes = 32;

/** Key objects are expensive to create (20 µs) and records of one publisher come in thousands. */
const maxCachedKeys = 1024;
const keyObjects = new BoundedCache<HostId, KeyObject>(maxCachedKeys);

/** Fails with `broken-data-folder` when the file exists but is unusable, or the folder is not writable. */
export async function loadOrCreateIdentity(folder: string): Promise<Identity> {
  const path = join(folder, identityFile);
  const pem = await readIfPresent(path);
  if (pem !== null) return identityOfPem(pem, path);
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    await makeFolderDurably(folder);
    await writeFileDurably(path, Buffer.from(privateKey.export({ format: 'pem', type: 'pkcs8' })), 0o600);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new ChordialError(
      'broken-data-folder',
      `The new identity cannot be written to ${path} (${reason}). Make the folder writable or name another with --data.`,
      { cause },
    );
  }
  return identityOfKey(privateKey);
}

/** An identity that is not stored, for tests and for clients that only read. */
export function createIdentity(): Identity {
  return identityOfKey(generateKeyPairSync('ed25519').privateKey);
}

/** The identity with this private key of 32 bytes. */
export function identityOfSeed(seed: Uint8Array): Identity {
  const key = Buffer.concat([privateKeyPrefix, seed]);
  return identityOfKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
}

/** Whether `signature` over `bytes` was made with the key of `host`. False, never an error, for malformed input. */
export function verifySignature(host: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || !isHostId(host)) return false;
  return verify(null, bytes, keyObjectOfHost(host), signature);
}

/** The raw bytes of an Ed25519 public key, or null for a key of another kind. */
export function rawPublicKey(key: KeyObject): Uint8Array | null {
  if (key.asymmetricKeyType !== 'ed25519') return null;
  const info = key.export({ format: 'der', type: 'spki' });
  return Uint8Array.from(info.subarray(info.length - publicKeyBytes));
}

function identityOfKey(privateKey: KeyObject): Identity {
  const publicKey = rawPublicKey(createPublicKey(privateKey));
  if (publicKey === null) throw new ChordialError('internal', 'An identity was made of a key that is not Ed25519.');
  return { host: hostIdOfPublicKey(publicKey), publicKey, privateKey, sign: (bytes) => sign(null, bytes, privateKey) };
}

function identityOfPem(pem: string, path: string): Identity {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch (cause) {
    throw brokenIdentity(path, 'it is not a private key in PEM', cause);
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw brokenIdentity(path, `it holds a key of kind ${privateKey.asymmetricKeyType}, not Ed25519`);
  }
  return identityOfKey(privateKey);
}

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return (await readSmallFile(path, maxFileBytes)).toString();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw brokenIdentity(path, (cause as Error).message, cause);
  }
}

function brokenIdentity(path: string, reason: string, cause?: unknown): ChordialError {
  return new ChordialError(
    'broken-data-folder',
    `The identity in ${path} cannot be used: ${reason}. Put the file back from a copy, or remove it to start as a new peer with another id.`,
    cause === undefined ? undefined : { cause },
  );
}

function keyObjectOfHost(host: HostId): KeyObject {
  const known = keyObjects.get(host);
  if (known !== undefined) return known;
  const der = Buffer.concat([publicKeyInfoPrefix, publicKeyOfHostId(host)]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  keyObjects.set(host, key);
  return key;
}
