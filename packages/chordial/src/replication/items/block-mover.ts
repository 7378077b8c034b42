/**
 * Transfers single blocks between this host and another, within a limit on memory. They are
 * verified on both sides before they are passed on or stored.
 */

import type { Contact, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { verifyBlockBy } from '../../content/block-hashing.ts';
import { type Block, blockKey } from '../../content/cid.ts';
import { leafBytes } from '../../content/leaf-pool.ts';
import { ChordialError } from '../../errors.ts';
import { Semaphore } from '../../flow/semaphore.ts';
import { PerPeer } from '../../network/peer-queue.ts';
import { type Claim, claimVia } from '../../storage/claim-table.ts';
import { blockMessages } from '../block-messages.ts';
import { BlockReceiver } from '../block-receiver.ts';
import { pagesOfClaims } from '../claim-pages.ts';
import { chunks, SyncClient } from '../sync-client.ts';
import type { SyncPorts } from '../sync-ports.ts';
import { type Moved, reportFailure } from './moved.ts';

/** Blocks read or received and in flight. */
const maxBytesInFlight = 16 * 1024 * 1024;
/** After a block found no room here, none is fetched for this long. */
const noRoomMilliseconds: Milliseconds = 30_000;
const blocksPerExchange = 64;
const deadlineMilliseconds = 5000;

export class BlockMover {
  readonly #ports: SyncPorts;
  readonly #budget = new Semaphore(maxBytesInFlight);
  #noRoomUntil: Milliseconds = Number.NEGATIVE_INFINITY;
  readonly #sources: PerPeer<BlockReceiver>;

  constructor(ports: SyncPorts) {
    this.#ports = ports;
    this.#sources = new PerPeer((contact) => new BlockReceiver(contact, ports, ports.leaves, 'repair'));
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
      await senders
        .to(host)
        .store({ block: { cid, bytes }, claims: blocks.claimsOf(cid), traffic: 'repair', abandoned: false });
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
    cid: CID,
    { targets, wanted }: { readonly targets: readonly Contact[]; readonly wanted: number },
    signal: AbortSignal,
  ): Promise<readonly Contact[]> {
    const client = new SyncClient(this.#ports.transport, signal);
    const holding: Contact[] = [];
    const lacking: Contact[] = [];
    for (const target of targets) {
      if (holding.length === wanted || signal.aborted) return holding;
      const asked = blockMessages.has.ask(
        this.#ports.transport,
        target,
        { cids: [cid] },
        { deadline: deadlineMilliseconds, signal },
      );
      const there = await asked.catch((error: unknown) => this.#failed(target, error));
      // Cache is no copy: that host is offered it, and counts its own.
      if (there) (there.cached.has(0) || (there.sizes[0] ?? -1) < 0 ? lacking : holding).push(target);
    }
    if (lacking.length === 0) return holding;
    await this.#budget.take(leafBytes);
    try {
      const bytes = await this.#sources.to(source).fetch({ cid, abandoned: false });
      const [claims = []] = await client.claims(source, [blockKey(cid)]);
      if (bytes === null || claims.length === 0) return holding;
      for (const target of lacking) {
        if (holding.length === wanted || signal.aborted) break;
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
      await this.#ports.senders.to(target).store({ block, claims, traffic: 'repair', abandoned: false });
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
        const options = { deadline: deadlineMilliseconds, signal };
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
