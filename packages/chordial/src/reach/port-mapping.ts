/**
 * Keeps a port of the router mapped to this peer: asks with each protocol in turn, renews at half of the lease, asks again when the
 * router or this machine's address changes, and removes the mapping at the end. Nothing that a router says is told to others.
 */

import { isIPv4 } from 'node:net';
import type { Clock, Milliseconds, Random, Timer } from '@chordial/ring';
import { type Said, said } from '../sentences.ts';
import { natOf } from './address-kind.ts';
import type { Gateway } from './gateway.ts';
import { type Granted, type MappingAnswer, type MappingProtocol, type Router, refusedBecause } from './router.ts';

/** Why no port is mapped. */
export interface NoMapping {
  readonly reason: 'switched-off' | 'loopback' | 'advertised' | 'ipv6-only' | 'public-address';
  /** That is advertised, or public. */
  readonly address: string | null;
}

export type Mapping =
  /** Not wanted, for this reason. */
  | ({ readonly state: 'off' } & NoMapping)
  | { readonly state: 'asking' }
  /** This machine has no default route, or does not listen where it leads. */
  | { readonly state: 'no-gateway' }
  /** The gateway speaks none of the protocols. */
  | { readonly state: 'no-router'; readonly gateway: string }
  | {
      readonly state: 'refused';
      readonly gateway: string;
      readonly protocol: MappingProtocol;
      readonly reason: string;
      /** As the router says, by any of the protocols. */
      readonly externalAddress: string | null;
    }
  | {
      readonly state: 'mapped';
      readonly gateway: string;
      readonly protocol: MappingProtocol;
      readonly externalPort: number;
      /** As the router says. */
      readonly externalAddress: string | null;
      /** Milliseconds since 1970; null: until it is removed. */
      readonly until: number | null;
    };

export interface PortMappingPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Why no port is to be mapped; null when one is. */
  readonly off: () => NoMapping | null;
  readonly internalPort: () => number;
  readonly gateway: () => Promise<Gateway | null>;
  /** Its protocols, in the order in which they are tried. */
  readonly routers: (gateway: Gateway) => readonly Router[];
}

const leaseSeconds = 3600;
const minRenewalMilliseconds: Milliseconds = 30_000;
/** After a failure, doubled each time up to the most. */
const retryMilliseconds: Milliseconds = 60_000;
const maxRetryMilliseconds: Milliseconds = 1_800_000;
/** How often the gateway and the reason against a mapping are looked up. */
const lookEveryMilliseconds: Milliseconds = 30_000;
/** Between two attempts, whatever happens. */
const minBetweenMilliseconds: Milliseconds = 30_000;

export class PortMapping {
  readonly #ports: PortMappingPorts;
  readonly #listeners = new Set<(mapping: Mapping) => void>();
  readonly #closing = new AbortController();
  #mapping: Mapping;
  #routers: readonly Router[] = [];
  /** Of `#routers`. */
  #gateway: Gateway | null = null;
  /** The one that holds the mapping. */
  #granting: Router | null = null;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #attemptAt: Milliseconds;
  #attemptedAt: Milliseconds = Number.NEGATIVE_INFINITY;
  #retry = retryMilliseconds;

  constructor(ports: PortMappingPorts) {
    this.#ports = ports;
    const why = ports.off();
    this.#mapping = why === null ? { state: 'asking' } : { state: 'off', ...why };
    this.#attemptAt = ports.clock.now();
  }

  get mapping(): Mapping {
    return this.#mapping;
  }

  onChange(listener: (mapping: Mapping) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the first attempt has ended. */
  async begin(): Promise<void> {
    this.#look();
    await this.#running;
  }

  /**
   * Others no longer reach the mapped port, or this machine slept or moved: the router may have forgotten the port, or be
   * another one, which is asked at once.
   */
  again(): void {
    const { clock } = this.#ports;
    this.#attemptAt = Math.min(this.#attemptAt, Math.max(clock.now(), this.#attemptedAt + minBetweenMilliseconds));
    if (this.#timer !== null) this.#look();
  }

  /** Removes what is mapped. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#timer?.cancel();
    this.#listeners.clear();
    await this.#running;
    await this.#remove();
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#closing.signal.aborted) return;
    const { clock } = this.#ports;
    const wait = Math.min(Math.max(this.#attemptAt - clock.now(), 0), lookEveryMilliseconds);
    this.#timer = clock.after(wait, () => this.#look());
  }

  #look(): void {
    if (this.#running !== null || this.#closing.signal.aborted) return;
    this.#running = this.#round().finally(() => {
      this.#running = null;
      this.#schedule();
    });
  }

  async #round(): Promise<void> {
    const { clock, off, gateway: gatewayNow, routers } = this.#ports;
    const why = off();
    if (why !== null) {
      await this.#remove();
      this.#set({ state: 'off', ...why });
      return;
    }
    const gateway = await gatewayNow();
    if (gateway === null) {
      this.#set({ state: 'no-gateway' });
      return;
    }
    const { address, local } = gateway;
    if (address !== this.#gateway?.address || local !== this.#gateway.local) {
      // The lease of the router before ends by itself, if that is out of reach now.
      await this.#remove();
      if (this.#mapping.state === 'mapped') this.#set({ state: 'asking' });
      this.#gateway = gateway;
      this.#routers = routers(gateway);
      this.#retry = retryMilliseconds;
      this.#attemptAt = clock.now();
    }
    if (clock.now() < this.#attemptAt) return;
    this.#attemptedAt = clock.now();
    await this.#attempt(gateway);
  }

  async #attempt(gateway: Gateway): Promise<void> {
    const { clock, random, internalPort } = this.#ports;
    const port = internalPort();
    const before = this.#mapping;
    const wish = {
      internalPort: port,
      externalPort: before.state === 'mapped' ? before.externalPort : port,
      seconds: leaseSeconds,
    };
    const granting = this.#granting;
    const ordered = granting === null ? this.#routers : [granting, ...this.#routers.filter((one) => one !== granting)];
    const { address } = gateway;
    let refused: (Mapping & { state: 'refused' }) | null = null;
    for (const router of ordered) {
      const answer = checked(await router.map(wish, this.#closing.signal));
      if (this.#closing.signal.aborted) return;
      const { protocol } = router;
      if (answer.kind === 'granted') {
        if (granting !== null && granting !== router) await granting.unmap();
        this.#granting = router;
        this.#retry = retryMilliseconds;
        this.#granted(gateway, protocol, answer.granted);
        return;
      }
      if (answer.kind === 'refused') {
        const { reason, externalAddress } = answer;
        refused ??= { state: 'refused', gateway: address, protocol, reason, externalAddress };
        refused = { ...refused, externalAddress: refused.externalAddress ?? externalAddress };
      }
    }
    this.#attemptAt = clock.now() + this.#retry * (0.9 + 0.2 * random.next());
    this.#retry = Math.min(2 * this.#retry, maxRetryMilliseconds);
    // A lease that could not be renewed holds until its end.
    if (before.state === 'mapped' && before.until !== null && before.until > clock.wallTime()) return;
    this.#granting = null;
    this.#set(refused ?? { state: 'no-router', gateway: address });
  }

  #granted({ address }: Gateway, protocol: MappingProtocol, granted: Granted): void {
    const { clock, random } = this.#ports;
    const { externalPort, externalAddress, seconds } = granted;
    const lease = Math.min(seconds === 0 ? leaseSeconds : seconds, leaseSeconds) * 1000;
    const until = seconds === 0 ? null : clock.wallTime() + Math.min(seconds, leaseSeconds) * 1000;
    this.#attemptAt = clock.now() + Math.max(minRenewalMilliseconds, (lease / 2) * (0.9 + 0.1 * random.next()));
    this.#set({ state: 'mapped', gateway: address, protocol, externalPort, externalAddress, until });
  }

  async #remove(): Promise<void> {
    const routers = this.#routers;
    this.#routers = [];
    this.#gateway = null;
    this.#granting = null;
    await Promise.all(routers.map((router) => router.unmap()));
  }

  /** A renewal changes the end alone, which is not told. */
  #set(mapping: Mapping): void {
    const before = this.#mapping;
    this.#mapping = mapping;
    const facts = (one: Mapping): string => JSON.stringify({ ...one, until: null });
    if (facts(before) !== facts(mapping)) for (const listener of [...this.#listeners]) listener(mapping);
  }
}

/** A grant without a port counts as a refusal. */
function checked(answer: MappingAnswer): MappingAnswer {
  if (answer.kind === 'silent') return answer;
  if (answer.kind === 'refused') return refusedBecause(answer.reason, ipv4Of(answer.externalAddress));
  const { externalPort, externalAddress, seconds } = answer.granted;
  const isPort = Number.isInteger(externalPort) && externalPort >= 1 && externalPort <= 65_535;
  const address = ipv4Of(externalAddress);
  if (!isPort || !Number.isInteger(seconds) || seconds < 0) return refusedBecause('it granted no port', address);
  return { kind: 'granted', granted: { externalPort, externalAddress: address, seconds } };
}

function ipv4Of(address: string | null): string | null {
  return address !== null && isIPv4(address) ? address : null;
}

/** For people: what is mapped or why not, and what to do about it. */
export function saidMapping(mapping: Mapping): Said {
  const byHand = 'Forward the TCP port by hand in the router, and set --advertise HOST:PORT.';
  switch (mapping.state) {
    case 'off': {
      const { reason, address } = mapping;
      return said('mapping-off', { reason, address }, `off: ${noMappingText(mapping)}`);
    }
    case 'asking':
      return said('mapping-asking', {}, 'the router is being asked');
    case 'no-gateway': {
      const text = 'there is no default route from where it listens, so there is no router to ask';
      return said('mapping-no-gateway', {}, text);
    }
    case 'no-router': {
      const { gateway } = mapping;
      const text = `${gateway}, the gateway, answers neither PCP nor NAT-PMP nor UPnP. Switch one of them on in the router if it is one. Else: ${byHand}`;
      return said('mapping-no-router', { gateway }, text);
    }
    case 'refused': {
      const { gateway, protocol, reason, externalAddress } = mapping;
      const refused = `${gateway}, the router, refused by ${protocol}: ${reason}`;
      const remedy = beyond(externalAddress, null);
      const text = `${refused}. ${remedy ?? `Allow it in the router. Else: ${byHand}`}`;
      const values = { gateway, protocol, reason, beyond: natOr(externalAddress), address: externalAddress };
      return said('mapping-refused', values, text);
    }
    case 'mapped':
      return saidMapped(mapping);
  }
}

function noMappingText({ reason, address }: NoMapping): string {
  switch (reason) {
    case 'switched-off':
      return 'switched off with --port-mapping off';
    case 'loopback':
      return 'it listens on loopback';
    case 'advertised':
      return `its address is given with --advertise ${address}`;
    case 'ipv6-only':
      return 'it listens on IPv6 only';
    case 'public-address':
      return `this machine has the public address ${address}`;
  }
}

function saidMapped({ gateway, protocol, externalPort, externalAddress, until }: Mapping & { state: 'mapped' }): Said {
  const end = until === null ? 'until it is removed' : `until ${new Date(until).toISOString()}, renewed before`;
  const at = externalAddress === null ? `port ${externalPort}` : `${externalAddress}:${externalPort}`;
  const mapped = `${gateway}, the router, maps ${at} by ${protocol}, ${end}`;
  const remedy = beyond(externalAddress, externalPort);
  const more = remedy === null ? (externalAddress === null ? '; it does not tell its own address' : '') : `. ${remedy}`;
  const values = {
    ...{ gateway, protocol, port: externalPort, beyond: natOr(externalAddress), address: externalAddress },
    until: until === null ? null : new Date(until).toISOString(),
  };
  return said('mapping-mapped', values, `${mapped}${more}`);
}

/** Taken as public where the router does not tell it. */
function natOr(address: string | null): ReturnType<typeof natOf> {
  return address === null ? 'public' : natOf(address);
}

/** What the router's own address says of other NATs beyond it, and what to do; null when it says nothing. */
function beyond(address: string | null, port: number | null): string | null {
  const forward = `forward TCP port ${port ?? 'of --listen'} to it`;
  switch (natOr(address)) {
    case 'public':
      return null;
    case 'private':
      return `Its own address ${address} is private: a second router is in between (double NAT). Let that one ${forward}, or make one of them a bridge.`;
    case 'carrier':
      return `Its own address ${address} belongs to the NAT of the provider (carrier NAT), which forwards nothing: ask the provider for an IPv4 address of your own, or use IPv6. Without one, others reach this peer through members.`;
    case 'unknown':
      return `It has no public address itself: it is behind a second router (double NAT), which is to be a bridge or to ${forward}, or behind the NAT of the provider (carrier NAT), which gives an IPv4 address of your own on request.`;
  }
}
