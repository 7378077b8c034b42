/** What a peer stores and moves: block store, records and data path, opened on its data folder. */
import { statfs } from 'node:fs/promises';
import { type Contact, inOwnedArc, isMember, type MemberPointer, ringIdOfHash } from '@chordial/ring';
import { HashingThread } from '../content/hashing-thread.ts';
import { ChordialError } from '../errors.ts';
import type { Genesis } from '../network/genesis.ts';
import { networkId } from '../network/genesis.ts';
import { isHostId } from '../network/host-id.ts';
import { type Identity, verifySignature } from '../network/identity.ts';
import { hello } from '../network/join-hello.ts';
import type { Members } from '../network/members.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import {
  type IncomingStream,
  type OutgoingStream,
  type Transport,
  TransportError,
  type Wire,
} from '../network/transport.ts';
import type { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import { storedEntries } from '../records/entry.ts';
import { readableName } from '../records/name-entry.ts';
import { recordMessages } from '../records/record-messages.ts';
import type { Located, RingView } from '../records/ring-view.ts';
import { shareMessages } from '../records/share-messages.ts';
import type { ShareAnnouncer, ShareReader } from '../records/shares.ts';
import { blockMessages } from '../replication/block-messages.ts';
import { FrequentWords } from '../search/frequent-words.ts';
import type { Hit } from '../search/hit.ts';
import { PutIndex } from '../search/put-index.ts';
import { queryLine } from '../search/queries.ts';
import { Search } from '../search/search.ts';
import { WordIndex } from '../search/word-index.ts';
import { SharedFileBlocks } from '../sharing/shared-file-blocks.ts';
import { SharedFolders } from '../sharing/shared-folders.ts';
import type { Catalog } from '../storage/catalog.ts';
import { DiskBlockStore } from '../storage/disk-block-store.ts';
import { type IndexedTables, openIndexedTables } from '../storage/indexed-tables.ts';
import { type ItemIndex, keyOfRecord, recordSet } from '../storage/item-index.ts';
import { PinTable } from '../storage/pin-table.ts';
import { PointerTable } from '../storage/pointer-table.ts';
import type { RecordRow, RecordTable } from '../storage/record-table.ts';
import { SharedFileTable } from '../storage/shared-file-table.ts';
import { StorageShares } from '../storage/storage-shares.ts';
import { DataPath } from '../transfer/data-path.ts';
import type { Files } from '../transfer/files.ts';
import type { Transfers } from '../transfer/transfers.ts';
import { ownedNames, sharedFiles } from './answered-files.ts';
import { Browsing } from './browsing.ts';
import { ClockWatch } from './clock-watch.ts';
import type { PeerConfiguration } from './configuration.ts';
import type { EventFan } from './event-fan.ts';
import type { StorageListing, Stored } from './peer.ts';
import type { PeerNames } from './peer-names.ts';

export interface DataPlaneOptions {
  readonly folder: string;
  readonly catalog: Catalog;
  readonly identity: Identity;
  readonly genesis: Genesis;
  readonly transport: Transport;
  readonly membership: Members;
  readonly peerNames: PeerNames;
  /** Observes requests of the ring. */
  readonly unresponsivePeers: UnresponsivePeers;
  readonly view: RingView;
  /** Every member known and believed alive, in ring order. */
  readonly members: () => readonly MemberPointer[];
  readonly configuration: PeerConfiguration;
  readonly events: EventFan;
}

const quotaSetting = 'quota';
/** Names per page of the storage listing. */
const namesPerPage = 500;
/** Rows scanned for one page: most may have the other role. */
const maxRowsPerPage = 5000;

export class DataPlane {
  readonly files: Files;
  readonly transfers: Transfers;
  readonly announcer: ShareAnnouncer;
  readonly shareReader: ShareReader;
  readonly search: Search;
  readonly postingWords: FrequentWords;
  readonly shares: SharedFolders;
  readonly browsing: Browsing;
  readonly clockWatch: ClockWatch;
  readonly peerNames: PeerNames;
  readonly #putIndex: PutIndex;
  readonly #options: DataPlaneOptions;
  readonly #blocks: DiskBlockStore;
  readonly #records: RecordTable;
  readonly #index: ItemIndex;
  readonly #path: DataPath;
  readonly #hashing = new HashingThread();
  readonly #stopCounting: () => void;
  #takesNothing = false;
  #closing: string | null = null;

  private constructor(
    options: DataPlaneOptions,
    { blocks, shares: storageShares }: { readonly blocks: DiskBlockStore; readonly shares: StorageShares },
    tables: IndexedTables,
  ) {
    const { claims, records, index, shares, ownBatches } = tables;
    const { catalog, identity, genesis, transport, unresponsivePeers, view, configuration, events } = options;
    this.#options = options;
    this.#blocks = blocks;
    this.#records = records;
    this.#index = index;
    const sharedTable = new SharedFileTable(catalog);
    this.peerNames = options.peerNames;
    this.clockWatch = new ClockWatch({
      clock: systemClock,
      random: systemRandom,
      transport,
      hosts: () => view.hosts().filter(({ host }) => host !== view.self.host),
      tell: (text) => events.tell({ kind: 'clock', text }),
    });
    this.#path = new DataPath({
      clockNote: () => this.clockWatch.note,
      peerNames: this.peerNames,
      pins: new PinTable(catalog),
      shared: new SharedFileBlocks(sharedTable, this.#hashing, (file) => this.shares.changed(file)),
      hashing: this.#hashing,
      view,
      transport,
      membership: options.membership,
      unresponsivePeers,
      clock: systemClock,
      random: systemRandom,
      blocks,
      storageShares,
      records,
      index,
      claims,
      shares,
      ownBatches,
      pointers: new PointerTable(catalog),
      catalog,
      signer: identity,
      verify: verifySignature,
      networkId: networkId(genesis),
      teaching: genesis.rule === 'chosen',
      rule: { replicas: genesis.replicas, writeQuorum: genesis.writeQuorum },
      keepOwn: keepsOwn(options),
      ...(configuration.scrubBytesPerSecond === undefined
        ? {}
        : { scrubBytesPerSecond: configuration.scrubBytesPerSecond }),
      ...(configuration.repairBytesPerSecond === undefined
        ? {}
        : { syncBytesPerSecond: configuration.repairBytesPerSecond }),
      ...(configuration.graceMilliseconds === undefined
        ? {}
        : { syncTimes: { graceMilliseconds: configuration.graceMilliseconds } }),
      nameChanges: {
        changing: (name, before) => this.#putIndex.changing(name, before),
        changed: (name) => this.#putIndex.changed(name),
      },
      notify: (event) => events.tell({ kind: event.kind, text: event.text }),
    });
    const { names, recordWriter: writer } = this.#path;
    const signing = { signer: identity, networkId: networkId(genesis) };
    this.postingWords = new FrequentWords({
      frequencyOf: (word) => this.search.frequencyOf(word),
      writer,
      ...signing,
      settings: catalog,
      clock: systemClock,
    });
    this.#putIndex = new PutIndex({
      names,
      writer,
      ...signing,
      settings: catalog,
      clock: systemClock,
      words: this.postingWords,
    });
    this.shares = new SharedFolders({
      table: sharedTable,
      announcer: this.#path.announcer,
      words: this.postingWords,
      notify: (text) => events.tell({ kind: 'shares', text }),
      failed: (error) => events.tell({ kind: 'shares', text: error.message }),
    });
    this.browsing = new Browsing({ self: () => view.self, transport, names, shares: this.shares });
    let ringChanges = 0;
    this.#stopCounting = view.onChange(() => {
      ringChanges += 1;
    });
    this.search = this.#searchOver(records, () => records.changes + shares.changes + ringChanges);
    for (const room of [this.search, this.browsing, this.clockWatch]) room.answerIn(this.registry);
    this.files = this.#path.files;
    this.transfers = this.#path.transfers;
    this.announcer = this.#path.announcer;
    this.shareReader = this.#path.shareReader;
  }

  static async open(options: DataPlaneOptions): Promise<DataPlane> {
    const quotaBytes = await quotaOf(options);
    const { folder, catalog, genesis } = options;
    const tables = await openIndexedTables(catalog, genesis.replicas);
    const { claims, index, counts } = tables;
    const { membership, identity } = options;
    const shareOf = (host: string) => (isHostId(host) ? membership.of(host).share : null);
    const shares = new StorageShares({ counts, quotaBytes, self: identity.host, shareOf });
    const blocks = await DiskBlockStore.open({ folder, catalog, claims, index, quotaBytes, shares });
    return new DataPlane(options, { blocks, shares }, tables);
  }

  /** Called once the peer is a member: starts repair and resumes interrupted transfers. */
  begin(): void {
    this.#path.begin();
    this.#putIndex.begin();
    this.shares.begin();
  }

  /** What is being closed; null before and after. */
  get closing(): string | null {
    return this.#closing;
  }

  /** Data held by the removed members gets new places; nothing of purged ones stays. */
  membersRemoved(hosts: readonly Contact['host'][]): void {
    this.#path.membersRemoved(hosts);
  }

  /** Everything that this peer answers, by kind. */
  get registry(): DataPath['registry'] {
    return this.#path.registry;
  }

  async close(): Promise<void> {
    this.clockWatch.close();
    this.#stopCounting();
    const parts: readonly (readonly [string, () => Promise<void>])[] = [
      ['the searches', () => this.search.close()],
      ['the shares: a file or folder of them does not answer', () => this.shares.close()],
      ['the index of names', () => this.#putIndex.close()],
      ['the transfers', () => this.#path.close()],
      ['the blocks: the disk does not answer', () => this.#blocks.close()],
      ['the hashing', () => this.#hashing.close()],
    ];
    for (const [what, close] of parts) {
      this.#closing = what;
      await close();
    }
    this.#closing = null;
  }

  async request(from: Contact, kind: string, body: Wire): Promise<Wire> {
    if (this.#takesNothing && kind === recordMessages.put.kind) throw leaving();
    return this.#path.request(from, kind, body);
  }

  async stream(from: Contact, kind: string, incoming: IncomingStream): Promise<OutgoingStream> {
    if (this.#takesNothing && (kind === blockMessages.put.kind || kind === shareMessages.put.kind)) throw leaving();
    return this.#path.stream(from, kind, incoming);
  }

  /**
   * Before leaving: everything held here is stored on the next peers, or this rejects. The second pass covers what
   * arrived during the first; from then on nothing is accepted, or it would be lost with this peer.
   */
  async handOverEverything(): Promise<void> {
    await this.#path.handOverEverything();
    this.#takesNothing = true;
    try {
      await this.#path.handOverEverything();
    } catch (error) {
      this.#takesNothing = false;
      throw error;
    }
  }

  /** Before stopping: keeps files readable while this peer is away. */
  drainOnStop(signal: AbortSignal): Promise<number> {
    return this.#path.drainOnStop(signal);
  }

  /** The members that hold an item with this key: the owner's, then one of each further host. */
  async places({ key, owner, successors }: Located): Promise<readonly MemberPointer[]> {
    const hosts = await this.#path.placement.places(key, this.#options.genesis.replicas);
    const members = [owner, ...successors].filter(isMember);
    return hosts.flatMap(({ host }) => members.find((m) => m.contact.host === host) ?? []);
  }

  /** Contacts a peer at an address: a member of the same network becomes known, and its ring is merged if separate. */
  async greet(address: string): Promise<Contact> {
    const { identity, membership, transport } = this.#options;
    const shown = membership.shown();
    const greeting = await hello(address, { identity, shown, name: membership.name, network: membership.network });
    await transport.ping(greeting.contact, 2000);
    return greeting.contact;
  }

  stored(): Stored {
    const { blocks, bytes } = this.#index.cachedBlocks();
    return {
      blocks: this.#blocks.count() - blocks,
      bytes: this.#blocks.bytes() - bytes,
      cachedBlocks: blocks,
      cachedBytes: bytes,
    };
  }

  storage(role: 'primary' | 'replica', cursor: string | null): StorageListing {
    const names: { name: string; publisher: string; cid: string }[] = [];
    let next = cursor;
    let seen = 0;
    do {
      const page = this.#records.range('all', next, namesPerPage);
      for (const row of page.items) {
        if (row.kind !== 'name' || this.#isOwn(row) !== (role === 'primary')) continue;
        // Not a replica: kept for the publisher's list, or until its places have proved that they hold it.
        if (this.#index.isCached(recordSet, keyOfRecord(row))) continue;
        const [encoded] = storedEntries([row]);
        const named = encoded === undefined || encoded.entry.body === null ? null : readableName(encoded);
        if (named !== null) names.push({ name: named.name, publisher: row.publisher, cid: named.cid.toString() });
      }
      seen += page.items.length;
      next = page.cursor;
    } while (next !== null && names.length < namesPerPage && seen < maxRowsPerPage);
    return { names, ...this.stored(), cursor: next };
  }

  #searchOver(records: RecordTable, changes: () => number): Search {
    const { view, transport, genesis, members } = this.#options;
    const isDead = (host: Contact['host']) => view.isDead(host);
    return new Search({
      view,
      transport,
      members,
      isDead,
      clock: systemClock,
      self: () => view.self,
      networkId: networkId(genesis),
      sign: (bytes) => this.#options.identity.sign(bytes),
      verify: verifySignature,
      copiesOf: (cids, milliseconds) => this.#path.files.copiesOf(cids, milliseconds),
      evidenceOf: (name) => this.#path.files.evidenceOf(name),
      bits: genesis.bits,
      places: { bits: genesis.bits, teaching: genesis.rule === 'chosen' },
      replicas: genesis.replicas,
      placement: this.#path.placement,
      index: new WordIndex({ table: records, shares: this.#path.shareReader, clock: systemClock, isDead, changes }),
      files: () => this.#ownFiles(records),
      noted: (query) => this.#options.events.tell(queryLine(query)),
      named: this.peerNames.named,
      isHidden: ({ source: { host }, isShared, time }) =>
        this.#options.membership.refuses(host, time) || (isShared && this.#options.membership.isRemoved(host)),
    });
  }

  async *#ownFiles(records: RecordTable): AsyncGenerator<readonly Hit[], void, undefined> {
    yield* sharedFiles(this.shares, this.#options.view.self);
    yield* ownedNames(records, (row) => this.#isOwn(row), Date.now);
  }

  #isOwn(row: RecordRow): boolean {
    const place = ringIdOfHash(row.key, this.#options.genesis.bits);
    return this.#options.view.states().some((s) => inOwnedArc(s.predecessor.id, place, s.me.id));
  }
}

/** What was reconciled at the start, or null. */
export function settledQuota(catalog: Catalog): number | null {
  const settled = catalog.setting(quotaSetting);
  return typeof settled === 'number' && Number.isSafeInteger(settled) && settled >= 0 ? settled : null;
}

function leaving(): TransportError {
  return new TransportError('refused', 'This peer is leaving and accepts nothing more.', 'not-a-member');
}

/** On by default; a teaching ring has exactly the replicas that it shows, and a client stores nothing. */
function keepsOwn({ configuration, genesis }: DataPlaneOptions): boolean {
  return (configuration.keepOwn ?? genesis.rule !== 'chosen') && configuration.quotaBytes !== 0;
}

/** A hard quota: the flag's, else that of the first start, else half of the free space. */
async function quotaOf({ folder, catalog, configuration, events }: DataPlaneOptions): Promise<number> {
  if (configuration.quotaBytes !== undefined) {
    if (configuration.quotaBytes === 0) refuseIfHolder(catalog, folder);
    await catalog.setSetting(quotaSetting, configuration.quotaBytes);
    return configuration.quotaBytes;
  }
  const settled = settledQuota(catalog);
  if (settled !== null) return settled;
  const { bavail, bsize } = await statfs(folder);
  const half = Math.floor((bavail * bsize) / 2);
  await catalog.setSetting(quotaSetting, half);
  const gibibytes = (half / 2 ** 30).toFixed(1);
  events.tell({
    kind: 'quota',
    text: `Keeps at most ${gibibytes} GiB for the network: half of what is free. Change it with --quota.`,
  });
  return half;
}

function refuseIfHolder({ database }: Catalog, folder: string): void {
  const blocks = Number(database.prepare('SELECT count(*) AS count FROM blocks').get()?.['count']);
  if (blocks === 0) return;
  const message = `--quota 0 makes a client, which stores nothing, and ${blocks} blocks of the network are in ${folder}. Start without --quota 0 and leave first, or give another --data.`;
  throw new ChordialError('bad-usage', message);
}
