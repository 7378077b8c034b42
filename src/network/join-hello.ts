/** The first word of a joiner, who knows nothing of the network but somebody's HOST:PORT and perhaps an invite. */

import type { Contact, HostId } from '@chordial/ring';
import { ChordialError, isErrorCode } from '../errors.ts';
import { parseAddress } from './addresses.ts';
import { type Admission, decodeAdmission } from './admission.ts';
import { tlsCredentials } from './certificate.ts';
import { type Caller, type Connection, dial } from './dial.ts';
import { decodeGenesis, type Genesis } from './genesis.ts';
import { checkAnswer } from './greeting.ts';
import { handshakeMilliseconds } from './http2-limits.ts';
import type { Identity } from './identity.ts';
import { Members } from './members.ts';
import { decodeLink } from './membership-log.ts';
import { TransportError } from './transport.ts';

export interface JoinerOptions {
  readonly identity: Identity;
  /** Admissions, the own first; of a joiner that has an invite, one without a countersignature. */
  readonly shown?: readonly Uint8Array[];
  /** As this peer wishes to be called where there are no certificates. */
  readonly name?: string | null;
  /** Where this peer will listen, if known already. */
  readonly addresses?: readonly string[];
  /** The network that this peer belongs to, or is invited to; null takes any that takes everybody. */
  readonly network?: string | null;
  /** The host that the invite names; no other host sees its papers. */
  readonly expected?: HostId | null;
  readonly dialFrom?: string;
  readonly connectMilliseconds?: number;
}

export interface Greeting {
  readonly contact: Contact;
  readonly genesis: Genesis;
  /** The address (no port) as which the other one sees this machine. */
  readonly observedAddress: string;
  /** What this peer should show from now on; null when what it showed is as good, or where nothing is shown. */
  readonly admission: Admission | null;
  /** What the other one proved of the members of its network. */
  readonly members: Members;
}

/**
 * Says HELLO at an address and hangs up. Rejects with a ChordialError: `bad-address`, `unreachable`, `other-network`,
 * `not-admitted` and the other codes of admission, or `join-failed` for something that is no Chordial peer.
 */
export async function hello(address: string, options: JoinerOptions): Promise<Greeting> {
  const target = parseAddress(address);
  const { identity, shown = [], network = null, addresses = [], name = null, expected = null } = options;
  const caller: Caller = {
    host: identity.host,
    credentials: tlsCredentials(identity),
    network,
    papers: () => ({ shown, name, epoch: 0 }),
    zone: null,
    contactFor: () => ({ host: identity.host, addresses }),
    ...(options.dialFrom === undefined ? {} : { dialFrom: options.dialFrom }),
  };
  let connection: Connection;
  try {
    connection = await dial(caller, target, expected, options.connectMilliseconds ?? handshakeMilliseconds);
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

/** Where the refusal itself does not say what to do. */
const remedies: Readonly<Record<string, string>> = {
  'other-network': ' Join a peer of the own network, or be a peer of that one too with another --data.',
  'join-failed': ' Give --join the address at which a peer listens, not the one of its API.',
};
