/**
 * Fetches a block: from this host, then from known sharers, then from its places, fastest first, then from the hosts
 * after them, then from any host. A source that is silent for 300 ms, or too slow, is hedged with the next one; a
 * failed one is replaced by it; where none has the block, one that was lost after it had delivered is awaited. One that
 * says that its own limit holds it back is slow, not silent: without another source it is awaited, and where it moves
 * nothing at all the reader is told why.
 */

import { type Contact, type HostId, type Milliseconds, ringIdOfHash, type Timer } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { verifyBlockBy } from '../content/block-hashing.ts';
import { blockKey, inlineBytes } from '../content/cid.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { peerLabel } from '../network/peer-label.ts';
import { PerPeer } from '../network/peer-queue.ts';
import { TransportError } from '../network/transport.ts';
import { type AskPolicy, AskReplicas } from '../records/ask-replicas.ts';
import { BlockReceiver, type WantedBlock } from './block-receiver.ts';
import { checkNotStopped, type DataPorts } from './data-ports.ts';
import type { Pointers } from './pointers.ts';

const silenceBeforeDoublingMilliseconds = 300;
/** The same of the own copy, where it lies in a store beside this peer. */
const ownSilenceMilliseconds = 1000;
/** A source below this throughput is hedged as well. */
const paceMilliseconds = 1000;
const minPaceBytes = 64 * 1024;
/**
 * All sources are retried after a pause, with a new lookup of places: the ring may be changing. There are more rounds while
 * a source that delivered until a moment ago may return.
 */
const maxRounds = 5;
const pauseBetweenRoundsMilliseconds = 300;
const pauseWhileAwaitedMilliseconds = 1000;
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
  readonly #traffic: 'people' | 'repair';
  readonly #pointers: Pick<Pointers, 'holders'> | null;
  readonly #receivers: PerPeer<BlockReceiver>;

  /** @param pointers asked when a block is at none of its places */
  constructor(
    ports: DataPorts,
    replicas: number,
    pointers: Pick<Pointers, 'holders'> | null = null,
    traffic: 'people' | 'repair' = 'people',
  ) {
    this.#traffic = traffic;
    this.#ports = ports;
    this.#pointers = pointers;
    this.#replicas = replicas;
    this.#receivers = new PerPeer((contact) => new BlockReceiver(contact, ports, ports.leaves, traffic));
  }

  /**
   * The verified bytes. Rejects with `no-live-source`, with `store-away` or `store-refused` where only the own copy is left,
   * or with `interrupted` when the signal fires.
   * @param sharers of one content, which also identifies the reader for fairness
   */
  async fetch(cid: CID, signal?: AbortSignal, sharers: Sharers | null = null): Promise<Uint8Array> {
    const inline = inlineBytes(cid);
    if (inline !== null) return inline;
    const own = this.#local(cid);
    const soon = await this.#soon(own);
    if (soon instanceof Uint8Array) return soon;
    try {
      const bytes = await this.fetchElsewhere(cid, signal, sharers);
      if (soon === 'late') void own.then((late) => late instanceof Uint8Array && this.release(late));
      return bytes;
    } catch (error) {
      const held = soon === 'late' && signal?.aborted !== true ? await own : soon;
      if (held instanceof Uint8Array) return held;
      // The own copy is not lost, only out of reach for now.
      if (held instanceof ChordialError && error instanceof ChordialError && error.code === 'no-live-source')
        throw held;
      throw error;
    }
  }

  /** What there is of the own copy before other holders are asked too. */
  async #soon<Own>(own: Promise<Own>): Promise<Own | 'late'> {
    const { blocks, clock } = this.#ports;
    if (blocks.isRemote !== true) return own;
    let timer: Timer | null = null;
    const late = new Promise<'late'>((resolve) => {
      timer = clock.after(ownSilenceMilliseconds, () => resolve('late'));
    });
    try {
      return await Promise.race([own, late]);
    } finally {
      (timer as Timer | null)?.cancel();
    }
  }

  /** Like `fetch`, without reading the own disk. */
  async fetchElsewhere(cid: CID, signal?: AbortSignal, sharers: Sharers | null = null): Promise<Uint8Array> {
    let absent = 0;
    let isAbsent = false;
    const stopped = new Map<HostId, Contact>();
    /** Sharers that answered without it: their file has changed. */
    const without = new Map<HostId, Contact>();
    let sharing = this.#receiversOf(sharers?.known() ?? []);
    let pointed: readonly BlockReceiver[] = [];
    for (let round = 1; ; round++) {
      if (this.#traffic === 'people') checkNotStopped(this.#ports);
      const likely = await this.#sources(cid);
      const isAnyAvoided = likely.some((receiver) => receiver.avoided);
      const sources = [...new Set([...sharing, ...pointed, ...likely.filter((receiver) => !receiver.avoided)])];
      const fetching = new Fetching({ cid, reader: sharers, abandoned: false }, sources, this.#ports, signal);
      const bytes = await fetching.run();
      if (bytes !== null) return bytes;
      absent = fetching.absent.size;
      for (const { contact } of fetching.stopped) stopped.set(contact.host, contact);
      for (const one of sharing) if (fetching.absent.has(one)) without.set(one.contact.host, one.contact);
      // When every known host says absent, a second look finds what has moved meanwhile; more would find nothing.
      const shared = this.#liveOf(sharers?.known() ?? []);
      const isUnheard = shared.some((receiver) => receiver.avoided) || (absent === 0 && isAnyAvoided);
      const haveAllAnswered = absent === sources.length && !isUnheard;
      isAbsent = haveAllAnswered && !fetching.isUnknown;
      const isEnough = round >= maxRounds || (round >= 2 && haveAllAnswered && !fetching.isUnknown);
      const isAnyAwaited = this.#mayAnyReturn([...sources, ...likely, ...shared], fetching.absent);
      const isLast = isEnough && !isAnyAwaited;
      const before = sharing;
      const pause = round < maxRounds ? pauseBetweenRoundsMilliseconds : pauseWhileAwaitedMilliseconds;
      sharing = await this.#sharing(sharers, before, isLast ? null : pause);
      if (isAnyNew(sharing, before) && round < maxRounds) continue;
      if (isLast) break;
      this.#ports.placement.clear();
      pointed = await this.#pointedTo(cid);
    }
    const { self } = this.#ports.view;
    if (sharers?.known().some(({ host }) => host === self.host)) without.set(self.host, self);
    if (without.size > 0) throw changedAtSharer(cid, [...without.values()], this.#ports.called);
    throw new ChordialError(
      'no-live-source',
      `No live peer handed over block ${cid} (${absent} said that they do not have it). ${this.#remedy([...stopped.values()])}`,
      // Everyone who would have it was asked, and said so.
      isAbsent ? { details: { isAbsent } } : {},
    );
  }

  /** Returns a buffer delivered by `fetch` that is no longer in use. */
  release(bytes: Uint8Array): void {
    this.#ports.leaves.giveBack(bytes);
  }

  /** An error where the own copy is in a store that does not give it now. */
  async #local(cid: CID): Promise<Uint8Array | ChordialError | null> {
    const { blocks, shared, leaves, hashing, view, report, damaged } = this.#ports;
    try {
      const bytes = await blocks.get(cid, leaves);
      if (bytes === null) return (await shared?.read(cid, leaves)) ?? null;
      if (await verifyBlockBy(hashing, cid, bytes)) return bytes;
      damaged?.(cid);
      report?.('wrong-bytes', view.self, `The own copy of block ${cid} is damaged.`);
    } catch (error) {
      if (error instanceof ChordialError && error.code === 'bad-content') damaged?.(cid);
      // A bad sector here must not keep other holders from being asked.
      if (error instanceof ChordialError && error.code.startsWith('store-')) return error;
      report?.('wrong-bytes', view.self, `The own copy of block ${cid} cannot be read: ${(error as Error).message}`);
    }
    return null;
  }

  #remedy(stopped: readonly Contact[]): string {
    if (stopped.length === 0) return 'Try again when more peers are up.';
    const who = stopped.map((contact) => peerLabel(contact, this.#ports.called)).join(', ');
    return `A limit of their own keeps these from sending now: ${who}. Try again later, or when more peers are up.`;
  }

  /** Where pointers of full places lead. */
  async #pointedTo(cid: CID): Promise<readonly BlockReceiver[]> {
    if (this.#pointers === null) return [];
    const key = ringIdOfHash(blockKey(cid), this.#ports.view.shape.bits);
    const places = (await this.#candidates(key)).slice(0, this.#replicas);
    const holders = await this.#pointers.holders(cid, places);
    return holders.filter(({ host }) => host !== this.#ports.view.self.host).map((host) => this.#receivers.to(host));
  }

  /** In order of preference, those that are avoided now too. */
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
    return [
      ...responsiveFirst(places.map(({ receiver }) => receiver)),
      ...responsiveFirst(receivers.slice(this.#replicas)),
    ];
  }

  /** The one expected to deliver first. */
  #receiversOf(sharers: readonly Contact[]): readonly BlockReceiver[] {
    const receivers = this.#liveOf(sharers).filter((receiver) => !receiver.avoided);
    const costs = receivers.map((receiver) => ({ receiver, cost: receiver.expectedMilliseconds(leafBytes) }));
    const ordered = costs.sort((a, b) => a.cost - b.cost).map(({ receiver }) => receiver);
    return this.#ports.unresponsivePeers.responsiveFirst(ordered, ({ contact }) => contact.host);
  }

  #liveOf(sharers: readonly Contact[]): readonly BlockReceiver[] {
    const { view } = this.#ports;
    const live = sharers.filter(({ host }) => host !== view.self.host && !view.isDead(host)).slice(0, maxSharers);
    return live.map((contact) => this.#receivers.to(contact));
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

  #mayAnyReturn(receivers: readonly BlockReceiver[], absent: ReadonlySet<BlockReceiver>): boolean {
    const { view } = this.#ports;
    return receivers.some((one) => one.mayReturn && !absent.has(one) && !view.isDead(one.contact.host));
  }

  /** Current sharers, after a pause, which ends when a new one is found; null: there is none. */
  async #sharing(
    sharers: Sharers | null,
    before: readonly BlockReceiver[],
    milliseconds: Milliseconds | null,
  ): Promise<readonly BlockReceiver[]> {
    const pause =
      milliseconds === null ? null : new Promise<void>((resolve) => this.#ports.clock.after(milliseconds, resolve));
    if (sharers === null) {
      await pause;
      return [];
    }
    const finding = sharers.find();
    if (pause === null) return this.#receiversOf(await finding);
    const contacts = (await Promise.race([finding, pause])) ?? sharers.known();
    const found = this.#receiversOf(contacts);
    if (isAnyNew(found, before)) return found;
    await pause;
    return this.#receiversOf(contacts);
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
  /** Those that a limit of their own keeps from sending. */
  readonly stopped = new Set<BlockReceiver>();

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
  failed(source: BlockReceiver, error: Error): boolean {
    if (error instanceof TransportError && error.code === 'stopped') this.stopped.add(source);
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
        if (source.receivedBytes - pace.bytes < minPaceBytes && !source.wasHeldBackSince(pace.at)) {
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
