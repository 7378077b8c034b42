/**
 * Starts a peer: opens its data folder, determines its network, listens, becomes a member, wires the data path. A
 * failure closes everything opened before, in reverse order.
 */
import path from 'node:path';
import { defaultTimers, type HostId, RingHost } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { formatAddress, isDialable } from '../network/addresses.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { memberIdOfHost } from '../network/host-id.ts';
import { Http2Transport, type Http2TransportOptions } from '../network/http2-transport.ts';
import { loadOrCreateIdentity } from '../network/identity.ts';
import { Members, removedHere } from '../network/members.ts';
import { MembersExchange } from '../network/members-exchange.ts';
import { unprotected } from '../network/membership.ts';
import { ringCodec, ringMessageKinds } from '../network/ring-codec.ts';
import { ringKindPrefix, ringNetwork, ringRequests } from '../network/ring-network.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import { TransportError } from '../network/transport.ts';
import { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import type { ShareAnnouncer, ShareReader } from '../records/shares.ts';
import type { PostingWords } from '../sharing/share-entries.ts';
import { Catalog } from '../storage/catalog.ts';
import { openDataFolder } from '../storage/data-folder.ts';
import { MemberTable } from '../storage/member-table.ts';
import { Uploads } from '../transfer/uploads.ts';
import type { PeerConfiguration } from './configuration.ts';
import { DataPlane, settledQuota } from './data-plane.ts';
import { joinThrough, returnToRing } from './enter-ring.ts';
import { EventFan } from './event-fan.ts';
import { KnownPeers } from './known-peers.ts';
import { LivePeer } from './live-peer.ts';
import { chooseNetwork } from './network-choice.ts';
import { ownMembers } from './own-members.ts';
import type { Peer } from './peer.ts';
import { PeerNames } from './peer-names.ts';
import { askedMembers, RingAdapter } from './ring-adapter.ts';
import { RingStory } from './ring-story.ts';
import { RuntimeInvites } from './runtime-invites.ts';
import { runsElsewhere, SameIdentityWatch, whereItRuns, whereOthersSeeIt } from './same-identity.ts';

export interface RunningPeer extends Peer {
  /** Entries of this peer's shares, and those of others. */
  readonly announcer: ShareAnnouncer;
  readonly shareReader: ShareReader;
  /** Keys under which the entries of shares are announced. */
  readonly postingWords: PostingWords;
  /** Resolves when the peer has stopped or left for any reason. */
  readonly ended: Promise<void>;
  /** Why it ended by itself; null until then. */
  readonly failure: ChordialError | null;
}

/** Limit of the membership cache: a network of 10 000 hosts with 20 members. It grows with the network. */
const membershipCacheBytes = 32 * 2 ** 20;
/** An identifier of 64 digits, its pointer, and its share of the host's data. */
const bytesPerCachedMember = 160;
const parallelAsks = 3;
const lastAddressesSetting = 'last-addresses';
const incarnationSetting = 'incarnation';
/** Hosts whose last change of state is remembered. */
const maxUpdates = 16_384;

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
  const table = new MemberTable(catalog);
  const membership = new Members({ genesis, signer: identity, wallTime: Date.now, store: table });
  const peerNames = new PeerNames(membership, catalog);
  events.callPeers(peerNames.inText);
  membership.call(identity.host, network.name);
  if (network.how === 'founded' && genesis.admission === 'members') membership.foundWith(network.name);
  for (const { members } of network.greetings) {
    membership.takeLinks(members.log.links);
    membership.takeAdmissions(members.admissions);
  }
  if (network.admission !== null) membership.keepOwn(network.admission);
  if (membership.isRemoved(identity.host)) throw new ChordialError('member-removed', removedHere);

  let answering: { ring: RingHost; data: DataPlane; same: SameIdentityWatch; exchange: MembersExchange } | null = null;
  const transportOptions: Http2TransportOptions = {
    identity,
    genesis,
    members: membership,
    heardEpoch: (from, epoch) => answering?.exchange.heardEpoch(from, epoch),
    listen: formatAddress(configuration.listen),
    observed: network.observed,
    ...configuration.otherMachine,
    ...(configuration.advertise === undefined ? {} : { advertise: configuration.advertise }),
    ...(configuration.zone === undefined ? {} : { zone: configuration.zone }),
  };
  const shape = { bits: genesis.bits, successors: genesis.successors };
  const codec = ringCodec(genesis);
  const mayBeMember = (host: HostId) => membership.mayStore(host);
  const isClient = (configuration.quotaBytes ?? settledQuota(catalog)) === 0;
  if (!isClient && membership.own !== null && !membership.of(identity.host).rights.includes('store')) {
    const message =
      'This member may not store: its invite did not include that right. Start it with --quota 0, or ask an admin for another invite.';
    throw new ChordialError('bad-usage', message);
  }
  if (network.how === 'returned') {
    // No other host knows an address of this process yet, so the other process stays.
    const asking = new Http2Transport(transportOptions);
    const member = isClient ? null : (ownMembers(genesis, identity, asking.contact, configuration)[0]?.id ?? null);
    try {
      const peers = [...network.through, ...known.read()];
      const seen = await whereOthersSeeIt(peers, { identity, network: ringNetwork(asking, codec), member });
      const address = await whereItRuns(identity, [...lastAddresses(catalog), ...seen]);
      if (address !== null) throw runsElsewhere(identity.host, address, folder.path);
    } finally {
      await asking.close();
    }
  }
  const transport = new Http2Transport(transportOptions);
  const wired = () => {
    if (answering === null) throw new TransportError('refused', 'This peer is still starting.');
    return answering;
  };
  opened.defer(() => transport.close());
  await transport.serve({
    request: (from, kind, body) => {
      const { data, same } = wired();
      if (from.host === identity.host) same.called(from);
      return data.request(from, kind, body);
    },
    stream: (from, kind, incoming) => wired().data.stream(from, kind, incoming),
    heard: (from) => {
      membership.saw(from.host);
      answering?.ring.heard(from);
    },
    isNeighbour: (host) => answering?.ring.isNeighbour(host) ?? false,
  });

  const story = new RingStory({
    self: identity.host,
    teaching: genesis.rule === 'chosen',
    called: peerNames.shown,
    tell: (line) => events.tell(line),
  });
  const members = isClient ? [] : ownMembers(genesis, identity, transport.contact, configuration);
  const unresponsivePeers = new UnresponsivePeers(systemClock);
  const ports = {
    clock: systemClock,
    random: systemRandom,
    network: ringNetwork(unresponsivePeers.watch(transport), codec),
  };
  const updates = new BoundedCache<string, number>(maxUpdates);
  const incarnation = await nextIncarnation(catalog);
  const ring = new RingHost(
    {
      self: transport.contact,
      members,
      incarnation,
      shape,
      smallRings: genesis.rule === 'chosen',
      timers: { ...defaultTimers, pingInterval: configuration.pingMilliseconds ?? defaultTimers.pingInterval },
      cacheCapacity: Math.floor(membershipCacheBytes / bytesPerCachedMember),
      mayBeMember,
      ...(genesis.rule === 'key' ? { idOf: (host, index) => memberIdOfHost(host, index, genesis.bits) } : {}),
      parallelAsks,
      proximity: genesis.rule === 'key',
      gossip: true,
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
    peerNames,
    unresponsivePeers,
    view,
    members: () => askedMembers(ring),
    configuration,
    events,
  });
  opened.defer(() => data.close());
  const answerRing = ringRequests(ring, codec, mayBeMember);
  for (const name of ringMessageKinds) {
    const kind = ringKindPrefix + name;
    data.registry.onKind(kind, (from, body) => answerRing(from, kind, body));
  }
  const givenUp = new AbortController();
  let peer: LivePeer | null = null;
  const abandon = (error: ChordialError) => {
    if (peer === null) givenUp.abort(error);
    else peer.abandon(error);
  };
  const same = new SameIdentityWatch({
    identity,
    network: ports.network,
    member: members[0]?.id ?? null,
    incarnation,
    self: () => transport.contact,
    peers: () => ring.liveHosts(),
    found: (address) => abandon(runsElsewhere(identity.host, address, folder.path)),
  });
  opened.defer(() => same.close());
  const exchange = new MembersExchange({
    members: membership,
    transport,
    clock: systemClock,
    random: systemRandom,
    hosts: () => ring.liveHosts(),
    removed: (text) => events.tell({ kind: 'removed', text }),
  });
  exchange.answerIn(data.registry);
  opened.defer(() => exchange.close());
  for (const { host, state } of membership.list()) if (state === 'removed') ring.bar(host);
  const stopListening = membership.onChange((removed) => {
    for (const host of removed) {
      if (host === identity.host) abandon(new ChordialError('member-removed', removedHere));
      transport.expel(host);
      ring.bar(host);
      const text = `${peerNames.shown(host)} was removed from the network`;
      if (host !== identity.host) events.tell({ kind: 'member-removed', text, detail: { id: host } });
    }
    if (ring.dropPlaces(membership.storingNothing())) view.changed();
    if (removed.length === 0) return;
    data.membersRemoved(removed);
    view.changed();
  });
  opened.defer(stopListening);
  answering = { ring, data, same, exchange };

  const signal = AbortSignal.any([
    givenUp.signal,
    ...(configuration.signal === undefined ? [] : [configuration.signal]),
  ]);
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
    enter.tell('Founding a new network; to join an existing one, start with --join HOST:PORT and another --data');
  }
  try {
    if (network.how === 'joined') await joinThrough(network.through, enter);
    else await returnToRing(network.how === 'founded' ? [] : known.read(), enter);
  } catch (error) {
    throw givenUp.signal.aborted ? givenUp.signal.reason : error;
  }
  if (genesis.admission !== 'members') {
    events.tell({ kind: 'unprotected', text: unprotected[genesis.admission] });
  }
  await network.keep(membership.own);
  if (network.recoveryKey !== null) configuration.onRecoveryKey?.(network.recoveryKey);
  const invites = new RuntimeInvites({
    members: membership,
    contact: () => transport.contact,
    listening: transport.listening,
    ...(configuration.advertise === undefined ? {} : { advertise: configuration.advertise }),
    failed: (error) => events.tell({ kind: 'runtime-folder', text: error.message }),
  });
  opened.defer(() => invites.close());
  await invites.begin();
  exchange.begin();
  known.keep(ring);
  await catalog.setSetting(lastAddressesSetting, transport.contact.addresses);
  opened.defer(() => known.close());
  data.begin();
  const uploads = await Uploads.open(path.join(folder.path, 'uploads'), data.files, {
    tell: (text) => events.tell({ kind: 'damaged', text }),
  });
  peer = new LivePeer({
    identity,
    genesis,
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
  return peer;
}

/** Where this peer was last reached as a member, according to its folder. */
function lastAddresses(catalog: Catalog): readonly string[] {
  const kept = catalog.setting(lastAddressesSetting);
  return Array.isArray(kept) ? kept.filter(isDialable) : [];
}

/** Higher than in all earlier starts, including one with a clock that was ahead. */
async function nextIncarnation(catalog: Catalog): Promise<number> {
  const last = catalog.setting(incarnationSetting);
  const next = Math.max(systemClock.wallTime(), typeof last === 'number' ? last + 1 : 0);
  await catalog.setSetting(incarnationSetting, next);
  return next;
}
