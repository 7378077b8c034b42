/** How a running peer ends: it leaves for good, stops for a while, or is ended by what it finds out. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { RingHost } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { said } from '../sentences.ts';
import type { ObjectBlocks } from './build-blocks.ts';
import type { Closing } from './closing.ts';
import type { Data } from './data.ts';
import type { EventFan } from './event-fan.ts';
import type { NodeStatus } from './peer.ts';

interface Ending {
  readonly events: EventFan;
  /** Absolute path of the data folder. */
  readonly folder: string;
  readonly ring: RingHost;
  readonly data: Pick<Data, 'handOverEverything' | 'drainOnStop'>;
  /** Where blocks lie outside of the data folder, if any do. */
  readonly store: Pick<ObjectBlocks, 'erase'> | null;
}

/** Limit on making replicas at a stop; with the farewells it ends within 10 s (cli/end-signals.ts). */
const maxGivingMilliseconds = 4000;

export class PeerLifecycle {
  /** Resolves when the peer has stopped or left for any reason. */
  readonly ended: Promise<void>;
  readonly #parts: Ending;
  readonly #givenUp = new AbortController();
  #resources: Closing | null = null;
  #state: NodeStatus['state'] = 'member';
  #end: () => void = () => {};
  #ending: Promise<void> | null = null;
  #failure: ChordialError | null = null;
  #closing: string | null = null;

  constructor(parts: Ending) {
    this.#parts = parts;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Called once the peer runs; it closes these when it ends. */
  started(resources: Closing): void {
    this.#resources = resources;
    if (this.#givenUp.signal.aborted) this.abandon(this.#givenUp.signal.reason as ChordialError);
  }

  get state(): NodeStatus['state'] {
    return this.#state;
  }

  /** Fires when the peer is abandoned while it starts. */
  get givenUp(): AbortSignal {
    return this.#givenUp.signal;
  }

  /** What it waits for while it stops or leaves; else null. */
  get closing(): string | null {
    return this.#resources?.current ?? this.#closing;
  }

  /** Why it ended by itself; null until then. */
  get failure(): ChordialError | null {
    return this.#failure;
  }

  async leave(force: boolean): Promise<void> {
    this.assertMember();
    const { ring, data, events } = this.#parts;
    const others = ring.hostsWithPlaces();
    if (others.length === 0 && !ring.isClient && !force) {
      const message =
        'This is the last peer of the network: when it leaves, every file is gone. Start another peer first, or leave with --force.';
      throw new ChordialError('last-peer', message);
    }
    this.#state = 'leaving';
    try {
      events.tell({ kind: 'leaving', ...said('leaving', {}, 'Leaving for good: handing over what this peer holds') });
      if (others.length > 0) await data.handOverEverything();
      if (this.#ending !== null) throw stoppedMeanwhile();
    } catch (error) {
      if (this.#ending === null) this.#state = 'member';
      throw error;
    }
    await new Promise<void>((resolve) => ring.leave(true, resolve));
    this.#state = 'left';
    events.tell({ kind: 'left', ...said('left', {}, 'This peer has left the network for good') });
    this.#closing = 'removing its blocks from the object store';
    await this.#parts.store?.erase();
    await this.#shutDown(true);
  }

  async stop(): Promise<void> {
    if (this.#state === 'member') {
      this.#state = 'leaving';
      const { events, ring } = this.#parts;
      const text = 'Stopping: notifying the neighbours; data and place are kept';
      events.tell({ kind: 'stopping', ...said('stopping', {}, text) });
      this.#closing = 'giving replicas to others';
      await this.#drainOnStop();
      this.#closing = 'notifying the neighbours';
      await new Promise<void>((resolve) => ring.leave(false, resolve));
    }
    await this.#shutDown(false);
  }

  /**
   * Ends without notifying the others: another process has this identity, or it was removed. `ended` resolves then, and
   * `failure` gives the reason.
   */
  abandon(error: ChordialError): void {
    if (this.#resources === null) this.#givenUp.abort(error);
    if (this.#resources === null || this.#ending !== null) return;
    this.#failure = error;
    this.#state = 'leaving';
    void this.#shutDown(false);
  }

  assertMember(): void {
    if (this.#state === 'member') return;
    throw new ChordialError('not-a-member', `This peer is ${this.#state}: it is no longer a member of a ring.`);
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
        const seconds = maxGivingMilliseconds / 1000;
        const text = `Not everything could be given to others within ${seconds} s: they repair what is missing`;
        events.tell({ kind: 'stopping', ...said('not-all-given', { seconds }, text) });
      } else if (copies > 0) {
        const text = `Gave ${copies} replicas to others before stopping`;
        events.tell({ kind: 'moved', ...said('copies-given', { copies }, text) });
      }
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      events.tell({ kind: 'stopping', text: `Not everything could be given to others: ${error.message}` });
    }
  }

  #shutDown(forget: boolean): Promise<void> {
    this.#ending ??= (async () => {
      this.#closing = 'closing connections and the catalogue';
      try {
        await this.#resources?.[Symbol.asyncDispose]();
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

/** The genesis is removed last: until then a peer that is killed starts as a member and can leave again. */
const erased = [
  'uploads',
  'blocks',
  'cache',
  'catalog.sqlite',
  'catalog.sqlite-wal',
  'catalog.sqlite-shm',
  'admission.cbor',
  'genesis.cbor',
];

/** Forgets the network and what was stored for it. The key stays, so this peer keeps its identity elsewhere. */
async function eraseNetwork(folder: string): Promise<void> {
  for (const name of erased) await rm(path.join(folder, name), { recursive: true, force: true });
}
