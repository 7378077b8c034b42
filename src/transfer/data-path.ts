/** Assembles the data path of a peer: blocks, records and files over one transport and one view of the ring. */

import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { hashingHere } from '../content/block-hashing.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { isDialable } from '../network/addresses.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { Membership } from '../network/membership.ts';
import { type IncomingStream, type OutgoingStream, TransportError, type Wire } from '../network/transport.ts';
import { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import { BatchAnnouncer, defaultAnnouncerTimes } from '../records/batch-announcer.ts';
import { EntryVerifier } from '../records/entry-verifier.ts';
import { HeaderVerifier } from '../records/header-verifier.ts';
import { ListingTurns } from '../records/listing-turns.ts';
import { Names } from '../records/names.ts';
import { type PublisherEntry, publisherEntry } from '../records/publisher-entry.ts';
import { RecordHolder } from '../records/record-holder.ts';
import { recordMessages } from '../records/record-messages.ts';
import { RecordReader } from '../records/record-reader.ts';
import { RecordWriter } from '../records/record-writer.ts';
import { ShareHolder } from '../records/share-holder.ts';
import { shareMessages } from '../records/share-messages.ts';
import { RingShareReader } from '../records/share-reader.ts';
import type { ShareAnnouncer, ShareReader } from '../records/shares.ts';
import { AuthoritativeRanges } from '../replication/authoritative-ranges.ts';
import { BlockFetcher } from '../replication/block-fetcher.ts';
import { blockMessages } from '../replication/block-messages.ts';
import { BlockServer } from '../replication/block-server.ts';
import { BlockStorer } from '../replication/block-storer.ts';
import {
  claimMessages,
  decodePutNews,
  decodeRelease,
  decodeTold,
  type EndedName,
  encodeKept,
  encodePutNews,
  encodeRelease,
  type PutNews,
  type ToldPut,
} from '../replication/claim-messages.ts';
import { ClaimOwners } from '../replication/claim-owners.ts';
import { answerClaimList, claimListMessage } from '../replication/claim-pages.ts';
import { ClaimUpkeep, type ClaimUpkeepPorts } from '../replication/claim-upkeep.ts';
import { drainOnStop } from '../replication/drain-on-stop.ts';
import { keepAsCache } from '../replication/excess-replicas.ts';
import { handOver } from '../replication/hand-over.ts';
import { heldPart } from '../replication/held-part.ts';
import { Leavers, leavingMessage, whileLeaving } from '../replication/leavers.ts';
import { OwnPuts } from '../replication/own-puts.ts';
import { PlacementCache } from '../replication/placement-cache.ts';
import { pointerMessages } from '../replication/pointer-messages.ts';
import { Pointers } from '../replication/pointers.ts';
import { RecentlyTransferred } from '../replication/recently-transferred.ts';
import { Reconciliation } from '../replication/reconciliation.ts';
import { Relay } from '../replication/relay.ts';
import { defaultScrubBytesPerSecond, Scrub, type ScrubPorts } from '../replication/scrub.ts';
import { SupersededPuts } from '../replication/superseded-puts.ts';
import { defaultSyncBytesPerSecond, defaultSyncTimes, type SyncPorts } from '../replication/sync-ports.ts';
import { SyncServer } from '../replication/sync-server.ts';
import type { ClaimedBlock } from '../storage/block-store.ts';
import type { Catalog } from '../storage/catalog.ts';
import { leafSet } from '../storage/item-index.ts';
import type { RecordTable } from '../storage/record-table.ts';
import { BlockTraffic } from './block-traffic.ts';
import { contentFetcher } from './content-fetcher.ts';
import type { DataPathOptions } from './data-path-options.ts';
import type { NameChanges, Pins } from './file-ports.ts';
import { createFiles } from './file-service.ts';
import type { Files } from './files.ts';
import { shortPeer } from './of-publisher.ts';
import { ReadMemory } from './read-memory.ts';
import { SharersOf } from './sharers-of.ts';
import { TransferQueue } from './transfer-queue.ts';
import type { Transfers } from './transfers.ts';

/** Quota of a purged publisher: none, and all its puts have ended. */
const purgedWord: PublisherEntry = {
  kind: 'entry',
  sequence: Number.MAX_SAFE_INTEGER - 1,
  current: false,
  expiry: null,
};
/** Names whose time of first sight is cached, which tells new ones among several. */
const maxFirstSeen = 16_384;
const recordExpiryBatch = 500;
/** It reads all records of a host. */
const refusedDroppedEveryMilliseconds: Milliseconds = 10 * 60_000;
/** Expired records no longer count; but their expiry is what ends the claims of a put that was not seen before. */
const expiredRecordsKeptMilliseconds: Milliseconds = 24 * 3600 * 1000;

/** For the publisher of a put to answer what became of it. */
const newsDeadlineMilliseconds: Milliseconds = 3000;

export class DataPath {
  readonly files: Files;
  readonly transfers: Transfers;
  /** Announces and finds shared files. */
  readonly announcer: ShareAnnouncer;
  readonly shareReader: ShareReader;
  readonly names: Names;
  readonly recordWriter: RecordWriter;
  readonly placement: PlacementCache;
  readonly confirmed: AuthoritativeRanges;
  readonly #catalog: Pick<Catalog, 'durable'>;
  readonly #membership: Membership;
  readonly #records: RecordTable;
  readonly #queue: TransferQueue;
  readonly #syncPorts: SyncPorts;
  readonly #syncServer: SyncServer;
  #reconciliation: Reconciliation | null = null;
  readonly #claimPorts: ClaimUpkeepPorts;
  #claimUpkeep: ClaimUpkeep | null = null;
  readonly #pointers: Pointers;
  readonly #leavers: Leavers;
  readonly #scrubPorts: ScrubPorts;
  #scrub: Scrub | null = null;
  readonly #closing = new AbortController();
  #refusedDroppedAt = Number.NEGATIVE_INFINITY;
  readonly #recentlyTransferred = new RecentlyTransferred((key) => this.#claimUpkeep?.doubt(key));
  readonly #afterwards = new Set<Promise<void>>();
  readonly #server: BlockServer;
  readonly #ownPuts: OwnPuts;
  readonly #holder: RecordHolder;
  readonly #listings: ListingTurns;
  readonly #shareHolder: ShareHolder;
  readonly #batches: BatchAnnouncer;
  readonly #traffic: BlockTraffic;

  constructor(options: DataPathOptions) {
    const { view, clock, blocks, index, catalog, rule, signer, networkId } = options;
    const unresponsivePeers = options.unresponsivePeers ?? new UnresponsivePeers(clock);
    const transport = unresponsivePeers.watch(options.transport);
    const notify = options.notify ?? (() => undefined);
    const { peerNames = { shown: shortPeer, named: () => [] } } = options;
    this.#catalog = options.catalog;
    this.placement = new PlacementCache(view, clock, unresponsivePeers);
    this.confirmed = new AuthoritativeRanges(clock);
    this.#traffic = new BlockTraffic(clock, notify, peerNames.shown);
    const { cut = {} } = options;
    const leaves = new LeafPool(cut.leafBytes);
    const { hashing = hashingHere } = options;
    const report = (what: string, host: Contact, detail: string): void => options.report?.(what, host, detail);
    const damaged = (cid: CID): void => this.#scrub?.suspect([cid]);
    const shared = options.shared === undefined ? {} : { shared: options.shared };
    const data = {
      view,
      placement: this.placement,
      transport,
      membership: options.membership,
      unresponsivePeers,
      blocks,
      ...shared,
      called: peerNames.shown,
      clock,
      leaves,
      hashing,
      report,
      damaged,
    };
    const { confirmed } = this;
    const places = { bits: view.shape.bits, teaching: options.teaching };
    const { membership, storageShares = null } = options;
    this.#membership = membership;
    this.#records = options.records;
    const verifier = new EntryVerifier(networkId, options.verify, (host, time) => membership.refuses(host, time));
    const recordPorts = {
      ...data,
      storageShares,
      table: options.records,
      verifier,
      places,
      rule,
      confirmed,
      signer,
      networkId,
    };
    this.#holder = new RecordHolder(recordPorts);
    this.#listings = new ListingTurns(clock);
    const writer = new RecordWriter(recordPorts, this.#holder);
    const reader = new RecordReader(recordPorts, this.#holder);
    const names = new Names(recordPorts, writer, reader);
    this.names = names;
    this.recordWriter = writer;
    const headers = new HeaderVerifier({
      networkId,
      verify: options.verify,
      clock,
      isAddress: isDialable,
      // At time 0 it refuses only publishers that are purged or may not publish.
      isRefused: (host) => membership.isRemoved(host) || membership.refuses(host, 0),
    });
    const rowOfItem = (key: string) => options.index.find(leafSet, key)?.record ?? null;
    this.#shareHolder = new ShareHolder({ ...recordPorts, shares: options.shares, headers, rowOfItem });
    const sharePorts = { ...recordPorts, headers, holder: this.#shareHolder, shares: options.shares };
    this.shareReader = new RingShareReader(sharePorts);
    this.#batches = new BatchAnnouncer({
      ...sharePorts,
      own: options.ownBatches,
      times: { ...defaultAnnouncerTimes, ...options.announcerTimes },
      failed: (error) =>
        report('no-answer', view.self, `Shares could not be renewed, and will be again: ${error.message}`),
    });
    this.announcer = this.#batches;
    this.#pointers = new Pointers(data, options.pointers);
    this.#leavers = new Leavers(view, clock);
    const keepHere = (block: ClaimedBlock): Promise<void> => keepAsCache({ blocks, index, catalog }, block);
    const storer = new BlockStorer(data, this.#pointers, options.keepOwn === true ? keepHere : null);
    const fetcher = new BlockFetcher(data, rule.replicas, this.#pointers);
    // A pointer elsewhere does not mean that there is none.
    const standing = {
      covers: (key: string) => confirmed.covers(key) && !this.#pointers.has(key),
      isCached: (key: string) => index.isBlockCached(key),
    };
    const serverEvents = {
      stored: (from: Contact, count: number, bytes: number) => this.#traffic.add('stored', from, count, bytes),
      sent: (to: Contact, count: number, bytes: number) => this.#traffic.add('sent', to, count, bytes),
      suspected: (cids: readonly CID[]) => this.#scrub?.suspect(cids),
      refused: (from: Contact, code: string) => report('refused', from, `A block was refused: ${code}.`),
    };
    const ended = new SupersededPuts();
    const { random } = options;
    const tables = { index, records: { table: options.records }, shares: { table: options.shares } };
    const held = { ...data, ...tables, random, replicas: rule.replicas };
    this.#server = new BlockServer(
      blocks,
      leaves,
      hashing,
      standing,
      serverEvents,
      options.shared,
      ended,
      new Relay(data, storer.lanes),
      options.storageShares === undefined
        ? null
        : new ClaimOwners({
            shares: options.storageShares,
            claims: options.claims,
            view,
            transport,
            clock,
            heldPart: (host) => heldPart(held, host, this.#closing.signal),
          }),
    );
    const sharers = new SharersOf({
      reader: this.shareReader,
      clock,
      report: (error) => report('no-answer', view.self, `Who shares a content could not be found: ${error.message}`),
    });
    this.#syncPorts = {
      ...data,
      lanes: storer.lanes,
      pointers: this.#pointers,
      recentlyTransferred: this.#recentlyTransferred,
      leavers: this.#leavers,
      ended,
      index: options.index,
      confirmed,
      records: {
        table: options.records,
        isOwn: ({ kind, publisher }) => kind === 'name' && publisher === signer.host,
        push: (host, entries) => writer.push(host, entries),
        keep: async (from, entries) => {
          const results = await this.#holder.keep(from, entries);
          return results.filter((result) => result === 'stored').length;
        },
      },
      shares: { table: options.shares, keep: (from, runs) => this.#shareHolder.keep(from, runs) },
      replicas: rule.replicas,
      writeQuorum: rule.writeQuorum,
      catalog: options.catalog,
      keepOwn: options.keepOwn ?? false,
      random: options.random,
      times: { ...defaultSyncTimes, ...options.syncTimes },
      bytesPerSecond: options.syncBytesPerSecond ?? defaultSyncBytesPerSecond,
      moved: ({ blocks: copies, records, dropped, cached }) =>
        notify({
          kind: 'moved',
          text: `Moved ${copies} copies of blocks and ${records} records to their places; of those that had none here, dropped ${dropped} and kept ${cached} as cache.`,
        }),
    };
    this.#scrubPorts = {
      blocks,
      leaves,
      clock,
      random: options.random,
      bytesPerSecond: options.scrubBytesPerSecond ?? defaultScrubBytesPerSecond,
      fetchElsewhere: (cid, signal) => fetcher.fetchElsewhere(cid, signal),
      found: (cid, repaired) => {
        const outcome = repaired
          ? 'a good copy took its place'
          : 'no one hands over a good one now, which is tried again';
        notify({ kind: 'repaired', text: `The copy of block ${cid} on this disk was damaged: ${outcome}.` });
      },
      failed: (error) => report('no-answer', view.self, `A block could not be looked at or repaired: ${error.message}`),
    };
    this.#syncServer = new SyncServer(this.#syncPorts);
    this.#ownPuts = new OwnPuts({
      view,
      transport,
      clock,
      ownEntry: (name) => names.own(name),
      tellOwn: (puts) => this.#toldOf(view.self.host, puts),
    });
    this.#claimPorts = {
      claims: options.claims,
      catalog: options.catalog,
      blocks,
      clock,
      random: options.random,
      ended,
      newsOf: (publisher, puts) => this.#newsOf(publisher, puts),
      wordOf: async (publisher, name) => {
        if (membership.refuses(publisher as HostId, 0)) return purgedWord;
        if (publisher === signer.host && names.isStoring(name)) return { kind: 'unknown' };
        return publisherEntry(recordPorts, reader, publisher, name);
      },
      expireRecords: async (now) => {
        await this.#dropAllRefused(now);
        await removeExpired(options.records, now - expiredRecordsKeptMilliseconds);
        await this.#shareHolder.removeOver(now);
      },
      freed: (count) =>
        notify({
          kind: 'freed',
          text: `Freed ${count} ${count === 1 ? 'block' : 'blocks'} that no file claims any more.`,
        }),
      failed: (error) =>
        report('no-answer', view.self, `Claims could not be checked, and will be again: ${error.message}`),
    };
    this.files = createFiles({
      puts: this.#ownPuts,
      data,
      isCached: standing.isCached,
      storer,
      fetcher,
      fetcherOf: (root) => contentFetcher(fetcher, sharers.of(root)),
      reading: new ReadMemory(clock),
      shares: this.shareReader,
      sharers,
      places,
      names,
      cut,
      rule,
      publisher: signer.host,
      clockNote: options.clockNote ?? (() => null),
      peerNames,
      pins: options.pins ?? pinsInMemory(),
      firstSeen: new BoundedCache<string, number>(maxFirstSeen),
      notify,
      nameChanges: options.nameChanges ?? nobodyListens,
      release: (names) => this.#claimUpkeep?.release(signer.host, names),
      afterwards: (work) => this.#follow(work),
      closing: this.#closing.signal,
    });
    this.#queue = new TransferQueue({
      files: this.files,
      settings: options.catalog,
      clock,
      report: (error) => report('refused', view.self, `The journal of transfers was not written: ${error.message}`),
    });
    this.transfers = this.#queue;
  }

  /** Called once this host is a member: starts repair and resumes interrupted transfers. */
  begin(): void {
    this.beginRepair();
    this.beginClaimUpkeep();
    this.beginScrub();
    this.#batches.begin();
    this.#queue.begin();
    for (const host of this.#membership.removed()) this.#follow(this.#purge(host));
  }

  /**
   * After removals: data held by the removed members gets new places, and what they published is dropped where it no
   * longer counts.
   */
  membersRemoved(hosts: readonly HostId[]): void {
    this.placement.clear();
    for (const host of hosts) this.#follow(this.#purge(host));
  }

  /** Removes records that were signed after the removal of their publisher: no other host accepts them. */
  async #dropRefused(publisher: HostId): Promise<void> {
    for (let after: number | null = 0; after !== null; ) {
      const { rows, last } = this.#records.ofPublisher(publisher, after, recordExpiryBatch);
      const refused = rows.filter(({ sequence }) => this.#membership.refuses(publisher, sequence));
      if (this.#closing.signal.aborted) return;
      if (refused.length > 0) await this.#records.remove(refused);
      after = last;
    }
  }

  /** A record verified just before a removal arrives may be stored just after it. */
  async #dropAllRefused(now: Milliseconds): Promise<void> {
    if (now - this.#refusedDroppedAt < refusedDroppedEveryMilliseconds) return;
    this.#refusedDroppedAt = now;
    for (const host of this.#membership.removed()) await this.#dropRefused(host);
  }

  /**
   * Removes what is stored of the shares of a removed member. For a purged member its names go too, before its blocks, so that no
   * name leads to freed blocks.
   */
  async #purge(publisher: HostId): Promise<void> {
    await this.#shareHolder.removeOf(publisher);
    await this.#dropRefused(publisher);
    if (!this.#membership.refuses(publisher, 0)) return;
    const { claims } = this.#claimPorts;
    const names = new Map<string, EndedName>();
    for (let after = 0; ; ) {
      const puts = claims.walk(after, recordExpiryBatch);
      const last = puts.at(-1);
      if (last === undefined) break;
      for (const put of puts) {
        if (put.publisher === publisher) names.set(put.name, { name: put.name, sequence: put.sequence });
      }
      after = last.put;
    }
    this.#claimUpkeep?.release(publisher, [...names.values()]);
  }

  /** Moves everything to its places, on every change of the ring and periodically. */
  beginRepair(): Reconciliation {
    this.#reconciliation ??= new Reconciliation(this.#syncPorts);
    return this.#reconciliation;
  }

  /** Starts the disk scrub, and repair of corruption found by it or by reads. */
  beginScrub(): Scrub {
    this.#scrub ??= new Scrub(this.#scrubPorts);
    return this.#scrub;
  }

  /** Starts checking claims and freeing unclaimed blocks. */
  beginClaimUpkeep(): ClaimUpkeep {
    this.#claimUpkeep ??= new ClaimUpkeep(this.#claimPorts);
    return this.#claimUpkeep;
  }

  /**
   * Before leaving: resolves when everything held here is durable at its places without this host. Rejects with
   * `too-few-copies` when something could not be handed over; may be called again.
   */
  async handOverEverything(): Promise<void> {
    await whileLeaving(this.#syncPorts, () => handOver(this.#syncPorts));
  }

  /**
   * Before a stop: makes replicas of what would have fewer than w live ones, until the signal fires. Resolves with the
   * number made.
   */
  drainOnStop(signal: AbortSignal): Promise<number> {
    return drainOnStop(this.#syncPorts, signal);
  }

  /** Whether the data path handles requests of this kind. */
  handles(kind: string): boolean {
    return ['blocks.', 'claims.', 'records.', 'shares.', 'sync.'].some((prefix) => kind.startsWith(prefix));
  }

  /** For `Handlers.request`. */
  async request(from: Contact, kind: string, body: Wire): Promise<Wire> {
    if (kind === blockMessages.has) return this.#durably(this.#server.has(body));
    if (kind === blockMessages.check) return this.#server.check(body);
    if (kind === leavingMessage) return this.#leavers.told(from, body);
    if (kind.startsWith('sync.')) return this.#durably(this.#syncServer.request(from, kind, body));
    if (kind === pointerMessages.point) return this.#pointers.point(body);
    if (kind === pointerMessages.where) return this.#pointers.where(body);
    if (kind === blockMessages.room) return this.#server.room(from);
    if (kind === claimMessages.claim) return this.#server.claim(from, body);
    if (kind === claimMessages.asked) return encodePutNews(decodeRelease(body).map((put) => this.#ownPuts.newsOf(put)));
    if (kind === claimMessages.told) return encodeKept(this.#toldOf(from.host, decodeTold(body)));
    if (kind === claimListMessage)
      return answerClaimList(from, body, this.#claimPorts.claims, this.#recentlyTransferred);
    if (kind === claimMessages.release) return this.#release(from, body);
    if (kind.startsWith('shares.')) return (await this.#shareHolder.request(from, kind, body)) ?? refuse(kind);
    if (kind === recordMessages.put) return this.#holder.put(from, body);
    if (kind === recordMessages.get) return this.#holder.get(body);
    if (kind === recordMessages.list) return this.#listings.take(from.host, () => this.#holder.list(body));
    throw unknownKind(kind);
  }

  /** For `Handlers.stream`. */
  async stream(from: Contact, kind: string, incoming: IncomingStream): Promise<OutgoingStream> {
    if (kind === blockMessages.get) return this.#server.get(from, incoming);
    if (kind === blockMessages.put) return this.#server.put(from, incoming);
    if (kind === shareMessages.put) return this.#shareHolder.put(from, incoming);
    throw unknownKind(kind);
  }

  /** The asker may drop its own copy because of this answer, so it is sent only once durable. */
  async #durably(answer: Promise<Wire>): Promise<Wire> {
    const settled = await answer;
    await this.#catalog.durable();
    return settled;
  }

  /** Senders release only names that they published themselves. */
  #release(from: Contact, body: Wire): Wire {
    const names = decodeRelease(body);
    this.#claimUpkeep?.release(from.host, names);
    return {};
  }

  /** A publisher's statement about its own puts; nothing is released before the upkeep has started. */
  #toldOf(publisher: string, puts: readonly ToldPut[]): readonly boolean[] {
    return this.#claimUpkeep?.told(publisher, puts) ?? puts.map(() => true);
  }

  async #newsOf(publisher: string, puts: readonly EndedName[]): Promise<readonly PutNews[] | null> {
    const { view, transport } = this.#syncPorts;
    if (publisher === view.self.host) return puts.map((put) => this.#ownPuts.newsOf(put));
    const contact = view.hosts().find(({ host }) => host === publisher);
    if (contact === undefined) return null;
    try {
      const options = { deadline: newsDeadlineMilliseconds, signal: this.#closing.signal };
      return decodePutNews(
        await transport.request(contact, claimMessages.asked, encodeRelease(puts), options),
        puts.length,
      );
    } catch (error) {
      if (error instanceof TransportError || error instanceof ChordialError) return null;
      throw error;
    }
  }

  #follow(work: Promise<void>): void {
    const followed: Promise<void> = work
      .catch((error: Error) => this.#claimPorts.failed?.(error))
      .finally(() => this.#afterwards.delete(followed));
    this.#afterwards.add(followed);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#queue.close();
    await this.#batches.close();
    await this.#reconciliation?.close();
    await this.#claimUpkeep?.close();
    await this.#ownPuts.close();
    await this.#scrub?.close();
    await Promise.all(this.#afterwards);
    this.placement.close();
    this.#traffic.close();
  }
}

const nobodyListens: NameChanges = { changing: async () => undefined, changed: () => undefined };

function pinsInMemory(): Pins {
  const pins = new Map<string, string>();
  return { of: (name) => pins.get(name) ?? null, pin: async (name, publisher) => void pins.set(name, publisher) };
}

/** In batches, so that other writes do not wait long. */
async function removeExpired(records: Pick<RecordTable, 'expire'>, before: Milliseconds): Promise<void> {
  while ((await records.expire(before, recordExpiryBatch)) === recordExpiryBatch);
}

function refuse(kind: string): never {
  throw unknownKind(kind);
}

function unknownKind(kind: string): TransportError {
  return new TransportError('refused', `There is no message ${JSON.stringify(kind.slice(0, 80))}.`, 'bad-request');
}
