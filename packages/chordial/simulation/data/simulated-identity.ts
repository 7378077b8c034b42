/** Deterministic keys: the n-th host of every simulation is the same peer. */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign } from 'node:crypto';
import { hostIdOfPublicKey } from '../../src/network/host-id.ts';
import { rawPublicKey } from '../../src/network/identity.ts';
import type { Signer } from '../../src/records/names.ts';

/** The prefix of a PKCS #8 Ed25519 key, before its 32 secret bytes (RFC 8410). */
const privateKeyPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const made: Signer[] = [];

export function simulatedIdentity(number: number): Signer {
  made[number] ??= identityOf(
    createPrivateKey({
      key: Buffer.concat([privateKeyPrefix, hash('sha256', `simulated host ${number}`, 'buffer')]),
      format: 'der',
      type: 'pkcs8',
    }),
  );
  return made[number];
}

function identityOf(privateKey: KeyObject): Signer {
  const publicKey = rawPublicKey(createPublicKey(privateKey));
  if (publicKey === null) throw new Error('a key that is not Ed25519 was made');
  return { host: hostIdOfPublicKey(publicKey), sign: (bytes) => sign(null, bytes, privateKey) };
}
