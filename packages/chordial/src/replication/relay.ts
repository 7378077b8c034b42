/**
 * Forwards a block that was just received to the block's other places, at the sender's request: that spares the
 * sender's link, the bottleneck on a long path. It forwards to the places that it sees itself, so that it cannot be
 * made to dial arbitrary hosts; and its result is not trusted: the sender asks each place whether it has the block, and
 * sends it itself where it has not. So a relay that dies, lies or is late costs time and never a replica.
 */

import { type HostId, ringIdOfHash } from '@chordial/ring';
import { type Block, blockKey } from '../content/cid.ts';
import type { PerPeer } from '../network/peer-queue.ts';
import type { Claim } from '../storage/claim-table.ts';
import { maxRelayMilliseconds } from './block-messages.ts';
import type { BlockSender, WantedCopy } from './block-sender.ts';
import type { DataPorts } from './data-ports.ts';

/** Beyond this blocks are not forwarded: the sender sends them. */
const maxRelayedBytes = 8 * 1024 * 1024;
/** Minimum accounted per block, so that many small ones are bounded too. */
const minBytesHeld = 32 * 1024;

export class Relay {
  readonly #ports: Pick<DataPorts, 'view' | 'placement' | 'clock' | 'report'>;
  readonly #senders: PerPeer<BlockSender>;
  #bytesInFlight = 0;

  constructor(ports: Pick<DataPorts, 'view' | 'placement' | 'clock' | 'report'>, senders: PerPeer<BlockSender>) {
    this.#ports = ports;
    this.#senders = senders;
  }

  /**
   * Resolves when the others of the block's `copies` places have it or cannot have it now, or when that takes too long.
   * Never rejects.
   * @param from the sender, which takes care of its own replica
   * @returns whether the bytes are no longer in use
   */
  async pass(block: Block, claims: readonly Claim[], copies: number, from: HostId): Promise<boolean> {
    const held = Math.max(block.bytes.length, minBytesHeld);
    if (this.#bytesInFlight + held > maxRelayedBytes) return true;
    this.#bytesInFlight += held;
    const copy: WantedCopy = { block, claims, traffic: 'serving', abandoned: false };
    const late = Promise.withResolvers<boolean>();
    const timer = this.#ports.clock.after(maxRelayMilliseconds, () => {
      copy.abandoned = true;
      late.resolve(false);
    });
    const handed = this.#handOn(copy, copies, from).finally(() => {
      this.#bytesInFlight -= held;
    });
    try {
      return await Promise.race([handed, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  async #handOn(copy: WantedCopy, copies: number, from: HostId): Promise<boolean> {
    const { view, placement, report } = this.#ports;
    try {
      const key = ringIdOfHash(blockKey(copy.block.cid), view.shape.bits);
      const places = await placement.places(key, copies);
      // Not in our replica set: our view of the ring is stale.
      if (!places.some(({ host }) => host === view.self.host)) return true;
      const others = places.filter(({ host }) => host !== view.self.host && host !== from);
      await Promise.allSettled(others.map((place) => this.#senders.to(place).store(copy)));
    } catch (error) {
      report?.('no-answer', view.self, `A block could not be handed on: ${(error as Error).message}`);
    }
    return true;
  }
}
