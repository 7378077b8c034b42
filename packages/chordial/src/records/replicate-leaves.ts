/**
 * Sends the leaves of a batch to their places: per host one message for as many adjacent leaves as fit, which share a
 * proof. Durable when every leaf is on all but r − w of its places; failed hosts are retried with places looked up
 * again.
 */

import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { TransportError } from '../network/transport.ts';
import type { ShareBatch } from './leaf-cutter.ts';
import { proveRun } from './merkle-run.ts';
import { maxLeavesPerMessage, maxPutBytes, maxRunsPerMessage, shareMessages } from './share-messages.ts';
import { addWork, type ByHost, placesOfCells, type SharePorts } from './share-places.ts';

/** Verification and a commit on a busy disk, after other such messages. */
const silenceMilliseconds: Milliseconds = 10_000;
const maxRounds = 4;
const pauseMilliseconds: Milliseconds = 500;
const hostConcurrency = 16;
const messagesPerHost = 2;

interface LeafRun {
  readonly first: number;
  readonly count: number;
}

interface SignedBatch {
  readonly batch: ShareBatch;
  readonly header: Uint8Array;
}

/**
 * Resolves with the hosts that accepted leaves. Rejects with `too-few-copies`, or with the reason for which a host
 * refused the batch.
 */
export async function spreadBatch(
  signed: SignedBatch,
  ports: SharePorts,
  buffers: MessageBuffers,
  signal: AbortSignal,
): Promise<ReadonlySet<HostId>> {
  const spread = new ReplicateLeaves(signed, ports, buffers, signal);
  for (let round = 1; ; round++) {
    const left = await spread.round();
    if (left === 0) return spread.hosts;
    if (round === maxRounds) throw spread.failure(left);
    ports.placement.clear();
    await new Promise<void>((resolve) => ports.clock.after(pauseMilliseconds, resolve));
  }
}

class ReplicateLeaves {
  readonly hosts = new Set<HostId>();
  readonly #batch: ShareBatch;
  readonly #header: Uint8Array;
  readonly #ports: SharePorts;
  readonly #buffers: MessageBuffers;
  readonly #signal: AbortSignal;
  /** Hosts that have each leaf. */
  readonly #acknowledged: Set<HostId>[];
  #lastFailure: Error | null = null;

  constructor({ batch, header }: SignedBatch, ports: SharePorts, buffers: MessageBuffers, signal: AbortSignal) {
    this.#batch = batch;
    this.#header = header;
    this.#ports = ports;
    this.#buffers = buffers;
    this.#signal = signal;
    this.#acknowledged = batch.leaves.map(() => new Set());
  }

  /** Resolves with the number of leaves that are not durable yet. */
  async round(): Promise<number> {
    this.#signal.throwIfAborted();
    const { cells } = this.#batch;
    const byCell = await placesOfCells(cells, this.#ports);
    const placesOfLeaf = cells.map((cell) => byCell.get(cell) ?? []);
    const byHost: ByHost<number> = new Map();
    for (const [leaf, places] of placesOfLeaf.entries())
      for (const host of places) if (!this.#acknowledged[leaf]!.has(host.host)) addWork(byHost, host, leaf);
    await forEachConcurrently(byHost.values(), hostConcurrency, async ({ host, work }) => {
      await forEachConcurrently(this.#messages(work), messagesPerHost, (runs) => this.#send(host, runs));
    });
    const { replicas, writeQuorum } = this.#ports.rule;
    const isDurable = (places: readonly Contact[], leaf: number): boolean => {
      const held = places.filter(({ host }) => this.#acknowledged[leaf]!.has(host)).length;
      return held >= Math.max(1, Math.min(places.length, writeQuorum), places.length - (replicas - writeQuorum));
    };
    return placesOfLeaf.filter((places, leaf) => !isDurable(places, leaf)).length;
  }

  failure(left: number): Error {
    const why = this.#lastFailure?.message ?? 'no host was there';
    if (this.#lastFailure instanceof ChordialError && this.#lastFailure.code === 'publisher-full')
      return this.#lastFailure;
    return new ChordialError(
      'too-few-copies',
      `${left} of ${this.#batch.leaves.length} pieces of an announcement became durable on too few hosts (${why}). Try again when more peers are up.`,
    );
  }

  /** Leaves of one host in order, as runs of adjacent ones, as many per message as fit. */
  *#messages(leaves: readonly number[]): Generator<readonly LeafRun[], void, undefined> {
    let runs: { first: number; count: number }[] = [];
    let [count, bytes] = [0, 0];
    for (const leaf of leaves) {
      const size = this.#batch.leaves[leaf]!.length;
      const last = runs.at(-1);
      const follows = last !== undefined && last.first + last.count === leaf;
      const isFull =
        bytes + size > maxPutBytes || count === maxLeavesPerMessage || (!follows && runs.length === maxRunsPerMessage);
      if (isFull) {
        yield runs;
        [runs, count, bytes] = [[], 0, 0];
      }
      if (follows && !isFull) last.count += 1;
      else runs.push({ first: leaf, count: 1 });
      count += 1;
      bytes += size;
    }
    if (runs.length > 0) yield runs;
  }

  async #send(host: Contact, runs: readonly LeafRun[]): Promise<void> {
    try {
      const results = await this.#store(host, runs);
      this.hosts.add(host.host);
      for (const [index, { first, count }] of runs.entries()) {
        if (results[index] === 'stored')
          for (let leaf = first; leaf < first + count; leaf++) this.#acknowledged[leaf]!.add(host.host);
        else this.#lastFailure = refusal(host, results[index] ?? 'internal');
      }
    } catch (error) {
      if (this.#signal.aborted) throw error;
      this.#lastFailure = error as Error;
      if (error instanceof TransportError && error.failure !== 'refused') this.#ports.view.suspect(host);
      this.#ports.report?.('no-answer', host, (error as Error).message);
    }
  }

  async #store(host: Contact, runs: readonly LeafRun[]): Promise<readonly string[]> {
    const { transport, holder, view } = this.#ports;
    const { leaves, tree } = this.#batch;
    const offered = runs.map(({ first, count }) => {
      return { first, leaves: leaves.slice(first, first + count), proof: proveRun(tree, first, count) };
    });
    if (host.host === view.self.host)
      return holder.keep(
        host,
        offered.map((run) => ({ ...run, header: this.#header })),
      );
    const put = {
      headers: [this.#header],
      runs: offered.map((run) => ({
        batch: 0,
        first: run.first,
        sizes: run.leaves.map(({ length }) => length),
        proof: run.proof,
      })),
    };
    const pieces = offered.flatMap((run) => run.leaves);
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    return this.#buffers.with(bytes, async (memory) => {
      this.#signal.throwIfAborted();
      const payload = asOnePiece(pieces, memory);
      const options = { deadline: silenceMilliseconds, signal: this.#signal, traffic: 'repair' } as const;
      const header = shareMessages.put.encode(put);
      const answer = await transport.stream(host, shareMessages.put.kind, { header, payload }, options);
      return shareMessages.put.decodeAnswer(answer.header, put).results;
    });
  }
}

/** Thousands of small pieces would each cost a frame. */
async function* asOnePiece(leaves: readonly Uint8Array[], memory: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  let end = 0;
  for (const leaf of leaves) {
    memory.set(leaf, end);
    end += leaf.length;
  }
  yield memory.subarray(0, end);
}

function refusal(host: Contact, code: string): ChordialError {
  if (code === 'publisher-full')
    return new ChordialError(
      'publisher-full',
      `${host.host} takes no more entries of this publisher. Share fewer files.`,
    );
  return new ChordialError('internal', `${host.host} did not store entries of shares: ${code}.`);
}

const smallestBufferBytes = 64 * 1024;

/** Frees memory at once, which the garbage collector does too late for large buffers. It must not be read any more. */
export function giveBack(memory: readonly Buffer[]): void {
  for (const { buffer } of memory) (buffer as ArrayBuffer).transfer(0);
}

/**
 * For messages in flight, over all batches and hosts: bounds their bytes and reuses memory, since a megabyte of fresh
 * memory for each of hundreds of messages keeps the garbage collector busy.
 */
export class MessageBuffers {
  readonly #semaphore: Semaphore;
  readonly #free: Buffer[] = [];

  /** @param max messages at a time, of at most 1 MiB each */
  constructor(max: number) {
    this.#semaphore = new Semaphore(max);
  }

  /**
   * Runs `use` with a buffer of at least this size in its turn. A buffer whose use failed may still be read, and is not
   * reused.
   */
  with<T>(bytes: number, use: (memory: Buffer) => Promise<T>): Promise<T> {
    return this.#semaphore.pass(async () => {
      const memory = this.#memory(bytes);
      const result = await use(memory);
      this.#free.push(memory);
      return result;
    });
  }

  /** Called when no message is in flight. */
  giveBack(): void {
    giveBack(this.#free);
  }

  #memory(bytes: number): Buffer {
    const free = this.#free.pop();
    if (free !== undefined && free.length >= bytes) return free;
    let size = smallestBufferBytes;
    while (size < bytes) size *= 2;
    return Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(size, maxPutBytes)));
  }
}
