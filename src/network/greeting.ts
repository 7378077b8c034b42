/** What an answer to HELLO must prove before the host counts as a member. */

import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { isMemberName } from './admission.ts';
import type { Connection } from './dial.ts';
import { decodeGenesis, networkId } from './genesis.ts';
import type { Members } from './members.ts';
import { TransportError } from './transport.ts';

/**
 * Throws a TransportError `refused`: `bad-request` for an invalid genesis, `other-network`, or an admission code when
 * membership is not proved.
 */
export function checkAnswer({ hello, contact }: Connection, members: Members): void {
  const network = networkOf(hello.genesis, contact.host);
  if (network !== members.network) {
    const message = `${contact.host} belongs to network ${network}, this peer to ${members.network}.`;
    throw new TransportError('refused', message, 'other-network');
  }
  members.check(contact.host, hello.shown);
  if (hello.name !== null && isMemberName(hello.name)) members.call(contact.host, hello.name);
}

function networkOf(genesis: Uint8Array, host: HostId): string {
  try {
    return networkId(decodeGenesis(genesis));
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    throw new TransportError('refused', `${host} names no network: ${error.message}`, 'bad-request');
  }
}
