/**
 * Buffers for messages in flight, over all batches and hosts: bounds their bytes and reuses memory, since a megabyte of
 * fresh memory for each of hundreds of messages keeps the garbage collector busy.
 */
import { maxPutBytes } from './share-messages.ts';

const smallestBytes = 64 * 1024;

/** Frees memory at once, which the garbage collector does too late for large buffers. It must not be read any more. */
export function giveBack(memory: readonly Buffer[]): void {
  for (const { buffer } of memory) (buffer as ArrayBuffer).transfer(0);
}

export class MessageSlots {
  readonly #most: number;
  #used = 0;
  readonly #free: Buffer[] = [];
  readonly #waiting: (() => void)[] = [];

  /** @param most messages at a time, of at most 1 MiB each */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Runs `use` with a buffer of at least this size in its turn. A buffer whose use failed may still be read, and is not
   * reused.
   */
  async with<T>(bytes: number, use: (memory: Buffer) => Promise<T>): Promise<T> {
    while (this.#used >= this.#most) await new Promise<void>((start) => this.#waiting.push(start));
    this.#used += 1;
    try {
      const memory = this.#memory(bytes);
      const result = await use(memory);
      this.#free.push(memory);
      return result;
    } finally {
      this.#used -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Called when no message is in flight. */
  giveBack(): void {
    giveBack(this.#free);
  }

  #memory(bytes: number): Buffer {
    const free = this.#free.pop();
    if (free !== undefined && free.length >= bytes) return free;
    let size = smallestBytes;
    while (size < bytes) size *= 2;
    return Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(size, maxPutBytes)));
  }
}
