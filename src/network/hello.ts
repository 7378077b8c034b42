/**
 * HELLO, the first exchange on every connection: which network, who, and the papers that make it a member of it. TLS has
 * proved the key by then; the papers are for that key and of no use to anybody else. No secret is told.
 */
import type { Contact } from '../ring/pointer.ts';
import { maxAdmissionBytes, maxNameCharacters } from './admission.ts';
import { decodeContact, encodeContact } from './contact-codec.ts';
import { maxShown } from './members.ts';
import type { Wire } from './transport.ts';
import { malformed, readBytesUpTo, readInteger, readList, readText, readTuple } from './wire-reading.ts';

export const protocolVersion = 2;
const networkIdCharacters = 64;
const maxZoneCharacters = 64;
const maxGenesisBytes = 1024;
/** Of the log, so that a joiner can tell who admits. */
const maxLinks = 256;
const maxLinksBytes = 512 * 1024;

/** What both sides show. */
export interface Papers {
  /** Admissions: its own, of the one that countersigned it, and so on; at most 32. None where everybody is let in. */
  readonly shown: readonly Uint8Array[];
  /** As it wishes to be called where there are no certificates. */
  readonly name: string | null;
  /** Of the membership log. */
  readonly epoch: number;
}

export interface HelloAsk extends Papers {
  /** null when joining: any network will do. */
  readonly network: string | null;
  readonly contact: Contact;
  readonly zone: string | null;
}

export interface HelloAnswer extends Papers {
  readonly genesis: Uint8Array;
  readonly contact: Contact;
  readonly zone: string | null;
  /** The address without port as which the answerer sees the asker. */
  readonly observedAddress: string;
  /** What the asker should show from now on, when it is something else than it did. */
  readonly admission: Uint8Array | null;
  /** Links of the membership log, for those that joined just now. */
  readonly links: readonly Uint8Array[];
}

export function encodeHelloAsk({ network, contact, zone, shown, name, epoch }: HelloAsk): Wire {
  return [protocolVersion, network, encodeContact(contact, false), zone, shown, name, epoch];
}

export function decodeHelloAsk(wire: Wire): HelloAsk {
  const [spoken] = readList(wire, 'HELLO', 1, 16);
  if (spoken !== protocolVersion) {
    throw malformed(`HELLO is of version ${String(spoken).slice(0, 10)}, this peer speaks version ${protocolVersion}`);
  }
  const [, network, contact, zone, shown, name, epoch] = readTuple(wire, 'HELLO', 7);
  return {
    network: orNull(network, (value) => readText(value, 'a network id', networkIdCharacters)),
    contact: decodeContact(contact),
    zone: orNull(zone, (value) => readText(value, 'a zone', maxZoneCharacters)),
    ...readPapers(shown, name, epoch),
  };
}

export function encodeHelloAnswer(answer: HelloAnswer): Wire {
  const { genesis, contact, zone, observedAddress, admission, shown, name, epoch } = answer;
  // Removals of thousands of members need more room than HELLO has; the rest is asked for later.
  const links: Uint8Array[] = [];
  let bytes = 0;
  for (const link of answer.links.slice(0, maxLinks)) {
    bytes += link.length;
    if (bytes > maxLinksBytes) break;
    links.push(link);
  }
  return [genesis, encodeContact(contact, false), zone, observedAddress, shown, name, epoch, admission, links];
}

export function decodeHelloAnswer(wire: Wire): HelloAnswer {
  const parts = readTuple(wire, 'the answer to HELLO', 9);
  const [genesis, contact, zone, observedAddress, shown, name, epoch, admission, links] = parts;
  return {
    genesis: readBytesUpTo(genesis, 'a genesis', maxGenesisBytes),
    contact: decodeContact(contact),
    zone: orNull(zone, (value) => readText(value, 'a zone', maxZoneCharacters)),
    observedAddress: readText(observedAddress, 'an address', 64),
    ...readPapers(shown, name, epoch),
    admission: orNull(admission, (value) => readBytesUpTo(value, 'an admission', maxAdmissionBytes)),
    links: readList(links, 'links', 0, maxLinks).map((one) => readBytesUpTo(one, 'a link', maxLinksBytes)),
  };
}

function readPapers(shown: Wire, name: Wire, epoch: Wire): Papers {
  return {
    shown: readList(shown, 'admissions', 0, maxShown).map((one) =>
      readBytesUpTo(one, 'an admission', maxAdmissionBytes),
    ),
    name: orNull(name, (value) => readText(value, 'a name', maxNameCharacters)),
    epoch: readInteger(epoch, 'an epoch', 0, Number.MAX_SAFE_INTEGER),
  };
}

function orNull<Value>(value: Wire, read: (value: Wire) => Value): Value | null {
  return value === null ? null : read(value);
}
