/**
 * Reads from a socket directly into our buffers. Node offers that (`onread`) for dialled sockets, not for accepted
 * ones, and only at creation; it costs half of what `data` events cost (docs/decisions/0020). Both kinds of sockets
 * store it under the same three symbols, which a temporary socket reveals. Where Node differs, `data` events do the
 * same with a copy.
 */
import { Socket } from 'node:net';

export interface ByteSink {
  /** Destination of the next bytes; at least one byte long. */
  space(): Uint8Array;
  /** That many bytes were written at the start of the space last handed out. */
  filled(bytes: number): void;
}

interface UserBuffers {
  readonly buffer: symbol;
  readonly generator: symbol;
  readonly callback: symbol;
}

type Handle = { readonly useUserBuffer?: (buffer: Uint8Array) => void };
type Inside = Record<symbol, unknown> & { readonly _handle?: Handle | null };

const userBuffers = find();

/**
 * From now on all bytes go to the sink, already received ones first. An error thrown by the sink destroys the socket.
 * `plain` is for tests: by `data` events.
 * @returns whether bytes arrive without a copy of ours
 */
export function readInto(socket: Socket, sink: ByteSink, plain = false): boolean {
  const inside = socket as unknown as Inside;
  const handle = inside._handle;
  const guarded = (take: () => void): void => {
    try {
      if (!socket.destroyed) take();
    } catch (error) {
      socket.destroy(error as Error);
    }
  };
  const copy = (piece: Uint8Array): void => {
    for (let rest = piece; rest.length > 0; ) {
      const space = sink.space();
      const count = Math.min(space.length, rest.length);
      space.set(count === rest.length ? rest : rest.subarray(0, count));
      sink.filled(count);
      rest = rest.subarray(count);
    }
  };
  for (let early: Buffer | null = socket.read(); early !== null; early = socket.read()) {
    const piece = early;
    guarded(() => copy(piece));
  }
  const direct = !plain && userBuffers !== null && typeof handle?.useUserBuffer === 'function';
  if (!direct) {
    socket.on('data', (piece) => guarded(() => copy(piece)));
    return false;
  }
  inside[userBuffers.buffer] = true;
  inside[userBuffers.generator] = () => sink.space();
  inside[userBuffers.callback] = (bytes: number) => guarded(() => sink.filled(bytes));
  const first = sink.space();
  inside[userBuffers.buffer] = first;
  handle.useUserBuffer?.(first);
  socket.resume();
  return true;
}

function find(): UserBuffers | null {
  const [generator, callback] = [() => new Uint8Array(1), () => true];
  const probe = new Socket({ onread: { buffer: generator, callback } }) as unknown as Inside;
  const symbols = Object.getOwnPropertySymbols(probe);
  const holding = (value: unknown) => symbols.find((symbol) => probe[symbol] === value);
  const buffer = symbols.find((symbol) => symbol.description === 'kBuffer');
  const [kGenerator, kCallback] = [holding(generator), holding(callback)];
  (probe as unknown as Socket).destroy();
  if (buffer === undefined || kGenerator === undefined || kCallback === undefined) return null;
  return { buffer, generator: kGenerator, callback: kCallback };
}
