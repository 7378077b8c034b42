import type { TLSSocket } from 'node:tls';
import type { HostId } from '@chordial/ring';
import { hostIdOfPublicKey } from './host-id.ts';
import { rawPublicKey } from './identity.ts';

/** Who TLS proved the other end to be; null without a certificate or with a key that is not Ed25519. */
export function hostOfSocket(socket: TLSSocket): HostId | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return null;
  const key = rawPublicKey(certificate.publicKey);
  return key === null ? null : hostIdOfPublicKey(key);
}
