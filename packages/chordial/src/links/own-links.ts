/** Links that this peer has made, one setting of the catalogue each, so that they can be listed and shown again. */
import type { Clock, Timer } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { isLinkId, type LinkId } from './link-address.ts';

export interface OwnLink {
  readonly id: LinkId;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly expiry: number;
  readonly type: 'file' | 'directory' | 'drop';
  readonly name: string;
  /** Null for a drop box. */
  readonly cid: string | null;
  /** Of the content; of a drop box what it takes. */
  readonly size: number;
  readonly times: number | null;
  readonly hasPassword: boolean;
  /** Of the URL of a sealed one. */
  readonly key: string | null;
  /** Own name of the sealed copy that was put for it. */
  readonly copy: string | null;
  /** What doors told, newest first. */
  readonly fetches: readonly Fetch[];
  /** Of all that were told, those no longer listed too. */
  readonly fetched: number;
}

export interface Fetch {
  /** Milliseconds since 1970, by this clock. */
  readonly at: number;
  /** Peer id of the door. */
  readonly door: string;
  readonly bytes: number;
  /** How often the whole was fetched. */
  readonly whole: number;
}

export interface LinkSettings {
  settings(prefix: string): readonly { readonly name: string; readonly value: unknown }[];
  setSetting(name: string, value: unknown): Promise<void>;
}

const prefix = 'links/';
export const maxOwnLinks = 4096;
const maxFetchesListed = 20;
/** Those of one door within this time are one row. */
const sameFetchMilliseconds = 60_000;
/** Counts are not written with every report. */
const writeMilliseconds = 1000;
/** How long an expired one is still listed. */
const listedAfterwardsMilliseconds = 30 * 86_400_000;

export class OwnLinks {
  readonly #settings: LinkSettings;
  readonly #clock: Clock;
  readonly #links = new Map<LinkId, OwnLink>();
  readonly #changed = new Set<LinkId>();
  #timer: Timer | null = null;

  constructor(settings: LinkSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    for (const { name, value } of settings.settings(prefix)) {
      if (isOwnLink(value) && name === prefix + value.id) this.#links.set(value.id, value);
    }
  }

  /** Newest first; those that expired long ago are forgotten. */
  list(): readonly OwnLink[] {
    this.#forgetOld();
    return [...this.#links.values()].sort((a, b) => b.created - a.created);
  }

  get(id: LinkId): OwnLink | null {
    return this.#links.get(id) ?? null;
  }

  /** Throws `too-many-entries`. */
  checkRoom(): void {
    this.#forgetOld();
    if (this.#links.size < maxOwnLinks) return;
    throw new ChordialError(
      'too-many-entries',
      `This peer has ${maxOwnLinks} links, and no more are kept. Take some back with "chordial unlink ID"; "chordial links" lists them.`,
    );
  }

  /** Durable when it resolves. */
  async add(link: OwnLink): Promise<void> {
    await this.#settings.setSetting(prefix + link.id, link);
    this.#links.set(link.id, link);
  }

  async remove(id: LinkId): Promise<void> {
    this.#links.delete(id);
    this.#changed.delete(id);
    await this.#settings.setSetting(prefix + id, undefined);
  }

  /** A door's word; false for a link that is not listed here. */
  fetched(id: LinkId, { door, bytes, whole }: Omit<Fetch, 'at'>): boolean {
    const link = this.#links.get(id);
    if (link === undefined) return false;
    const at = this.#clock.wallTime();
    const same = link.fetches.find((one) => one.door === door && at - one.at < sameFetchMilliseconds);
    const row = { at, door, bytes: capped(bytes + (same?.bytes ?? 0)), whole: capped(whole + (same?.whole ?? 0)) };
    const fetches = [row, ...link.fetches.filter((one) => one !== same)].slice(0, maxFetchesListed);
    this.#links.set(id, { ...link, fetches, fetched: capped(link.fetched + whole) });
    this.#changed.add(id);
    this.#timer ??= this.#clock.after(writeMilliseconds, () => this.#write());
    return true;
  }

  /** Writes what is left of the counts. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#timer = null;
    const changed = [...this.#changed];
    this.#changed.clear();
    // Only counts: a full disk is told by what matters more.
    const writes = changed.map((id) => this.#settings.setSetting(prefix + id, this.#links.get(id)));
    await Promise.allSettled(writes);
  }

  #forgetOld(): void {
    const before = this.#clock.wallTime() - listedAfterwardsMilliseconds;
    for (const { id, expiry } of this.#links.values()) if (expiry < before) this.remove(id).catch(() => undefined);
  }
}

function capped(count: number): number {
  return Math.min(count, Number.MAX_SAFE_INTEGER);
}

/** Written by this peer: a row of another form is skipped. */
function isOwnLink(value: unknown): value is OwnLink {
  const { id, created, expiry, fetches } = (value ?? {}) as Partial<Record<keyof OwnLink, unknown>>;
  return isLinkId(id) && typeof created === 'number' && typeof expiry === 'number' && Array.isArray(fetches);
}
