/** What the protocols that ask a router for a port have in common. */

export type MappingProtocol = 'PCP' | 'NAT-PMP' | 'UPnP';

/** TCP, from a port of the router to one of this machine. */
export interface MappingWish {
  readonly internalPort: number;
  readonly externalPort: number;
  readonly seconds: number;
}

/** Nothing of it is believed: members dial the port back before others are told. */
export interface Granted {
  readonly externalPort: number;
  /** As the router says; null when it does not. */
  readonly externalAddress: string | null;
  /** 0: until it is removed. */
  readonly seconds: number;
}

export type MappingAnswer =
  | { readonly kind: 'granted'; readonly granted: Granted }
  /** What the router said, or what was wrong with it, as a clause; and its external address, if it tells. */
  | { readonly kind: 'refused'; readonly reason: string; readonly externalAddress: string | null }
  /** It does not speak the protocol. */
  | { readonly kind: 'silent' };

/** One protocol, spoken with one router. */
export interface Router {
  readonly protocol: MappingProtocol;
  /** Ends within seconds, or soon after the signal; rejects only for bugs. */
  map(wish: MappingWish, signal: AbortSignal): Promise<MappingAnswer>;
  /** Removes what `map` was granted, or may have been when it was aborted. Ends within seconds. */
  unmap(): Promise<void>;
}

export const silent: MappingAnswer = { kind: 'silent' };

export function refusedBecause(reason: string, externalAddress: string | null = null): MappingAnswer {
  return { kind: 'refused', reason, externalAddress };
}

/** Some routers say so when their own address is not public. */
export const noAddress = '0.0.0.0';

const maxQuotedCharacters = 80;

/** What a router wrote, for people: short and printable. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, maxQuotedCharacters).replace(/[^\x20-\x7e]/g, '?'));
}
