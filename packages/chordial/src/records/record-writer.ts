/**
 * Makes records durable at the owner of their key and its replicas, by the same rule as blocks. Records written at the
 * same time with the same places are batched.
 */

import { type Contact, ringIdOfHash } from '@chordial/ring';
import { ChordialError, isErrorCode } from '../errors.ts';
import { PerPeer } from '../network/peer-queue.ts';
import { makeCopies } from './durable-copies.ts';
import type { EncodedEntry } from './entry.ts';
import type { RecordHolder } from './record-holder.ts';
import { recordKeyOf } from './record-keys.ts';
import { maxEntriesPerMessage } from './record-messages.ts';
import type { RecordPorts } from './record-ports.ts';
import { RecordSender } from './record-sender.ts';

/** Entries with the same places. */
interface Group {
  readonly entries: readonly EncodedEntry[];
  /** A host accepted some of them and refused others. */
  isDivided: boolean;
}

interface FormingGroup extends Group {
  readonly entries: EncodedEntry[];
  /** Replicas of each of them. */
  readonly copies: Promise<number>;
}

export class RecordWriter {
  readonly #ports: RecordPorts;
  readonly #holder: RecordHolder;
  readonly #senders: PerPeer<RecordSender>;
  /** By their places; until the end of the turn. */
  readonly #forming = new Map<string, FormingGroup>();

  constructor(ports: RecordPorts, holder: RecordHolder) {
    this.#ports = ports;
    this.#holder = holder;
    this.#senders = new PerPeer((contact) => new RecordSender(contact, ports));
  }

  /** For entries signed by this host: the minimum of durable replicas. Rejects with `too-few-copies`. */
  async store(entries: readonly EncodedEntry[]): Promise<number> {
    return Math.min(...(await Promise.all(entries.map((entry) => this.#store(entry)))));
  }

  /** Offers entries to one host, for repair. Rejects when it refused one of them. */
  async push(host: Contact, entries: readonly EncodedEntry[]): Promise<void> {
    const isHere = host.host === this.#ports.view.self.host;
    const bytes = entries.map((entry) => entry.bytes);
    const ends = isHere ? endsOf(await this.#holder.keep(host, bytes)) : await this.#carry(host, entries);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #store(encoded: EncodedEntry): Promise<number> {
    const { placement, places, rule } = this.#ports;
    const key = ringIdOfHash(recordKeyOf(encoded.entry, places), places.bits);
    const hosts = await placement.writable(key, rule.replicas);
    const group = this.#join(hosts, encoded);
    try {
      return await group.copies;
    } catch (error) {
      if (!group.isDivided) throw error;
    }
    // Refusal of others does not keep this one from its places.
    return this.#copy(hosts, { entries: [encoded], isDivided: false });
  }

  #join(hosts: readonly Contact[], encoded: EncodedEntry): FormingGroup {
    const where = hosts
      .slice(0, this.#ports.rule.replicas)
      .map(({ host }) => host)
      .join();
    const known = this.#forming.get(where);
    if (known !== undefined && known.entries.length < maxEntriesPerMessage) {
      known.entries.push(encoded);
      return known;
    }
    const start = Promise.withResolvers<void>();
    const entries = [encoded];
    const group: FormingGroup = {
      entries,
      isDivided: false,
      copies: start.promise.then(() => this.#copy(hosts, group)),
    };
    this.#forming.set(where, group);
    queueMicrotask(() => {
      if (this.#forming.get(where) === group) this.#forming.delete(where);
      start.resolve();
    });
    return group;
  }

  async #copy(hosts: readonly Contact[], group: Group): Promise<number> {
    const { rule, clock } = this.#ports;
    const { copies, needed, failures, codes } = await makeCopies(hosts, rule, {
      clock,
      storeAt: (host) => this.#storeAt(host, group),
      isStalled: (host, milliseconds) => this.#senders.to(host).isStalled(milliseconds),
    });
    if (copies >= needed) return copies;
    if (codes.has('wrong-clock')) throw refusedByClock(copies, needed);
    throw new ChordialError(
      'too-few-copies',
      `A record became durable on ${copies} of the ${needed} hosts that it needs (${failures.slice(-3).join('; ') || 'no host was there'}). Try again when more peers are up.`,
    );
  }

  async #storeAt(host: Contact, group: Group): Promise<void> {
    const isHere = host.host === this.#ports.view.self.host;
    const ends = isHere
      ? endsOf(await this.#holder.keepOwn(host, group.entries))
      : await this.#carry(host, group.entries);
    const failed = ends.filter((one) => one.status === 'rejected');
    if (failed[0] === undefined) return;
    if (failed.length < ends.length) group.isDivided = true;
    throw failed[0].reason;
  }

  #carry(host: Contact, entries: readonly EncodedEntry[]): Promise<readonly PromiseSettledResult<void>[]> {
    const sender = this.#senders.to(host);
    return Promise.allSettled(entries.map((entry) => sender.store(entry)));
  }
}

function refusedByClock(copies: number, needed: number): ChordialError {
  return new ChordialError(
    'wrong-clock',
    `A record became durable on ${copies} of the ${needed} hosts that it needs: others refuse it because it is dated more than 10 minutes ahead of their clocks. Set the clocks right; "chordial doctor" says how far this one is off.`,
  );
}

/** Result of each, as reported by a sender. */
function endsOf(results: readonly string[]): readonly PromiseSettledResult<void>[] {
  return results.map((result) => {
    if (result === 'stored' || result === 'known') return { status: 'fulfilled', value: undefined };
    const code = isErrorCode(result) ? result : 'internal';
    return { status: 'rejected', reason: new ChordialError(code, `The own record was refused: ${result}.`) };
  });
}
