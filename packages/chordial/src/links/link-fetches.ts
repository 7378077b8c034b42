/** A door's side of fetches: how often the whole content of a link was fetched here, and what is told to its publisher. */
import type { Clock, Contact, HostId, Milliseconds, Timer } from '@chordial/ring';
import type { Transport } from '../network/transport.ts';
import type { LinkId } from './link-address.ts';
import { linkMessages } from './link-messages.ts';
import type { Link } from './link-record.ts';
import type { LinkSettings } from './own-links.ts';

/** One fetch of some bytes of a link. */
export interface LinkFetch {
  /** Once the answer has ended, whole or not. */
  ended(sent: { readonly bytes: number; readonly isComplete: boolean }): void;
}

interface Counted {
  readonly whole: number;
  readonly expiry: number;
}

interface Told {
  readonly id: LinkId;
  readonly publisher: HostId;
  readonly expiry: number;
  readonly bytes: number;
  readonly whole: number;
  readonly tries: number;
  /** By the monotonic clock. */
  readonly due: Milliseconds;
}

const prefix = 'link-fetches/';
/** Links with a number of times that are counted at this door. */
const maxCounted = 4096;
/** Links with something to tell their publishers. */
const maxTold = 1024;
const tellMilliseconds = 2000;
/** A publisher that is away is told later, so often. */
const againMilliseconds = 60_000;
const maxTries = 24 * 60;
const deadlineMilliseconds = 2000;
const maxAsksAtOnce = 8;

export interface LinkFetchPorts {
  readonly settings: LinkSettings;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly hosts: () => readonly Contact[];
  readonly self: HostId;
  /** What this peer is told of its own links. */
  readonly own: (told: { readonly id: LinkId; readonly bytes: number; readonly whole: number }) => void;
  readonly closing: AbortSignal;
}

export class LinkFetches {
  readonly #ports: LinkFetchPorts;
  readonly #counted = new Map<LinkId, Counted>();
  /** Fetches of the whole that are running. */
  readonly #running = new Map<LinkId, number>();
  readonly #told = new Map<LinkId, Told>();
  #timer: Timer | null = null;
  #isTelling = false;

  constructor(ports: LinkFetchPorts) {
    this.#ports = ports;
    for (const { name, value } of ports.settings.settings(prefix)) {
      const { whole, expiry } = (value ?? {}) as Partial<Counted>;
      if (typeof whole === 'number' && typeof expiry === 'number')
        this.#counted.set(name.slice(prefix.length) as LinkId, { whole, expiry });
    }
  }

  /**
   * Null when the link was fetched as often as it may be at this door.
   * @param isWhole whether the answer ends with the last byte: only these count
   */
  begin({ id, publisher, expiry, times }: Link, isWhole: boolean): LinkFetch | null {
    const running = this.#running.get(id) ?? 0;
    if (times !== null && (this.#counted.get(id)?.whole ?? 0) + (isWhole ? running : 0) >= times) return null;
    const counts = isWhole && times !== null;
    if (counts) this.#running.set(id, running + 1);
    let isOver = false;
    return {
      ended: ({ bytes, isComplete }) => {
        if (isOver) return;
        isOver = true;
        if (counts) this.#giveBack(id);
        const isFetched = isWhole && isComplete;
        if (counts && isFetched) this.#count(id, expiry);
        if (bytes > 0) this.#tell({ id, publisher, expiry, bytes, whole: isFetched ? 1 : 0, tries: 0 });
      },
    };
  }

  close(): void {
    this.#timer?.cancel();
  }

  #giveBack(id: LinkId): void {
    const left = (this.#running.get(id) ?? 1) - 1;
    if (left === 0) this.#running.delete(id);
    else this.#running.set(id, left);
  }

  #count(id: LinkId, expiry: number): void {
    const { settings, clock } = this.#ports;
    const counted = { whole: (this.#counted.get(id)?.whole ?? 0) + 1, expiry };
    this.#counted.set(id, counted);
    settings.setSetting(prefix + id, counted).catch(() => undefined);
    if (this.#counted.size <= maxCounted) return;
    const now = clock.wallTime();
    const gone = [...this.#counted].filter(([, one]) => one.expiry <= now).map(([old]) => old);
    // None has expired: the oldest may be fetched again.
    for (const old of gone.length > 0 ? gone : [...this.#counted.keys()].slice(0, 1)) {
      this.#counted.delete(old);
      settings.setSetting(prefix + old, undefined).catch(() => undefined);
    }
  }

  #tell(told: Omit<Told, 'due'>): void {
    const { self, own } = this.#ports;
    if (told.publisher === self) {
      own(told);
      return;
    }
    this.#wait(told, tellMilliseconds);
  }

  /** Adds to what already waits for this publisher. */
  #wait(told: Omit<Told, 'due'>, milliseconds: Milliseconds): void {
    const { clock } = this.#ports;
    const known = this.#told.get(told.id);
    if (known === undefined && this.#told.size >= maxTold) return;
    const due = clock.now() + milliseconds;
    this.#told.set(told.id, {
      ...told,
      due: Math.min(due, known?.due ?? due),
      bytes: told.bytes + (known?.bytes ?? 0),
      whole: told.whole + (known?.whole ?? 0),
    });
    this.#schedule();
  }

  #schedule(): void {
    const { clock, closing } = this.#ports;
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isTelling || this.#told.size === 0 || closing.aborted) return;
    const first = [...this.#told.values()].reduce((least, { due }) => Math.min(least, due), Number.POSITIVE_INFINITY);
    this.#timer = clock.after(Math.max(0, first - clock.now()), () => void this.#tellDue());
  }

  async #tellDue(): Promise<void> {
    const { hosts, clock, closing } = this.#ports;
    this.#isTelling = true;
    const now = clock.now();
    const due = [...this.#told.values()].filter((told) => told.due <= now);
    for (const { id } of due) this.#told.delete(id);
    const contacts = new Map(hosts().map((contact) => [contact.host, contact]));
    for (let start = 0; start < due.length && !closing.aborted; start += maxAsksAtOnce) {
      await Promise.all(
        due.slice(start, start + maxAsksAtOnce).map(async (told) => {
          if (await this.#isTold(contacts.get(told.publisher), told)) return;
          const isLate = told.tries >= maxTries || told.expiry <= clock.wallTime();
          if (!isLate) this.#wait({ ...told, tries: told.tries + 1 }, againMilliseconds);
        }),
      );
    }
    this.#isTelling = false;
    this.#schedule();
  }

  async #isTold(contact: Contact | undefined, { id, bytes, whole }: Told): Promise<boolean> {
    if (contact === undefined) return false;
    const { transport, closing } = this.#ports;
    const options = { deadline: deadlineMilliseconds, signal: closing };
    try {
      await linkMessages.fetched.ask(transport, contact, { id, bytes, whole }, options);
      return true;
    } catch {
      return false;
    }
  }
}
