/** The ring members of this host: derived from its key, or one with a chosen id in a teaching ring. */

import { type Contact, type MemberPointer, ringId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { Genesis } from '../network/genesis.ts';
import { memberId } from '../network/host-id.ts';
import type { Identity } from '../network/identity.ts';
import type { PeerConfiguration } from './configuration.ts';

/**
 * With 12 members three replicas spread 0.65 to 1.42 times the mean at 64 hosts (20 members: 0.73 to 1.32). Below s + 1
 * a ring of one host would have fewer principals than the proof needs.
 */
const defaultVirtualNodes = 12;
const maxVirtualNodes = 64;

export function ownMembers(
  genesis: Genesis,
  identity: Identity,
  contact: Contact,
  configuration: Pick<PeerConfiguration, 'virtualNodes' | 'id'>,
): readonly MemberPointer[] {
  if (genesis.rule === 'chosen') return [chosenMember(genesis, identity, contact, configuration)];
  if (configuration.id !== undefined) {
    const message = `--id ${configuration.id} cannot be chosen here: in this network ids follow from the peers' keys. Leave --id out, or found a teaching ring with --bits and --id.`;
    throw new ChordialError('bad-usage', message);
  }
  const least = genesis.successors + 1;
  const count = configuration.virtualNodes ?? Math.max(defaultVirtualNodes, least);
  if (count < least || count > maxVirtualNodes) {
    const message = `--virtual-nodes ${count} is out of range: with successor lists of ${genesis.successors} a peer needs ${least} to ${maxVirtualNodes}.`;
    throw new ChordialError('bad-usage', message);
  }
  return Array.from({ length: count }, (_, index) => ({
    id: memberId(identity.publicKey, index, genesis.bits),
    contact,
    index,
  }));
}

function chosenMember(
  genesis: Genesis,
  identity: Identity,
  contact: Contact,
  configuration: Pick<PeerConfiguration, 'virtualNodes' | 'id'>,
): MemberPointer {
  const { virtualNodes = 1, id } = configuration;
  if (virtualNodes !== 1) {
    const message = `--virtual-nodes ${virtualNodes} does not fit a teaching ring: there each peer is one member. Leave it out.`;
    throw new ChordialError('bad-usage', message);
  }
  if (id === undefined) return { id: memberId(identity.publicKey, 0, genesis.bits), contact, index: 0 };
  if (id >> BigInt(genesis.bits) !== 0n) {
    const message = `--id ${id} does not fit a ring of ${genesis.bits} bits. Give a number from 0 to ${2n ** BigInt(genesis.bits) - 1n}.`;
    throw new ChordialError('bad-usage', message);
  }
  return { id: ringId(id, genesis.bits), contact, index: 0 };
}
