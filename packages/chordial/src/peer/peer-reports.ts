/**
 * What peers say of themselves, for the lists and the health of others: what each gives and holds, its room, the copies
 * that lack, its version (`peer.report {}` → `{quota, used, cached, room, lacking, rare, version}`).
 */
import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import { forEachConcurrently } from '../flow/for-each.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { AskingPorts } from '../network/members-exchange.ts';
import { TransportError } from '../network/transport.ts';
import { Message, type Registry } from '../wire/message.ts';
import { int, map, nullable, text, uint } from '../wire/schema.ts';

export interface PeerReport {
  /** Bytes it gives at most, holds as replicas, and as cache. */
  readonly quota: number;
  readonly used: number;
  readonly cached: number;
  /** Bytes that it can still take, by quota and disk. */
  readonly room: number;
  /** Copies to be made of what it owns; null before it knows. */
  readonly lacking: number | null;
  /** Blocks with fewer copies than acknowledge a put. */
  readonly rare: number;
  readonly version: string;
}

const maxVersionCharacters = 32;
/** More than any peer has; sums of them stay exact. */
const maxCopies = 1_000_000_000_000;
const maxAsked = 256;
const askConcurrency = 32;
const deadlineMilliseconds: Milliseconds = 1500;
const keptMilliseconds: Milliseconds = 10_000;

export const reportMessages = {
  report: new Message(
    'peer.report',
    map({}),
    map({
      quota: uint,
      used: uint,
      cached: uint,
      room: uint,
      lacking: nullable(int(0, maxCopies)),
      rare: int(0, maxCopies),
      version: text(maxVersionCharacters),
    }),
  ),
};

interface Kept {
  readonly at: Milliseconds;
  readonly report: PeerReport;
}

export class PeerReports {
  readonly #ports: AskingPorts;
  readonly #own: () => Promise<PeerReport>;
  readonly #kept = new BoundedCache<HostId, Kept>(maxAsked);
  #asking: Promise<void> | null = null;
  #askedAt: Milliseconds = Number.NEGATIVE_INFINITY;

  /** @param own of this peer */
  constructor(ports: AskingPorts, own: () => Promise<PeerReport>) {
    this.#ports = ports;
    this.#own = own;
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    return registry.on(reportMessages.report, () => this.#own());
  }

  get own(): () => Promise<PeerReport> {
    return this.#own;
  }

  /** Of the others, by id: those that answered within ten seconds, or answer now. */
  async ofOthers(): Promise<ReadonlyMap<HostId, PeerReport>> {
    const { clock, hosts } = this.#ports;
    if (clock.now() - this.#askedAt >= keptMilliseconds) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = null;
      });
      await this.#asking;
    }
    const told = new Map<HostId, PeerReport>();
    for (const { host } of hosts()) {
      const kept = this.#kept.get(host);
      if (kept !== undefined && clock.now() - kept.at < 2 * keptMilliseconds) told.set(host, kept.report);
    }
    return told;
  }

  async #ask(): Promise<void> {
    const { clock, hosts, transport } = this.#ports;
    await forEachConcurrently(hosts().slice(0, maxAsked), askConcurrency, async (host) => {
      try {
        const report = await reportMessages.report.ask(transport, host, {}, { deadline: deadlineMilliseconds });
        this.#kept.set(host.host, { at: clock.now(), report });
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
      }
    });
    this.#askedAt = clock.now();
  }
}
