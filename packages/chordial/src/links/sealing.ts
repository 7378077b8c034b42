/** Authenticated encryption of the parts of a link record: ChaCha20-Poly1305 under a key from HKDF-SHA256. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const algorithm = 'chacha20-poly1305';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** What the key is derived from, and what is authenticated with the text. */
export interface Seal {
  readonly secret: Uint8Array;
  readonly salt: Uint8Array;
  /** What the key is for. */
  readonly purpose: string;
  readonly bound: Uint8Array;
}

/** Nonce ‖ ciphertext ‖ tag. */
export function seal(plain: Uint8Array, how: Seal): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, keyOf(how), nonce, { authTagLength: tagBytes });
  cipher.setAAD(how.bound, { plaintextLength: plain.length });
  return new Uint8Array(Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
}

/** Null for what was not sealed so. */
export function unseal(sealed: Uint8Array, how: Seal): Uint8Array | null {
  const end = sealed.length - tagBytes;
  if (end < nonceBytes) return null;
  const decipher = createDecipheriv(algorithm, keyOf(how), sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(how.bound, { plaintextLength: end - nonceBytes });
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]));
  } catch {
    return null;
  }
}

function keyOf({ secret, salt, purpose }: Seal): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, purpose, keyBytes));
}
