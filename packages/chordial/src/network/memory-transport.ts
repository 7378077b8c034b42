/**
 * In-process transports for tests. Bodies are encoded as real DAG-CBOR, so that nothing passes that could not be sent.
 * Hosts can be stopped, partitioned and slowed.
 */

import type { Clock, Contact, HostId, Milliseconds } from '@chordial/ring';
import { parseAddress } from './addresses.ts';
import { systemClock } from './system-clock.ts';
import {
  type Handlers,
  type IncomingStream,
  type OutgoingStream,
  type RequestOptions,
  type Transport,
  TransportError,
  type Wire,
} from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

/** State of a host: `dead` refuses connections, `silent` accepts them and never answers. */
export type Health = 'alive' | 'silent' | 'dead';

export class MemoryNetwork {
  readonly clock: Clock;
  readonly #byAddress = new Map<string, MemoryTransport>();
  readonly #health = new Map<HostId, Health>();
  readonly #sideOf = new Map<HostId, number>();
  /** One way, between any two hosts. */
  delay: (from: HostId, to: HostId) => Milliseconds = () => 0;
  /** Whether the current message is lost: its sender waits in vain. */
  loses: (from: HostId, to: HostId) => boolean = () => false;
  /** Whether the current request arrives twice, as after a retry. */
  doubles: (from: HostId, to: HostId) => boolean = () => false;

  /** Whether some way leads to a host from another; answers need none. */
  leads: (from: HostId, to: HostId) => boolean = () => true;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
  }

  /** A transport for `host`, reachable at the addresses of `transport.contact`; at the old one after a restart. */
  transport(host: HostId, given?: string): MemoryTransport {
    const number = this.#byAddress.size + 1;
    const address = given ?? `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}:4848`;
    const transport = new MemoryTransport(this, { host, addresses: [address] });
    this.#byAddress.set(address, transport);
    return transport;
  }

  setHealth(host: HostId, health: Health): void {
    this.#health.set(host, health);
  }

  /** Hosts of different groups cannot communicate; hosts without a group are in group 0. */
  partition(...groups: readonly (readonly HostId[])[]): void {
    this.#sideOf.clear();
    for (const [side, hosts] of groups.entries()) for (const host of hosts) this.#sideOf.set(host, side);
  }

  heal(): void {
    this.#sideOf.clear();
  }

  /** The host at the contact's addresses; throws like dialling. */
  dial(from: HostId, to: Contact): MemoryTransport {
    for (const address of to.addresses) {
      const transport = this.#byAddress.get(address);
      if (transport === undefined || !transport.serving || this.healthOf(transport.self) === 'dead') continue;
      if (transport.self !== to.host) {
        throw new TransportError(
          'unreachable',
          `At ${address} answers ${transport.self}, not ${to.host}.`,
          'wrong-peer',
        );
      }
      if (this.leads(from, to.host)) return transport;
    }
    throw new TransportError('unreachable', `${from} cannot reach ${to.host} at ${to.addresses.join(', ')}.`);
  }

  healthOf(host: HostId): Health {
    return this.#health.get(host) ?? 'alive';
  }

  /** Whether a message from `from` now arrives at `to`. */
  delivers(from: HostId, to: HostId): boolean {
    const together = (this.#sideOf.get(from) ?? 0) === (this.#sideOf.get(to) ?? 0);
    return together && this.healthOf(from) === 'alive' && this.healthOf(to) === 'alive';
  }
}

export class MemoryTransport implements Transport {
  readonly self: HostId;
  readonly contact: Contact;
  readonly #network: MemoryNetwork;
  readonly #closing = new AbortController();
  #handlers: Handlers | null = null;

  constructor(network: MemoryNetwork, contact: Contact) {
    this.#network = network;
    this.self = contact.host;
    this.contact = contact;
  }

  get serving(): boolean {
    return this.#handlers !== null && !this.#closing.signal.aborted;
  }

  async serve(handlers: Handlers): Promise<void> {
    this.#handlers = handlers;
  }

  async request(to: Contact, kind: string, body: Wire, options: RequestOptions): Promise<Wire> {
    const bytes = encodeBody(body);
    return this.#within(options, async () => {
      const other = this.#network.dial(this.self, to);
      if (this.#network.doubles(this.self, to.host)) void this.#again(other, kind, bytes);
      await this.#travel(this.self, to.host);
      const answer = await other.#answer(this.contact, kind, bytes);
      await other.#travel(to.host, this.self);
      this.#handlers?.heard?.(to);
      return decodeBody(answer);
    });
  }

  async stream(to: Contact, kind: string, outgoing: OutgoingStream, options: RequestOptions): Promise<IncomingStream> {
    const header = encodeBody(outgoing.header);
    // If either payload fails, the exchange is aborted for both, like a stream reset.
    const broken = new AbortController();
    const given = options.signal === undefined ? broken.signal : AbortSignal.any([broken.signal, options.signal]);
    return this.#within({ ...options, signal: given }, async () => {
      const other = this.#network.dial(this.self, to);
      await this.#travel(this.self, to.host);
      const signal = AbortSignal.any([given, this.#closing.signal, other.#closing.signal]);
      const between = { signal, broken, clock: this.#network.clock, silence: options.deadline };
      const arrives = (from: HostId, target: HostId) => () =>
        this.#network.delivers(from, target) && !this.#network.loses(from, target);
      const answer = await other.#exchange(this.contact, kind, {
        header: decodeBody(header),
        payload: memoryPayload(outgoing.payload, { ...between, arrives: arrives(this.self, to.host) }),
      });
      await other.#travel(to.host, this.self);
      return {
        header: decodeBody(encodeBody(answer.header)),
        payload: memoryPayload(answer.payload, { ...between, arrives: arrives(to.host, this.self) }),
      };
    });
  }

  async ping(to: Contact, timeout: Milliseconds): Promise<Milliseconds> {
    const { clock } = this.#network;
    const start = clock.now();
    await this.#within({ deadline: timeout }, async () => {
      this.#network.dial(this.self, to);
      await this.#travel(this.self, to.host);
      await this.#travel(to.host, this.self);
    });
    return clock.now() - start;
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #answer(from: Contact, kind: string, bytes: Uint8Array): Promise<Uint8Array> {
    const handlers = this.#heard(from);
    try {
      const [address] = from.addresses;
      const seenAt = address === undefined ? null : parseAddress(address).host;
      return encodeBody(await handlers.request(from, kind, decodeBody(bytes), seenAt));
    } catch (error) {
      throw refusal(error);
    }
  }

  async #exchange(from: Contact, kind: string, incoming: IncomingStream): Promise<OutgoingStream> {
    const handlers = this.#heard(from);
    try {
      return await handlers.stream(from, kind, incoming);
    } catch (error) {
      throw refusal(error);
    }
  }

  #heard(from: Contact): Handlers {
    if (this.#handlers === null) throw new TransportError('unreachable', `${this.self} does not serve.`);
    this.#handlers.heard?.(from);
    return this.#handlers;
  }

  /** The answer to the duplicate is dropped: the first one was awaited. */
  async #again(other: MemoryTransport, kind: string, bytes: Uint8Array): Promise<void> {
    await this.#travel(this.self, other.self);
    await other.#answer(this.contact, kind, bytes).catch((error: TransportError) => error);
  }

  /** What this end sends; resolves when it arrives, never if it is lost or this end is gone. */
  async #travel(from: HostId, to: HostId): Promise<void> {
    const network = this.#network;
    const isLost = network.loses(from, to) || this.#closing.signal.aborted;
    const delay = network.delay(from, to);
    if (delay > 0) await new Promise<void>((resolve) => network.clock.after(delay, resolve));
    if (isLost || !network.delivers(from, to)) await new Promise<never>(() => {});
  }

  #within<Result>({ deadline, signal }: RequestOptions, exchange: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const fail = (failure: 'timeout' | 'aborted' | 'unreachable', message: string) => () => {
        settle();
        reject(new TransportError(failure, message));
      };
      const aborted = fail('aborted', 'The request was aborted.');
      const closed = fail('unreachable', 'This transport is closed.');
      const timer = this.#network.clock.after(deadline, fail('timeout', `No answer within ${deadline} ms.`));
      const settle = () => {
        timer.cancel();
        signal?.removeEventListener('abort', aborted);
        this.#closing.signal.removeEventListener('abort', closed);
      };
      if (signal?.aborted) return aborted();
      if (this.#closing.signal.aborted) return closed();
      signal?.addEventListener('abort', aborted);
      this.#closing.signal.addEventListener('abort', closed);
      exchange().then(
        (result) => {
          settle();
          resolve(result);
        },
        (error) => {
          settle();
          reject(error);
        },
      );
    });
  }
}

function refusal(error: unknown): TransportError {
  if (error instanceof TransportError) return new TransportError('refused', error.message, error.code);
  return new TransportError('refused', (error as Error).message);
}

export interface MemoryLink {
  readonly clock: Clock;
  /** Ends the stream at once: a transport closed, or the caller gave up. */
  readonly signal: AbortSignal;
  /** Aborts the exchange for both ends. */
  readonly broken: AbortController;
  /** How long the reader waits for the next chunk. */
  readonly silence: Milliseconds;
  readonly arrives: () => boolean;
}

/** The receiver's view of the payload: one chunk at a time, copied, without read-ahead. */
export async function* memoryPayload(
  payload: AsyncIterable<Uint8Array> | undefined,
  link: MemoryLink,
): AsyncGenerator<Uint8Array> {
  if (payload === undefined) return;
  const chunks = payload[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await nextWithin(chunks, link);
      if (step.done) return;
      yield Uint8Array.from(step.value);
    }
  } finally {
    // Not awaited: a waiting generator responds only when it resumes.
    void chunks.return?.()?.catch(() => undefined);
  }
}

function nextWithin(chunks: AsyncIterator<Uint8Array>, link: MemoryLink): Promise<IteratorResult<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const broken = () => finish(() => reject(new TransportError('aborted', 'The stream was interrupted.')));
    const silent = () => finish(() => reject(new TransportError('timeout', `No byte within ${link.silence} ms.`)));
    const timer = link.clock.after(link.silence, silent);
    const finish = (settle: () => void) => {
      timer.cancel();
      link.signal.removeEventListener('abort', broken);
      settle();
    };
    if (link.signal.aborted) return broken();
    link.signal.addEventListener('abort', broken);
    chunks.next().then(
      (step) => {
        if (link.arrives()) finish(() => resolve(step));
      },
      (error) => {
        finish(() => reject(new TransportError('aborted', `The sender failed: ${(error as Error).message}`)));
        link.broken.abort();
      },
    );
  });
}
