/**
 * Several blocks as one byte stream, each read into its own buffer. Pieces from transports that do not do so themselves
 * are copied.
 */

import { type BlockBuffers, drainPayload, type IncomingPayload } from '../network/transport.ts';
import { malformed } from '../wire/transport-error.ts';

/** Reads blocks of known sizes. Rejects with a TransportError when the stream breaks, or is shorter or longer than they are. */
export async function receiveBlocks(payload: IncomingPayload, receiver: BlockBuffers): Promise<void> {
  if (payload.receive !== undefined) return payload.receive(receiver);
  const blocks = new ArrivingBlocks(receiver);
  try {
    await blocks.finishEmpty();
    await drainPayload(payload, (piece) => {
      receiver.progress?.(piece.length);
      return blocks.take(piece);
    });
    await blocks.finishEmpty();
    if (!blocks.areAllThere) throw malformed('fewer bytes came than its blocks have');
  } finally {
    blocks.abandon();
  }
}

/** A piece is accepted at once unless the next block is waiting for its buffer. */
class ArrivingBlocks {
  readonly #sizes: readonly number[];
  readonly #receiving: BlockBuffers;
  #index = 0;
  #block: Uint8Array | null = null;
  #filled = 0;

  constructor(receiving: BlockBuffers) {
    this.#sizes = receiving.sizes;
    this.#receiving = receiving;
  }

  /** No more pieces will come. */
  abandon(): void {
    if (this.#block !== null) this.#receiving.abandoned?.(this.#index, this.#block.length);
    this.#block = null;
  }

  get areAllThere(): boolean {
    return this.#index >= this.#sizes.length;
  }

  take(piece: Uint8Array): Promise<void> | undefined {
    for (let rest = piece; rest.length > 0; ) {
      if (this.#block === null) {
        const size = this.#sizes[this.#index];
        if (size === undefined) throw malformed('more bytes came than its blocks have');
        const buffer = size === 0 ? this.finishEmpty() : this.#receiving.allocate(this.#index, size);
        if (buffer instanceof Promise) return this.#takeLater(buffer, rest);
        this.#block = buffer;
      }
      rest = this.#fill(this.#block, rest);
    }
    return undefined;
  }

  /** Empty blocks that come next are complete without bytes. */
  async finishEmpty(): Promise<null> {
    while (this.#sizes[this.#index] === 0) {
      this.#receiving.complete(this.#index, await this.#receiving.allocate(this.#index, 0));
      this.#index += 1;
    }
    return null;
  }

  async #takeLater(buffer: Promise<Uint8Array | null>, rest: Uint8Array): Promise<void> {
    this.#block = await buffer;
    await this.take(rest);
  }

  /** The rest of the piece when the block is full. */
  #fill(block: Uint8Array, piece: Uint8Array): Uint8Array {
    const missing = block.length - this.#filled;
    block.set(piece.length <= missing ? piece : piece.subarray(0, missing), this.#filled);
    if (piece.length < missing) {
      this.#filled += piece.length;
      return nothing;
    }
    this.#block = null;
    this.#filled = 0;
    this.#receiving.complete(this.#index, block);
    this.#index += 1;
    return piece.length === missing ? nothing : piece.subarray(missing);
  }
}

const nothing = new Uint8Array(0);
