/**
 * The self-signed X.509 certificate that carries a peer's key through TLS. Its names, dates and signature are not
 * checked: TLS proves that the other end holds the private key, and the peer's id is computed from the public one. So
 * it is the smallest one that RFC 5280 and RFC 8410 allow, constant except for key and signature. Why it is encoded
 * here and not by a library: docs/decisions/0009-dependencies.md.
 */

import { createPublicKey } from 'node:crypto';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { HostId } from '@chordial/ring';
import { hostIdOfPublicKey } from './host-id.ts';
import { type Identity, rawPublicKey } from './identity.ts';

/** The same for all connections of one identity. */
export interface TlsCredentials {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  /** Both, ready for a client's handshake: building it each time was a seventh of the handshake. */
  readonly secureContext: SecureContext;
}

export const ed25519 = sequence(der(0x06, Uint8Array.of(0x2b, 0x65, 0x70)));
/** CN=chordial */
const name = sequence(
  der(0x31, sequence(der(0x06, Uint8Array.of(0x55, 0x04, 0x03)), der(0x0c, Buffer.from('chordial')))),
);
/** From 1970 to the date that means no end (RFC 5280, 4.1.2.5): peers' clocks may be wrong. */
const validity = sequence(der(0x17, Buffer.from('700101000000Z')), der(0x18, Buffer.from('99991231235959Z')));
const version3 = der(0xa0, der(0x02, Uint8Array.of(2)));
const serialNumber = der(0x02, Uint8Array.of(1));

export function tlsCredentials(identity: Identity): TlsCredentials {
  const publicKeyInfo = createPublicKey(identity.privateKey).export({ format: 'der', type: 'spki' });
  const signed = sequence(version3, serialNumber, ed25519, name, validity, name, publicKeyInfo);
  const signature = der(0x03, Uint8Array.of(0), identity.sign(signed));
  const base64 = sequence(signed, ed25519, signature).toString('base64').replace(/.{64}/g, '$&\n');
  const key = identity.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const cert = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
  // No CA vouches for a peer, so none is loaded.
  return { key, cert, secureContext: createSecureContext({ key, cert, ca: [], minVersion: 'TLSv1.3' }) };
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts);
}

/** One value in DER; nothing here is longer than 65 535 bytes. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 255];
  // The shortest form is the only valid one.
  return Buffer.concat([Uint8Array.from(length >= 128 && length < 256 ? [tag, 0x81, length] : head), body]);
}

/**
 * The other end's identity proved by TLS; null without a certificate or for a key that is not Ed25519. Asked once: of a
 * dialled socket Node gives the certificate away.
 */
export function hostOfSocket(socket: TLSSocket): HostId | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return null;
  const key = rawPublicKey(certificate.publicKey);
  return key === null ? null : hostIdOfPublicKey(key);
}
