/**
 * A host without members (a client): it takes no place on the ring, but knows its hosts, and asks them. It gets to know
 * them by looking up keys here and there, and by speaking to every host that an answer names.
 */
import { type RingId, ringId } from '../protocol/identifier.ts';
import type { Contact, MemberPointer } from '../protocol/pointer.ts';
import type { Clock, Milliseconds, Random, RingNetwork, Timer } from './ports.ts';

export interface ClientNodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: RingNetwork;
  readonly bits: number;
  /** How long an answer to a ping may take. */
  readonly pingTimeout: Milliseconds;
  /** Members that answers have named. */
  known(): readonly MemberPointer[];
  isLive(contact: Contact): boolean;
  /** The host answered. */
  heard(contact: Contact): void;
  lookup(key: RingId, done: () => void): void;
  isClosed(): boolean;
}

/** The first rounds follow each other at once, so that a small network is known whole. */
const roundConcurrency = 8;
const roundPause: Milliseconds = 15_000;
const jitter = 0.2;
/** Hosts spoken to in one round. */
const maxPings = 32;
/** A random number has so many bits. */
const randomBits = 48;

export class ClientNode {
  readonly #ports: ClientNodePorts;
  #timer: Timer | null = null;
  #rounds = 0;

  constructor(ports: ClientNodePorts) {
    this.#ports = ports;
  }

  /** `done` once: true as soon as one of them answered, false when none did. */
  begin(through: readonly Contact[], done: (connected: boolean) => void): void {
    const asked = through.slice(0, maxPings);
    let open = asked.length;
    let settled = false;
    const settle = (connected: boolean): void => {
      if (settled || this.#ports.isClosed()) return;
      settled = true;
      if (connected) this.#round();
      done(connected);
    };
    if (open === 0) this.#ports.clock.after(0, () => settle(false));
    for (const contact of asked) {
      this.#ping(contact, (answered) => {
        open -= 1;
        if (answered) settle(true);
        else if (open === 0) settle(false);
      });
    }
  }

  close(): void {
    this.#timer?.cancel();
  }

  #round(): void {
    const { clock, random, bits } = this.#ports;
    const chance = BigInt(Math.floor(random.next() * 2 ** randomBits));
    const key = bits >= randomBits ? chance << BigInt(bits - randomBits) : chance >> BigInt(randomBits - bits);
    this.#ports.lookup(ringId(key, bits), () => {
      if (this.#ports.isClosed()) return;
      this.#meetNamed();
      this.#rounds += 1;
      const pause = this.#rounds < roundConcurrency ? 0 : roundPause * (1 - jitter * random.next());
      this.#timer = clock.after(pause, () => this.#round());
    });
  }

  #meetNamed(): void {
    const named = new Map(this.#ports.known().map(({ contact }) => [contact.host, contact]));
    const strangers = [...named.values()].filter((contact) => !this.#ports.isLive(contact));
    for (const contact of strangers.slice(0, maxPings)) this.#ping(contact, () => undefined);
  }

  #ping(contact: Contact, done: (answered: boolean) => void): void {
    this.#ports.network.ping(contact, this.#ports.pingTimeout, (result) => {
      if (this.#ports.isClosed()) return;
      if (result === 'alive') this.#ports.heard(contact);
      done(result === 'alive');
    });
  }
}
