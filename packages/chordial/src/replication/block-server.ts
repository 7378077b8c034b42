/**
 * The holder's side: reports, sends and accepts blocks. Received blocks are verified before they are stored, and
 * acknowledged only when durable. Memory is bounded: beyond the limits requests wait.
 */

import type { Contact } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { type BlockHashing, verifyBlockBy } from '../content/block-hashing.ts';
import { blockKey } from '../content/cid.ts';
import { type LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { ByteSemaphore } from '../flow/byte-semaphore.ts';
import type { IncomingPayload } from '../network/transport.ts';
import type { BlockStore, ClaimedBlock } from '../storage/block-store.ts';
import { type Claim, claimVia } from '../storage/claim-table.ts';
import type { Registry } from '../wire/message.ts';
import type { AuthoritativeRanges } from './authoritative-ranges.ts';
import {
  absentSize,
  blockMessages,
  type ClaimedCid,
  type HeldBlock,
  type HeldSizes,
  type OfferedBlock,
  type Room,
  unknownSize,
} from './block-messages.ts';
import { receiveBlocks } from './block-payload.ts';
import type { ClaimOwners } from './claim-owners.ts';
import type { InPlaceBlocks } from './data-ports.ts';
import type { Relay } from './relay.ts';
import type { SupersededPuts } from './superseded-puts.ts';

/** Blocks received and not durable yet. */
const maxIncomingBytes = 16 * 1024 * 1024;
/** Blocks read from disk and not yet taken by the connection. */
const maxOutgoingBytes = 8 * 1024 * 1024;
/** Reserved, each way, for hosts that hold nothing yet. */
const maxReservedBytes = 8 * 1024 * 1024;

export interface BlockServerEvents {
  /** Newly stored blocks are durable now. */
  stored?(from: Contact, blocks: number, bytes: number): void;
  sent?(to: Contact, blocks: number, bytes: number): void;
  refused?(from: Contact, code: string): void;
  /** A host wants a copy of a block here that is cache. */
  wanted?(key: string): void;
  /** A host received, or claims to have received, corrupt bytes of these blocks. */
  suspected?(cids: readonly CID[]): void;
}

export interface BlockStanding extends Pick<AuthoritativeRanges, 'covers'> {
  /** Whether the block is cache here and does not count as a replica. */
  isCached(key: string): boolean;
}

interface Serving {
  readonly blocks: BlockStore;
  readonly leaves: LeafPool;
  readonly hashing: BlockHashing;
  /** Authoritative ranges, and pointers of this host. */
  readonly standing: BlockStanding;
  readonly events?: BlockServerEvents;
  /** Served as well, but not counted as replicas. */
  readonly shared?: InPlaceBlocks;
  /** Blocks with only these claims are refused. */
  readonly ended: SupersededPuts;
  /** Forwards blocks on request of their sender. */
  readonly relay: Pick<Relay, 'pass'>;
  /** Limits per owner; without it there are none. */
  readonly owners?: ClaimOwners;
}

export class BlockServer {
  readonly #blocks: BlockStore;
  readonly #events: BlockServerEvents;
  readonly #leaves: LeafPool;
  readonly #hashing: BlockHashing;
  readonly #standing: BlockStanding;
  readonly #shared: InPlaceBlocks | null;
  readonly #ended: SupersededPuts;
  readonly #relay: Pick<Relay, 'pass'>;
  readonly #owners: ClaimOwners | null;
  readonly #incoming = new ByteSemaphore(maxIncomingBytes, maxReservedBytes);
  readonly #outgoing = new ByteSemaphore(maxOutgoingBytes, maxReservedBytes);

  constructor({ blocks, leaves, hashing, standing, events, shared, ended, relay, owners }: Serving) {
    this.#owners = owners ?? null;
    this.#relay = relay;
    this.#ended = ended;
    this.#shared = shared ?? null;
    this.#leaves = leaves;
    this.#hashing = hashing;
    this.#standing = standing;
    this.#blocks = blocks;
    this.#events = events ?? {};
  }

  /** @param durably what is said to be held here is said when it would survive a power cut */
  answerIn(
    registry: Registry<Contact, IncomingPayload>,
    durably: <Answer>(answer: Answer) => Promise<Answer>,
  ): Registry<Contact, IncomingPayload> {
    return registry
      .on(blockMessages.has, async ({ cids }) => durably(await this.has(cids)))
      .on(blockMessages.room, ({ bytes }, from) => this.room(from, bytes))
      .on(blockMessages.check, ({ cids }) => {
        this.check(cids);
        return {};
      })
      .on(blockMessages.claim, async (asked, from) => ({ sizes: await this.claim(from, asked) }))
      .onStream(blockMessages.get, async ({ cids, repair }, from, incoming) => {
        incoming.countAs?.(repair ? 'repair' : 'serving');
        const { sizes, payload } = await this.get(from, cids);
        return { answer: { sizes }, payload };
      })
      .onStream(blockMessages.put, async (offered, from, payload) => {
        payload.countAs?.(offered.every(({ repair }) => repair) ? 'repair' : 'serving');
        return { answer: { results: await this.put(from, offered, payload) } };
      });
  }

  /** `blocks.has` */
  async has(cids: readonly CID[]): Promise<HeldSizes> {
    const sizes = await this.#sizesOf(cids);
    const cached = cids.flatMap((cid, position) => (this.#standing.isCached(blockKey(cid)) ? [position] : []));
    return { sizes, cached: new Set(cached) };
  }

  /** `blocks.room` */
  async room(from: Contact, bytes: number): Promise<Room> {
    await this.#owners?.askIfTight(from.host, bytes);
    return { room: this.#blocks.roomFor(from.host), gives: this.#blocks.quotaBytes };
  }

  /** `blocks.check` */
  check(cids: readonly CID[]): void {
    this.#events.suspected?.(cids);
  }

  /** `blocks.claim`: the sizes of the blocks that are here. */
  async claim(from: Contact, asked: readonly ClaimedCid[]): Promise<readonly number[]> {
    const taken = asked.map(({ cid, claims }) =>
      this.#wasLetGo(claims, from) ? null : this.#fitting(cid, claims, from),
    );
    const isTaken = asked.map(({ claims }, index) => claims.length === 0 || (taken[index]?.length ?? 0) > 0);
    const standing = asked.map(({ cid }, index) => ({ cid, claims: taken[index] ?? [] }));
    const sizes = await this.#blocks.claim(standing);
    for (const [index, { cid }] of asked.entries()) if (isTaken[index] && sizes[index] !== null) this.#want(cid);
    return sizes.map((size, index) => (isTaken[index] ? (size ?? absentSize) : absentSize));
  }

  /** `blocks.get` */
  async get(
    to: Contact,
    cids: readonly CID[],
  ): Promise<{ readonly sizes: readonly number[]; readonly payload: AsyncIterable<Uint8Array> }> {
    const sizes = await Promise.all(
      cids.map(
        async (cid) => (await this.#blocks.size(cid)) ?? (await this.#shared?.size(cid)) ?? this.#sizeOfNone(cid),
      ),
    );
    const held = cids.flatMap((cid, index) => (sizes[index]! < 0 ? [] : [{ cid, size: sizes[index]! }]));
    return { sizes, payload: this.#bytesOf(to, held) };
  }

  /** `blocks.put`: of each block `stored`, `present` or an error code. */
  async put(from: Contact, offered: readonly OfferedBlock[], payload: IncomingPayload): Promise<readonly string[]> {
    const results: Promise<string>[] = [];
    const sizes = offered.map(({ size }) => size);
    let newBytes = 0;
    try {
      await receiveBlocks(payload, {
        sizes,
        allocate: async (_, size) => {
          await this.#incoming.take(from.host, size);
          return size === leafBytes ? this.#leaves.take() : unpooledBuffer(size);
        },
        complete: (index, bytes) => {
          const block = { ...offered[index]!, bytes };
          const kept = this.#keep(block, from).finally(() => this.#incoming.give(from.host, bytes.length));
          results[index] = kept.then((result) => this.#handOn(block, from, result));
          // Awaited when the stream has ended; until then a rejection must not be unhandled.
          results[index].catch(() => undefined);
        },
        abandoned: (_, size) => this.#incoming.give(from.host, size),
      });
    } finally {
      await Promise.allSettled(results);
    }
    const settled = await Promise.all(results);
    const fresh = settled.filter((result) => result === 'stored').length;
    settled.forEach((result, index) => {
      if (result === 'stored') newBytes += sizes[index] ?? 0;
    });
    if (fresh > 0) this.#events.stored?.(from, fresh, newBytes);
    return settled;
  }

  /** Null when no claim is accepted: the block then counts as absent, and is refused with its bytes, which tells why. */
  #fitting(cid: CID, offered: readonly Claim[], from: Contact): readonly Claim[] | null {
    const claims = ownedBy(this.#ended.standing(offered), from);
    try {
      return this.#owners?.fitting(blockKey(cid), claims) ?? claims;
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      this.#events.refused?.(from, error.code);
      return null;
    }
  }

  /** The publisher continues a put of which this host has released blocks: it has to start again. */
  #wasLetGo(claims: readonly Claim[], { host }: Contact): boolean {
    return claims.some((claim) => claim.publisher === host && this.#ended.gaveUp(claim));
  }

  #sizesOf(cids: readonly CID[]): Promise<readonly number[]> {
    return Promise.all(cids.map(async (cid) => (await this.#blocks.size(cid)) ?? this.#sizeOfNone(cid)));
  }

  #sizeOfNone(cid: CID): number {
    return this.#standing.covers(blockKey(cid)) ? absentSize : unknownSize;
  }

  async #keep(
    { cid, bytes, repair, claims: offered = [] }: ClaimedBlock & Pick<OfferedBlock, 'repair'>,
    from: Contact,
  ): Promise<string> {
    if (!(await verifyBlockBy(this.#hashing, cid, bytes))) {
      this.#events.refused?.(from, 'bad-content');
      return 'bad-content';
    }
    // In repair the publisher is a holder like others: the put may have been committed nevertheless.
    if (!repair && this.#wasLetGo(offered, from)) return 'ended';
    const standing = ownedBy(this.#ended.standing(offered), from);
    try {
      const claims = this.#owners?.fitting(blockKey(cid), standing) ?? standing;
      const [size] = await this.#blocks.claim([{ cid, claims }]);
      if (typeof size === 'number') {
        this.#want(cid);
        return 'present';
      }
      if (this.#ended.areOver(offered)) return 'ended';
      await this.#owners?.checkBlock(claims, bytes.length);
      await this.#blocks.put([{ cid, bytes, claims }]);
      return 'stored';
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      this.#events.refused?.(from, error.code);
      return error.code;
    }
  }

  #want(cid: CID): void {
    const key = blockKey(cid);
    if (this.#standing.isCached(key)) this.#events.wanted?.(key);
  }

  /** The result, once the block is no longer being stored. */
  async #handOn(block: ClaimedBlock & { readonly relay: number }, from: Contact, result: string): Promise<string> {
    if (result !== 'stored') return result;
    const { relay, claims = [] } = block;
    const isDone = relay === 0 || (await this.#relay.pass(block, claims, relay, from.host));
    if (isDone) this.#leaves.giveBack(block.bytes);
    return result;
  }

  async #held(cid: CID): Promise<Uint8Array | null> {
    try {
      return await this.#blocks.get(cid, this.#leaves);
    } catch (error) {
      if (error instanceof ChordialError && error.code === 'bad-content') this.#events.suspected?.([cid]);
      throw error;
    }
  }

  async *#bytesOf(to: Contact, held: readonly HeldBlock[]): AsyncGenerator<Uint8Array, void, undefined> {
    let sentBytes = 0;
    for (const { cid, size } of held) {
      const room = this.#outgoing.takeOrWait(to.host, size);
      let isWaiting = room !== null;
      try {
        if (isWaiting) yield waitsForRoom;
        await room;
        isWaiting = false;
        const bytes = (await this.#held(cid)) ?? (await this.#shared?.read(cid, this.#leaves)) ?? null;
        // The sizes were already sent: from here a failure can only break the stream.
        if (bytes === null || bytes.length !== size)
          throw new ChordialError('changed', `Block ${cid} went away while it was sent.`);
        yield bytes;
        // Asked for the next one: the connection has taken this one.
        this.#leaves.giveBack(bytes);
        sentBytes += size;
      } finally {
        const give = (): void => this.#outgoing.give(to.host, size);
        if (isWaiting) void room?.then(give);
        else give();
      }
    }
    if (held.length > 0) this.#events.sent?.(to, held.length, sentBytes);
  }
}

const waitsForRoom = new Uint8Array(0);

const ownedBy = (claims: readonly Claim[], { host }: Contact): readonly Claim[] =>
  claims.map((claim) => claimVia(claim, host));
