/**
 * Makes blocks durable on r distinct hosts (spec/4, put).
 *
 * A block is acknowledged when it is durable on all its places, or on w of them when the rest misses its grace period,
 * which is then left to repair. A failed host is replaced by the next one in ring order. Hashing of the next blocks,
 * sending and the hosts' fsyncs overlap; bytes in flight are bounded over all puts of the process. When the places are
 * far, the first forwards the block to the others (relay.ts), so that it crosses this host's link once.
 */

import { type Contact, type HostId, type Milliseconds, ringIdOfHash } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { type Block, blockKey } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { PerPeer } from '../network/peer-queue.ts';
import { TransportError } from '../network/transport.ts';
import { type CopyRule, copyGraceMilliseconds, type MadeCopies, makeCopies } from '../records/durable-copies.ts';
import type { ClaimedBlock } from '../storage/block-store.ts';
import type { Claim } from '../storage/claim-table.ts';
import { blockMessages } from './block-messages.ts';
import { BlockSender, minPartToAskFirst, type WantedCopy } from './block-sender.ts';
import { checkNotStopped, type DataPorts } from './data-ports.ts';
import type { Pointers } from './pointers.ts';

/** Blocks submitted and not yet acknowledged, over all puts of the process: three batches of four leaves per host. */
const maxUnacknowledgedBytes = 12 * 1024 * 1024;
/** The same while a host is far: each block is in flight for several round trips. */
const maxUnacknowledgedBytesWhenFar = 32 * 1024 * 1024;

/** Minimum accounted per block: a few hundred small ones in flight fill every batch, and more would only cost memory. */
const minBytesHeld = 32 * 1024;

/** In a small network, hosts are asked for room before a put of this size. */
const maxHostsAskedForRoom = 64;
const minBytesToAskFor = 4 * 1024 * 1024;
const roomDeadline: Milliseconds = 1500;

export class BlockStorer {
  readonly #ports: DataPorts;
  readonly #senders: PerPeer<BlockSender>;
  readonly #pointers: Pick<Pointers, 'tell'> | null;
  readonly #budget = new Semaphore(maxUnacknowledgedBytes);
  readonly #keep: ((block: ClaimedBlock) => Promise<void>) | null;

  /**
   * @param pointers records where blocks went that a host had no room for
   * @param keep receives every block that has no place here
   */
  constructor(
    ports: DataPorts,
    pointers: Pick<Pointers, 'tell'> | null = null,
    keep: ((block: ClaimedBlock) => Promise<void>) | null = null,
  ) {
    this.#keep = keep;
    this.#ports = ports;
    this.#pointers = pointers;
    this.#senders = new PerPeer((contact) => new BlockSender(contact, ports));
  }

  get senders(): PerPeer<BlockSender> {
    return this.#senders;
  }

  /**
   * A writer for one put; `finish` reports its outcome.
   * @param hosts collects every host that acknowledged a block
   */
  writer(rule: CopyRule, claims: readonly Claim[], signal?: AbortSignal, hosts?: Map<HostId, Contact>): BlockWriter {
    return new BlockWriter(this.#budget, (block) => this.store(block, rule, claims, hosts), signal);
  }

  /**
   * Throws `quota-full` when hosts report that so many bytes cannot fit in as few replicas as the rule allows. Hosts
   * that do not answer are assumed to have room, and large networks are not asked.
   */
  async checkRoom(bytes: number, { writeQuorum }: CopyRule): Promise<void> {
    const { view, blocks } = this.#ports;
    const hosts = view.hosts();
    if (hosts.length > maxHostsAskedForRoom || (bytes < minBytesToAskFor && hosts.length > 1)) return;
    const rooms = await Promise.all(
      hosts.map((host) => (host.host === view.self.host ? blocks.roomFor(host.host) : this.#roomAt(host, bytes))),
    );
    const needed = Math.max(1, Math.min(writeQuorum, hosts.length));
    const room = rooms.reduce((sum, one) => sum + Math.min(one, bytes), 0);
    if (room >= bytes * needed) return;
    const copies = needed === 1 ? 'one copy is' : `${needed} copies are`;
    throw new ChordialError(
      'quota-full',
      `${bytes} bytes do not fit: ${copies} kept, and the ${hosts.length === 1 ? 'peer has' : `${hosts.length} peers have`} room for ${room} bytes. Remove files, raise --quota, or start more peers.`,
    );
  }

  async #roomAt(host: Contact, bytes: number): Promise<number> {
    try {
      const options = { deadline: roomDeadline };
      return (await blockMessages.room.ask(this.#ports.transport, host, { bytes }, options)).room;
    } catch (error) {
      if (error instanceof ChordialError || error instanceof TransportError) return Number.POSITIVE_INFINITY;
      throw error;
    }
  }

  /** Durable replicas when it resolves; the storer owns the bytes from then on. Rejects with `too-few-copies`. */
  async store(
    block: Block,
    rule: CopyRule,
    claims: readonly Claim[] = [],
    acknowledged: Map<HostId, Contact> = new Map(),
  ): Promise<number> {
    checkNotStopped(this.#ports);
    const key = ringIdOfHash(blockKey(block.cid), this.#ports.view.shape.bits);
    const hosts = await this.#ports.placement.writable(key, rule.replicas);
    const outcome: Outcome = { stored: [], full: [], acknowledged };
    const direct: WantedCopy = { block, claims, abandoned: false };
    const inOrder = this.#wellFirst(hosts);
    const route = this.#routeTo(inOrder.slice(0, rule.replicas), direct, rule.replicas);
    const self = this.#ports.view.self.host;
    const isPlace = hosts.slice(0, rule.replicas).some(({ host }) => host === self);
    const kept = isPlace ? undefined : this.#keep?.({ ...block, claims });
    // Awaited at the end, whatever happens to the replicas.
    kept?.catch(() => undefined);
    const { copies, needed, failures, settled } = await makeCopies(inOrder, rule, {
      clock: this.#ports.clock,
      storeAt: (host) => this.#storeAt(host, route, outcome),
      isStalled: (host, milliseconds) => this.#senders.to(host).isStalled(milliseconds),
    });
    for (const copy of [route.direct, route.first, route.later]) copy.abandoned = true;
    const isFar = hosts.slice(0, rule.replicas).some((host) => this.#senders.to(host).isFar);
    this.#budget.max = isFar ? maxUnacknowledgedBytesWhenFar : maxUnacknowledgedBytes;
    this.#point(block.cid, outcome, hosts.slice(0, rule.replicas));
    await kept;
    if (copies < needed) throw tooFew(block.cid, { copies, needed, failures, isFull: outcome.full.length > 0 });
    // After a failure a connection may still be using the bytes.
    if (settled && failures.length === 0) this.#ports.leaves.giveBack(block.bytes);
    return copies;
  }

  /**
   * When all other places of a large block are far, one of them forwards the block, and the others are asked whether it
   * arrived.
   */
  #routeTo(places: readonly Contact[], direct: WantedCopy, replicas: number): Route {
    const others = places.filter(({ host }) => host !== this.#ports.view.self.host);
    const isLarge = direct.block.bytes.length >= minPartToAskFirst * this.#ports.leaves.size;
    const isWorth = isLarge && others.length > 1 && others.every((host) => this.#senders.to(host).isFar);
    return {
      relay: isWorth ? others[0]! : null,
      others: isWorth ? others : [],
      direct,
      first: { ...direct, relay: replicas },
      later: { ...direct, mayBeThere: true },
      passed: Promise.withResolvers<void>(),
    };
  }

  async #storeAt(host: Contact, route: Route, outcome: Outcome): Promise<void> {
    try {
      await this.#send(host, route);
      outcome.stored.push(host);
      outcome.acknowledged.set(host.host, host);
    } catch (error) {
      if (error instanceof ChordialError && isWithoutRoom(error)) outcome.full.push(host);
      throw error;
    }
  }

  /** Resolves when the block is durable there. */
  async #send(host: Contact, { relay, others, direct, first, later, passed }: Route): Promise<void> {
    const sender = this.#senders.to(host);
    // Hosts after the places are tried because something hangs: they must not wait.
    if (!others.includes(host)) return sender.store(direct);
    if (host === relay) return sender.store(first).finally(passed.resolve);
    await passed.promise;
    return sender.store(later);
  }

  /** Full places point to a host that has the block instead. */
  #point(cid: CID, { stored, full }: Outcome, places: readonly Contact[]): void {
    const substitute = stored.find((host) => !places.includes(host)) ?? stored[0];
    if (substitute === undefined) return;
    for (const host of full) if (places.includes(host)) this.#pointers?.tell(host, substitute, cid);
  }

  /** Unresponsive places come last: repair gives them their replica once they recover. */
  #wellFirst(hosts: readonly Contact[]): readonly Contact[] {
    const stuck = (host: Contact): boolean => this.#senders.to(host).isStalled(copyGraceMilliseconds);
    return hosts.some(stuck) ? [...hosts.filter((host) => !stuck(host)), ...hosts.filter(stuck)] : hosts;
  }
}

/** The blocks of one put in flight: bounded in memory, ended by the first failure. */
export class BlockWriter {
  readonly #budget: Semaphore;
  readonly #store: (block: Block) => Promise<number>;
  readonly #signal: AbortSignal | undefined;
  readonly #pending = new Set<Promise<void>>();
  #failure: Error | null = null;
  #copies = Number.POSITIVE_INFINITY;

  constructor(budget: Semaphore, store: (block: Block) => Promise<number>, signal?: AbortSignal) {
    this.#budget = budget;
    this.#store = store;
    this.#signal = signal;
  }

  /** Resolves when the next block may come. Rejects with the first failure of any earlier block. */
  async write(block: Block): Promise<void> {
    this.#check();
    const held = Math.max(block.bytes.length, minBytesHeld);
    await this.#budget.take(held);
    const stored = this.#store(block)
      .then(
        (copies) => {
          this.#copies = Math.min(this.#copies, copies);
        },
        (error: Error) => {
          this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#budget.give(held);
        this.#pending.delete(stored);
      });
    this.#pending.add(stored);
  }

  /** Resolves with the minimum number of replicas over all blocks, once all are durable. */
  async finish(): Promise<number> {
    await this.settle();
    this.#check();
    return this.#copies;
  }

  /** Resolves when nothing is in flight, whatever the outcome. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  #check(): void {
    if (this.#signal?.aborted)
      throw new ChordialError('interrupted', 'The put was interrupted. Start it again to resume.');
    if (this.#failure !== null) throw this.#failure;
  }
}

/** How the replicas of a block reach their places. */
interface Route {
  /** The forwarding host; null: the block is sent to each place. */
  readonly relay: Contact | null;
  /** The relay and the hosts to which it forwards. */
  readonly others: readonly Contact[];
  readonly direct: WantedCopy;
  readonly first: WantedCopy;
  readonly later: WantedCopy;
  /** The relay has finished or failed. */
  readonly passed: PromiseWithResolvers<void>;
}

/** Outcome for the replicas of a block. */
interface Outcome {
  readonly stored: Contact[];
  readonly full: Contact[];
  /** Hosts that stored any block of the put. */
  readonly acknowledged: Map<HostId, Contact>;
}

const isWithoutRoom = ({ code }: ChordialError): boolean =>
  code === 'quota-full' || code === 'disk-full' || code === 'publisher-full';

/** `quota-full` when hosts had no room: a retry does not help then. */
function tooFew(
  cid: CID,
  {
    copies,
    needed,
    failures,
    isFull,
  }: Pick<MadeCopies, 'copies' | 'needed' | 'failures'> & { readonly isFull: boolean },
): ChordialError {
  const reasons = failures.slice(-3).join('; ') || 'no host was there to take it';
  const remedy = isFull
    ? 'Remove files, or raise --quota where it is full'
    : 'Put the file again when more peers are up: what is stored already is not sent again';
  return new ChordialError(
    isFull ? 'quota-full' : 'too-few-copies',
    `Block ${cid} became durable on ${copies} of the ${needed} hosts that a put needs (${reasons}). ${remedy}.`,
  );
}
