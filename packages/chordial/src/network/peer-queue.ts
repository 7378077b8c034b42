/**
 * What waits for one host and what is on its way to it. Several callers hand in items, which are sent together in batches;
 * a policy says what makes a batch and when another is worth sending. A host that failed is avoided for a while, so that
 * not every waiting item finds out by itself.
 */
import type { Clock, Contact, HostId, Milliseconds } from '@chordial/ring';
import { RoundRobin } from '../flow/round-robin.ts';
import { TransportError } from './transport.ts';

export interface Queued {
  /** When it was handed in. */
  readonly since: Milliseconds;
  readonly failed: (error: Error) => void;
}

export interface PeerQueuePolicy<Item> {
  /** The next batch, taken from what waits; empty while enough is in flight. */
  readonly nextBatch: () => readonly Item[];
  /** Settles every item of the batch. Never rejects. */
  readonly carry: (batch: readonly Item[]) => Promise<void>;
}

export class PeerQueue<Item extends Queued> {
  readonly #host: HostId;
  /** Callers with a key of their own are served round robin. */
  readonly waiting = new RoundRobin<Item>();
  readonly #clock: Pick<Clock, 'now'>;
  readonly #policy: PeerQueuePolicy<Item>;
  readonly #inFlight = new Set<Item>();
  #batches = 0;
  #isDue = false;
  #avoidedUntil: Milliseconds = 0;
  #lastProgress: Milliseconds = 0;

  constructor(host: HostId, clock: Pick<Clock, 'now'>, policy: PeerQueuePolicy<Item>) {
    this.#host = host;
    this.#clock = clock;
    this.#policy = policy;
  }

  get batchesInFlight(): number {
    return this.#batches;
  }

  get itemsInFlight(): number {
    return this.#inFlight.size;
  }

  get oldestInFlight(): Item | undefined {
    for (const item of this.#inFlight) return item;
    return undefined;
  }

  get isAvoided(): boolean {
    return this.#avoidedUntil > this.#clock.now();
  }

  get idle(): boolean {
    return this.#batches === 0 && this.waiting.length === 0 && !this.isAvoided;
  }

  /** False: the host is avoided, and the item has failed. */
  push(item: Item, key?: unknown): boolean {
    if (this.isAvoided) {
      item.failed(new TransportError('unreachable', `${this.#host} failed a moment ago.`));
      return false;
    }
    this.waiting.push(key, item);
    if (this.#isDue) return true;
    this.#isDue = true;
    // In a microtask, so that what is handed in together is sent together.
    queueMicrotask(() => {
      this.#isDue = false;
      this.start();
    });
    return true;
  }

  /** Sends what is worth it now; called when that may have changed. */
  start(): void {
    for (let batch = this.#policy.nextBatch(); batch.length > 0; batch = this.#policy.nextBatch()) this.#send(batch);
  }

  /** The host took, sent or acknowledged something. */
  progress(): void {
    this.#lastProgress = this.#clock.now();
  }

  /** Time since the last progress, of that since this moment. */
  quietFor(since: Milliseconds): Milliseconds {
    return this.#clock.now() - Math.max(since, this.#lastProgress);
  }

  /** True when something is in flight, and there was no progress for this long. */
  isStalled(milliseconds: Milliseconds): boolean {
    const oldest = this.oldestInFlight;
    return oldest !== undefined && this.quietFor(oldest.since) > milliseconds;
  }

  /** Everything that waits fails at once, and moves to another host. */
  avoid(span: Milliseconds, error: Error): void {
    this.#avoidedUntil = this.#clock.now() + span;
    for (const item of this.waiting.take(this.waiting.length)) item.failed(error);
  }

  #send(batch: readonly Item[]): void {
    this.#batches += 1;
    for (const item of batch) this.#inFlight.add(item);
    void this.#policy.carry(batch).finally(() => {
      this.#batches -= 1;
      for (const item of batch) this.#inFlight.delete(item);
      this.start();
    });
  }
}

/** Beyond this number those that are idle are dropped. */
const maxIdle = 256;

/** One per host, made on demand. */
export class PerPeer<Queue extends { contact: Contact; readonly idle: boolean }> {
  readonly #make: (contact: Contact) => Queue;
  readonly #known = new Map<HostId, Queue>();

  constructor(make: (contact: Contact) => Queue) {
    this.#make = make;
  }

  to(contact: Contact): Queue {
    const known = this.#known.get(contact.host);
    if (known !== undefined) {
      // At another address it is the same host, with all that is known of it.
      known.contact = contact;
      return known;
    }
    if (this.#known.size >= maxIdle) this.#sweep();
    const queue = this.#make(contact);
    this.#known.set(contact.host, queue);
    return queue;
  }

  #sweep(): void {
    for (const [host, queue] of this.#known) if (queue.idle) this.#known.delete(host);
  }
}
