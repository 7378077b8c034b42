/** What this peer knows about the hosts of its network: names, admission times, rights. */
import type { HostId } from '@chordial/ring';
import { type Said, said } from '../sentences.ts';
import { BoundedCache } from './bounded-cache.ts';

/** `members`: by certificate. `open`: everyone. `classroom`: a teaching ring with chosen ids, everyone. */
export type AdmissionMode = 'members' | 'open' | 'classroom';

/** What networks without admission warn of at the start, in the page and in `chordial doctor`. */
export const unprotected: Readonly<Record<Exclude<AdmissionMode, 'members'>, string>> = {
  open: 'This network is open: anyone who reaches a peer may join it, read everything in it and store. Removing a peer bars its key, and a new key is free.',
  classroom:
    'This is a teaching ring: anyone who reaches a peer may join it, take any place and read everything. Store nothing important in it.',
};

/** What a network that is open does not protect. */
export function unprotectedNetwork(admission: keyof typeof unprotected): Said {
  return said(`network-${admission}`, {}, unprotected[admission]);
}

export const allRights = ['store', 'publish', 'invite', 'admin'] as const;
export type Right = (typeof allRights)[number];

export interface KnownHost {
  /** The name in its certificate, such as `anna@laptop`; the shortened id of a host without one. */
  readonly name: string;
  /** Milliseconds since 1970 at which a member countersigned its admission; null without a certificate. */
  readonly admittedAt: number | null;
  /** The part of every other host's quota that its files may use, above 0 and at most 1; null: the default. */
  readonly share: number | null;
  readonly rights: readonly Right[];
  /** Milliseconds since 1970 when this peer first met it; null if never. */
  readonly firstSeenAt: number | null;
}

export interface Membership {
  readonly admission: AdmissionMode;
  /** Answers for every host, including unknown ones. */
  of(host: HostId): KnownHost;
  /** Nothing of a removed host is accepted: no connection, no signature. */
  isRemoved(host: HostId): boolean;
  /**
   * Whether a signature of the host with this claimed time (milliseconds since 1970) is invalid: it was removed before,
   * or with everything that it published.
   */
  refuses(host: HostId, time: number): boolean;
  /** Removed hosts; `refuses` tells which of their data goes. */
  removed(): readonly HostId[];
  /** Hosts known under this name: none, one, or several. */
  named(name: string): readonly HostId[];
}

/** Hosts whose first contact is remembered here. */
const maxHosts = 16_384;

/** Membership of a network without certificates, for tests and the simulator: all rights, and given times. */
export class OpenMembership implements Membership {
  readonly admission: AdmissionMode;
  readonly #seen = new BoundedCache<HostId, number>(maxHosts);

  constructor(admission: AdmissionMode = 'open') {
    this.admission = admission;
  }

  /** Only the first time counts. */
  saw(host: HostId, at: number): void {
    if (this.#seen.get(host) === undefined) this.#seen.set(host, at);
  }

  of(host: HostId): KnownHost {
    const firstSeenAt = this.#seen.get(host) ?? null;
    return { name: shortId(host), admittedAt: null, share: null, rights: ['store', 'publish'], firstSeenAt };
  }

  isRemoved(): boolean {
    return false;
  }

  refuses(): boolean {
    return false;
  }

  removed(): readonly HostId[] {
    return [];
  }

  named(): readonly HostId[] {
    return [];
  }
}

/** `12D3KooW…wxyz12`: identifies hosts in lists without names. */
export function shortId(host: HostId): string {
  return `${host.slice(0, 8)}…${host.slice(-6)}`;
}
