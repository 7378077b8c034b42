/** A running peer as interfaces show it: itself, the others, the ring, and what it stores. */
import { hash } from 'node:crypto';
import {
  digitsOf,
  type HostId,
  inOwnedArc,
  isMember,
  isRingId,
  type Pointer,
  type RingId,
  ringIdOfHash,
} from '@chordial/ring';
import { blockKey, cidIn } from '../content/cid.ts';
import { namePosition } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { networksOf } from '../lan/networks.ts';
import { tagsOf } from '../lan/service.ts';
import type { Genesis } from '../network/genesis.ts';
import { isHostId } from '../network/host-id.ts';
import { hello } from '../network/join-hello.ts';
import { systemClock } from '../network/system-clock.ts';
import { storedEntries } from '../records/entry.ts';
import { readableName } from '../records/name-entry.ts';
import { fileKey, type Hit } from '../search/hit.ts';
import { keyOfRecord, recordSet } from '../storage/item-index.ts';
import type { RecordRow } from '../storage/record-table.ts';
import type { LocalNetwork } from './build-lan.ts';
import { type ReachParts, shownReach } from './build-reach.ts';
import type { buildSearch, SearchParts } from './build-search.ts';
import type { ClockWatch } from './clock-watch.ts';
import type { Doors } from './doors.ts';
import type {
  LanStatus,
  NodeStatus,
  Peer,
  PeerStatus,
  RingDigest,
  ShownFingers,
  StorageListing,
  Stored,
} from './peer.ts';
import type { PeerLifecycle } from './peer-lifecycle.ts';
import { faultsOf } from './ring-order.ts';
import { shownAsk, shownMember, shownPeer, shownPointer, shownRecording } from './shown.ts';
import { type ShownHit, shownHit } from './shown-hit.ts';

/** Names per page of the storage listing. */
const namesPerPage = 500;
const maxNearbyNames = 32;
/** Rows scanned for one page: most may have the other role. */
const maxRowsPerPage = 5000;

interface StatusParts extends SearchParts {
  readonly finding: ReturnType<typeof buildSearch>;
  readonly reach: ReachParts;
  readonly clockWatch: ClockWatch;
  readonly lifecycle: PeerLifecycle;
  readonly doors: Pick<Doors, 'own'>;
  readonly api: string;
}

/** The peer itself, other peers, and the ring that they form. */
export function ringStatus({
  folder,
  network,
  ring: { ring, view, recording, updatedAt },
  data,
  ...parts
}: StatusParts) {
  const { identity, genesis, membership, peerNames } = folder;
  const { reach, clockWatch, lifecycle, doors, api, lan } = parts;
  const { transport } = network;
  const called = peerNames.shown;
  return {
    status: (fingers: ShownFingers = 'all'): NodeStatus => {
      const states = ring.states();
      const hosts = ring.isClient ? ring.liveHosts() : ring.hostsWithPlaces();
      // A client has no members: it is connected while it knows a host of the ring.
      const isConnected = ring.isClient ? hosts.length > 0 : states.length > 0;
      const { difference, note } = clockWatch;
      const byIndex = [...states].sort((a, b) => a.me.index - b.me.index);
      const virtualNodes = byIndex.map((state) => shownMember(ring, state, { fingers, called }));
      const first = virtualNodes[0] ?? { ringId: '', predecessor: null, successors: [], fingers: [] };
      return {
        id: identity.host,
        name: called(identity.host),
        network: membership.network,
        bits: genesis.bits,
        zone: transport.contact.zone ?? null,
        listen: transport.listening,
        api,
        ...first,
        virtualNodes,
        members: states.length + hosts.reduce((sum, { host }) => sum + ring.virtualNodesOf(host), 0),
        hosts: hosts.length + (ring.isClient ? 0 : 1),
        replicas: genesis.replicas,
        state: lifecycle.state === 'member' && !isConnected ? 'joining' : lifecycle.state,
        ...shownReach(reach),
        clock: difference === null ? null : { ...difference, note },
        lan: lan === null ? null : lanStatus(lan, membership.network, called),
        door: doors.own,
      };
    },
    peers: (): readonly PeerStatus[] =>
      ring.watched().map((watched) => {
        const { host } = watched.contact;
        const about = { virtualNodes: ring.virtualNodesOf(host), lastUpdate: updatedAt(host) };
        const { up, down } = network.bandwidth.movedWith(host);
        const moved = {
          ...{ sent: up.bytes, received: down.bytes },
          ...{ sendRate: up.perSecond, receiveRate: down.perSecond },
        };
        const named = { name: called(host), petname: peerNames.petnameOf(host), moved };
        return shownPeer(watched, named, about, systemClock);
      }),
    called: (id: string) => ({ name: called(id as HostId), petname: peerNames.petnameOf(id as HostId) }),
    callPeer: async (id: string, name: string | null): Promise<string> => {
      if (!isHostId(id) || id === identity.host)
        throw new ChordialError(
          'not-found',
          `${id.slice(0, 80)} is not another peer. List peers with "chordial peers".`,
        );
      await peerNames.call(id, name);
      return called(id);
    },
    inText: peerNames.inText,
    ring: () => ring.members().map((member) => shownPointer(member, called)!),
    ringDigest: (): RingDigest => {
      const states = ring.states();
      const order = ring.members().map(({ id }) => id);
      const placeOf = ({ id: ringId }: Pointer) => ({ ringId });
      const isRight = states.every(({ me, predecessor, successors: list }) => {
        const successors = list.filter(isMember).map(placeOf);
        return faultsOf({ ringId: me.id, predecessor: placeOf(predecessor), successors }, order).length === 0;
      });
      const digest = hash('sha256', order.join(), 'hex').slice(0, 32);
      return { members: order.length, digest, epoch: states.reduce((sum, { epoch }) => sum + epoch, 0), isRight };
    },
    ringRecording: () => shownRecording(recording.shown(), called, systemClock.wallTime()),
    traffic: () => transport.traffic,
    refusals: () => transport.counters,
    lookup: async (nameOrCidOrKey: string) => {
      const key = keyOfText(nameOrCidOrKey, genesis);
      const began = performance.now();
      const { owner, successors, hops, asked } = await view.locate(key);
      const milliseconds = Math.round((performance.now() - began) * 1000) / 1000;
      // The members that hold an item with this key: the owner's, then one of each further host.
      const hosts = await data.placement.places(key, genesis.replicas);
      const members = [owner, ...successors].filter(isMember);
      const replicas = hosts.flatMap(({ host }) => members.find(({ contact }) => contact.host === host) ?? []);
      return {
        key,
        owner: shownPointer(owner, called)!,
        replicas: replicas.map((pointer) => shownPointer(pointer, called)!),
        hops,
        milliseconds,
        asked: asked.map((one) => shownAsk(one, called)),
      };
    },
    /**
     * Contacts a peer at an address: a member of the same network becomes known, and its ring is merged if separate. A running
     * member is already in a ring; joining another network needs another data folder.
     */
    join: async (address: string): Promise<void> => {
      lifecycle.assertMember();
      const shown = membership.shown();
      const { contact } = await hello(address, {
        identity,
        shown,
        name: membership.name,
        network: membership.network,
      });
      await transport.ping(contact, 2000);
    },
  } satisfies Partial<Peer>;
}

function lanStatus({ lan, nearby }: LocalNetwork, network: string, called: (host: HostId) => string): LanStatus {
  const { heard } = lan;
  const members = [...new Set(heard.flatMap(({ label }) => nearby.hostOf(label) ?? []))].map(called);
  const networks = networksOf(heard, tagsOf(network, systemClock.wallTime()));
  return {
    interfaces: lan.links.map(({ dropped: _, ...shown }) => shown),
    networks: networks.map((one) => ({ ...one, members: one.isOwn ? members.slice(0, maxNearbyNames) : [] })),
  };
}

/** Files of others as they were found, and what is stored here. */
export function fileStatus({ folder, ring: { view }, storage, finding }: StatusParts) {
  const { genesis } = folder;
  const { shown } = folder.peerNames;
  const { index, blocks, records } = storage;
  const shownHits = (rows: readonly (readonly Hit[])[]): readonly ShownHit[] => {
    const here = new Map([view.self, ...view.hosts()].map(({ host, addresses }) => [host, addresses[0] ?? null]));
    return rows.map((holders) => shownHit(holders, (host) => here.get(host) ?? null, shown));
  };
  const isOwned = ({ key }: RecordRow): boolean => {
    const place = ringIdOfHash(key, genesis.bits);
    return view.states().some((state) => inOwnedArc(state.predecessor.id, place, state.me.id));
  };
  const stored = (): Stored => {
    const cached = index.cachedBlocks();
    return {
      blocks: blocks.count() - cached.blocks,
      bytes: blocks.bytes() - cached.bytes,
      cachedBlocks: cached.blocks,
      cachedBytes: cached.bytes,
    };
  };
  return {
    shownHits,
    stored,
    browse: async (id: string, cursor: string | null) => {
      const contact = [view.self, ...view.hosts()].find(({ host }) => host === id);
      if (contact === undefined)
        throw new ChordialError('not-found', `No peer ${id} is known. List peers with "chordial peers".`);
      const page = await finding.browsing.files(contact, cursor);
      // A peer's statement about itself needs no confirmation.
      const hits = page.hits.map((hit) => ({ ...hit, isVerified: true }));
      // A content under two names is two of its files.
      const files = shownHits([...Map.groupBy(hits, fileKey).values()]);
      return { files: files.map((file) => ({ ...file, key: `${file.cid} ${file.name}` })), cursor: page.cursor };
    },
    storage: (role: 'primary' | 'replica', cursor: string | null): StorageListing => {
      const names: { name: string; publisher: string; cid: string }[] = [];
      let next = cursor;
      let seen = 0;
      do {
        const page = records.range('all', next, namesPerPage);
        for (const row of page.items) {
          if (row.kind !== 'name' || isOwned(row) !== (role === 'primary')) continue;
          // Not a replica: kept for the publisher's list, or until its places have proved that they hold it.
          if (index.isCached(recordSet, keyOfRecord(row))) continue;
          const [encoded] = storedEntries([row]);
          const named = encoded === undefined || encoded.entry.body === null ? null : readableName(encoded);
          if (named !== null) names.push({ name: named.name, publisher: row.publisher, cid: named.cid.toString() });
        }
        seen += page.items.length;
        next = page.cursor;
      } while (next !== null && names.length < namesPerPage && seen < maxRowsPerPage);
      return { names, ...stored(), cursor: next };
    },
  } satisfies Partial<Peer>;
}

/**
 * The ring key of an argument: a CID if it parses as one, `key:HEX`, `name:X`, else a name. Throws `bad-request` for a key of the
 * wrong width, `bad-name` for an invalid name.
 */
function keyOfText(text: string, genesis: Pick<Genesis, 'bits' | 'rule'>): RingId {
  const { bits, rule } = genesis;
  if (text.startsWith('key:')) {
    const key = text.slice('key:'.length).toLowerCase();
    if (isRingId(key, bits)) return key;
    const message = `${JSON.stringify(text.slice(0, 80))} is not a key of this ring. Give key: and ${digitsOf(bits)} hexadecimal digits below 2^${bits}.`;
    throw new ChordialError('bad-request', message);
  }
  const named = text.startsWith('name:');
  const cid = named ? null : cidIn(text);
  if (cid !== null) return ringIdOfHash(blockKey(cid), bits);
  return namePosition(named ? text.slice('name:'.length) : text, bits, rule === 'chosen');
}
