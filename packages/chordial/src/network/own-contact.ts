/** Addresses at which this peer can be reached, as known so far, and which of them each other host is told. */
import { isIP } from 'node:net';
import type { Contact, HostId } from '@chordial/ring';
import {
  type Address,
  advertisedAddresses,
  interfaceAddresses,
  isLoopback,
  isUnspecified,
  parseAddress,
  withoutLoopback,
} from './addresses.ts';
import { isSameMachine } from './server-hello.ts';

export interface OwnContactOptions {
  readonly advertise?: string;
  readonly observed?: readonly string[];
  readonly treatAsRemote?: (address: string) => boolean;
}

/** Peers that see us through different routers are rare. */
const maxObserved = 2;
/** Hosts whose latest view of our address is remembered. */
const maxWitnesses = 64;

export class OwnContact {
  readonly #options: OwnContactOptions;
  /** The address at which each host sees us; hosts met when joining, whose ids are unknown here, by number. Latest last. */
  readonly #witnesses = new Map<string, string>();
  #bound: Address | null = null;
  #contact: Contact;

  /** Throws `bad-address` for an invalid `advertise`. */
  constructor(host: HostId, options: OwnContactOptions) {
    if (options.advertise !== undefined) parseAddress(options.advertise);
    this.#options = options;
    for (const [index, address] of (options.observed ?? []).entries()) this.#witnesses.set(`${index}`, address);
    this.#contact = { host, addresses: [] };
  }

  /** All addresses, loopback last; none before `bind`. */
  get everywhere(): Contact {
    return this.#contact;
  }

  bind(bound: Address): void {
    this.#bound = bound;
    this.#renew(bound);
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

  /** What most hosts see; ties by first sight. */
  #observed(): readonly string[] {
    const counts = new Map<string, number>();
    for (const address of this.#witnesses.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const ranked = [...counts].sort(([, a], [, b]) => b - a).map(([address]) => address);
    return ranked.slice(0, maxObserved);
  }

  /** For the host at the other end of a connection. */
  for(remoteAddress: string, localAddress: string): Contact {
    const { treatAsRemote = () => false } = this.#options;
    if (isSameMachine({ treatAsRemote }, remoteAddress, localAddress)) return this.#contact;
    return { host: this.#contact.host, addresses: withoutLoopback(this.#contact.addresses) };
  }

  #renew(bound: Address): void {
    const { advertise } = this.#options;
    const addresses = advertisedAddresses({
      bound,
      observed: this.#observed(),
      ...(advertise === undefined ? {} : { advertise }),
    });
    this.#contact = { host: this.#contact.host, addresses };
  }
}
