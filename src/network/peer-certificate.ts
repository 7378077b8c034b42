import type { TLSSocket } from 'node:tls';
import type { HostId } from '@chordial/ring';
import { hostIdOfPublicKey } from './host-id.ts';
import { rawPublicKey } from './identity.ts';

/** The other end's identity proved by TLS; null without a certificate or for a key that is not Ed25519. */
export function hostOfSocket(socket: TLSSocket): HostId | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return null;
  const key = rawPublicKey(certificate.publicKey);
  return key === null ? null : hostIdOfPublicKey(key);
}
