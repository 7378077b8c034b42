/**
 * HELLO, the first exchange on every connection: which network, who, and the papers that make it a member of it. TLS has
 * proved the key by then; the papers are for that key and of no use to anybody else. No secret is told.
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
const maxZoneCharacters = 64;
const maxGenesisBytes = 1024;
const maxObservedCharacters = 64;
/** Of the log, so that a joiner can tell who admits. */
const maxLinks = 256;
const maxLinksBytes = 512 * 1024;

/** What both sides show. */
const papers = {
  /** Admissions: its own, of the one that countersigned it, and so on; at most 32. None where everybody is let in. */
  shown: list(bytesUpTo(maxAdmissionBytes), maxShown),
  /** As it wishes to be called where there are no certificates. */
  name: nullable(text(maxNameCharacters)),
  /** Of the membership log. */
  epoch: uint,
};
const zone = nullable(text(maxZoneCharacters));

export const helloAsk = tuple({
  version: int(protocolVersion, protocolVersion),
  /** null when joining: any network will do. */
  network: nullable(text(networkIdCharacters)),
  contact,
  zone,
  ...papers,
});

export const helloAnswer = tuple({
  genesis: bytesUpTo(maxGenesisBytes),
  contact,
  zone,
  /** The address without port as which the answerer sees the asker. */
  observedAddress: text(maxObservedCharacters),
  ...papers,
  /** What the asker should show from now on, when it is something else than it did. */
  admission: nullable(bytesUpTo(maxAdmissionBytes)),
  /** Links of the membership log, for those that joined just now. */
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
  // Removals of thousands of members need more room than HELLO has; the rest is asked for later.
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
