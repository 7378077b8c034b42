/**
 * Fetches a block: from this host, then from known sharers, then from its places, fastest first, then from the hosts
 * after them, then from any host. A source that is silent for 300 ms, or too slow, is hedged with the next one; a
 * failed one is replaced by it.
 */

import { type Contact, type HostId, ringIdOfHash, type Timer } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { verifyBlockBy } from '../content/block-hashing.ts';
import { blockKey, inlineBytes } from '../content/cid.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { peerLabel } from '../network/peer-label.ts';
import { PerPeer } from '../network/peer-queue.ts';
import { type AskPolicy, AskReplicas } from '../records/ask-replicas.ts';
import { BlockReceiver, type WantedBlock } from './block-receiver.ts';
import type { DataPorts } from './data-ports.ts';
import type { Pointers } from './pointers.ts';

const silenceBeforeDoublingMilliseconds = 300;
/** A source below this throughput is hedged as well. */
const paceMilliseconds = 1000;
const minPaceBytes = 64 * 1024;
/** All sources are retried after a pause, with a new lookup of places: the ring may be changing. */
const maxRounds = 5;
const pauseBetweenRoundsMilliseconds = 300;
/** Sharers of a content; each block is requested from the one expected to deliver it first. */
const maxSharers = 16;

/** Hosts that share a content. */
export interface Sharers {
  /** As known so far. */
  known(): readonly Contact[];
  /** Asks the ring; never rejects. */
  find(): Promise<readonly Contact[]>;
}

export class BlockFetcher {
  readonly #ports: DataPorts;
  readonly #replicas: number;
  readonly #pointers: Pick<Pointers, 'holders'> | null;
  readonly #receivers: PerPeer<BlockReceiver>;

  /** @param pointers asked when a block is at none of its places */
  constructor(ports: DataPorts, replicas: number, pointers: Pick<Pointers, 'holders'> | null = null) {
    this.#ports = ports;
    this.#pointers = pointers;
    this.#replicas = replicas;
    this.#receivers = new PerPeer((contact) => new BlockReceiver(contact, ports, ports.leaves));
  }

  /**
   * The verified bytes. Rejects with `no-live-source`, or `interrupted` when the signal fires.
   * @param sharers of one content, which also identifies the reader for fairness
   */
  async fetch(cid: CID, signal?: AbortSignal, sharers: Sharers | null = null): Promise<Uint8Array> {
    const held = inlineBytes(cid) ?? (await this.#local(cid));
    return held ?? this.fetchElsewhere(cid, signal, sharers);
  }

  /** Like `fetch`, without reading the own disk. */
  async fetchElsewhere(cid: CID, signal?: AbortSignal, sharers: Sharers | null = null): Promise<Uint8Array> {
    let absent = 0;
    /** Sharers that answered without it: their file has changed. */
    const without = new Set<Contact>();
    let sharing = this.#receiversOf(sharers?.known() ?? []);
    let pointed: readonly BlockReceiver[] = [];
    for (let round = 1; round <= maxRounds; round++) {
      const sources = [...new Set([...sharing, ...pointed, ...(await this.#sources(cid))])];
      const fetching = new Fetching({ cid, reader: sharers, abandoned: false }, sources, this.#ports, signal);
      const bytes = await fetching.run();
      if (bytes !== null) return bytes;
      absent = fetching.absent.size;
      for (const receiver of sharing) if (fetching.absent.has(receiver)) without.add(receiver.contact);
      // When every known host says absent, a second look finds what has moved meanwhile; more would find nothing.
      const isLast = round === maxRounds || (round >= 2 && absent === sources.length && !fetching.isUnknown);
      const before = sharing;
      sharing = await this.#sharing(sharers, before, isLast);
      if (isAnyNew(sharing, before) && round < maxRounds) continue;
      if (isLast) break;
      this.#ports.placement.clear();
      pointed = await this.#pointedTo(cid);
    }
    const { self } = this.#ports.view;
    if (sharers?.known().some(({ host }) => host === self.host)) without.add(self);
    if (without.size > 0) throw changedAtSharer(cid, [...without], this.#ports.called);
    throw new ChordialError(
      'no-live-source',
      `No live peer handed over block ${cid} (${absent} said that they do not have it). Try again when more peers are up.`,
    );
  }

  /** Returns a buffer delivered by `fetch` that is no longer in use. */
  release(bytes: Uint8Array): void {
    this.#ports.leaves.giveBack(bytes);
  }

  async #local(cid: CID): Promise<Uint8Array | null> {
    const { blocks, shared, leaves, hashing, view, report, damaged } = this.#ports;
    try {
      const bytes = await blocks.get(cid, leaves);
      if (bytes === null) return (await shared?.read(cid, leaves)) ?? null;
      if (await verifyBlockBy(hashing, cid, bytes)) return bytes;
      damaged?.(cid);
      report?.('wrong-bytes', view.self, `The own copy of block ${cid} is damaged.`);
    } catch (error) {
      // A bad sector here must not keep other holders from being asked.
      report?.('wrong-bytes', view.self, `The own copy of block ${cid} cannot be read: ${(error as Error).message}`);
    }
    return null;
  }

  /** Where pointers of full places lead. */
  async #pointedTo(cid: CID): Promise<readonly BlockReceiver[]> {
    if (this.#pointers === null) return [];
    const key = ringIdOfHash(blockKey(cid), this.#ports.view.shape.bits);
    const places = (await this.#candidates(key)).slice(0, this.#replicas);
    const holders = await this.#pointers.holders(cid, places);
    return holders.filter(({ host }) => host !== this.#ports.view.self.host).map((host) => this.#receivers.to(host));
  }

  /** In order of preference. */
  async #sources(cid: CID): Promise<readonly BlockReceiver[]> {
    const key = ringIdOfHash(blockKey(cid), this.#ports.view.shape.bits);
    const candidates = await this.#candidates(key);
    const receivers = candidates
      .filter(({ host }) => host !== this.#ports.view.self.host)
      .map((host) => this.#receivers.to(host));
    const places = receivers
      .slice(0, this.#replicas)
      .map((receiver) => ({ receiver, cost: receiver.expectedMilliseconds(leafBytes) }));
    places.sort((a, b) => a.cost - b.cost);
    const responsiveFirst = (some: readonly BlockReceiver[]) =>
      this.#ports.unresponsivePeers.responsiveFirst(some, ({ contact }) => contact.host);
    const ordered = [
      ...responsiveFirst(places.map(({ receiver }) => receiver)),
      ...responsiveFirst(receivers.slice(this.#replicas)),
    ];
    return ordered.filter((receiver) => !receiver.avoided);
  }

  /** The one expected to deliver first. */
  #receiversOf(sharers: readonly Contact[]): readonly BlockReceiver[] {
    const { view } = this.#ports;
    const live = sharers.filter(({ host }) => host !== view.self.host && !view.isDead(host)).slice(0, maxSharers);
    const receivers = live.map((contact) => this.#receivers.to(contact)).filter((receiver) => !receiver.avoided);
    const costs = receivers.map((receiver) => ({ receiver, cost: receiver.expectedMilliseconds(leafBytes) }));
    const ordered = costs.sort((a, b) => a.cost - b.cost).map(({ receiver }) => receiver);
    return this.#ports.unresponsivePeers.responsiveFirst(ordered, ({ contact }) => contact.host);
  }

  /** Without a known owner (the ring is being repaired) any host may have it. */
  async #candidates(key: ReturnType<typeof ringIdOfHash>): Promise<readonly Contact[]> {
    try {
      return (await this.#ports.placement.likely(key, this.#replicas)).hosts;
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      return this.#ports.view.hosts();
    }
  }

  /** Current sharers. The pause between rounds ends when a new one is found. */
  async #sharing(
    sharers: Sharers | null,
    before: readonly BlockReceiver[],
    isLast: boolean,
  ): Promise<readonly BlockReceiver[]> {
    if (sharers === null) {
      if (!isLast) await this.#pause();
      return [];
    }
    const finding = sharers.find();
    if (isLast) return this.#receiversOf(await finding);
    const pause = this.#pause();
    const found = this.#receiversOf((await Promise.race([finding, pause])) ?? sharers.known());
    if (!isAnyNew(found, before)) await pause;
    return found;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#ports.clock.after(pauseBetweenRoundsMilliseconds, resolve));
  }
}

/** One block being fetched from sources in turn, or from several at once when they are silent. */
class Fetching implements AskPolicy<BlockReceiver, Uint8Array | null> {
  readonly need = 1;
  readonly #wanted: WantedBlock;
  readonly #asking: AskReplicas<BlockReceiver, Uint8Array | null>;
  readonly #ports: DataPorts;
  readonly #signal: AbortSignal | undefined;
  #bytes: Uint8Array | null = null;
  #silence: Timer | null = null;
  /** Those that answered so. */
  readonly absent = new Set<BlockReceiver>();

  /** Some host that lacks it is not authoritative yet. */
  get isUnknown(): boolean {
    return this.#wanted.isUnknown === true;
  }

  constructor(
    wanted: WantedBlock,
    sources: readonly BlockReceiver[],
    ports: DataPorts,
    signal: AbortSignal | undefined,
  ) {
    this.#wanted = wanted;
    this.#asking = new AskReplicas(sources, this);
    this.#ports = ports;
    this.#signal = signal;
  }

  /** Null when every source failed or does not have it. */
  async run(): Promise<Uint8Array | null> {
    const interrupted = (): void => this.#asking.end(new ChordialError('interrupted', 'The get was interrupted.'));
    if (this.#signal?.aborted) interrupted();
    this.#signal?.addEventListener('abort', interrupted);
    try {
      await this.#asking.run();
      return this.#bytes;
    } finally {
      this.#signal?.removeEventListener('abort', interrupted);
      this.#silence?.cancel();
      this.#wanted.abandoned = true;
    }
  }

  // POLICY

  ask(source: BlockReceiver): Promise<Uint8Array | null> {
    return source.fetch(this.#wanted);
  }

  asked(source: BlockReceiver): void {
    this.#watch(source);
  }

  answered(source: BlockReceiver, bytes: Uint8Array | null): boolean {
    this.#bytes = bytes;
    if (bytes === null) this.absent.add(source);
    return bytes === null;
  }

  /** The failure was reported where it was detected; here it only means trying another source. */
  failed(): boolean {
    return true;
  }

  isEnough(): boolean {
    return this.#bytes !== null;
  }

  // INTERNAL

  /**
   * Hedges the source when it becomes silent, at once when it already is, and when it is too slow; its bytes count if
   * they arrive first.
   */
  #watch(source: BlockReceiver): void {
    this.#silence?.cancel();
    const { clock, unresponsivePeers, view } = this.#ports;
    if (unresponsivePeers.isSilent(source.contact.host)) {
      this.#silence = clock.after(0, () => this.#asking.hedge());
      return;
    }
    const since = clock.now();
    let pace = { at: since, bytes: source.receivedBytes };
    const look = (): void => {
      const now = clock.now();
      const silent = source.silentFor(since);
      if (silent >= silenceBeforeDoublingMilliseconds) {
        view.suspect(source.contact);
        this.#asking.hedge();
        return;
      }
      if (now - pace.at >= paceMilliseconds) {
        if (source.receivedBytes - pace.bytes < minPaceBytes) {
          source.wasSlow();
          this.#asking.hedge();
          return;
        }
        pace = { at: now, bytes: source.receivedBytes };
      }
      this.#silence = clock.after(silenceBeforeDoublingMilliseconds - silent, look);
    };
    this.#silence = clock.after(silenceBeforeDoublingMilliseconds, look);
  }
}

function changedAtSharer(cid: CID, sharers: readonly Contact[], called: (host: HostId) => string): ChordialError {
  const [first] = sharers.map((sharer) => peerLabel(sharer, called));
  const who =
    sharers.length === 1
      ? `${first}, which shared the file,`
      : `${first} and ${sharers.length - 1} more that shared the file`;
  const has = sharers.length === 1 ? 'has' : 'have';
  return new ChordialError(
    'no-live-source',
    `${who} no longer ${has} block ${cid}: the file was changed there, or it went. Search for it again in a minute.`,
  );
}

function isAnyNew(receivers: readonly BlockReceiver[], before: readonly BlockReceiver[]): boolean {
  return receivers.some((receiver) => !before.includes(receiver));
}
