/** The first word of a joiner, who knows nothing of the network but somebody's HOST:PORT. */
import { ChordialError, isErrorCode } from '../errors.ts';
import type { Contact } from '../ring/pointer.ts';
import { parseAddress, withoutMapping } from './addresses.ts';
import { tlsCredentials } from './certificate.ts';
import { type Caller, type Connection, dial } from './dial.ts';
import { decodeGenesis, type Genesis } from './genesis.ts';
import { proofHolds } from './hello.ts';
import { handshakeMilliseconds } from './http2-limits.ts';
import type { Identity } from './identity.ts';
import { isSameMachine } from './server-hello.ts';
import { TransportError } from './transport.ts';

export interface JoinerOptions {
  readonly identity: Identity;
  /** From --secret or an invite. */
  readonly secret: Uint8Array | null;
  /** Where this peer will listen, if known already. */
  readonly addresses?: readonly string[];
  /** The network that this peer belongs to; null takes any. */
  readonly network?: string | null;
  readonly treatAsRemote?: (address: string) => boolean;
  readonly dialFrom?: string;
  readonly connectMilliseconds?: number;
}

export interface Greeting {
  readonly contact: Contact;
  readonly genesis: Genesis;
  /** The address (no port) as which the other one sees this machine. */
  readonly observedAddress: string;
  /** The network's secret, when it was given or handed over; null in an open network. */
  readonly secret: Uint8Array | null;
}

/**
 * Says HELLO at an address and hangs up. Rejects with a ChordialError: `bad-address`, `unreachable`, `other-network`,
 * `secret-required`, or `join-failed` for something that is no Chordial peer.
 */
export async function hello(address: string, options: JoinerOptions): Promise<Greeting> {
  const target = parseAddress(address);
  const { identity, secret, network = null, addresses = [], treatAsRemote = () => false } = options;
  const caller: Caller = {
    host: identity.host,
    credentials: tlsCredentials(identity),
    network,
    secret,
    zone: null,
    contactFor: () => ({ host: identity.host, addresses }),
    ...(options.dialFrom === undefined ? {} : { dialFrom: options.dialFrom }),
  };
  let connection: Connection;
  try {
    connection = await dial(caller, target, null, options.connectMilliseconds ?? handshakeMilliseconds);
  } catch (error) {
    throw explain(error, address);
  }
  try {
    const genesis = decodeGenesis(connection.hello.genesis);
    const known = secret ?? connection.hello.secret;
    if (!genesis.open) prove(connection, known, address, treatAsRemote);
    const { observedAddress } = connection.hello;
    return { contact: connection.contact, genesis, observedAddress, secret: genesis.open ? null : known };
  } finally {
    connection.session.destroy();
  }
}

/** On another machine an impostor could hand out any genesis; on this one the port is in the user's own hands. */
function prove(
  { socket, hello: { proof }, contact }: Connection,
  secret: Uint8Array | null,
  address: string,
  treatAsRemote: (address: string) => boolean,
): void {
  const remote = withoutMapping(socket.remoteAddress ?? '');
  const near = isSameMachine({ treatAsRemote }, remote, withoutMapping(socket.localAddress ?? ''));
  if (near || (secret !== null && proofHolds(proof, secret, socket, 'server', contact.host))) return;
  const message = `The peer at ${address} does not prove to know the secret that was given. Check --secret, and that ${address} is the right peer.`;
  throw new ChordialError('secret-required', message);
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
  if (error.code === 'secret-required') {
    const message = `The peer at ${address} lets nobody in without the network's secret. ${error.message}`;
    return new ChordialError('secret-required', message, options);
  }
  const code = isErrorCode(error.code) && error.code !== 'bad-request' ? error.code : 'join-failed';
  const remedy =
    code === 'other-network'
      ? 'Join a peer of the own network, or be a peer of that one too with another --data.'
      : 'Give --join the address at which a peer listens, not the one of its API.';
  const message = `Joining through ${address} failed: ${error.message} ${remedy}`;
  return new ChordialError(code, message, options);
}
