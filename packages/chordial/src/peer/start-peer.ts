/**
 * Starts a peer: builds it from its parts, each in a file `build-….ts`, and enters the ring. A failure closes everything opened
 * before, in reverse order.
 */
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { formatAddress, isLoopback } from '../network/addresses.ts';
import { defaultRepairBytesPerSecond, directions } from '../network/bandwidth.ts';
import { networkId } from '../network/genesis.ts';
import { verifySignature } from '../network/identity.ts';
import type { NetworkChange } from '../network/interface-watch.ts';
import { removedHere } from '../network/members.ts';
import { MembersExchange } from '../network/members-exchange.ts';
import { unprotectedNetwork } from '../network/membership.ts';
import { answerMoves } from '../network/moved-host.ts';
import { defaultRelayBytesPerSecond } from '../network/relays.ts';
import { ringMessageKinds } from '../network/ring-codec.ts';
import { ringKindPrefix, ringRequests } from '../network/ring-network.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import type { ShareAnnouncer, ShareReader } from '../records/shares.ts';
import { type Said, said } from '../sentences.ts';
import type { PostingWords } from '../sharing/share-entries.ts';
import { SharedFileBlocks } from '../sharing/shared-file-blocks.ts';
import { PinTable } from '../storage/pin-table.ts';
import { Uploads } from '../transfer/uploads.ts';
import { buildCodes } from './build-codes.ts';
import { buildHealth, buildHistory, buildReports, ownDisk } from './build-health.ts';
import type { LocalNetwork } from './build-lan.ts';
import { buildDropBoxes } from './build-links.ts';
import { buildNetwork, type Network } from './build-network.ts';
import { buildReach, type ReachParts } from './build-reach.ts';
import { buildRing, type Ring } from './build-ring.ts';
import { buildSearch, type SearchParts } from './build-search.ts';
import { buildStorage, type DiskStorage } from './build-storage.ts';
import { ClockWatch } from './clock-watch.ts';
import { Closing } from './closing.ts';
import { isOnLan, type PeerConfiguration } from './configuration.ts';
import { buildData, type Data } from './data.ts';
import type { DataOptions } from './data-core.ts';
import { Doors } from './doors.ts';
import { joinThrough, returnToRing } from './enter-ring.ts';
import { PeerLimits } from './limits.ts';
import { memberOperations } from './member-operations.ts';
import { peerMetrics } from './metrics.ts';
import { type OpenFolder, openFolder } from './open-folder.ts';
import type { Peer } from './peer.ts';
import { PeerLifecycle } from './peer-lifecycle.ts';
import { PeerSettings } from './peer-settings.ts';
import { fileStatus, ringStatus } from './peer-status.ts';
import { keepQuota } from './quota.ts';
import { Removals } from './removals.ts';
import { RuntimeInvites } from './runtime-invites.ts';
import { runsElsewhere, SameIdentityWatch, TwoAddresses } from './same-identity.ts';
import { Tokens } from './tokens.ts';

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
  /** What it waits for while it stops or leaves; else null. */
  readonly closing: string | null;
}

export async function startPeer(configuration: PeerConfiguration): Promise<RunningPeer> {
  await using opened = new Closing();
  const folder = await openFolder(configuration, opened);
  const network = await buildNetwork(folder, opened);
  const lan = isOnLan(configuration) ? (await import('./build-lan.ts')).buildLan(folder, network, opened) : null;
  const ring = await buildRing(folder, network, opened);
  const storage = await buildStorage(folder, opened);
  const { events, membership } = folder;
  const { transport } = network;
  const { limit: configured } = configuration;
  const limits = new PeerLimits({
    clock: systemClock,
    bandwidth: network.bandwidth,
    catalog: folder.catalog,
    ...(configured === undefined ? {} : { configured }),
    tell: (line) => events.tell({ kind: 'limit', ...line }),
  });
  opened.defer(() => limits.close());
  const data: Data = buildData({
    ...dataOptions(folder, network, ring, storage),
    stop: limits,
    clockNote: () => clockWatch.note,
    shared: new SharedFileBlocks(storage.sharedFiles, storage.hashing, (file) => finding.shares.changed(file)),
    nameChanges: {
      changing: (name, before) => finding.putIndex.changing(name, before),
      changed: (name) => finding.putIndex.changed(name),
    },
  });
  opened.defer(() => data.close(), 'the transfers');
  const parts: SearchParts = { folder, network, ring, storage, data, lan };
  const finding = buildSearch(parts, opened);
  const clockWatch = new ClockWatch(
    {
      clock: systemClock,
      random: systemRandom,
      transport,
      hosts: () => ring.view.hosts().filter(({ host }) => host !== ring.view.self.host),
    },
    (line) => events.tell({ kind: 'clock', ...line }),
  );
  opened.defer(() => clockWatch.close());
  clockWatch.answerIn(data.registry);
  const doors = new Doors(
    {
      clock: systemClock,
      random: systemRandom,
      transport,
      hosts: () => ring.ring.liveHosts(),
    },
    configuration.ownDoor ?? (() => null),
  );
  doors.answerIn(data.registry);
  const codes = buildCodes(parts, opened);
  const reports = buildReports(parts);
  const lifecycle = new PeerLifecycle({
    events,
    folder: folder.folder,
    ring: ring.ring,
    data,
    store: storage.store,
  });
  const reach = await buildReach(folder, network, ring, opened);
  const exchange = answerOthers({ ...parts, reach }, lifecycle, opened);

  await enterRing({ ...parts, reach }, lifecycle.givenUp);
  if (folder.genesis.admission !== 'members')
    events.tell({ kind: 'unprotected', ...unprotectedNetwork(folder.genesis.admission) });
  await folder.network.keep(membership.own);
  if (folder.network.recoveryKey !== null) configuration.onRecoveryKey?.(folder.network.recoveryKey);
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
  reach.reachability.begin();
  folder.known.keep(ring.ring);
  await network.keepAddresses();
  opened.defer(() => folder.known.close());
  opened.defer(network.interfaces.onChange((change) => followChange(change, { folder, network, ring, reach })));
  data.begin();
  finding.putIndex.begin();
  finding.shares.begin();
  const uploads = await Uploads.open(path.join(folder.folder, 'uploads'), data.files, {
    keys: folder.keys,
    tell: (text) => events.tell({ kind: 'damaged', text }),
  });
  const dropBoxes = buildDropBoxes(folder, data, uploads, opened);
  const shown = { ...parts, finding, reach, clockWatch, lifecycle, doors, api: formatAddress(configuration.api) };
  const [ofRing, ofFiles] = [ringStatus(shown), fileStatus(shown)];
  const ofMembers = memberOperations(membership, transport);
  const history = buildHistory(parts, finding.queries);
  opened.defer(() => history.close(), 'the history');
  lifecycle.started(opened.move());
  return {
    ...ofMembers,
    ...ofRing,
    ...ofFiles,
    health: buildHealth(parts, { ...ofRing, ...ofMembers }, limits, reports),
    reports: async () => new Map([...(await reports.ofOthers()), [folder.identity.host, await reports.own()]]),
    history,
    metrics: () => peerMetrics(parts, { ...ofRing, ...ofFiles }),
    files: data.files,
    trees: data.trees,
    keys: data.seals.keys,
    transfers: data.transfers,
    links: data.links,
    linkRecords: data.linkRecords,
    codes,
    announcer: data.announcer,
    shareReader: data.shareReader,
    uploads,
    dropBoxes,
    removals: new Removals({ files: data.files, trees: data.trees, self: ring.view.self.host, clock: systemClock }),
    tokens: new Tokens(folder.catalog, systemClock),
    doors,
    limits,
    settings: settingsOf(parts, limits),
    search: finding.search,
    shares: finding.shares,
    postingWords: finding.postingWords,
    onEvent: (listener) => events.add(listener),
    leave: (force) => lifecycle.leave(force),
    stop: () => lifecycle.stop(),
    ended: lifecycle.ended,
    get failure() {
      return lifecycle.failure;
    },
    get closing() {
      return lifecycle.closing;
    },
  };
}

/** What changes while the peer runs. */
function settingsOf({ folder, network, storage, data }: SearchParts, limits: PeerLimits): PeerSettings {
  const { configuration, catalog } = folder;
  const { bandwidth, transport } = network;
  return new PeerSettings({
    configuration,
    limits,
    disk: () => ownDisk({ folder, storage }),
    apply: {
      quotaBytes: (bytes) => {
        if (bytes === undefined) return;
        storage.blocks.quotaBytes = bytes;
        storage.storageShares.quotaBytes = bytes;
        void keepQuota(catalog, bytes);
      },
      limitLan: (isOn = false) => {
        bandwidth.limitsLan = isOn;
      },
      repairBytesPerSecond: (bytes = defaultRepairBytesPerSecond) => {
        for (const way of directions) bandwidth.repair[way].perSecond = bytes;
      },
      relayBytesPerSecond: (bytes = defaultRelayBytesPerSecond) => {
        transport.relayBytesPerSecond = bytes;
      },
      sealed: (isOn = false) => {
        data.seals.sealsPuts = isOn;
      },
      keepOwn: (isOn) => data.keepOwn(keepsOwn(folder, isOn)),
    },
  });
}

type Reached = Pick<SearchParts, 'folder' | 'network' | 'ring'> & { readonly reach: ReachParts };

/**
 * Within seconds of waking up or of a new address others reach this peer again: everything that waits because of the
 * silence before starts again at once.
 */
function followChange(change: NetworkChange, { folder, network, ring, reach }: Reached): void {
  const { configuration, events } = folder;
  // What happens to the interfaces of the machine is nothing to a peer that only this machine reaches.
  if (change.slept === 0 && isLoopback(configuration.listen.host)) return;
  const before = network.transport.contact.addresses;
  network.transport.networkChanged(change);
  ring.unresponsivePeers.forgive();
  ring.ring.resume();
  reach.again();
  if (change.slept > 0) {
    const seconds = Math.round(change.slept / 1000);
    const text = `This machine slept for ${seconds} s: looking at the neighbours again`;
    events.tell({ kind: 'awake', ...said('awake', { seconds }, text) });
  }
  const { addresses } = network.transport.contact;
  if (addresses.join() === before.join()) return;
  const text = `Reached at ${addresses.join(', ')} from now on`;
  events.tell({ kind: 'reach', ...said('addresses-changed', { addresses }, text) });
  network.keepAddresses().catch((error: Error) => events.tell({ kind: 'damaged', text: error.message }));
}

/** What a running peer's data is built on: its disk, its ring, the system's clock, the settings. */
function dataOptions(folder: OpenFolder, network: Network, ring: Ring, storage: DiskStorage): DataOptions {
  const { configuration, genesis, identity, membership, events, peerNames, catalog } = folder;
  const isTeaching = genesis.rule === 'chosen';
  return {
    storage,
    view: ring.view,
    transport: network.transport,
    membership,
    unresponsivePeers: ring.unresponsivePeers,
    clock: systemClock,
    random: systemRandom,
    hashing: storage.hashing,
    signer: identity,
    verify: verifySignature,
    networkId: networkId(genesis),
    teaching: isTeaching,
    rule: { replicas: genesis.replicas, writeQuorum: genesis.writeQuorum },
    keepOwn: keepsOwn(folder, configuration.keepOwn),
    settings: configuration,
    peerNames,
    pins: new PinTable(catalog),
    keys: folder.keys,
    notify: (event) => events.tell(event),
  };
}

/** On by default; a teaching ring has exactly the replicas that it shows, and a client stores nothing. */
function keepsOwn({ genesis, configuration }: OpenFolder, wanted: boolean | undefined): boolean {
  return (wanted ?? genesis.rule !== 'chosen') && configuration.quotaBytes !== 0;
}

/** From now on other peers get answers, and what the ring and the members say has its effect. */
function answerOthers(
  { folder, network, ring, data, reach }: SearchParts & { readonly reach: ReachParts },
  lifecycle: PeerLifecycle,
  opened: Closing,
) {
  const { membership, identity, events, peerNames } = folder;
  const { transport, members, codec, mayBeMember } = network;
  const same = new SameIdentityWatch({
    identity,
    network: ring.messages,
    member: members[0]?.id ?? null,
    incarnation: ring.incarnation,
    self: () => transport.contact,
    peers: () => ring.ring.liveHosts(),
    found: (address) => lifecycle.abandon(runsElsewhere(identity.host, address, folder.folder)),
  });
  opened.defer(() => same.close());
  const answerRing = ringRequests(same.answers(ring.ring), codec, mayBeMember);
  for (const name of ringMessageKinds) {
    const kind = ringKindPrefix + name;
    data.registry.onKind(kind, (from, body) => answerRing(from, kind, body));
  }
  const exchange = new MembersExchange(
    {
      transport,
      clock: systemClock,
      random: systemRandom,
      hosts: () => ring.ring.liveHosts(),
    },
    membership,
    (text) => events.tell({ kind: 'removed', text }),
  );
  exchange.answerIn(data.registry);
  answerMoves(data.registry, (contact) => transport.learn(contact));
  opened.defer(() => exchange.close());
  for (const { host, state } of membership.list()) if (state === 'removed') ring.ring.bar(host);
  const stopListening = membership.onChange((removed) => {
    for (const host of removed) {
      if (host === identity.host) lifecycle.abandon(new ChordialError('member-removed', removedHere));
      transport.expel(host);
      ring.ring.bar(host);
      if (host === identity.host) continue;
      const who = peerNames.shown(host);
      const line = said('member-removed', { who }, `${who} was removed from the network`);
      events.tell({ kind: 'member-removed', ...line, detail: { id: host } });
    }
    if (ring.ring.dropPlaces(membership.storingNothing())) ring.view.changed();
    if (removed.length === 0) return;
    data.membersRemoved(removed);
    ring.view.changed();
  });
  opened.defer(stopListening);
  const twoAddresses = new TwoAddresses(ring.messages);
  const { dialBacks } = reach;
  network.answerWith({ registry: data.registry, ring: ring.ring, same, twoAddresses, exchange, dialBacks });
  return exchange;
}

/** Founds, joins or returns. */
async function enterRing(
  parts: Pick<SearchParts, 'folder' | 'network' | 'ring'> & {
    readonly lan: LocalNetwork | null;
    readonly reach: ReachParts;
  },
  givenUp: AbortSignal,
): Promise<void> {
  const { folder, network, ring, lan, reach } = parts;
  const { configuration, identity, events, known } = folder;
  const { through, how } = folder.network;
  const enter = {
    ring: ring.ring,
    network: ring.messages,
    clock: systemClock,
    random: systemRandom,
    signal: AbortSignal.any([givenUp, ...(configuration.signal === undefined ? [] : [configuration.signal])]),
    ownId: configuration.id?.toString() ?? network.members[0]?.id ?? identity.host,
    tell: (line: Pick<Said, 'text'>) => events.tell({ kind: 'starting', ...line }),
    beforeJoining: reach.beforeJoining,
  };
  if (through.length > 0) await known.remember(through);
  if (how === 'founded') {
    const text = 'Founding a new network; to join an existing one, start with --join HOST:PORT and another --data';
    enter.tell(said('founding', {}, text));
  }
  try {
    if (how === 'joined') await joinThrough(through, enter);
    else await returnToRing(how === 'founded' ? [] : known.read(), enter, () => lan?.nearby.contacts ?? []);
  } catch (error) {
    throw givenUp.aborted ? givenUp.reason : error;
  }
}
