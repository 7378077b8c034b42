/** Who belongs to the network, and changes of it, as interfaces ask for them. */

import { encodeInvite, invitingAddresses, ticketFrom } from '../network/invite.ts';
import type { Members } from '../network/members.ts';
import { systemClock } from '../network/system-clock.ts';
import type { TlsTransport } from '../network/tls-transport.ts';
import type { Peer } from './peer.ts';
import { identityOfRecoveryKey } from './recovery-key.ts';

type MemberOperations = Pick<Peer, 'membership' | 'members' | 'openInvites' | 'changeMember' | 'recover' | 'invite'>;

export function memberOperations(membership: Members, transport: Pick<TlsTransport, 'contact'>): MemberOperations {
  return {
    membership,
    members: () => membership.list(),
    openInvites: () => membership.openTickets(),
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
    invite: ({ timeToLive, uses, rights }) => {
      const { network, self: host } = membership;
      const addresses = invitingAddresses(transport.contact.addresses);
      const expires = systemClock.wallTime() + timeToLive;
      const isOpen = membership.admission !== 'members';
      const papers = isOpen ? null : ticketFrom(membership, { uses, expires, rights });
      const invite = encodeInvite({ network, host, addresses, expires, papers });
      const granted = papers?.ticket.rights ?? [];
      return { invite, network, addresses, expires: new Date(expires).toISOString(), uses, rights: granted };
    },
  };
}
