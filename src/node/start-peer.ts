/**
 * Starts a peer: opens its data folder, settles which network it belongs to, serves, becomes a member, wires the data
 * path. Whatever fails on the way closes all that was opened before, in reverse order.
 */
import path from 'node:path';
import { formatAddress } from '../network/addresses.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { networkId } from '../network/genesis.ts';
import { memberIdOfHost } from '../network/host-id.ts';
import { Http2Transport } from '../network/http2-transport.ts';
import { loadOrCreateIdentity } from '../network/identity.ts';
import { OpenMembership } from '../network/membership.ts';
import { ringCodec } from '../network/ring-codec.ts';
import { ringKindPrefix, ringNetwork, ringRequests } from '../network/ring-network.ts';
import { Silences } from '../network/silences.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import { TransportError } from '../network/transport.ts';
import type { ShareAnnouncer, ShareReader } from '../records/shares.ts';
import { RingHost } from '../ring/ring-host.ts';
import { defaultTimers } from '../ring/timers.ts';
import type { PostingWords } from '../sharing/share-entries.ts';
import { Catalog } from '../storage/catalog.ts';
import { openDataFolder } from '../storage/data-folder.ts';
import { Uploads } from '../transfer/uploads.ts';
import { askedMembers } from './asked-members.ts';
import type { PeerConfiguration } from './configuration.ts';
import { DataPlane, settledQuota } from './data-plane.ts';
import { joinThrough, returnToRing } from './enter-ring.ts';
import { EventFan } from './event-fan.ts';
import { KnownPeers } from './known-peers.ts';
import { LivePeer } from './live-peer.ts';
import { chooseNetwork } from './network-choice.ts';
import { ownMembers } from './own-members.ts';
import type { Peer } from './peer.ts';
import { RingAdapter } from './ring-adapter.ts';
import { RingStory } from './ring-story.ts';

export interface RunningPeer extends Peer {
  /** Entries of this peer's shares, and those of all others. */
  readonly announcer: ShareAnnouncer;
  readonly shareReader: ShareReader;
  /** Under what the entries of shares are to be announced. */
  readonly postingWords: PostingWords;
  /** Resolves when the peer has stopped or left, however that came about. */
  readonly ended: Promise<void>;
}

/** The membership cache may take so much: all of a network of 10 000 hosts with 20 members. It grows with the network. */
const membershipCacheBytes = 32 * 2 ** 20;
/** An identifier of 64 digits, its pointer, and its part of what is known of the host. */
const bytesPerCachedMember = 160;
const parallelAsks = 3;
/** Hosts of which it is known when they changed last. */
const maximumUpdates = 16_384;

export async function startPeer(configuration: PeerConfiguration): Promise<RunningPeer> {
  await using opened = new AsyncDisposableStack();
  const events = new EventFan(configuration.onEvent);
  const folder = opened.use(await openDataFolder(configuration.data));
  const identity = await loadOrCreateIdentity(folder.path);
  const catalog = new Catalog(path.join(folder.path, 'catalog.sqlite'));
  opened.defer(() => catalog.close());
  const known = new KnownPeers(catalog);
  const network = await chooseNetwork(folder.path, identity, configuration, known.read().length > 0);
  const { genesis } = network;

  const transport = new Http2Transport({
    identity,
    genesis,
    secret: network.secret,
    listen: formatAddress(configuration.listen),
    observed: network.observed,
    ...configuration.otherMachine,
    ...(configuration.advertise === undefined ? {} : { advertise: configuration.advertise }),
    ...(configuration.zone === undefined ? {} : { zone: configuration.zone }),
  });
  const membership = new OpenMembership(genesis.rule === 'chosen' ? 'classroom' : 'open');
  const shape = { bits: genesis.bits, successors: genesis.successors };
  const codec = ringCodec(genesis);
  let answering: { ring: RingHost; data: DataPlane } | null = null;
  const wired = () => {
    if (answering === null) throw new TransportError('refused', 'This peer is still starting.');
    return answering;
  };
  opened.defer(() => transport.close());
  await transport.serve({
    request: (from, kind, body) => {
      const { ring, data } = wired();
      if (kind.startsWith(ringKindPrefix)) return ringRequests(ring, codec)(from, kind, body);
      return data.request(from, kind, body);
    },
    stream: (from, kind, incoming) => wired().data.stream(from, kind, incoming),
    heard: (from) => {
      membership.saw(from.host, Date.now());
      answering?.ring.heard(from);
    },
    isNeighbour: (host) => answering?.ring.isNeighbour(host) ?? false,
  });

  const story = new RingStory(identity.host, genesis.rule === 'chosen', (line) => events.tell(line));
  const isClient = (configuration.quotaBytes ?? settledQuota(catalog)) === 0;
  const members = isClient ? [] : ownMembers(genesis, identity, transport.contact, configuration);
  const silences = new Silences(systemClock);
  const ports = { clock: systemClock, random: systemRandom, network: ringNetwork(silences.watch(transport), codec) };
  const updates = new BoundedCache<string, number>(maximumUpdates);
  const ring = new RingHost(
    {
      self: transport.contact,
      members,
      incarnation: Date.now(),
      shape,
      smallRings: genesis.rule === 'chosen',
      timers: { ...defaultTimers, pingInterval: configuration.pingMilliseconds ?? defaultTimers.pingInterval },
      cacheCapacity: Math.floor(membershipCacheBytes / bytesPerCachedMember),
      ...(genesis.rule === 'key' ? { idOf: (host, index) => memberIdOfHost(host, index, genesis.bits) } : {}),
      parallelAsks,
      proximity: genesis.rule === 'key',
      spreadNews: true,
      observe: (event) => {
        story.observe(event);
        if (event.kind === 'host') updates.set(event.contact.host, Date.now());
        if (event.kind === 'committed' || (event.kind === 'host' && event.hadPlaces)) view.changed();
      },
    },
    ports,
  );
  const view = new RingAdapter(ring, shape);
  opened.defer(() => ring.close());
  const data = await DataPlane.open({
    folder: folder.path,
    catalog,
    identity,
    genesis,
    transport,
    membership,
    silences,
    view,
    members: () => askedMembers(ring),
    configuration,
    events,
  });
  opened.defer(() => data.close());
  answering = { ring, data };

  const signal = configuration.signal ?? new AbortController().signal;
  const enter = {
    ring,
    network: ports.network,
    clock: systemClock,
    random: systemRandom,
    signal,
    ownId: configuration.id?.toString() ?? members[0]?.id ?? identity.host,
    tell: (text: string) => events.tell({ kind: 'starting', text }),
  };
  if (network.through.length > 0) await known.remember(network.through);
  if (network.how === 'founded') {
    enter.tell('Founding a new network; to enter one that exists, start with --join HOST:PORT and another --data');
  }
  if (network.how === 'joined') await joinThrough(network.through, enter);
  else await returnToRing(network.how === 'founded' ? [] : known.read(), enter);
  await network.keep();
  known.keep(ring);
  opened.defer(() => known.close());
  data.begin();
  const uploads = await Uploads.open(path.join(folder.path, 'uploads'), data.files, {
    tell: (text) => events.tell({ kind: 'damaged', text }),
  });
  return new LivePeer({
    identity,
    genesis,
    network: networkId(genesis),
    secret: network.secret,
    transport,
    membership,
    ring,
    view,
    data,
    uploads,
    events,
    updates,
    api: formatAddress(configuration.api),
    folder: folder.path,
    resources: opened.move(),
  });
}
