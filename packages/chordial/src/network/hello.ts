/**
 * HELLO, the handshake on every connection: network, identity and the documents that prove membership. TLS has already
 * proved the key; the documents are for that key and useless to others. No secret is sent.
 */
import {
  bytesUpTo,
  decodeAs,
  encodeAs,
  int,
  list,
  nullable,
  readList,
  text,
  tuple,
  uint,
  type ValueOf,
} from '../wire/schema.ts';
import { Malformed, type Wire } from '../wire/transport-error.ts';
import { maxAdmissionBytes, maxNameCharacters } from './admission.ts';
import { contact } from './contact-codec.ts';
import { maxShown } from './members.ts';

export const protocolVersion = 2;
const networkIdCharacters = 64;
const maxGenesisBytes = 1024;
const maxObservedCharacters = 64;
/** Of the log, so that a joiner knows the admins. */
const maxLinks = 256;
const maxLinksBytes = 512 * 1024;

/** What both sides show. */
const papers = {
  /**
   * Admissions: its own, that of the member that countersigned it, and so on; at most 32. None in networks without
   * admission.
   */
  shown: list(bytesUpTo(maxAdmissionBytes), maxShown),
  /** The requested name, in networks without certificates. */
  name: nullable(text(maxNameCharacters)),
  /** Of the membership log. */
  epoch: uint,
};

export const helloAsk = tuple({
  version: int(protocolVersion, protocolVersion),
  /** Null when joining: any network is accepted. */
  network: nullable(text(networkIdCharacters)),
  contact,
  ...papers,
});

export const helloAnswer = tuple({
  genesis: bytesUpTo(maxGenesisBytes),
  contact,
  /** The address (without port) at which the answerer sees the asker. */
  observedAddress: text(maxObservedCharacters),
  ...papers,
  /** The admission that the asker should present from now on, if it differs. */
  admission: nullable(bytesUpTo(maxAdmissionBytes)),
  /** Links of the membership log, for new joiners. */
  links: list(bytesUpTo(maxLinksBytes), maxLinks),
});

export type HelloAsk = Omit<ValueOf<typeof helloAsk>, 'version'>;
export type HelloAnswer = ValueOf<typeof helloAnswer>;
export type Papers = Pick<HelloAsk, keyof typeof papers>;

export function encodeHelloAsk(ask: HelloAsk): Wire {
  return encodeAs(helloAsk, { ...ask, version: protocolVersion });
}

export function decodeHelloAsk(wire: Wire): HelloAsk {
  const [spoken] = readList(wire, 1, 16);
  if (spoken !== protocolVersion)
    throw new Malformed(
      `is a HELLO of version ${String(spoken).slice(0, 10)}, and this peer speaks version ${protocolVersion}`,
    );
  const { version: _, ...ask } = decodeAs(helloAsk, wire);
  return ask;
}

export function encodeHelloAnswer(answer: HelloAnswer): Wire {
  // Removals of thousands of members exceed HELLO; the rest is requested later.
  const links: Uint8Array[] = [];
  let bytes = 0;
  for (const link of answer.links.slice(0, maxLinks)) {
    bytes += link.length;
    if (bytes > maxLinksBytes) break;
    links.push(link);
  }
  return encodeAs(helloAnswer, { ...answer, links });
}

export function decodeHelloAnswer(wire: Wire): HelloAnswer {
  return decodeAs(helloAnswer, wire);
}
