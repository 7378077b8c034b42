/**
 * Which known members are on the LAN, and where: what was heard with the tag of the own network is dialled with a key made for that, and
 * the key that it shows says who it is. Only then are members dialled there, with the own key. So one who repeats the tag of a network learns
 * no id from those who look for it.
 *
 * A thousand of them can be made up: proofs are few a second, and the source whose turn was longest ago comes next.
 */
import type { Clock, Contact, HostId, Milliseconds, Timer } from '@chordial/ring';
import { type Rate, TokenBucket } from '../flow/token-bucket.ts';
import { formatAddress } from '../network/addresses.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { HeardPeer } from './heard-peers.ts';
import { tagsOf } from './service.ts';

export interface NearbyPorts {
  readonly clock: Clock;
  readonly networkId: string;
  readonly lan: { readonly heard: readonly HeardPeer[]; onHeard(listener: () => void): () => void };
  /** The host that shows its key there; rejects when none does. */
  hostAt(address: string): Promise<HostId>;
  /** Whether it may be dialled as a member; never this host itself. */
  isMember(host: HostId): boolean;
}

export const proofRate: Rate = { perSecond: 1, burst: 8 };
export const maxProofsAtOnce = 2;
/** Until an address is tried again where no one answered, and where it was not a member. */
const afterFailure: Milliseconds = 60_000;
const afterStranger: Milliseconds = 600_000;
/** Those who left without a word are noticed, and others tried again. */
const lookEvery: Milliseconds = 15_000;
/** What is heard meanwhile is looked at together. */
const minBetweenLooks: Milliseconds = 100;
const maxTried = 2048;
const maxSources = 1024;

interface Candidate {
  readonly peer: HeardPeer;
  readonly address: string;
}

interface Proved {
  readonly host: HostId;
  readonly address: string;
}

export class NearbyHosts {
  readonly #ports: NearbyPorts;
  readonly #bucket: TokenBucket;
  readonly #stop: () => void;
  /** By label. */
  readonly #proved = new Map<string, Proved>();
  /** When an address may be tried again. */
  readonly #tried = new BoundedCache<string, Milliseconds>(maxTried);
  readonly #turns = new BoundedCache<string, Milliseconds>(maxSources);
  #running = 0;
  #lookedAt: Milliseconds = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #closed = false;

  constructor(ports: NearbyPorts) {
    this.#ports = ports;
    this.#bucket = new TokenBucket(proofRate, ports.clock.now);
    this.#stop = ports.lan.onHeard(() => this.#lookSoon());
    this.#look();
  }

  /** Where a host has shown its key on the LAN, as far as it is still heard there. */
  addressesOf(host: HostId): readonly string[] {
    return [...this.#proved.values()].flatMap((one) => (one.host === host ? [one.address] : []));
  }

  /** The host that proved itself under a label. */
  hostOf(label: string): HostId | null {
    return this.#proved.get(label)?.host ?? null;
  }

  get contacts(): readonly Contact[] {
    const hosts = new Set([...this.#proved.values()].map(({ host }) => host));
    return [...hosts].map((host) => ({ host, addresses: this.addressesOf(host) }));
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    this.#timer?.cancel();
  }

  #lookSoon(): void {
    const { clock } = this.#ports;
    const wait = this.#lookedAt + minBetweenLooks - clock.now();
    this.#timer?.cancel();
    if (wait <= 0) this.#look();
    else this.#timer = clock.after(wait, () => this.#look());
  }

  #look(): void {
    if (this.#closed) return;
    const { clock, networkId } = this.#ports;
    this.#lookedAt = clock.now();
    const tags = tagsOf(networkId, clock.wallTime());
    const ours = this.#ports.lan.heard.filter(({ tag }) => tag !== null && tags.includes(tag));
    this.#forgetAllBut(ours);
    while (this.#running < maxProofsAtOnce && this.#bucket.left >= 1) {
      const next = this.#next(ours);
      if (next === null) break;
      this.#bucket.take();
      void this.#prove(next);
    }
    this.#timer?.cancel();
    const isWaiting = this.#running < maxProofsAtOnce && this.#next(ours) !== null;
    const wait = isWaiting ? 1000 / proofRate.perSecond : lookEvery;
    if (ours.length > 0) this.#timer = clock.after(wait, () => this.#look());
  }

  #forgetAllBut(heard: readonly HeardPeer[]): void {
    const there = new Set(heard.flatMap((peer) => addressesOf(peer).map((address) => `${peer.label} ${address}`)));
    for (const [label, { address }] of this.#proved) {
      if (!there.has(`${label} ${address}`)) this.#proved.delete(label);
    }
  }

  #next(heard: readonly HeardPeer[]): Candidate | null {
    const now = this.#ports.clock.now();
    let next: Candidate | null = null;
    let turn = Number.POSITIVE_INFINITY;
    for (const peer of heard) {
      const last = this.#turns.get(peer.source) ?? Number.NEGATIVE_INFINITY;
      if (this.#proved.has(peer.label) || (next !== null && last >= turn)) continue;
      const address = addressesOf(peer).find((one) => (this.#tried.get(one) ?? 0) <= now);
      if (address === undefined) continue;
      next = { peer, address };
      turn = last;
    }
    return next;
  }

  async #prove({ peer, address }: Candidate): Promise<void> {
    const { clock, hostAt, isMember } = this.#ports;
    this.#running += 1;
    this.#turns.set(peer.source, clock.now());
    this.#tried.set(address, Number.POSITIVE_INFINITY);
    let again = afterFailure;
    try {
      const host = await hostAt(address);
      if (isMember(host)) this.#proved.set(peer.label, { host, address });
      else again = afterStranger;
    } catch {
      // It is not there, or not yet.
    }
    this.#tried.set(address, clock.now() + again);
    this.#running -= 1;
    this.#look();
  }
}

function addressesOf({ addresses, port }: HeardPeer): readonly string[] {
  return addresses.map((host) => formatAddress({ host, port }));
}
