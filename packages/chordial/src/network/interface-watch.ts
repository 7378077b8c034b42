/**
 * The one watch over this machine's interfaces and its sleep, for every part that acts when either changes: a cable
 * pulled, a wireless network joined, a new lease, a lid opened. The system does not report changes, so it is asked.
 * A running peer has it as `network.interfaces`.
 *
 * Sleep shows as time that passed between two looks: of the clock that cannot be set while the process was stopped, of
 * the one that can while the machine was. A clock set forward counts too, which costs one look at the neighbours.
 */
import { networkInterfaces } from 'node:os';
import type { Clock, Milliseconds, Timer } from '@chordial/ring';

export interface LocalAddress {
  readonly address: string;
  /** Bits of the subnet. */
  readonly prefix: number;
}

export interface LocalInterface {
  readonly name: string;
  readonly addresses: readonly LocalAddress[];
}

export interface NetworkChange {
  readonly added: readonly LocalAddress[];
  readonly gone: readonly LocalAddress[];
  /** How long this machine or process slept just before; 0 when it did not. */
  readonly slept: Milliseconds;
}

/** A question takes 0.1 ms. */
const askEveryMilliseconds: Milliseconds = 1000;
/** Less is what a busy machine takes from a process now and then. */
const sleepMilliseconds: Milliseconds = 10_000;

/** Those that are up and have a carrier, without loopback. IPv6 link-local addresses are included. */
export function localInterfaces(): readonly LocalInterface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, found]) => {
    const addresses = (found ?? [])
      .filter(({ internal, cidr }) => !internal && cidr !== null)
      .map(({ address, cidr }) => ({ address, prefix: Number(cidr?.split('/')[1]) }));
    return addresses.length === 0 ? [] : [{ name, addresses }];
  });
}

export class InterfaceWatch {
  readonly #clock: Clock;
  readonly #read: () => readonly LocalInterface[];
  readonly #listeners = new Set<(change: NetworkChange) => void>();
  #current: readonly LocalInterface[];
  #timer: Timer;
  #lookedAt: Milliseconds;
  #wallTime: Milliseconds;

  constructor(clock: Clock, read = localInterfaces) {
    this.#clock = clock;
    this.#read = read;
    this.#current = read();
    this.#lookedAt = clock.now();
    this.#wallTime = clock.wallTime();
    this.#timer = clock.after(askEveryMilliseconds, () => this.#look());
  }

  get current(): readonly LocalInterface[] {
    return this.#current;
  }

  /** Returns how to stop listening. */
  onChange(listener: (change: NetworkChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#timer.cancel();
    this.#listeners.clear();
  }

  #look(): void {
    this.#timer = this.#clock.after(askEveryMilliseconds, () => this.#look());
    const before = placesOf(this.#current);
    const slept = this.#timeSlept();
    this.#current = this.#read();
    const now = placesOf(this.#current);
    const added = [...now].flatMap(([place, address]) => (before.has(place) ? [] : [address]));
    const gone = [...before].flatMap(([place, address]) => (now.has(place) ? [] : [address]));
    if (added.length + gone.length === 0 && slept === 0) return;
    for (const listener of [...this.#listeners]) listener({ added, gone, slept });
  }

  #timeSlept(): Milliseconds {
    const [now, wallTime] = [this.#clock.now(), this.#clock.wallTime()];
    const passed = Math.max(now - this.#lookedAt, wallTime - this.#wallTime) - askEveryMilliseconds;
    this.#lookedAt = now;
    this.#wallTime = wallTime;
    return passed >= sleepMilliseconds ? passed : 0;
  }
}

/** The addresses, by where they are and how far their subnets reach. */
function placesOf(interfaces: readonly LocalInterface[]): ReadonlyMap<string, LocalAddress> {
  return new Map(
    interfaces.flatMap(({ name, addresses }) => addresses.map((one) => [`${name} ${one.address}/${one.prefix}`, one])),
  );
}
