/** Where this peer is reached, as far as it knows so far, and what of it each other host should be told. */
import { isIP } from 'node:net';
import type { Contact, HostId } from '../ring/pointer.ts';
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

/** Peers that see us through different routers are rare; liars should not fill the list. */
const maximumObserved = 2;

export class OwnContact {
  readonly #options: OwnContactOptions;
  #observed: readonly string[];
  #bound: Address | null = null;
  #contact: Contact;

  /** Throws `bad-address` when `advertise` is none. */
  constructor(host: HostId, options: OwnContactOptions) {
    if (options.advertise !== undefined) parseAddress(options.advertise);
    this.#options = options;
    this.#observed = options.observed ?? [];
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

  /** An address that others see and no interface has: a router stands between. */
  observe(address: string): void {
    if (isIP(address) === 0) return;
    const known = isLoopback(address) || interfaceAddresses().includes(address) || this.#observed.includes(address);
    if (known || this.#observed.length >= maximumObserved) return;
    this.#observed = [...this.#observed, address];
    if (this.#bound !== null && isUnspecified(this.#bound.host)) this.#renew(this.#bound);
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
      observed: this.#observed,
      ...(advertise === undefined ? {} : { advertise }),
    });
    this.#contact = { host: this.#contact.host, addresses };
  }
}
