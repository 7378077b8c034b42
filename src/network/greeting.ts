/** What an answer to HELLO must show before we believe to be among our own. */
import { ChordialError } from '../errors.ts';
import type { HostId } from '../ring/pointer.ts';
import { withoutMapping } from './addresses.ts';
import type { Connection } from './dial.ts';
import { decodeGenesis, networkId } from './genesis.ts';
import { proofHolds } from './hello.ts';
import { isSameMachine } from './server-hello.ts';
import { TransportError } from './transport.ts';

export interface Expectation {
  readonly network: string;
  /** null in an open network. */
  readonly secret: Uint8Array | null;
  readonly treatAsRemote: (address: string) => boolean;
}

/** Throws a TransportError `refused`: `bad-request` for a genesis that is none, `other-network`, or `secret-required` when it cannot prove to know ours. */
export function checkAnswer({ hello, socket, contact }: Connection, expected: Expectation): void {
  const network = networkOf(hello.genesis, contact.host);
  if (network !== expected.network) {
    const message = `${contact.host} belongs to network ${network}, this peer to ${expected.network}.`;
    throw new TransportError('refused', message, 'other-network');
  }
  const { secret } = expected;
  const remote = withoutMapping(socket.remoteAddress ?? '');
  if (secret === null || isSameMachine(expected, remote, withoutMapping(socket.localAddress ?? ''))) return;
  if (!proofHolds(hello.proof, secret, socket, 'server', contact.host)) {
    const message = `${contact.host} does not prove to know the secret of this network.`;
    throw new TransportError('refused', message, 'secret-required');
  }
}

function networkOf(genesis: Uint8Array, host: HostId): string {
  try {
    return networkId(decodeGenesis(genesis));
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    throw new TransportError('refused', `${host} names no network: ${error.message}`, 'bad-request');
  }
}
