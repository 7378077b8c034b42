/** Where this peer is reached, as far as it knows so far, and what of it each other host should be told. */
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
/** Hosts of which it is remembered as what they saw us last. */
const maxWitnesses = 64;

export class OwnContact {
  readonly #options: OwnContactOptions;
  /** As what each host sees us; those met when joining, whose ids are not known here, by number. The latest last. */
  readonly #witnesses = new Map<string, string>();
  #bound: Address | null = null;
  #contact: Contact;

  /** Throws `bad-address` when `advertise` is none. */
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

  /** An address that another host sees and no interface has: a router stands between. Each host has one say. */
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

  /** What most hosts see; of those that equally many see, what was seen first. */
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
