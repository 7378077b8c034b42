/** A running peer: the facade used by the API and the command line. */

import { hash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { digitsOf, isMember, isRingId, type Pointer, type RingHost, type RingId, ringIdOfHash } from '@chordial/ring';
import { blockKey, cidIn } from '../content/cid.ts';
import { namePosition } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { Counters } from '../network/counters.ts';
import type { Genesis } from '../network/genesis.ts';
import { isHostId } from '../network/host-id.ts';
import type { Http2Transport } from '../network/http2-transport.ts';
import type { Identity } from '../network/identity.ts';
import { encodeInvite, invitingAddresses, ticketFrom } from '../network/invite.ts';
import type { ListedMember, Members } from '../network/members.ts';
import { systemClock } from '../network/system-clock.ts';
import type { TrafficCounts } from '../network/traffic.ts';
import type { ShareAnnouncer, ShareReader } from '../records/shares.ts';
import type { Hit } from '../search/hit.ts';
import type { Search } from '../search/search.ts';
import type { PostingWords } from '../sharing/share-entries.ts';
import type { SharedFolders } from '../sharing/shared-folders.ts';
import type { Files } from '../transfer/files.ts';
import type { Transfers } from '../transfer/transfers.ts';
import type { Uploads } from '../transfer/uploads.ts';
import type { DataPlane } from './data-plane.ts';
import type { EventFan } from './event-fan.ts';
import type {
  BrowsedFiles,
  ChangedMembers,
  Invited,
  InviteWish,
  LookupResult,
  MemberOperation,
  NodeStatus,
  Peer,
  PeerEvent,
  PeerStatus,
  RingDigest,
  ShownFingers,
  ShownPointer,
  StorageListing,
  Stored,
} from './peer.ts';
import { identityOfRecoveryKey } from './recovery-key.ts';
import type { RingAdapter } from './ring-adapter.ts';
import { faultsOf } from './ring-order.ts';
import { shownMember, shownPeer, shownPointer } from './shown.ts';
import { type ShownHit, shownHit } from './shown-hit.ts';

export interface LiveParts {
  readonly identity: Identity;
  readonly genesis: Genesis;
  readonly transport: Http2Transport;
  readonly membership: Members;
  readonly ring: RingHost;
  readonly view: RingAdapter;
  readonly data: DataPlane;
  readonly uploads: Uploads;
  readonly events: EventFan;
  /** Last change of a host's state, milliseconds since 1970. */
  readonly updates: { get(host: string): number | undefined };
  readonly api: string;
  /** Absolute path of the data folder. */
  readonly folder: string;
  readonly resources: AsyncDisposableStack;
}

/** Limit on making replicas at a stop; with the farewells it ends within 10 s (cli/end-signals.ts). */
const maxGivingMilliseconds = 4000;

export class LivePeer implements Peer {
  readonly ended: Promise<void>;
  readonly #parts: LiveParts;
  #state: NodeStatus['state'] = 'member';
  #end: () => void = () => {};
  #ending: Promise<void> | null = null;
  #failure: ChordialError | null = null;
  #closing: string | null = null;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get membership(): Members {
    return this.#parts.membership;
  }

  members(): readonly ListedMember[] {
    return this.#parts.membership.list();
  }

  openInvites(): number {
    return this.#parts.membership.openTickets();
  }

  changeMember(
    operation: MemberOperation,
    member: string,
    options = { purge: false, withAdmitted: false },
  ): ChangedMembers {
    const { membership } = this.#parts;
    const { host, name } = membership.find(member);
    if (operation === 'admit') {
      membership.admitWaiting(host);
      return { id: host, name, done: true, votes: 1, needed: 1 };
    }
    return { id: host, name, ...membership.change(operation, host, options) };
  }

  recover(key: string, member: string | null): ChangedMembers {
    const { membership } = this.#parts;
    const { host, name } = membership.find(member ?? membership.self);
    membership.recover(identityOfRecoveryKey(key), host);
    return { id: host, name, done: true, votes: 1, needed: 1 };
  }

  get files(): Files {
    return this.#parts.data.files;
  }

  get transfers(): Transfers {
    return this.#parts.data.transfers;
  }

  get announcer(): ShareAnnouncer {
    return this.#parts.data.announcer;
  }

  get shareReader(): ShareReader {
    return this.#parts.data.shareReader;
  }

  get postingWords(): PostingWords {
    return this.#parts.data.postingWords;
  }

  get uploads(): Uploads {
    return this.#parts.uploads;
  }

  get shares(): SharedFolders {
    return this.#parts.data.shares;
  }

  get search(): Search {
    return this.#parts.data.search;
  }

  shownHits(files: readonly (readonly Hit[])[]): readonly ShownHit[] {
    const { view } = this.#parts;
    const here = new Map([view.self, ...view.hosts()].map(({ host, addresses }) => [host, addresses[0] ?? null]));
    const { shown } = this.#parts.data.peerNames;
    return files.map((holders) => shownHit(holders, (host) => here.get(host) ?? null, shown));
  }

  async browse(id: string, cursor: string | null): Promise<BrowsedFiles> {
    const { view, data } = this.#parts;
    const contact = [view.self, ...view.hosts()].find(({ host }) => host === id);
    if (contact === undefined)
      throw new ChordialError('not-found', `No peer ${id} is known. List peers with "chordial peers".`);
    const page = await data.browsing.files(contact, cursor);
    // A peer's statement about itself needs no confirmation.
    const files = page.hits.map((hit) => [{ ...hit, isVerified: true }]);
    return { files: this.shownHits(files), cursor: page.cursor };
  }

  status(fingers: ShownFingers = 'all'): NodeStatus {
    const { identity, genesis, membership, transport, ring, api } = this.#parts;
    const states = ring.states();
    const hosts = ring.isClient ? ring.liveHosts() : ring.hostsWithPlaces();
    // A client has no members: it is connected while it knows a host of the ring.
    const isConnected = ring.isClient ? hosts.length > 0 : states.length > 0;
    const { difference, note } = this.#parts.data.clockWatch;
    const called = this.#parts.data.peerNames.shown;
    const byIndex = [...states].sort((a, b) => a.me.index - b.me.index);
    const virtualNodes = byIndex.map((state) => shownMember(ring, state, { fingers, called }));
    const first = virtualNodes[0] ?? { ringId: '', predecessor: null, successors: [], fingers: [] };
    return {
      id: identity.host,
      name: called(identity.host),
      network: membership.network,
      bits: genesis.bits,
      listen: transport.listening,
      api,
      ...first,
      virtualNodes,
      members: states.length + hosts.reduce((sum, { host }) => sum + ring.virtualNodesOf(host), 0),
      hosts: hosts.length + (ring.isClient ? 0 : 1),
      replicas: genesis.replicas,
      state: this.#state === 'member' && !isConnected ? 'joining' : this.#state,
      clock: difference === null ? null : { ...difference, note },
    };
  }

  peers(): readonly PeerStatus[] {
    const { ring, updates, data } = this.#parts;
    return ring.watched().map((watched) => {
      const { host } = watched.contact;
      const about = { virtualNodes: ring.virtualNodesOf(host), lastUpdate: updates.get(host) ?? null };
      return shownPeer(watched, data.peerNames.shown(host), about, systemClock);
    });
  }

  async callPeer(id: string, name: string | null): Promise<string> {
    const { data, identity } = this.#parts;
    if (!isHostId(id) || id === identity.host)
      throw new ChordialError('not-found', `${id.slice(0, 80)} is not another peer. List peers with "chordial peers".`);
    await data.peerNames.call(id, name);
    return data.peerNames.shown(id);
  }

  ring(): readonly ShownPointer[] {
    const { shown } = this.#parts.data.peerNames;
    return this.#parts.ring.members().map((member) => shownPointer(member, shown)!);
  }

  ringDigest(): RingDigest {
    const { ring } = this.#parts;
    const states = ring.states();
    const order = ring.members().map(({ id }) => id);
    const placeOf = ({ id: ringId }: Pointer) => ({ ringId });
    const isRight = states.every(({ me, predecessor, successors: list }) => {
      const successors = list.filter(isMember).map(placeOf);
      return faultsOf({ ringId: me.id, predecessor: placeOf(predecessor), successors }, order).length === 0;
    });
    const digest = hash('sha256', order.join(), 'hex').slice(0, 32);
    return { members: order.length, digest, epoch: states.reduce((sum, { epoch }) => sum + epoch, 0), isRight };
  }

  inText(text: string): string {
    return this.#parts.data.peerNames.inText(text);
  }

  traffic(): TrafficCounts {
    return this.#parts.transport.traffic;
  }

  refusals(): Counters {
    return this.#parts.transport.counters;
  }

  stored(): Stored {
    return this.#parts.data.stored();
  }

  storage(role: 'primary' | 'replica', cursor: string | null): StorageListing {
    return this.#parts.data.storage(role, cursor);
  }

  async lookup(nameOrCidOrKey: string): Promise<LookupResult> {
    const { genesis, view, data } = this.#parts;
    const key = keyOfText(nameOrCidOrKey, genesis);
    const began = performance.now();
    const located = await view.locate(key);
    const milliseconds = Math.round((performance.now() - began) * 1000) / 1000;
    const replicas = await data.places(located);
    const { shown } = data.peerNames;
    return {
      key,
      owner: shownPointer(located.owner, shown)!,
      replicas: replicas.map((pointer) => shownPointer(pointer, shown)!),
      hops: located.hops,
      milliseconds,
    };
  }

  /** A running member is already in a ring; joining another network needs another data folder. */
  async join(address: string): Promise<void> {
    const { data } = this.#parts;
    this.#assertMember();
    await data.greet(address);
  }

  invite({ timeToLive, uses, rights }: InviteWish): Invited {
    const { membership, transport } = this.#parts;
    const { network, self: host } = membership;
    const addresses = invitingAddresses(transport.contact.addresses);
    const expires = systemClock.wallTime() + timeToLive;
    const isOpen = membership.admission !== 'members';
    const papers = isOpen ? null : ticketFrom(membership, { uses, expires, rights });
    const invite = encodeInvite({ network, host, addresses, expires, papers });
    const granted = papers?.ticket.rights ?? [];
    return { invite, network, addresses, expires: new Date(expires).toISOString(), uses, rights: granted };
  }

  async leave(force: boolean): Promise<void> {
    this.#assertMember();
    const { ring, data, events } = this.#parts;
    const others = ring.hostsWithPlaces();
    if (others.length === 0 && !ring.isClient && !force) {
      const message =
        'This is the last peer of the network: when it leaves, every file is gone. Start another peer first, or leave with --force.';
      throw new ChordialError('last-peer', message);
    }
    this.#state = 'leaving';
    try {
      events.tell({ kind: 'leaving', text: 'Leaving for good: handing over what this peer holds' });
      if (others.length > 0) await data.handOverEverything();
      if (this.#ending !== null) throw stoppedMeanwhile();
    } catch (error) {
      if (this.#ending === null) this.#state = 'member';
      throw error;
    }
    await new Promise<void>((resolve) => ring.leave(true, resolve));
    this.#state = 'left';
    events.tell({ kind: 'left', text: 'This peer has left the network for good' });
    await this.#shutDown(true);
  }

  async stop(): Promise<void> {
    if (this.#state === 'member') {
      this.#state = 'leaving';
      this.#parts.events.tell({
        kind: 'stopping',
        text: 'Stopping: notifying the neighbours; data and place are kept',
      });
      this.#closing = 'giving replicas to others';
      await this.#drainOnStop();
      this.#closing = 'notifying the neighbours';
      await new Promise<void>((resolve) => this.#parts.ring.leave(false, resolve));
    }
    await this.#shutDown(false);
  }

  /** What it waits for while it stops or leaves; else null. */
  get closing(): string | null {
    return this.#parts.data.closing ?? this.#closing;
  }

  get failure(): ChordialError | null {
    return this.#failure;
  }

  /**
   * Ends without notifying the others: another process has this identity. `ended` resolves then, and `failure` gives
   * the reason.
   */
  abandon(error: ChordialError): void {
    if (this.#ending !== null) return;
    this.#failure = error;
    this.#state = 'leaving';
    void this.#shutDown(false);
  }

  /** What is missing after this time is repaired by the others, who learn that this peer is away. */
  async #drainOnStop(): Promise<void> {
    const { data, events } = this.#parts;
    try {
      const signal = AbortSignal.timeout(maxGivingMilliseconds);
      const over = new Promise<null>((resolve) =>
        signal.addEventListener('abort', () => resolve(null), { once: true }),
      );
      // A push that hangs ignores the signal.
      const copies = await Promise.race([data.drainOnStop(signal), over]);
      if (copies === null) {
        const text = `Not everything could be given to others within ${maxGivingMilliseconds / 1000} s: they repair what is missing`;
        events.tell({ kind: 'stopping', text });
      } else if (copies > 0) events.tell({ kind: 'moved', text: `Gave ${copies} replicas to others before stopping` });
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      events.tell({ kind: 'stopping', text: `Not everything could be given to others: ${error.message}` });
    }
  }

  onEvent(listener: (event: PeerEvent) => void): () => void {
    return this.#parts.events.add(listener);
  }

  #assertMember(): void {
    if (this.#state === 'member') return;
    throw new ChordialError('not-a-member', `This peer is ${this.#state}: it is no longer a member of a ring.`);
  }

  #shutDown(forget: boolean): Promise<void> {
    this.#ending ??= (async () => {
      this.#closing = 'closing connections and the catalogue';
      try {
        await this.#parts.resources.disposeAsync();
        if (forget) await eraseNetwork(this.#parts.folder);
      } finally {
        this.#end();
      }
    })();
    return this.#ending;
  }
}

function stoppedMeanwhile(): ChordialError {
  const message =
    'The peer was stopped while it was leaving: it keeps its data and its place. Start it and leave again.';
  return new ChordialError('interrupted', message);
}

/** Throws `bad-request` for a key of the wrong width, `bad-name` for an invalid name. */
export function keyOfText(text: string, genesis: Pick<Genesis, 'bits' | 'rule'>): RingId {
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

/** The genesis is removed last: until then a peer that is killed starts as a member and can leave again. */
const erased = [
  'uploads',
  'blocks',
  'catalog.sqlite',
  'catalog.sqlite-wal',
  'catalog.sqlite-shm',
  'admission.cbor',
  'genesis.cbor',
];

/** Forgets the network and what was stored for it. The key stays, so this peer keeps its identity elsewhere. */
export async function eraseNetwork(folder: string): Promise<void> {
  for (const name of erased) await rm(path.join(folder, name), { recursive: true, force: true });
}
