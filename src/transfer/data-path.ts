/** Assembles the data path of a peer: blocks, records and files over one transport and one view of the ring. */

import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { hashingHere } from '../content/block-hashing.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { isDialable } from '../network/addresses.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { Membership } from '../network/membership.ts';
import {
  type IncomingPayload,
  type IncomingStream,
  type OutgoingStream,
  TransportError,
  type Wire,
} from '../network/transport.ts';
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
import { RingShareReader } from '../records/share-reader.ts';
import type { ShareAnnouncer, ShareReader } from '../records/shares.ts';
import { AuthoritativeRanges } from '../replication/authoritative-ranges.ts';
import { BlockFetcher } from '../replication/block-fetcher.ts';
import { blockMessages } from '../replication/block-messages.ts';
import { BlockServer } from '../replication/block-server.ts';
import { BlockStorer } from '../replication/block-storer.ts';
import { claimMessages, type EndedName, type PutNews, type ToldPut } from '../replication/claim-messages.ts';
import { ClaimOwners } from '../replication/claim-owners.ts';
import { listClaims } from '../replication/claim-pages.ts';
import { ClaimUpkeep, type ClaimUpkeepPorts } from '../replication/claim-upkeep.ts';
import { drainOnStop } from '../replication/drain-on-stop.ts';
import { keepAsCache } from '../replication/excess-replicas.ts';
import { handOver } from '../replication/hand-over.ts';
import { heldPart } from '../replication/held-part.ts';
import { Leavers, whileLeaving } from '../replication/leavers.ts';
import { OwnPuts } from '../replication/own-puts.ts';
import { PlacementCache } from '../replication/placement-cache.ts';
import { Pointers } from '../replication/pointers.ts';
import { RecentlyTransferred } from '../replication/recently-transferred.ts';
import { Reconciliation } from '../replication/reconciliation.ts';
import { Relay } from '../replication/relay.ts';
import { defaultScrubBytesPerSecond, Scrub, type ScrubPorts } from '../replication/scrub.ts';
import { SupersededPuts } from '../replication/superseded-puts.ts';
import { syncMessages } from '../replication/sync-messages.ts';
import { defaultSyncBytesPerSecond, defaultSyncTimes, type SyncPorts } from '../replication/sync-ports.ts';
import { SyncServer } from '../replication/sync-server.ts';
import type { ClaimedBlock } from '../storage/block-store.ts';
import type { Catalog } from '../storage/catalog.ts';
import { leafSet } from '../storage/item-index.ts';
import type { RecordTable } from '../storage/record-table.ts';
import { Registry } from '../wire/message.ts';
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
  /** What is answered here; the rooms above add theirs. */
  readonly registry = new Registry<Contact, IncomingPayload>();

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
        report('no-answer', view.self, `Shares could not be renewed and will be retried: ${error.message}`),
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
      report: (error) =>
        report('no-answer', view.self, `Sharers of a content could not be looked up: ${error.message}`),
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
          text: `Moved ${copies} replicas of blocks and ${records} records to their places; of excess replicas here, dropped ${dropped} and kept ${cached} as cache.`,
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
        const outcome = repaired ? 'replaced by a good copy' : 'no good copy is available now; will be retried';
        notify({ kind: 'repaired', text: `The replica of block ${cid} on this disk was corrupt: ${outcome}.` });
      },
      failed: (error) => report('no-answer', view.self, `A block could not be checked or repaired: ${error.message}`),
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
          text: `Freed ${count} ${count === 1 ? 'block' : 'blocks'} that no file references any more.`,
        }),
      failed: (error) =>
        report('no-answer', view.self, `Claims could not be checked and will be retried: ${error.message}`),
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
      report: (error) => report('refused', view.self, `The transfer journal could not be written: ${error.message}`),
    });
    this.transfers = this.#queue;
    this.#answer(this.registry);
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

  /** For `Handlers.request`. */
  request(from: Contact, kind: string, body: Wire): Promise<Wire> {
    return this.registry.request(from, kind, body);
  }

  /** For `Handlers.stream`. */
  stream(from: Contact, kind: string, incoming: IncomingStream): Promise<OutgoingStream> {
    return this.registry.stream(from, kind, incoming);
  }

  /** Everything that the data path answers. */
  #answer(registry: Registry<Contact, IncomingPayload>): void {
    // By what is said to be held here another may drop its copy: it is said when it would survive a power cut.
    const durably = async <Answer>(answer: Answer): Promise<Answer> => {
      await this.#catalog.durable();
      return answer;
    };
    const newsOf = (put: EndedName): PutNews => this.#ownPuts.newsOf(put);
    this.#syncServer.answerIn(registry, durably);
    registry
      .on(blockMessages.has, async ({ cids }) => durably(await this.#server.has(cids)))
      .on(blockMessages.room, (_, from) => this.#server.room(from))
      .on(blockMessages.claim, async (blocks, from) => ({ sizes: await this.#server.claim(from, blocks) }))
      .on(blockMessages.where, ({ cids }) => ({ holders: this.#pointers.where(cids) }))
      .on(blockMessages.check, ({ cids }) => done(this.#server.check(cids)))
      .on(blockMessages.point, async ({ cids, holder }) => done(await this.#pointers.point(cids, holder)))
      .on(syncMessages.leaving, ({ isLeaving }, from) => done(this.#leavers.told(from, isLeaving)))
      .on(claimMessages.asked, ({ names }) => ({ puts: names.map(newsOf) }))
      .on(claimMessages.told, ({ puts }, from) => ({ kept: this.#toldOf(from.host, puts) }))
      // The asker speaks for itself alone: for the names that it published.
      .on(claimMessages.release, ({ names }, from) => done(this.#claimUpkeep?.release(from.host, names)))
      .on(claimMessages.list, (question, from) => {
        // It is about to take these blocks from here, or has them.
        for (const key of question.keys) this.#recentlyTransferred.note(from.host, key);
        return listClaims(question, this.#claimPorts.claims);
      })
      .onStream(blockMessages.get, async ({ cids }, from) => {
        const { sizes, payload } = await this.#server.get(from, cids);
        return { answer: { sizes }, payload };
      })
      .onStream(blockMessages.put, async (blocks, from, payload) => ({
        answer: { results: await this.#server.put(from, blocks, payload) },
      }));
    this.#shareHolder.answerIn(registry);
    registry
      .on(recordMessages.put, async ({ entries }, from) => ({ results: await this.#holder.put(from, entries) }))
      .on(recordMessages.get, (question) => this.#holder.get(question))
      .on(recordMessages.list, (question, from) =>
        this.#listings.take(from.host, async () => this.#holder.list(question)),
      );
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
      return (await claimMessages.asked.ask(transport, contact, { names: puts }, options)).puts;
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

/** The answer to what was told. */
const done = (_: unknown): Record<never, never> => ({});
