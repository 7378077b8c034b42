/**
 * The network as seen by everything above: a request with an answer, or a stream of bytes. Implementations: HTTP/2 over
 * mutual TLS 1.3 (production), in memory (tests), the simulator's. All pass one contract suite
 * (test/contracts/transport.ts).
 *
 * Bodies are values of the DAG-CBOR data model (null, boolean, integer, float, string, Uint8Array, array, plain object,
 * CID). Receivers treat them as hostile and validate them before use.
 */

import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import { TransportError, type TransportFailure, type Wire } from '../wire/transport-error.ts';
import type { TrafficClass } from './bandwidth.ts';

export { TransportError, type TransportFailure, type Wire };

export interface RequestOptions {
  readonly deadline: Milliseconds;
  readonly signal?: AbortSignal;
  /** Of a stream; `people` by default. */
  readonly traffic?: TrafficClass;
}

export interface IncomingStream {
  readonly header: Wire;
  /**
   * Ends cleanly only when the sender finished; fails with a TransportError otherwise. Backpressure: unread data is
   * bounded.
   */
  readonly payload: IncomingPayload;
}

export interface IncomingPayload extends AsyncIterable<Uint8Array> {
  /**
   * The same without promises per piece, which cost more than its bytes (drainPayload). Nothing is delivered while
   * a promise returned by `take` is pending. Rejects like the iteration, or with what `take` threw.
   */
  drain?(take: TakePiece): Promise<void>;
  /**
   * The whole payload as blocks of known sizes, each read directly into its buffer. Rejects with a TransportError when
   * it fails or its length differs, or with what the receiver threw.
   */
  receive?(receiver: BlockBuffers): Promise<void>;
  /** Under which class the bytes of its exchange count, both ways; said before the first is read. */
  countAs?(traffic: TrafficClass): void;
}

/** Where the blocks of a payload go. */
export interface BlockBuffers {
  readonly sizes: readonly number[];
  /** The buffer of block `index`, of exactly `size` bytes; may wait for memory. Requested in order, some ahead. */
  allocate(index: number, size: number): Uint8Array | Promise<Uint8Array>;
  /** Block `index` is complete, though not yet verified. In order. */
  complete(index: number, bytes: Uint8Array): void;
  /** An allocated buffer that will not be filled; the transport may still write into it. */
  abandoned?(index: number, size: number): void;
  /** Called for every piece. */
  progress?(bytes: number): void;
  /** This host's own limit lets the sender wait: it is not silent. Called again while it does. */
  heldBack?(): void;
  /** The sender says that a limit of its own lets this host wait. Called again while it does. */
  senderHeldBack?(): void;
}

/** It copies what it needs: the transport owns the bytes. */
export type TakePiece = (piece: Uint8Array) => Promise<void> | undefined;

export interface OutgoingStream {
  readonly header: Wire;
  /** An empty piece: the next one waits for memory here, and not for a disk. */
  readonly payload?: AsyncIterable<Uint8Array>;
  /** This host's own limit holds the payload back. Called again while it does. */
  readonly heldBack?: () => void;
  /** The receiver says that a limit of its own lets this host wait. Called again while it does. */
  readonly receiverHeldBack?: () => void;
}

export interface Handlers {
  /**
   * A small request. A thrown TransportError('refused') answers with its message; any other error is 'refused' too, and
   * logged. `seenAt` is the IP address from which its connection comes; null for one from this machine, or without any.
   */
  request(from: Contact, kind: string, body: Wire, seenAt: string | null): Promise<Wire>;
  /** A bulk exchange: the caller's stream in, ours out. */
  stream(from: Contact, kind: string, incoming: IncomingStream): Promise<OutgoingStream>;
  /** Any authenticated packet from this host, at most every 100 ms per host. */
  heard?(from: Contact): void;
  /** Whether it is a ring neighbour, for which connections are reserved. */
  isNeighbour?(host: HostId): boolean;
}

export interface Transport {
  readonly self: HostId;
  /** Starts to accept connections; rejects with a ChordialError (`port-in-use`, …). */
  serve(handlers: Handlers): Promise<void>;
  /** On the control connection; bodies of at most 1 MiB each way. */
  request(to: Contact, kind: string, body: Wire, options: RequestOptions): Promise<Wire>;
  /** On a bulk connection. The deadline limits silence (no byte in either direction), not the whole transfer. */
  stream(to: Contact, kind: string, outgoing: OutgoingStream, options: RequestOptions): Promise<IncomingStream>;
  /** Round-trip of a liveness probe (HTTP/2 PING) in milliseconds; rejects like request. */
  ping(to: Contact, timeout: Milliseconds): Promise<Milliseconds>;
  close(): Promise<void>;
}

/** Reads a payload to its end in the fastest way that its transport offers. */
export async function drainPayload(payload: IncomingPayload, take: TakePiece): Promise<void> {
  if (payload.drain !== undefined) return payload.drain(take);
  for await (const piece of payload) await take(piece);
}
