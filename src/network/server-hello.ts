/** Whether the one who says HELLO may come in, and what it is told. */
import type { TLSSocket } from 'node:tls';
import type { Contact, HostId } from '../ring/pointer.ts';
import { isLoopback, withoutLoopback, withoutMapping } from './addresses.ts';
import { sharedContact } from './contact-codec.ts';
import { encodeGenesis, type Genesis, networkId } from './genesis.ts';
import { decodeHelloAsk, encodeHelloAnswer, proofHolds, proveSecret } from './hello.ts';
import { TransportError, type Wire } from './transport.ts';

export interface Gate {
  readonly self: HostId;
  readonly genesis: Genesis;
  /** null in an open network. */
  readonly secret: Uint8Array | null;
  readonly zone: string | null;
  contactFor(remoteAddress: string, localAddress: string): Contact;
  readonly treatAsRemote: (address: string) => boolean;
}

export interface Admitted {
  readonly contact: Contact;
  readonly zone: string | null;
  readonly answer: Wire;
}

/** Throws a TransportError `refused` with code `other-network`, `wrong-peer`, `secret-required` or `bad-request`. */
export function admit(gate: Gate, host: HostId, socket: TLSSocket, wire: Wire): Admitted {
  const ask = decodeHelloAsk(wire);
  const network = networkId(gate.genesis);
  if (ask.contact.host !== host) {
    throw refused('wrong-peer', `You claim to be ${ask.contact.host} with the key of ${host}.`);
  }
  if (ask.network !== null && ask.network !== network) {
    throw refused('other-network', `This peer belongs to network ${network}, you to ${ask.network}.`);
  }
  const remoteAddress = withoutMapping(socket.remoteAddress ?? '');
  const localAddress = withoutMapping(socket.localAddress ?? '');
  const near = isSameMachine(gate, remoteAddress, localAddress);
  const { secret } = gate;
  if (!gate.genesis.open && !near && (secret === null || !proofHolds(ask.proof, secret, socket, 'client', host))) {
    const what = ask.proof === null ? 'No secret was shown' : 'The secret shown is not the one of this network';
    throw refused('secret-required', `${what}. Peers of other machines join with --secret FILE or an invite.`);
  }
  const answer = encodeHelloAnswer({
    genesis: encodeGenesis(gate.genesis),
    contact: gate.contactFor(remoteAddress, localAddress),
    zone: gate.zone,
    observedAddress: remoteAddress,
    proof: secret === null ? null : proveSecret(secret, socket, 'server', gate.self),
    // Only to those who join; a member of this network has its own.
    secret: near && ask.network === null ? secret : null,
  });
  // Somebody else's loopback is not ours.
  const addresses = near ? ask.contact.addresses : withoutLoopback(ask.contact.addresses);
  return { contact: sharedContact({ host, addresses }), zone: ask.zone, answer };
}

/** A connection that begins and ends at the same address never left the machine. */
export function isSameMachine(
  { treatAsRemote }: Pick<Gate, 'treatAsRemote'>,
  remoteAddress: string,
  localAddress: string,
): boolean {
  if (treatAsRemote(remoteAddress)) return false;
  return isLoopback(remoteAddress) || (remoteAddress !== '' && remoteAddress === localAddress);
}

function refused(code: string, message: string): TransportError {
  return new TransportError('refused', message, code);
}
