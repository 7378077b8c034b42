/** The first HELLO of a joiner, which knows only a HOST:PORT and perhaps an invite. */

import type { Contact, HostId } from '@chordial/ring';
import { ChordialError, isErrorCode } from '../errors.ts';
import { parseAddress } from './addresses.ts';
import { type Admission, decodeAdmission } from './admission.ts';
import { tlsCredentials } from './certificate.ts';
import { handshakeMilliseconds } from './connection-limits.ts';
import { type Caller, type Connection, checkAnswer, dial } from './dial.ts';
import { decodeGenesis, type Genesis } from './genesis.ts';
import type { Identity } from './identity.ts';
import { Members } from './members.ts';
import { decodeLink } from './membership-log.ts';
import { TransportError } from './transport.ts';

export interface JoinerOptions {
  readonly identity: Identity;
  /** Admissions, its own first; with an invite, one without a countersignature. */
  readonly shown?: readonly Uint8Array[];
  /** The requested name, in networks without certificates. */
  readonly name?: string | null;
  /** Where this peer will listen, if known. */
  readonly addresses?: readonly string[];
  /** The network that this peer belongs to, or is invited to; null accepts any open one. */
  readonly network?: string | null;
  /** The host named in the invite; no other host sees its documents. */
  readonly expected?: HostId | null;
  readonly dialFrom?: string;
  readonly connectMilliseconds?: number;
}

export interface Greeting {
  readonly contact: Contact;
  readonly genesis: Genesis;
  /** The address (without port) at which the other side sees this machine. */
  readonly observedAddress: string;
  /** The admission that this peer should present from now on; null when unchanged or not needed. */
  readonly admission: Admission | null;
  /** What the other side proved about the members of its network. */
  readonly members: Members;
}

/**
 * Sends HELLO to an address and disconnects. Rejects with a ChordialError: `bad-address`, `unreachable`,
 * `other-network`, `not-admitted` and the other admission codes, or `join-failed` for anything but a Chordial peer.
 */
export async function hello(address: string, options: JoinerOptions): Promise<Greeting> {
  const target = parseAddress(address);
  const { identity, shown = [], network = null, addresses = [], name = null, expected = null } = options;
  const caller: Caller = {
    host: identity.host,
    credentials: tlsCredentials(identity),
    network,
    papers: () => ({ shown, name, epoch: 0 }),
    contactFor: () => ({ host: identity.host, addresses }),
    ...(options.dialFrom === undefined ? {} : { dialFrom: options.dialFrom }),
  };
  let connection: Connection;
  try {
    const connectWithin = options.connectMilliseconds ?? handshakeMilliseconds;
    connection = await dial(caller, { address: target, expected, connectWithin, tickets: null });
  } catch (error) {
    throw explain(error, address);
  }
  try {
    return greetingOf(connection, identity);
  } catch (error) {
    throw explain(error, address);
  } finally {
    connection.end();
  }
}

function greetingOf(connection: Connection, identity: Identity): Greeting {
  const { contact, hello } = connection;
  const genesis = decodeGenesis(hello.genesis);
  const members = new Members({ genesis, signer: identity, wallTime: Date.now });
  members.takeLinks(hello.links.map(decodeLink));
  checkAnswer(connection, members);
  const admission = hello.admission === null ? null : decodeAdmission(hello.admission);
  if (admission !== null) members.keepOwn(admission);
  return { contact, genesis, observedAddress: hello.observedAddress, admission, members };
}

function explain(error: unknown, address: string): ChordialError {
  if (!(error instanceof TransportError)) {
    return error instanceof ChordialError ? error : new ChordialError('internal', String(error), { cause: error });
  }
  const options = { cause: error };
  if (error.failure !== 'refused') {
    const message = `No peer answers at ${address}: ${error.message} Check that one runs there, that the address and port are right, and that no firewall stands between.`;
    return new ChordialError('unreachable', message, options);
  }
  const code = isErrorCode(error.code) && error.code !== 'bad-request' ? error.code : 'join-failed';
  const remedy = remedies[code] ?? '';
  return new ChordialError(code, `Joining through ${address} failed: ${error.message}${remedy}`, options);
}

/** Where the refusal itself gives no remedy. */
const remedies: Readonly<Record<string, string>> = {
  'other-network': ' Join a peer of the own network, or be a peer of that one too with another --data.',
  'join-failed': ' Give --join the address at which a peer listens, not the one of its API.',
};
