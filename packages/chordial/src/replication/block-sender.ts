/**
 * Stores blocks at one host: what several puts want to store there is sent together, over a few streams. It bounds no
 * memory itself: callers hold bytes against a Semaphore.
 */

import type { Contact, Milliseconds } from '@chordial/ring';
import type { Block } from '../content/cid.ts';
import { ChordialError, isErrorCode } from '../errors.ts';
import type { TrafficClass } from '../network/bandwidth.ts';
import { PeerQueue, type Queued } from '../network/peer-queue.ts';
import { TransportError } from '../network/transport.ts';
import type { Claim } from '../storage/claim-table.ts';
import { blockMessages, type ClaimedCid, maxRelayMilliseconds } from './block-messages.ts';
import { maxClaimsPerMessage } from './claim-messages.ts';
import { pagesOfClaims } from './claim-pages.ts';
import type { DataPorts } from './data-ports.ts';
import { PathDelay } from './path-delay.ts';

const maxStreams = 3;
/**
 * On long paths. Blocks arrive one by one, as others complete, and each is sent at once: 32 of 1 MiB in flight are 1
 * Gbit/s at a round trip of 200 ms.
 */
const maxStreamsOfLongPath = 32;
const maxBatchBytes = 4 * 1024 * 1024;
const maxBatchBlocks = 64;
/** While a stream is in flight, new blocks wait for it or for this many bytes, since two requests cost more than they gain. */
const minBytesBeside = 2 * 1024 * 1024;
const minBlocksBeside = 16;
/** On a long path each must be sent at once; only small ones are batched. */
const minBytesBesideOfLongPath = 256 * 1024;
/** For a leaf. Below this a request costs more than sending what may already be there. */
export const minPartToAskFirst = 1 / 4;
/** Granularity of progress, which distinguishes a slow path from a dead one. */
const pieceBytes = 256 * 1024;
/** Silence after which a host has failed; fsync on a busy disk stays well below. */
const silenceMilliseconds = 5000;
/** How long after it held something back the own limit is the reason that the receiver waits. */
const ownLimitMilliseconds = 5000;
/** A failed host is skipped for a moment, so that not every waiting block finds out by itself. */
const avoidedMilliseconds = 1000;
/** A full host gets nothing as large as what it refused for this long; it still accepts claims on blocks that it has. */
const fullMilliseconds = 30_000;

/**
 * A replica wanted at the host. `abandoned` is set by the caller that no longer needs it; if not in flight it is then
 * not sent.
 */
export interface WantedCopy {
  readonly block: Block;
  /** Become durable there together with the block, also when another caller stored it. */
  readonly claims: readonly Claim[];
  /** The host is asked to forward it to the others of this many places; 0: it is not. */
  readonly relay?: number;
  /** Another host may have forwarded it: ask before sending. */
  readonly mayBeThere?: boolean;
  /** What people wait for unless given. */
  readonly traffic?: TrafficClass;
  abandoned: boolean;
}

type ClaimedCopy = Block & Pick<WantedCopy, 'claims' | 'relay' | 'mayBeThere' | 'traffic'>;

interface Waiting extends Queued {
  readonly copy: WantedCopy;
  readonly stored: () => void;
}

export class BlockSender {
  contact: Contact;
  readonly #ports: DataPorts;
  readonly #queue: PeerQueue<Waiting>;
  #waitingBytes = 0;
  /** By the own limit. */
  #heldBackAt: Milliseconds = Number.NEGATIVE_INFINITY;
  /** The smallest block that was refused for lack of room, and until when that is assumed. */
  #full: { readonly bytes: number; readonly until: Milliseconds } | null = null;

  readonly #delay = new PathDelay();
  readonly #presence = new Presence();

  constructor(contact: Contact, ports: DataPorts) {
    this.contact = contact;
    this.#ports = ports;
    this.#queue = new PeerQueue(contact.host, ports.clock, {
      nextBatch: () => this.#nextBatch(),
      carry: (batch) => this.#carry(batch),
    });
  }

  get idle(): boolean {
    return this.#queue.idle;
  }

  /** Resolves when the block is durable at the host, also when another caller stored it. Rejects with a TransportError or ChordialError. */
  store(copy: WantedCopy): Promise<void> {
    return new Promise((stored, failed) => {
      if (this.#queue.push({ copy, since: this.#ports.clock.now(), stored, failed }))
        this.#waitingBytes += copy.block.bytes.length;
    });
  }

  /** Much must be in flight to it. */
  get isFar(): boolean {
    return this.#delay.isLong;
  }

  /** True when something waits here, and the host acknowledged nothing and accepted no byte for this long. */
  isStalled(milliseconds: Milliseconds): boolean {
    // Its answer waits for its forwarding.
    const relaying = this.#queue.oldestInFlight?.copy.relay ? maxRelayMilliseconds : 0;
    return this.#queue.isStalled(milliseconds + relaying);
  }

  #nextBatch(): readonly Waiting[] {
    const most = this.isFar ? maxStreamsOfLongPath : maxStreams;
    while (this.#queue.batchesInFlight < most && this.#isWorthAStream()) {
      const batch = this.#takeBatch();
      if (batch.length > 0) return batch;
    }
    return [];
  }

  #isWorthAStream(): boolean {
    const waiting = this.#queue.waiting.length;
    const atOnce = this.isFar ? maxStreams : 1;
    if (this.#queue.batchesInFlight < atOnce || waiting >= minBlocksBeside) return waiting > 0;
    return this.#waitingBytes >= (this.isFar ? minBytesBesideOfLongPath : minBytesBeside);
  }

  #takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    let claims = 0;
    while (batch.length < maxBatchBlocks) {
      const next = this.#queue.waiting.peek();
      if (next === undefined) break;
      const { length } = next.copy.block.bytes;
      const isTooMuch = bytes + length > maxBatchBytes || claims + next.copy.claims.length > maxClaimsPerMessage;
      const isOfOthers = batch[0]?.copy.traffic !== next.copy.traffic;
      if (batch.length > 0 && (isTooMuch || isOfOthers)) break;
      this.#queue.waiting.take(1);
      this.#waitingBytes -= length;
      if (next.copy.abandoned) {
        next.failed(new TransportError('aborted', 'The copy is no longer wanted.'));
        continue;
      }
      bytes += length;
      claims += next.copy.claims.length;
      batch.push(next);
    }
    return batch;
  }

  async #carry(batch: readonly Waiting[]): Promise<void> {
    try {
      const here = this.contact.host === this.#ports.view.self.host;
      const blocks = batch.map(({ copy: { block, claims, relay = 0, mayBeThere = false, traffic = 'people' } }) => ({
        ...block,
        claims: here ? claims : claims.slice(0, maxClaimsPerMessage),
        relay,
        mayBeThere,
        traffic,
      }));
      const results = here ? await this.#keep(blocks) : await this.#sendWhatFits(blocks);
      if (!here) {
        this.#noteRoom(blocks, results);
        await this.#sendFurtherClaims(batch, results);
      }
      this.#queue.progress();
      batch.forEach((waiting, index) => {
        const result = results[index] ?? 'internal';
        if (result === 'stored' || result === 'present') waiting.stored();
        else waiting.failed(refusal(this.contact, result));
      });
    } catch (error) {
      for (const waiting of batch) waiting.failed(error as Error);
      if (error instanceof TransportError && error.failure !== 'aborted') this.#avoid(error);
    }
  }

  /** This host's own replica; a batch that does not fit is tried block by block. */
  async #keep(blocks: readonly ClaimedCopy[]): Promise<readonly string[]> {
    try {
      await this.#ports.blocks.put(blocks);
      return blocks.map(() => 'stored');
    } catch (error) {
      if (!(error instanceof ChordialError) || error.code !== 'quota-full' || blocks.length === 1) throw error;
    }
    const results: string[] = [];
    for (const block of blocks) results.push(...(await this.#keep([block]).catch(codeOf)));
    return results;
  }

  /** Nothing as large as what was just refused for lack of room is sent. */
  async #sendWhatFits(blocks: readonly ClaimedCopy[]): Promise<readonly string[]> {
    await this.#lookForRoom(blocks);
    const refused = this.#full !== null && this.#full.until > this.#ports.clock.now() ? this.#full.bytes : null;
    const large = blocks.filter(({ bytes }) => refused !== null && bytes.length >= refused);
    if (large.length === 0) return this.#send(blocks);
    const small = blocks.filter((block) => !large.includes(block));
    const held = await this.#ask(large);
    const sent = small.length === 0 ? [] : await this.#send(small);
    return blocks.map((block) => {
      const position = large.indexOf(block);
      if (position === -1) return sent[small.indexOf(block)] ?? 'internal';
      return (held[position] ?? -1) < 0 ? 'quota-full' : 'present';
    });
  }

  /** A refused block may have been abandoned meanwhile. */
  async #lookForRoom(blocks: readonly ClaimedCopy[]): Promise<void> {
    const refused = this.#full?.bytes;
    if (refused === undefined || blocks.every(({ bytes }) => bytes.length < refused)) return;
    const options = { deadline: silenceMilliseconds };
    const needed = blocks.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const { room } = await blockMessages.room.ask(this.#ports.transport, this.contact, { bytes: needed }, options);
    if (room >= needed) this.#full = null;
  }

  #noteRoom(blocks: readonly ClaimedCopy[], results: readonly string[]): void {
    const now = this.#ports.clock.now();
    if (this.#full !== null && this.#full.until <= now) this.#full = null;
    for (const [index, { bytes }] of blocks.entries()) {
      const result = results[index];
      if (result !== 'quota-full' && result !== 'disk-full') continue;
      // Tried again now and then: an assumption does not extend itself.
      const until = this.#full?.until ?? now + fullMilliseconds;
      this.#full = { bytes: Math.min(this.#full?.bytes ?? bytes.length, bytes.length), until };
    }
  }

  async #send(blocks: readonly ClaimedCopy[]): Promise<readonly string[]> {
    const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
    const results: string[] = blocks.map(() => 'present');
    const isLarge = bytes >= minPartToAskFirst * this.#ports.leaves.size;
    const isRelayed = blocks.some(({ mayBeThere }) => mayBeThere);
    const isAsked = isLarge && (isRelayed || this.#presence.isWorthAsking);
    const there = isAsked ? await this.#ask(blocks) : [];
    // A forwarded block says nothing about what the host had.
    if (isAsked && !isRelayed) this.#presence.answered(there);
    const missing = blocks.flatMap((block, index) => ((there[index] ?? -1) < 0 ? [{ block, index }] : []));
    if (missing.length === 0) return results;
    const { traffic = 'people' } = missing[0]!.block;
    const offered = missing.map(
      ({
        block: {
          cid,
          bytes: { length: size },
          claims,
          relay = 0,
        },
      }) => ({ cid, size, claims, relay, repair: traffic === 'repair' }),
    );
    const payload = bytesOf(
      missing.map(({ block }) => block),
      () => this.#queue.progress(),
    );
    const heldBack = (): void => {
      this.#heldBackAt = this.#ports.clock.now();
      this.#queue.progress();
    };
    // What the own limit makes slow fills buffers there slowly too.
    const receiverHeldBack = (): void => {
      if (this.#ports.clock.now() - this.#heldBackAt > ownLimitMilliseconds)
        this.#ports.limitedPeers?.note(this.contact);
    };
    const outgoing = { header: blockMessages.put.encode(offered), payload, heldBack, receiverHeldBack };
    const { transport } = this.#ports;
    const answer = await transport.stream(this.contact, blockMessages.put.kind, outgoing, {
      deadline: silenceMilliseconds,
      traffic,
    });
    const { results: stored } = blockMessages.put.decodeAnswer(answer.header, offered);
    if (isLarge && !isAsked) this.#presence.sentUnasked(stored);
    missing.forEach(({ index }, position) => {
      results[index] = stored[position] ?? 'internal';
    });
    for await (const _ of answer.payload)
      throw new TransportError('refused', `${this.contact.host} sends bytes with its results.`);
    return results;
  }

  /** Blocks already there get the claims; the others are sent. */
  async #ask(blocks: readonly ClaimedCid[]): Promise<readonly number[]> {
    const start = this.#ports.clock.now();
    const options = { deadline: silenceMilliseconds };
    const { sizes } = await blockMessages.claim.ask(this.#ports.transport, this.contact, blocks, options);
    this.#delay.answeredAfter(this.#ports.clock.now() - start);
    return sizes;
  }

  /** Claims that were not sent with their blocks; without them the block could be freed while names still refer to it. */
  async #sendFurtherClaims(batch: readonly Waiting[], results: readonly string[]): Promise<void> {
    const further = batch.flatMap(({ copy: { block, claims } }, index) => {
      const isThere = results[index] === 'stored' || results[index] === 'present';
      const rest = claims.slice(maxClaimsPerMessage);
      return isThere && rest.length > 0 ? [{ cid: block.cid, claims: rest }] : [];
    });
    for (const page of pagesOfClaims(further)) await this.#ask(page);
  }

  /** Everything still waiting for a failed host moves to another at once. */
  #avoid(error: TransportError): void {
    if (error.failure !== 'refused') this.#ports.view.suspect(this.contact);
    this.#ports.report?.(error.failure === 'refused' ? 'refused' : 'no-answer', this.contact, error.message);
    this.#waitingBytes = 0;
    this.#queue.avoid(avoidedMilliseconds, error);
  }
}

function codeOf(error: unknown): readonly string[] {
  if (error instanceof ChordialError) return [error.code];
  throw error;
}

/** @param left called whenever a piece has been sent */
async function* bytesOf(blocks: readonly Block[], left: () => void): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { bytes } of blocks) {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      yield bytes.subarray(at, at + pieceBytes);
      left();
    }
  }
}

function refusal(contact: Contact, code: string): ChordialError {
  const message = `${contact.host} did not store a block: ${code}.`;
  return new ChordialError(isErrorCode(code) ? code : 'internal', message);
}

/** Absent blocks in a row before asking stops. */
const blocksToBeSure = 16;
/** At most this many are then sent unasked, so that a path that has become long is noticed too. */
const blocksUnasked = 128;

export class Presence {
  #absentInARow = 0;
  #unasked = 0;

  get isWorthAsking(): boolean {
    return this.#absentInARow < blocksToBeSure || this.#unasked >= blocksUnasked;
  }

  /** The host's answers to requests. */
  answered(sizes: readonly number[]): void {
    this.#unasked = 0;
    const last = sizes.findLastIndex((size) => size >= 0);
    this.#absentInARow = last === -1 ? this.#absentInARow + sizes.length : sizes.length - 1 - last;
  }

  /** The host's results for blocks sent unasked. */
  sentUnasked(results: readonly string[]): void {
    this.#unasked += results.length;
    if (results.includes('present')) this.#absentInARow = 0;
  }
}
