/** A stream on the wire: 4 bytes of length (big-endian), so many bytes of DAG-CBOR, then the raw payload to the end. */
import { constants } from 'node:http2';
import type { StreamWatch } from './stream-watch.ts';
import { type IncomingPayload, type OutgoingStream, type TakePiece, TransportError, type Wire } from './transport.ts';
import { decodeBody, encodeBody, maximumBodyBytes, tooLarge } from './wire-body.ts';

const lengthBytes = 4;

export function encodeHeaderFrame(header: Wire): Buffer {
  const body = encodeBody(header);
  const frame = Buffer.allocUnsafe(lengthBytes + body.length);
  frame.writeUInt32BE(body.length);
  frame.set(body, lengthBytes);
  return frame;
}

/** Reads a stream's header once and then its payload. */
export class FrameReader {
  readonly #watch: StreamWatch;
  #rest: Buffer | null = null;

  constructor(watch: StreamWatch) {
    this.#watch = watch;
  }

  async header(): Promise<Wire> {
    const length = (await this.#take(lengthBytes)).readUInt32BE();
    if (length > maximumBodyBytes) throw tooLarge(length);
    return decodeBody(await this.#take(length));
  }

  /** `stopped` is told when the reader stops before the end. */
  payload(stopped: () => void): IncomingPayload {
    const pieces = this.#pieces(stopped);
    return { [Symbol.asyncIterator]: () => pieces, drain: (take) => this.#drain(take, stopped) };
  }

  async #drain(take: TakePiece, stopped: () => void): Promise<void> {
    const watch = this.#watch;
    try {
      const rest = this.#rest;
      this.#rest = null;
      if (rest !== null) await take(rest);
      await watch.flow(take);
      if (watch.failure !== null) throw watch.failure;
      if (!watch.ended) throw new TransportError('aborted', 'The stream ended before its end.');
    } finally {
      if (!watch.ended) stopped();
    }
  }

  async *#pieces(stopped: () => void): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = await this.#chunk();
        if (chunk === null) return;
        yield chunk;
      }
    } finally {
      if (!this.#watch.ended) stopped();
    }
  }

  /** A short answer that is not framed: a refusal. Cut off at `mostBytes`. */
  async text(mostBytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let length = 0;
    while (length < mostBytes && !this.#watch.ended && !this.#watch.stream.destroyed) {
      const chunk: Buffer | null = this.#watch.stream.read();
      if (chunk === null) {
        await this.#watch.event();
        continue;
      }
      parts.push(chunk);
      length += chunk.length;
    }
    return Buffer.concat(parts);
  }

  async #take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const chunk = await this.#chunk();
      if (chunk === null) throw new TransportError('refused', 'A stream ended within its header.', 'bad-request');
      if (chunk.length > missing) this.#rest = chunk.subarray(missing);
      parts.push(chunk.subarray(0, missing));
      missing -= Math.min(missing, chunk.length);
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** What has arrived, else waits for it; null at a clean end. */
  async #chunk(): Promise<Buffer | null> {
    const watch = this.#watch;
    if (this.#rest !== null) {
      const rest = this.#rest;
      this.#rest = null;
      return rest;
    }
    for (;;) {
      const chunk: Buffer | null = watch.stream.destroyed ? null : watch.stream.read();
      if (chunk !== null) return chunk;
      const { failure } = watch;
      if (failure !== null) throw failure;
      if (watch.ended) return null;
      await watch.event();
    }
  }
}

/**
 * Sends header and payload and ends our side. Takes the next chunk of the producer only when the last has left for the
 * socket. A producer that fails, or a stream that breaks, ends both.
 */
export async function sendStream(watch: StreamWatch, { header, payload }: OutgoingStream): Promise<void> {
  const { stream } = watch;
  const frame = encodeHeaderFrame(header);
  if (payload === undefined) {
    stream.write(frame);
    watch.finish();
    return;
  }
  stream.write(frame);
  const producer = payload[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await watch.next(producer);
      if (step === null) return;
      if (step.done === true) break;
      if (step.value.length === 0 || stream.write(step.value)) continue;
      while (stream.writableNeedDrain && !stream.closed && !stream.destroyed) await watch.event();
    }
    watch.finish();
  } catch (error) {
    watch.fail(new TransportError('aborted', `What was to be sent broke off: ${(error as Error).message}`));
  } finally {
    if (!stream.writableEnded || stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
      // Not awaited: a producer that waits inside hears of it when it wakes.
      void producer.return?.()?.catch(() => undefined);
    }
  }
}
