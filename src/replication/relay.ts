/**
 * A holder hands a block that it was just sent on to the block's other places, when the sender asks for it: that spares the
 * sender's link, which on a long way is what is short. It hands on to the places that it sees itself, so that no one can
 * make it dial whom he likes; and its word counts for nothing: the sender asks each place whether it has the block, and sends
 * it itself where it has not. So a relay that dies, lies or is late costs time and never a copy.
 */

import { type HostId, ringIdOfHash } from '@chordial/ring';
import { type Block, blockKey } from '../content/cid.ts';
import type { Claim } from '../storage/claim-table.ts';
import { maxRelayMilliseconds } from './block-messages.ts';
import type { WantedCopy } from './block-sender.ts';
import type { BlockSenders } from './block-senders.ts';
import type { DataPorts } from './data-ports.ts';

/** Beyond it blocks are not handed on: the sender does it. */
const maxRelayedBytes = 8 * 1024 * 1024;
/** Reckoned for each at least, so that many small ones are bounded too. */
const minBytesHeld = 32 * 1024;

export class Relay {
  readonly #ports: Pick<DataPorts, 'view' | 'placement' | 'clock' | 'report'>;
  readonly #lanes: BlockSenders;
  #bytesUnderWay = 0;

  constructor(ports: Pick<DataPorts, 'view' | 'placement' | 'clock' | 'report'>, lanes: BlockSenders) {
    this.#ports = ports;
    this.#lanes = lanes;
  }

  /**
   * Resolves when the other of the block's `copies` places have it or cannot have it now, or when that takes too long.
   * Never rejects.
   *
   * @param from who sent it, and sees to its own copy.
   * @returns whether no one looks at the bytes any more.
   */
  async pass(block: Block, claims: readonly Claim[], copies: number, from: HostId): Promise<boolean> {
    const held = Math.max(block.bytes.length, minBytesHeld);
    if (this.#bytesUnderWay + held > maxRelayedBytes) return true;
    this.#bytesUnderWay += held;
    const copy: WantedCopy = { block, claims, abandoned: false };
    const late = Promise.withResolvers<boolean>();
    const timer = this.#ports.clock.after(maxRelayMilliseconds, () => {
      copy.abandoned = true;
      late.resolve(false);
    });
    const handed = this.#handOn(copy, copies, from).finally(() => {
      this.#bytesUnderWay -= held;
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
      // Who is no place of it as far as it knows, has an old picture of the ring.
      if (!places.some(({ host }) => host === view.self.host)) return true;
      const others = places.filter(({ host }) => host !== view.self.host && host !== from);
      await Promise.allSettled(others.map((place) => this.#lanes.to(place).store(copy)));
    } catch (error) {
      report?.('no-answer', view.self, `A block could not be handed on: ${(error as Error).message}`);
    }
    return true;
  }
}
