/**
 * A host without members (a client): it takes no place on the ring, but knows its hosts, and asks them. It gets to know
 * them by looking up keys here and there, and by speaking to every host that an answer names.
 */
import { type RingId, ringId } from '../protocol/identifier.ts';
import type { Contact, MemberPointer } from '../protocol/pointer.ts';
import type { Milliseconds, Timer } from './ports.ts';
import type { HostPorts, RingHostOptions } from './ring-host-options.ts';

interface Knowledge {
  /** Members that answers have named. */
  knownMembers(): readonly MemberPointer[];
  /** The host answered. */
  heard(contact: Contact): void;
  lookup(key: RingId, done: () => void): void;
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
  readonly #options: Pick<RingHostOptions, 'shape' | 'timers'>;
  readonly #ports: HostPorts;
  readonly #host: Knowledge;
  #timer: Timer | null = null;
  #rounds = 0;

  constructor(options: Pick<RingHostOptions, 'shape' | 'timers'>, ports: HostPorts, host: Knowledge) {
    this.#options = options;
    this.#ports = ports;
    this.#host = host;
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
    const { clock, random } = this.#ports;
    const { bits } = this.#options.shape;
    const chance = BigInt(Math.floor(random.next() * 2 ** randomBits));
    const key = bits >= randomBits ? chance << BigInt(bits - randomBits) : chance >> BigInt(randomBits - bits);
    this.#host.lookup(ringId(key, bits), () => {
      if (this.#ports.isClosed()) return;
      this.#meetNamed();
      this.#rounds += 1;
      const pause = this.#rounds < roundConcurrency ? 0 : roundPause * (1 - jitter * random.next());
      this.#timer = clock.after(pause, () => this.#round());
    });
  }

  #meetNamed(): void {
    const { detector } = this.#ports;
    const named = new Map(this.#host.knownMembers().map(({ contact }) => [contact.host, contact]));
    const strangers = [...named.values()].filter(
      ({ host }) => detector.liveness(host) === null || detector.isDown(host),
    );
    for (const contact of strangers.slice(0, maxPings)) this.#ping(contact, () => undefined);
  }

  #ping(contact: Contact, done: (answered: boolean) => void): void {
    this.#ports.network.ping(contact, this.#options.timers.maxTimeout, (result) => {
      if (this.#ports.isClosed()) return;
      if (result === 'alive') this.#host.heard(contact);
      done(result === 'alive');
    });
  }
}
