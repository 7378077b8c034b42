/**
 * Transfers single blocks between this host and another, within limits on memory and bytes per second. They are
 * verified on both sides before they are passed on or stored.
 */

import type { Contact, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { verifyBlockBy } from '../../content/block-hashing.ts';
import { type Block, blockKey } from '../../content/cid.ts';
import { leafBytes } from '../../content/leaf-pool.ts';
import { ChordialError } from '../../errors.ts';
import { Semaphore } from '../../flow/semaphore.ts';
import { TokenBucket } from '../../flow/token-bucket.ts';
import { PerPeer } from '../../network/peer-queue.ts';
import { type Claim, claimVia } from '../../storage/claim-table.ts';
import type { BlockSet } from '../../storage/item-index.ts';
import { blockMessages } from '../block-messages.ts';
import { BlockReceiver } from '../block-receiver.ts';
import { pagesOfClaims } from '../claim-pages.ts';
import { chunks, SyncClient } from '../sync-client.ts';
import type { SyncPorts } from '../sync-ports.ts';
import { type Moved, reportFailure } from './moved.ts';

/** Blocks read or received and in flight. */
const maxBytesInFlight = 16 * 1024 * 1024;
/** Unused time is saved up to this much, so that small items do not wait one by one. */
const savedSeconds = 0.25;
/** After a block found no room here, none is fetched for this long. */
const noRoomMilliseconds: Milliseconds = 30_000;
const blocksPerExchange = 64;
const claimDeadlineMilliseconds = 5000;
/** For hosts that are only asked whether an item is there. */
const noDigest = '0'.repeat(32);

export class BlockMover {
  readonly #ports: SyncPorts;
  readonly #budget = new Semaphore(maxBytesInFlight);
  readonly #rate: TokenBucket;
  #noRoomUntil: Milliseconds = Number.NEGATIVE_INFINITY;
  readonly #sources: PerPeer<BlockReceiver>;

  constructor(ports: SyncPorts) {
    this.#ports = ports;
    this.#sources = new PerPeer((contact) => new BlockReceiver(contact, ports, ports.leaves));
    const { clock, bytesPerSecond } = ports;
    this.#rate = new TokenBucket({ burst: bytesPerSecond * savedSeconds, perSecond: bytesPerSecond }, () =>
      clock.now(),
    );
  }

  /** Whether the block is durable here; a failure is reported and retried in a later round. */
  async pull(host: Contact, cid: CID, signal: AbortSignal): Promise<Moved> {
    const { blocks, leaves } = this.#ports;
    await this.#budget.take(leafBytes);
    try {
      if (signal.aborted) return 'failed';
      if ((await blocks.size(cid)) !== null) return 'moved';
      // Not fetched only to find again that there is no room.
      if (this.#noRoomUntil > this.#ports.clock.now()) return 'full';
      const [claims = []] = await new SyncClient(this.#ports.transport, signal).claims(host, [blockKey(cid)]);
      if (claims.length === 0 || this.#ports.ended.areOver(claims)) return 'unclaimed';
      const bytes = await this.#sources.to(host).fetch({ cid, abandoned: false });
      if (bytes === null) return 'failed';
      await this.#rate.pass(bytes.length, this.#ports.clock, signal);
      await blocks.put([{ cid, bytes, claims: claims.map((claim) => claimVia(claim, host.host)) }]);
      leaves.giveBack(bytes);
      return 'moved';
    } catch (error) {
      if (isFull(error)) this.#noRoomUntil = this.#ports.clock.now() + noRoomMilliseconds;
      return this.#blockFailed(host, error);
    } finally {
      this.#budget.give(leafBytes);
    }
  }

  /** Whether the block is durable at the host. */
  async push(host: Contact, cid: CID, signal: AbortSignal): Promise<Moved> {
    const { blocks, senders, leaves, hashing, view } = this.#ports;
    const size = await blocks.size(cid);
    if (size === null) return 'failed';
    if (blocks.claimsOf(cid).length === 0) return 'unclaimed';
    await this.#budget.take(size);
    try {
      await this.#rate.pass(size, this.#ports.clock, signal);
      if (signal.aborted) return 'failed';
      const bytes = await blocks.get(cid, leaves);
      if (bytes === null) return 'failed';
      if (!(await verifyBlockBy(hashing, cid, bytes))) {
        this.#ports.damaged?.(cid);
        this.#ports.report?.(
          'wrong-bytes',
          view.self,
          `The own copy of block ${cid} is damaged; it was not passed on.`,
        );
        return 'failed';
      }
      await senders.to(host).store({ block: { cid, bytes }, claims: blocks.claimsOf(cid), abandoned: false });
      leaves.giveBack(bytes);
      this.#ports.recentlyTransferred?.note(host.host, blockKey(cid));
      return 'moved';
    } catch (error) {
      if (isEnded(error)) this.#ports.recentlyTransferred?.doubt(blockKey(cid));
      return this.#blockFailed(host, error);
    } finally {
      this.#budget.give(size);
    }
  }

  /**
   * From one host to others, without a place here: to the first targets that accept it, until this many hold it.
   * Resolves with these.
   */
  async passOn(
    source: Contact,
    { cid, key, set }: { readonly cid: CID; readonly key: string; readonly set: BlockSet },
    { targets, wanted }: { readonly targets: readonly Contact[]; readonly wanted: number },
    signal: AbortSignal,
  ): Promise<readonly Contact[]> {
    const client = new SyncClient(this.#ports.transport, signal);
    const holding: Contact[] = [];
    const lacking: Contact[] = [];
    for (const target of targets) {
      if (holding.length === wanted || signal.aborted) return holding;
      const asked = client.holds(target, [{ set, key, digest: noDigest }]);
      const answers = await asked.catch((error: unknown) => this.#failed(target, error));
      if (answers) (answers[0]?.held === 'absent' ? lacking : holding).push(target);
    }
    if (lacking.length === 0) return holding;
    await this.#budget.take(leafBytes);
    try {
      const bytes = await this.#sources.to(source).fetch({ cid, abandoned: false });
      const [claims = []] = await client.claims(source, [key]);
      if (bytes === null || claims.length === 0) return holding;
      for (const target of lacking) {
        if (holding.length === wanted || signal.aborted) break;
        await this.#rate.pass(bytes.length, this.#ports.clock, signal);
        if (await this.#given(target, { cid, bytes }, claims)) holding.push(target);
      }
      return holding;
    } catch (error) {
      this.#failed(source, error);
      return holding;
    } finally {
      this.#budget.give(leafBytes);
    }
  }

  async #given(target: Contact, block: Block, claims: readonly Claim[]): Promise<boolean> {
    try {
      await this.#ports.senders.to(target).store({ block, claims, abandoned: false });
      return true;
    } catch (error) {
      return this.#failed(target, error);
    }
  }

  /** Both sides have the claims of both when it resolves with true. */
  async exchangeClaims(host: Contact, cids: readonly CID[], signal: AbortSignal): Promise<boolean> {
    const { blocks, transport } = this.#ports;
    const client = new SyncClient(transport, signal);
    try {
      for (const some of chunks(cids, blocksPerExchange)) {
        if (signal.aborted) return false;
        const theirs = await client.claims(host, some.map(blockKey));
        const own = some.map((cid) => ({ cid, claims: blocks.claimsOf(cid) }));
        await blocks.claim(
          some.map((cid, position) => ({
            cid,
            claims: this.#ports.ended.standing(theirs[position] ?? []).map((claim) => claimVia(claim, host.host)),
          })),
        );
        const options = { deadline: claimDeadlineMilliseconds, signal };
        for (const page of pagesOfClaims(own)) await blockMessages.claim.ask(transport, host, page, options);
      }
      return true;
    } catch (error) {
      return this.#failed(host, error);
    }
  }

  #blockFailed(host: Contact, error: unknown): Moved {
    // Not a failure: a host that checked the names knows better than this one.
    if (isEnded(error)) return 'unclaimed';
    this.#failed(host, error);
    return isFull(error) ? 'full' : 'failed';
  }

  /** Affects this block alone. */
  #failed(host: Contact, error: unknown): false {
    reportFailure(this.#ports, host, error);
    return false;
  }
}

/** The host does not store the block: every put that needed it has ended. */
export function isEnded(error: unknown): boolean {
  return error instanceof ChordialError && error.code === 'ended';
}

function isFull(error: unknown): boolean {
  return error instanceof ChordialError && ['quota-full', 'disk-full', 'publisher-full'].includes(error.code);
}
