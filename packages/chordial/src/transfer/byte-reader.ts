/** Takes a stream apart by lines and lengths. */
import type { ChordialError } from '../errors.ts';

/** A path of 64 folders may exceed the limits of every system. */
const maxLineBytes = 64 * 1024;

export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #malformed: (what: string) => ChordialError;
  #held: Buffer = Buffer.alloc(0);

  /** @param malformed makes the error of a stream that contains this */
  constructor(source: AsyncIterator<Uint8Array>, malformed: (what: string) => ChordialError) {
    this.#source = source;
    this.#malformed = malformed;
  }

  async line(): Promise<string> {
    for (let from = 0; ; ) {
      const at = this.#held.indexOf('\n', from);
      if (at !== -1) {
        const line = this.#held.subarray(0, at).toString();
        this.#held = this.#held.subarray(at + 1);
        return line;
      }
      from = this.#held.length;
      if (from > maxLineBytes) throw this.#malformed('a line without end');
      await this.#more();
    }
  }

  async take(bytes: number): Promise<Buffer> {
    if (this.#held.length < bytes) {
      const parts = [this.#held];
      for (let length = this.#held.length; length < bytes; length += this.#held.length) {
        this.#held = Buffer.alloc(0);
        await this.#more();
        parts.push(this.#held);
      }
      this.#held = Buffer.concat(parts);
    }
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    return taken;
  }

  /** Whether no further byte comes. */
  async isAtEnd(): Promise<boolean> {
    while (this.#held.length === 0) {
      const { value, done } = await this.#source.next();
      if (done === true) return true;
      this.#held = bufferOf(value);
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#source.next();
    if (done === true) throw this.#malformed('an end in the middle');
    this.#held = this.#held.length === 0 ? bufferOf(value) : Buffer.concat([this.#held, value]);
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
