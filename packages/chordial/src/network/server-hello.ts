/** Whether the sender of a HELLO is admitted, and what it is told. A refused one learns nothing about the network. */
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Contact, HostId } from '@chordial/ring';
import { isLoopback, withoutLoopback, withoutMapping } from './addresses.ts';
import { isMemberName } from './admission.ts';
import { sharedContact } from './contact-codec.ts';
import { decodeHelloAsk, encodeHelloAnswer } from './hello.ts';
import type { Members } from './members.ts';
import { TransportError, type Wire } from './transport.ts';

export interface Gate {
  readonly members: Members;
  contactFor(remoteAddress: string, localAddress: string): Contact;
  readonly treatAsRemote: (address: string) => boolean;
}

export interface Admitted {
  readonly contact: Contact;
  /** Epoch of the membership log known to the asker. */
  readonly epoch: number;
  /** See `Handlers.request`. */
  readonly seenAt: string | null;
  readonly answer: Wire;
}

/** Throws a TransportError `refused` with one of the codes of admission, `other-network`, `wrong-peer` or `bad-request`. */
export function admit(gate: Gate, host: HostId, socket: TLSSocket, wire: Wire): Admitted {
  const { members } = gate;
  const ask = decodeHelloAsk(wire);
  if (ask.contact.host !== host) {
    throw refused('wrong-peer', `You claim to be ${ask.contact.host} with the key of ${host}.`);
  }
  if (ask.network === null && members.admission === 'members') {
    const message =
      'It takes in members only, and no invite was shown. Ask a member for one: "chordial invite" prints it.';
    throw refused('not-admitted', message);
  }
  if (ask.network !== null && ask.network !== members.network) {
    throw refused('other-network', 'This peer belongs to another network than you.');
  }
  const admission = members.admit(host, ask.shown);
  if (ask.name !== null && isMemberName(ask.name)) members.call(host, ask.name);
  const remoteAddress = withoutMapping(socket.remoteAddress ?? '');
  const localAddress = withoutMapping(socket.localAddress ?? '');
  const isKnown = admission === null || ask.shown.some((one) => Buffer.compare(one, admission.bytes) === 0);
  const answer = encodeHelloAnswer({
    genesis: members.encodedGenesis,
    contact: gate.contactFor(remoteAddress, localAddress),
    observedAddress: remoteAddress,
    shown: members.shown(),
    name: members.name,
    epoch: members.epoch,
    admission: isKnown ? null : admission.bytes,
    links: isKnown && ask.network !== null ? [] : members.log.inOrder().map(({ bytes }) => bytes),
  });
  // Another machine's loopback is not ours.
  const isNear = isSameMachine(gate, remoteAddress, localAddress);
  const addresses = isNear ? ask.contact.addresses : withoutLoopback(ask.contact.addresses);
  // What is link-local has no meaning on other links.
  const seenAt = isNear || isIP(remoteAddress) === 0 || remoteAddress.includes('%') ? null : remoteAddress;
  return { contact: sharedContact({ ...ask.contact, addresses }), epoch: ask.epoch, seenAt, answer };
}

/**
 * A connection that begins and ends at the same address never left the machine, or came through a forwarder on it: used
 * for addresses only, never for rights.
 */
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
