/** Listens for other peers. What they ask is refused until the parts that answer are there. */
import type { HostId, MemberPointer, RingHost } from '@chordial/ring';
import { formatAddress, isDialable } from '../network/addresses.ts';
import { Bandwidth } from '../network/bandwidth.ts';
import { InterfaceWatch } from '../network/interface-watch.ts';
import type { MembersExchange } from '../network/members-exchange.ts';
import { ringCodec } from '../network/ring-codec.ts';
import { ringNetwork } from '../network/ring-network.ts';
import { systemClock } from '../network/system-clock.ts';
import { TlsTransport, type TlsTransportOptions } from '../network/tls-transport.ts';
import { TransportError } from '../network/transport.ts';
import type { DialBacks } from '../reach/dial-back.ts';
import { reachMessages } from '../reach/reach-messages.ts';
import type { Reach } from '../reach/reachability.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { Closing } from './closing.ts';
import type { MessageRegistry } from './data-core.ts';
import type { OpenFolder } from './open-folder.ts';
import { ownMembers } from './own-members.ts';
import {
  runsElsewhere,
  type SameIdentityWatch,
  type TwoAddresses,
  whereItRuns,
  whereOthersSeeIt,
} from './same-identity.ts';

const lastAddressesSetting = 'last-addresses';

interface Answering {
  readonly registry: MessageRegistry;
  readonly ring: RingHost;
  readonly same: SameIdentityWatch;
  readonly twoAddresses: TwoAddresses;
  readonly exchange: MembersExchange;
  readonly dialBacks: DialBacks;
}

export type Network = Awaited<ReturnType<typeof buildNetwork>>;

/** Rejects with `already-running` when another process has this identity. */
export async function buildNetwork(folder: OpenFolder, opened: Closing) {
  const { identity, genesis, membership, configuration, catalog, network, isClient } = folder;
  let answering: Answering | null = null;
  let nearby: (host: HostId) => readonly string[] = () => [];
  let reachState: () => Reach['state'] = () => 'unknown';
  const { limitLan, repairBytesPerSecond, relayBytesPerSecond } = configuration;
  // Copies in one bucket fail together, whatever machines they were put from.
  const zone = configuration.zone ?? configuration.blocks?.bucket;
  const bandwidth = new Bandwidth({
    clock: systemClock,
    ...(limitLan === undefined ? {} : { limitsLan: limitLan }),
    ...(repairBytesPerSecond === undefined ? {} : { repairBytesPerSecond }),
  });
  const interfaces = new InterfaceWatch(systemClock);
  opened.defer(() => interfaces.close());
  const options: TlsTransportOptions = {
    identity,
    genesis,
    members: membership,
    nearby: (host) => nearby(host),
    reachability: { isHidden: () => reachState() === 'hidden', isOpen: () => reachState() === 'open' },
    ...(relayBytesPerSecond === undefined ? {} : { relayBytesPerSecond }),
    heardEpoch: (from, epoch) => answering?.exchange.heardEpoch(from, epoch),
    listen: formatAddress(configuration.listen),
    bandwidth,
    observed: network.observed,
    ...configuration.otherMachine,
    ...(configuration.advertise === undefined ? {} : { advertise: configuration.advertise }),
    ...(zone === undefined ? {} : { zone }),
  };
  if (network.how === 'returned') await refuseIfRunning(folder, options);
  const transport = new TlsTransport(options);
  opened.defer(() => transport.close());
  const wired = (): Answering => {
    if (answering === null) throw new TransportError('refused', 'This peer is still starting.');
    return answering;
  };
  await transport.serve({
    request: (from, kind, body, seenAt) => {
      const { registry, same, dialBacks } = wired();
      if (from.host === identity.host) same.called(from);
      // The only question whose answer depends on the connection.
      if (kind === reachMessages.dialBack.kind) return dialBacks.answer(from.host, seenAt, body);
      return registry.request(from, kind, body);
    },
    stream: (from, kind, incoming) => wired().registry.stream(from, kind, incoming),
    heard: (from) => {
      membership.saw(from.host);
      answering?.ring.heard(from);
      answering?.twoAddresses.heard(from);
    },
    isNeighbour: (host) => answering?.ring.isNeighbour(host) ?? false,
  });
  return {
    transport,
    bandwidth,
    /** Of this machine, and when they change. */
    interfaces,
    codec: ringCodec(genesis),
    mayBeMember: (host: HostId): boolean => membership.mayStore(host),
    /** The places of this peer on the ring. */
    members: isClient ? [] : ownMembers(genesis, identity, transport.contact, configuration),
    /** From now on others get answers. */
    answerWith: (parts: Answering): void => {
      answering = parts;
    },
    /** From now on hosts found on the LAN are dialled there first. */
    dialNearby: (addressesOf: (host: HostId) => readonly string[]): void => {
      nearby = addressesOf;
    },
    /** From now on it is known whether others can dial this peer. */
    reachedAs: (state: () => Reach['state']): void => {
      reachState = state;
    },
    /** Where this peer is reached now, for its next start. */
    keepAddresses: (): Promise<void> => catalog.setSetting(lastAddressesSetting, transport.contact.addresses),
  };
}

/** No other host knows an address of this process yet, so the other process stays. */
async function refuseIfRunning(folder: OpenFolder, options: TlsTransportOptions): Promise<void> {
  const { identity, genesis, configuration, catalog, network, known, isClient } = folder;
  const asking = new TlsTransport(options);
  const members: readonly MemberPointer[] = isClient
    ? []
    : ownMembers(genesis, identity, asking.contact, configuration);
  try {
    const peers = [...network.through, ...known.read()];
    const asked = { identity, network: ringNetwork(asking, ringCodec(genesis)), member: members[0]?.id ?? null };
    const seen = await whereOthersSeeIt(peers, asked);
    const address = await whereItRuns(identity, [...lastAddresses(catalog), ...seen]);
    if (address !== null) throw runsElsewhere(identity.host, address, folder.folder);
  } finally {
    await asking.close();
  }
}

/** Where this peer was last reached as a member, according to its folder. */
function lastAddresses(catalog: Catalog): readonly string[] {
  const kept = catalog.setting(lastAddressesSetting);
  return Array.isArray(kept) ? kept.filter(isDialable) : [];
}
