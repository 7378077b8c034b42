/** What this peer knows of the hosts of its network: how people call them, when they were admitted, what they may do. */
import type { HostId } from '@chordial/ring';
import { BoundedCache } from './bounded-cache.ts';

/** `members`: by certificate. `open`: everybody. `classroom`: a teaching ring with chosen ids, everybody. */
export type Admission = 'members' | 'open' | 'classroom';

/** What networks without admission say of themselves at the start, in the page and in `chordial doctor`. */
export const unprotected: Readonly<Record<Exclude<Admission, 'members'>, string>> = {
  open: 'This network is open: anyone who reaches a peer may join it, read everything in it and store. Removing a peer bars its key, and a new key is free.',
  classroom:
    'This is a teaching ring: anyone who reaches a peer may join it, take any place and read everything. Store nothing important in it.',
};

export const allRights = ['store', 'publish', 'invite', 'admin'] as const;
export type Right = (typeof allRights)[number];

export interface KnownHost {
  /** The name in its certificate, such as `anna@laptop`; the shortened id of a host that has shown none. */
  readonly name: string;
  /** Milliseconds since 1970 at which a member countersigned its admission; null without a certificate. */
  readonly admittedAt: number | null;
  /** The part of every other host's quota that its files may take, above 0 and at most 1; null: the default. */
  readonly share: number | null;
  readonly rights: readonly Right[];
  /** Milliseconds since 1970 at which this peer met it; null when it never did. */
  readonly firstSeenAt: number | null;
}

export interface Membership {
  readonly admission: Admission;
  /** Answers for every host, also one never met. */
  of(host: HostId): KnownHost;
  /** Of a removed host nothing is taken any more: no connection, no signature. */
  isRemoved(host: HostId): boolean;
  /**
   * Whether what the host signed at this time (milliseconds since 1970, as it says itself) does not count: it was removed
   * before, or with all that it published.
   */
  refuses(host: HostId, time: number): boolean;
  /** Removed hosts; what of theirs is to go, `refuses` says. */
  removed(): readonly HostId[];
  /** Hosts known under this name: none, one, or several who call themselves so. */
  named(name: string): readonly HostId[];
}

/** Hosts whose first appearance is remembered here. */
const maxHosts = 16_384;

/** Membership of a network without certificates, for tests and the simulator: all rights, and the times told to it. */
export class OpenMembership implements Membership {
  readonly admission: Admission;
  readonly #seen = new BoundedCache<HostId, number>(maxHosts);

  constructor(admission: Admission = 'open') {
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

/** `12D3KooW…wxyz12`: what tells hosts apart in lists where no name is known. */
export function shortId(host: HostId): string {
  return `${host.slice(0, 8)}…${host.slice(-6)}`;
}
