/** Who belongs to the network, and changes of it, as interfaces ask for them. */

import type { HostId } from '@chordial/ring';
import { isLoopbackAddress } from '../network/addresses.ts';
import { wholeShare } from '../network/admission.ts';
import { encodeInvite, invitingAddresses, ticketFrom } from '../network/invite.ts';
import type { Members } from '../network/members.ts';
import { systemClock } from '../network/system-clock.ts';
import type { TlsTransport } from '../network/tls-transport.ts';
import type { Peer } from './peer.ts';
import { identityOfRecoveryKey } from './recovery-key.ts';

type MemberOperations = Pick<
  Peer,
  | 'membership'
  | 'members'
  | 'openInvites'
  | 'mayInvite'
  | 'takeBackInvite'
  | 'grant'
  | 'changeMember'
  | 'recover'
  | 'invite'
>;

export function memberOperations(membership: Members, transport: Pick<TlsTransport, 'contact'>): MemberOperations {
  return {
    membership,
    members: () => membership.list(),
    openInvites: () =>
      membership.openInvites().map(({ created, expires, share, members, ...told }) => ({
        ...told,
        created: new Date(created).toISOString(),
        expires: new Date(expires).toISOString(),
        share: partOf(share),
        members: members.map((host) => membership.of(host).name),
      })),
    mayInvite: () => membership.admission !== 'members' || membership.mayInvite,
    takeBackInvite: (id) => membership.takeBack(id as HostId),
    grant: (member, { share, ...granted }) => {
      const { host, name } = membership.find(member);
      membership.grant(host, { ...granted, ...(share === undefined ? {} : { share: thousandths(share) }) });
      return { id: host, name, done: true, votes: 1, needed: 1 };
    },
    changeMember: (operation, member, options = { purge: false, withAdmitted: false }) => {
      const { host, name } = membership.find(member);
      if (operation === 'admit') {
        membership.admitWaiting(host);
        return { id: host, name, done: true, votes: 1, needed: 1 };
      }
      return { id: host, name, ...membership.change(operation, host, options) };
    },
    recover: (key, member) => {
      const { host, name } = membership.find(member ?? membership.self);
      membership.recover(identityOfRecoveryKey(key), host);
      return { id: host, name, done: true, votes: 1, needed: 1 };
    },
    invite: ({ timeToLive, uses, rights, share }) => {
      const { network, self: host } = membership;
      const addresses = invitingAddresses(transport.contact.addresses);
      const expires = systemClock.wallTime() + timeToLive;
      const isOpen = membership.admission !== 'members';
      const papers = isOpen
        ? null
        : ticketFrom(membership, {
            ...{ uses, expires, rights },
            ...(share === undefined ? {} : { share: thousandths(share) }),
          });
      const invite = encodeInvite({ network, host, addresses, expires, papers });
      return {
        ...{ invite, network, addresses, expires: new Date(expires).toISOString(), uses },
        rights: papers?.ticket.rights ?? [],
        share: partOf(papers?.ticket.share ?? null),
        isLocal: addresses.every(isLoopbackAddress),
        id: papers?.ticket.key ?? null,
      };
    },
  };
}

function thousandths(part: number | null): number | null {
  return part === null ? null : Math.min(wholeShare, Math.max(1, Math.round(part * wholeShare)));
}

function partOf(share: number | null): number | null {
  return share === null ? null : share / wholeShare;
}
