/** Blocks and the copies of everything: storing and fetching, serving others, repair, scrub, block references. */
import type { HostId, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { TransportError } from '../network/transport.ts';
import type { PublisherEntry } from '../records/publisher-entry.ts';
import { recordMessages } from '../records/record-messages.ts';
import { shareMessages } from '../records/share-messages.ts';
import { BlockFetcher } from '../replication/block-fetcher.ts';
import { blockMessages } from '../replication/block-messages.ts';
import { BlockServer } from '../replication/block-server.ts';
import { BlockStorer } from '../replication/block-storer.ts';
import { claimMessages, type EndedName, type PutNews, type ToldPut } from '../replication/claim-messages.ts';
import { ClaimOwners } from '../replication/claim-owners.ts';
import { listClaims } from '../replication/claim-pages.ts';
import { ClaimUpkeep } from '../replication/claim-upkeep.ts';
import { drainOnStop } from '../replication/drain-on-stop.ts';
import { keepAsCache } from '../replication/excess-replicas.ts';
import { handOver } from '../replication/hand-over.ts';
import { heldPart } from '../replication/held-part.ts';
import { Leavers, whileLeaving } from '../replication/leavers.ts';
import { OwnPuts } from '../replication/own-puts.ts';
import { Pointers } from '../replication/pointers.ts';
import { RecentlyTransferred } from '../replication/recently-transferred.ts';
import { Reconciliation } from '../replication/reconciliation.ts';
import { Relay } from '../replication/relay.ts';
import { RemovedPublishers } from '../replication/removed-publishers.ts';
import type { RepairState } from '../replication/repair-progress.ts';
import { defaultScrubBytesPerSecond, Scrub } from '../replication/scrub.ts';
import { SupersededPuts } from '../replication/superseded-puts.ts';
import { syncMessages } from '../replication/sync-messages.ts';
import { defaultSyncTimes, type SyncPorts } from '../replication/sync-ports.ts';
import { SyncServer } from '../replication/sync-server.ts';
import { said } from '../sentences.ts';
import type { ClaimedBlock } from '../storage/block-store.ts';
import { BlockTraffic } from '../transfer/block-traffic.ts';
import type { Records } from './build-records.ts';
import type { DataCore } from './data-core.ts';

/** Quota of a purged publisher: none, and all its puts have ended. */
const purgedEntry: PublisherEntry = {
  kind: 'entry',
  sequence: Number.MAX_SAFE_INTEGER - 1,
  current: false,
  expiry: null,
};
const recordExpiryBatch = 500;
/** Expired records no longer count; but their expiry is what ends the claims of a put that was not seen before. */
const expiredRecordsKeptMilliseconds: Milliseconds = 24 * 3600 * 1000;
/** For the publisher of a put to answer what became of it. */
const newsDeadlineMilliseconds: Milliseconds = 3000;
/** What a leaving peer refuses: it would be lost with it. */
const kept = [recordMessages.put.kind, blockMessages.put.kind, shareMessages.put.kind];

export type Replication = ReturnType<typeof buildReplication>;

export function buildReplication(core: DataCore, records: Records) {
  const { options, storage, view, clock, random, rule, confirmed, membership, signer, closing, report } = core;
  const { blocks, index, catalog, claims, storageShares } = storage;
  const { recordHolder, recordWriter, shareHolder, names } = records;
  const { replicas } = rule;
  // Reading back what lies in an object store costs money there, and the store looks after its disks itself.
  const unlessGiven = options.settings?.blocks === undefined ? defaultScrubBytesPerSecond : 0;
  const { scrubBytesPerSecond = unlessGiven, graceMilliseconds } = options.settings ?? {};
  const traffic = new BlockTraffic(clock, core.notify, core.peerNames.shown);
  const pointers = new Pointers(core, storage.pointers);
  const leavers = new Leavers(view, clock);
  let keepsOwn = options.keepOwn ?? false;
  const keepHere = async (block: ClaimedBlock): Promise<void> => {
    if (keepsOwn) await keepAsCache({ blocks, index, catalog }, block);
  };
  const storer = new BlockStorer(core, pointers, keepHere);
  const fetcher = new BlockFetcher(core, replicas, pointers);
  const repairing = new BlockFetcher(core, replicas, pointers, 'repair');
  const ended = new SupersededPuts();
  const recentlyTransferred = new RecentlyTransferred((key) => upkeep.current?.doubt(key));
  const suspect = (cids: readonly CID[]): void => scrub.current?.suspect(cids);
  const isCached = (key: string): boolean => index.isBlockCached(key);
  const tables = { index, records: { table: storage.records }, shares: { table: storage.shares } };
  const held = { ...core, ...tables, replicas };
  const server = new BlockServer({
    ...core,
    // A pointer elsewhere does not mean that there is none.
    standing: { covers: (key) => confirmed.covers(key) && !pointers.has(key), isCached },
    events: {
      stored: (from, count, bytes) => traffic.add('stored', from, count, bytes),
      sent: (to, count, bytes) => traffic.add('sent', to, count, bytes),
      suspected: suspect,
      wanted: (key) => reconciliation.current?.lookAtCache(key),
      refused: (from, code) => report('refused', from, `A block was refused: ${code}.`),
    },
    ended,
    relay: new Relay(core, storer.senders),
    ...(storageShares === undefined
      ? {}
      : {
          owners: new ClaimOwners(core, storageShares, claims, (host) => heldPart(held, host, closing)),
        }),
  });
  const sync: SyncPorts = {
    ...core,
    senders: storer.senders,
    pointers,
    recentlyTransferred,
    leavers,
    ended,
    index,
    records: {
      table: storage.records,
      isOwn: ({ kind, publisher }) => (kind === 'name' || kind === 'link') && publisher === signer.host,
      push: (host, entries) => recordWriter.push(host, entries),
      keep: async (from, entries) => {
        const results = await recordHolder.keep(from, entries);
        return results.filter((result) => result === 'stored').length;
      },
    },
    shares: { table: storage.shares, keep: (from, runs) => shareHolder.keep(from, runs) },
    ...rule,
    catalog,
    keepsOwn: () => keepsOwn,
    times: {
      ...defaultSyncTimes,
      ...(graceMilliseconds === undefined ? {} : { graceMilliseconds }),
      ...options.syncTimes,
    },
    moved: ({ blocks: copies, records, dropped, cached }) => {
      const text = `Moved ${copies} replicas of blocks and ${records} records to their places; of excess replicas here, dropped ${dropped} and kept ${cached} as cache.`;
      core.notify({ kind: 'moved', ...said('moved', { copies, records, dropped, cached }, text) });
    },
  };
  const reconciliation = new Begun(() => new Reconciliation(sync));
  const scrub = new Begun(
    () =>
      new Scrub({
        ...core,
        bytesPerSecond: scrubBytesPerSecond,
        fetchElsewhere: (cid, signal) => repairing.fetchElsewhere(cid, signal),
        found: (cid, repaired) => {
          const outcome = repaired ? 'replaced by a good copy' : 'no good copy is available now; will be retried';
          const text = `The replica of block ${cid} on this disk was corrupt: ${outcome}.`;
          const values = { cid: cid.toString(), isReplaced: repaired };
          core.notify({ kind: 'repaired', ...said('copy-corrupt', values, text) });
        },
        failed: core.failed('A block could not be checked or repaired'),
      }),
  );
  /** A publisher's statement about its own puts; nothing is released before the upkeep has started. */
  const told = (publisher: string, puts: readonly ToldPut[]): readonly boolean[] =>
    upkeep.current?.told(publisher, puts) ?? puts.map(() => true);
  const ownPuts = new OwnPuts(
    core,
    (name) => names.own(name),
    (puts) => told(view.self.host, puts),
  );
  const release = (publisher: HostId, names: readonly EndedName[]): void => upkeep.current?.release(publisher, names);
  const removed = new RemovedPublishers({
    membership,
    records: storage.records,
    shares: shareHolder,
    claims,
    release,
    closing,
  });
  const newsOf = async (publisher: string, puts: readonly EndedName[]): Promise<readonly PutNews[] | null> => {
    if (publisher === view.self.host) return puts.map((put) => ownPuts.newsOf(put));
    const contact = view.hosts().find(({ host }) => host === publisher);
    if (contact === undefined) return null;
    try {
      const request = { deadline: newsDeadlineMilliseconds, signal: closing };
      return (await claimMessages.asked.ask(core.transport, contact, { names: puts }, request)).puts;
    } catch (error) {
      if (error instanceof TransportError || error instanceof ChordialError) return null;
      throw error;
    }
  };
  const upkeep = new Begun(
    () =>
      new ClaimUpkeep({
        claims,
        catalog,
        blocks,
        clock,
        random,
        ended,
        newsOf,
        wordOf: async (publisher, name) => {
          if (membership.refuses(publisher as HostId, 0)) return purgedEntry;
          if (publisher === signer.host && names.isStoring(name)) return { kind: 'unknown' };
          return records.entryOf(publisher, name);
        },
        expireRecords: async (now) => {
          await removed.dropRefused(now);
          // In batches, so that other writes do not wait long.
          const before = now - expiredRecordsKeptMilliseconds;
          while ((await storage.records.expire(before, recordExpiryBatch)) === recordExpiryBatch);
          await shareHolder.removeOver(now);
        },
        freed: (blocks) => {
          const text = `Freed ${blocks} ${blocks === 1 ? 'block' : 'blocks'} that no file references any more.`;
          core.notify({ kind: 'freed', ...said('freed', { blocks }, text) });
        },
        failed: core.failed('Claims could not be checked and will be retried'),
      }),
  );
  // By what is said to be held here another may drop its copy: it is said when it would survive a power cut.
  const durably = async <Answer>(answer: Answer): Promise<Answer> => {
    await catalog.durable();
    return answer;
  };
  new SyncServer(sync).answerIn(core.registry, durably);
  server
    .answerIn(core.registry, durably)
    .on(blockMessages.where, ({ cids }) => ({ holders: pointers.where(cids) }))
    .on(blockMessages.point, async ({ cids, holder }) => done(await pointers.point(cids, holder)))
    .on(syncMessages.leaving, ({ isLeaving }, from) => done(leavers.told(from, isLeaving)))
    .on(claimMessages.asked, ({ names: asked }) => ({ puts: asked.map((put) => ownPuts.newsOf(put)) }))
    .on(claimMessages.told, ({ puts }, from) => ({ kept: told(from.host, puts) }))
    // The asker speaks for itself alone: for the names that it published.
    .on(claimMessages.release, ({ names: released }, from) => done(release(from.host, released)))
    .on(claimMessages.list, (question, from) => {
      // It is about to take these blocks from here, or has them.
      for (const key of question.keys) recentlyTransferred.note(from.host, key);
      return listClaims(question, claims);
    });

  return {
    storer,
    fetcher,
    ownPuts,
    isCached,
    suspect,
    release,
    /** Holds from the next put and the next look on. */
    keepOwn: (isOn: boolean): void => {
      keepsOwn = isOn;
    },
    purge: (publisher: HostId): Promise<void> => removed.purge(publisher),
    /** Moves everything to its places, on every change of the ring and periodically. */
    beginRepair: () => reconciliation.begin(),
    /** How far repair of this host's arcs is; null before it has begun. */
    repair: (): RepairState | null => reconciliation.current?.repair ?? null,
    copiesInSharedZones: (): number => reconciliation.current?.copiesInSharedZones ?? 0,
    /** Starts checking claims and freeing unclaimed blocks. */
    beginClaimUpkeep: () => upkeep.begin(),
    /** Starts the disk scrub, and repair of corruption found by it or by reads. */
    beginScrub: () => scrub.begin(),
    /**
     * Before leaving: resolves when everything held here is durable at its places without this host. Rejects with
     * `too-few-copies` when something could not be handed over; may be called again. The second pass covers what arrived
     * during the first; from then on nothing is accepted, or it would be lost with this peer.
     */
    handOverEverything: async (): Promise<void> => {
      const pass = () => whileLeaving(sync, () => handOver(sync));
      await pass();
      core.registry.refuse(kept, 'This peer is leaving and accepts nothing more.');
      try {
        await pass();
      } catch (error) {
        core.registry.accept(kept);
        throw error;
      }
    },
    /**
     * Before a stop: makes replicas of what would have fewer than w live ones, until the signal fires. Resolves with the
     * number made.
     */
    drainOnStop: (signal: AbortSignal): Promise<number> => drainOnStop(sync, signal),
    close: async (): Promise<void> => {
      await reconciliation.current?.close();
      await upkeep.current?.close();
      await ownPuts.close();
      await scrub.current?.close();
      await core.background.ended();
      core.placement.close();
      traffic.close();
    },
  };
}

/** A part that runs from the moment it is begun. */
class Begun<Part> {
  readonly #make: () => Part;
  /** Null before. */
  current: Part | null = null;

  constructor(make: () => Part) {
    this.#make = make;
  }

  begin(): Part {
    this.current ??= this.#make();
    return this.current;
  }
}

/** The answer to what was told. */
const done = (_: unknown): Record<never, never> => ({});
