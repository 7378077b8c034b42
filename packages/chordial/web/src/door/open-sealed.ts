/** Opens the part of the record of a link that is sealed with the key of its URL. */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';

export interface SealedContent {
  readonly name: string;
  /** Of the content, not of the age file. */
  readonly size: number;
  readonly fileKey: Uint8Array;
}

const nonceBytes = 12;
const keyForm = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/** Null for a wrong key. The twin of openWithKey in src/links/link-record.ts. */
export function openPart(id: string, keyText: string, part: string): SealedContent | null {
  if (!keyForm.test(keyText)) return null;
  const bound = new TextEncoder().encode(id);
  const purpose = new TextEncoder().encode('chordial link v1 key');
  const sealed = bytesOf(part);
  try {
    const key = hkdf(sha256, bytesOf(keyText), new Uint8Array(0), purpose, 32);
    const plain = chacha20poly1305(key, sealed.subarray(0, nonceBytes), bound).decrypt(sealed.subarray(nonceBytes));
    const { name, size, fileKey } = JSON.parse(new TextDecoder().decode(plain)) as Record<string, unknown>;
    const isRight =
      typeof name === 'string' && name !== '' && Number.isSafeInteger(size) && typeof fileKey === 'string';
    return isRight ? { name, size: size as number, fileKey: bytesOf(fileKey) } : null;
  } catch {
    return null;
  }
}

/** From base64url. */
function bytesOf(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
