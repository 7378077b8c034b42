/**
 * HELLO, the first exchange on every connection: which network, who, and proof of knowing its secret. The proof is
 * bound to this very TLS connection and to its speaker, so it cannot be passed on (RFC 9266 has the idea).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Contact, HostId } from '../ring/pointer.ts';
import { decodeContact, encodeContact } from './contact-codec.ts';
import { secretBytes } from './network-files.ts';
import { TransportError, type Wire } from './transport.ts';
import { malformed, readBytes, readText, readTuple } from './wire-reading.ts';

export const protocolVersion = 1;
const proofBytes = 32;
const networkIdCharacters = 64;
const maximumZoneCharacters = 64;
const maximumGenesisBytes = 1024;
const exporterLabel = 'EXPORTER-chordial-hello';
const exporterBytes = 32;

export interface HelloAsk {
  /** null when joining: any network will do. */
  readonly network: string | null;
  readonly contact: Contact;
  readonly zone: string | null;
  readonly proof: Uint8Array | null;
}

export interface HelloAnswer {
  readonly genesis: Uint8Array;
  readonly contact: Contact;
  readonly zone: string | null;
  /** The address without port as which the answerer sees the asker. */
  readonly observedAddress: string;
  readonly proof: Uint8Array | null;
  /** Handed to those that join from the same machine. */
  readonly secret: Uint8Array | null;
}

/** HMAC-SHA256(secret, TLS exporter ‖ role ‖ host id). Throws a TransportError `timeout` when the connection is gone. */
export function proveSecret(
  secret: Uint8Array,
  socket: TLSSocket,
  role: 'client' | 'server',
  host: HostId,
): Uint8Array {
  // The other side may hang up at any moment, and a socket without its handle would throw what nobody expects.
  if (socket.destroyed) throw new TransportError('timeout', 'The connection closed during HELLO.');
  const exporter = socket.exportKeyingMaterial(exporterBytes, exporterLabel, Buffer.alloc(0));
  return Uint8Array.from(createHmac('sha256', secret).update(exporter).update(role).update(host).digest());
}

export function proofHolds(
  proof: Uint8Array | null,
  secret: Uint8Array,
  socket: TLSSocket,
  role: 'client' | 'server',
  host: HostId,
): boolean {
  return proof !== null && timingSafeEqual(proof, proveSecret(secret, socket, role, host));
}

export function encodeHelloAsk({ network, contact, zone, proof }: HelloAsk): Wire {
  return [protocolVersion, network, encodeContact(contact, false), zone, proof];
}

export function decodeHelloAsk(wire: Wire): HelloAsk {
  const [version, network, contact, zone, proof] = readTuple(wire, 'HELLO', 5);
  if (version !== protocolVersion) {
    throw malformed(`HELLO is of version ${String(version).slice(0, 10)}, this peer speaks version ${protocolVersion}`);
  }
  return {
    network: orNull(network, (value) => readText(value, 'a network id', networkIdCharacters)),
    contact: decodeContact(contact),
    zone: orNull(zone, (value) => readText(value, 'a zone', maximumZoneCharacters)),
    proof: orNull(proof, (value) => readBytes(value, 'a proof', proofBytes)),
  };
}

export function encodeHelloAnswer({ genesis, contact, zone, observedAddress, proof, secret }: HelloAnswer): Wire {
  return [genesis, encodeContact(contact, false), zone, observedAddress, proof, secret];
}

export function decodeHelloAnswer(wire: Wire): HelloAnswer {
  const [genesis, contact, zone, observedAddress, proof, secret] = readTuple(wire, 'the answer to HELLO', 6);
  if (!(genesis instanceof Uint8Array) || genesis.length > maximumGenesisBytes) throw malformed('no genesis in HELLO');
  return {
    genesis,
    contact: decodeContact(contact),
    zone: orNull(zone, (value) => readText(value, 'a zone', maximumZoneCharacters)),
    observedAddress: readText(observedAddress, 'an address', 64),
    proof: orNull(proof, (value) => readBytes(value, 'a proof', proofBytes)),
    secret: orNull(secret, (value) => readBytes(value, 'a secret', secretBytes)),
  };
}

function orNull<Value>(value: Wire, read: (value: Wire) => Value): Value | null {
  return value === null ? null : read(value);
}
