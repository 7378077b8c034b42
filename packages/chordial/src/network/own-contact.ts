/** Addresses at which this peer can be reached, as known so far, and which of them each other host is told; and its zone. */
import { isIP } from 'node:net';
import type { Contact, HostId } from '@chordial/ring';
import {
  type Address,
  advertisedAddresses,
  interfaceAddresses,
  isLoopback,
  isUnspecified,
  maxAddresses,
  parseAddress,
  withoutLoopback,
} from './addresses.ts';
import { isSameMachine } from './server-hello.ts';
import { zoneOfAddresses } from './zones.ts';

export interface OwnContactOptions {
  readonly advertise?: string;
  readonly observed?: readonly string[];
  readonly zone?: string;
  readonly treatAsRemote?: (address: string) => boolean;
}

/** Peers that see us through different routers are rare. */
const maxObserved = 2;
/** Hosts whose latest view of our address is remembered. */
const maxWitnesses = 64;

export class OwnContact {
  readonly #options: OwnContactOptions;
  readonly #moved: () => void;
  /** The address at which each host sees us; hosts met when joining, whose ids are unknown here, by number. Latest last. */
  readonly #witnesses = new Map<string, string>();
  readonly #contact: Contact & { zone?: string };
  #proved: string | null = null;
  #bound: Address | null = null;
  #direct: readonly string[] = [];
  #relays: readonly string[] = [];
  #addresses: readonly string[] = [];
  /** Of this machine, when they were looked at last. */
  #interfaces: readonly string[] = [];

  /** Throws `bad-address` for an invalid `advertise`. `moved`: the addresses are others. */
  constructor(host: HostId, options: OwnContactOptions, moved: () => void = () => {}) {
    this.#moved = moved;
    if (options.advertise !== undefined) parseAddress(options.advertise);
    this.#options = options;
    for (const [index, address] of (options.observed ?? []).entries()) this.#witnesses.set(`${index}`, address);
    const addresses = (): readonly string[] => this.#addresses;
    // One object for good: pointers to this host hold it, and tell where it is now.
    this.#contact = {
      host,
      get addresses() {
        return addresses();
      },
    };
  }

  /** All addresses, loopback after the other own ones, relays last; none before `bind`. */
  get everywhere(): Contact {
    return this.#contact;
  }

  /** The port that others dial. */
  get port(): number | null {
    const known = this.#options.advertise ?? this.#proved;
    return known === null ? (this.#bound?.port ?? null) : parseAddress(known).port;
  }

  /** Where this host is registered, as `relay:…`. */
  reachThrough(relays: readonly string[]): void {
    this.#relays = relays;
    this.#join();
  }

  bind(bound: Address): void {
    this.#bound = bound;
    this.#renew(bound);
    const zone = this.#options.zone ?? zoneOfAddresses([...(this.#options.observed ?? []), ...this.#direct]);
    // As it is at first, for good: copies would move with every address that others see.
    if (zone !== null) this.#contact.zone = zone;
  }

  /** An address seen by another host that no interface has: there is a router in between. Each host has one vote. */
  observe(witness: HostId, address: string): void {
    if (isIP(address) === 0 || isLoopback(address) || interfaceAddresses().includes(address)) return;
    const before = this.#observed();
    this.#witnesses.delete(witness);
    this.#witnesses.set(witness, address);
    const [oldest] = this.#witnesses.keys();
    if (this.#witnesses.size > maxWitnesses && oldest !== undefined) this.#witnesses.delete(oldest);
    if (this.#bound === null || !isUnspecified(this.#bound.host)) return;
    if (this.#observed().join() !== before.join()) this.#renew(this.#bound);
  }

  /** Members dialled this peer back at this address, HOST:PORT; null: no longer. */
  prove(address: string | null): void {
    if (address === this.#proved) return;
    this.#proved = address;
    if (this.#bound !== null) this.#renew(this.#bound);
  }

  /**
   * The interfaces of this machine have others. What hosts saw of the old ones says nothing of these: each says it again.
   */
  interfacesChanged(): void {
    if (this.#bound === null || !isUnspecified(this.#bound.host)) return;
    this.#witnesses.clear();
    this.#renew(this.#bound);
  }

  /** What most hosts see; ties by first sight. Where two agree, what one alone sees does not count. */
  #observed(): readonly string[] {
    const counts = new Map<string, number>();
    for (const address of this.#witnesses.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const ranked = [...counts].sort(([, a], [, b]) => b - a);
    const needed = (ranked[0]?.[1] ?? 0) > 1 ? 2 : 1;
    return ranked.flatMap(([address, count]) => (count >= needed ? [address] : [])).slice(0, maxObserved);
  }

  /** For the host at the other end of a connection. */
  for(remoteAddress: string, localAddress: string): Contact {
    const { treatAsRemote = () => false } = this.#options;
    // It may be the first at an address that has just come: who is told another one would keep that.
    if (!this.#interfaces.includes(localAddress) && interfaceAddresses(0).includes(localAddress))
      this.interfacesChanged();
    if (isSameMachine({ treatAsRemote }, remoteAddress, localAddress)) return this.#contact;
    return { ...this.#contact, addresses: withoutLoopback(this.#contact.addresses) };
  }

  #renew(bound: Address): void {
    const { advertise } = this.#options;
    this.#interfaces = interfaceAddresses(0);
    this.#direct = advertisedAddresses({
      bound,
      observed: this.#observed(),
      proved: this.#proved,
      interfaces: this.#interfaces,
      ...(advertise === undefined ? {} : { advertise }),
    });
    this.#join();
  }

  #join(): void {
    const before = this.#addresses;
    this.#addresses = [...this.#direct.slice(0, maxAddresses - this.#relays.length), ...this.#relays];
    if (before.length > 0 && before.join() !== this.#addresses.join()) this.#moved();
  }
}
