/** How others reach this peer: it asks members to dial it back, and dials back those that ask. */
import type { Contact } from '@chordial/ring';
import { directAddresses, isHidden, isLoopback, isRelay, parseAddress } from '../network/addresses.ts';
import { hostAt } from '../network/dial.ts';
import { MoveNews, tellMove } from '../network/moved-host.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import { TransportError } from '../network/transport.ts';
import { DialBacks } from '../reach/dial-back.ts';
import { type Mapping, saidMapping } from '../reach/port-mapping.ts';
import { reachMessages } from '../reach/reach-messages.ts';
import { Reachability, saidReach } from '../reach/reachability.ts';
import type { Network } from './build-network.ts';
import type { Ring } from './build-ring.ts';
import type { Closing } from './closing.ts';
import { mapsNoPort } from './configuration.ts';
import type { OpenFolder } from './open-folder.ts';
import type { NodeStatus } from './peer.ts';

/** Longer than dialling back takes. */
const answerMilliseconds = 12_000;
/** The path to a home is longer than the one within a data centre. */
const connectMilliseconds = 3000;
/** Before a hidden peer joins: the first relay answers within a second, or there is none. */
const relayMilliseconds = 5000;

export type ReachParts = Awaited<ReturnType<typeof buildReach>>;

export async function buildReach(folder: OpenFolder, network: Network, { ring, view }: Ring, opened: Closing) {
  const { transport } = network;
  const { identity, configuration, events } = folder;
  const { listen, advertise } = configuration;
  const isOff = isLoopback(listen.host);
  const why = mapsNoPort(configuration);
  const portMapping = why === null ? (await import('./build-mapping.ts')).buildMapping(folder, network, opened) : null;
  const mapping = (): Mapping =>
    portMapping?.mapping ?? { state: 'off', ...(why ?? { reason: 'switched-off', address: null }) };
  const port = (): number => {
    const now = mapping();
    return now.state === 'mapped' ? now.externalPort : parseAddress(advertise ?? transport.listening).port;
  };
  /** Until it is a member those through which it joins. */
  let through: readonly Contact[] = [];
  const hosts = (): readonly Contact[] => {
    const live = ring.liveHosts();
    return live.length > 0 ? live : through;
  };
  const ask = async (...[host, port]: Parameters<Ports['ask']>) => {
    try {
      return await reachMessages.dialBack.ask(transport, host, { port }, { deadline: answerMilliseconds });
    } catch (error) {
      if (error instanceof TransportError) return null;
      throw error;
    }
  };
  const reachability = new Reachability({
    clock: systemClock,
    random: systemRandom,
    port: () => (isOff ? null : port()),
    addresses: () => directAddresses(transport.contact.addresses),
    hosts,
    ask,
  });
  opened.defer(() => reachability.close());
  reachability.onChange((reach) => {
    const level = reach.state === 'hidden' ? 'warn' : 'info';
    const line = saidReach(reach);
    events.tell({ kind: 'reach', level, ...line, text: `Reachable from other machines: ${line.text}` });
    const isMapped = mapping().state === 'mapped';
    transport.prove(isMapped && reach.state === 'open' ? reach.address : null);
    if (isMapped && reach.state === 'hidden') portMapping?.again();
  });
  portMapping?.onChange((now) => {
    const line = saidMapping(now);
    events.tell({ kind: 'reach', ...line, text: `Port mapping: ${line.text}` });
    if (now.state !== 'mapped') transport.prove(null);
    reachability.again();
  });
  /** Ends within seconds: a router is asked, or answers nothing. */
  const firstMapping = portMapping?.begin();
  opened.defer(view.onChange(() => reachability.ringChanged()));
  network.reachedAs(() => reachability.reach.state);
  let moved = (): void => undefined;
  const news = new MoveNews(systemClock, () => {
    ring.selfMoved();
    void tellMove(transport, ring.liveHosts(), transport.contact);
  });
  opened.defer(() => news.close());
  transport.onMove(() => {
    news.moved();
    moved();
  });
  transport.reachThrough(hosts);
  /** Before it joins through these: whether others can dial it, and if not, a relay. */
  const beforeJoining = async (contacts: readonly Contact[]): Promise<void> => {
    through = contacts;
    if ((await reachability.askNow()).state !== 'hidden' || isHidden(transport.contact)) return;
    await firstMapping;
    if (mapping().state === 'mapped' && (await reachability.askNow()).state === 'open') return;
    if (isHidden(transport.contact)) return;
    await new Promise<void>((resolve) => {
      const timer = systemClock.after(relayMilliseconds, resolve);
      moved = () => {
        timer.cancel();
        resolve();
      };
    });
  };
  const dialBacks = new DialBacks({
    self: identity.host,
    now: systemClock.now,
    hostAt: (address) => hostAt(address, identity, connectMilliseconds),
  });
  const relays = (): number => transport.contact.addresses.filter(isRelay).length;
  /** This machine slept, or has other addresses. */
  const again = (): void => {
    reachability.again();
    portMapping?.again();
  };
  return { reachability, dialBacks, mapping, beforeJoining, relays, again };
}

/** As interfaces show it. */
export function shownReach({ reachability, mapping, relays }: ReachParts): Pick<NodeStatus, 'reach' | 'portMapping'> {
  const { reach } = reachability;
  const mapped = mapping();
  return {
    reach: {
      state: reach.state,
      address: 'address' in reach ? reach.address : null,
      ...saidReach(reach, reach.state === 'hidden' ? relays() : null),
    },
    portMapping: { state: mapped.state, ...saidMapping(mapped) },
  };
}

type Ports = ConstructorParameters<typeof Reachability>[0];
