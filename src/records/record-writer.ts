/** Makes records durable at the owner of their key and its replicas, by the same rule as blocks. */
import { ChordialError, isErrorCode } from '../errors.ts';
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact, HostId } from '../ring/pointer.ts';
import { makeCopies } from './durable-copies.ts';
import type { EncodedEntry } from './entry.ts';
import type { RecordHolder } from './record-holder.ts';
import { recordKeyOf } from './record-keys.ts';
import { RecordLane } from './record-lane.ts';
import type { RecordPorts } from './record-ports.ts';

/** Idle lanes are swept when there are more than this many. */
const maximumIdleLanes = 256;

export class RecordWriter {
  readonly #ports: RecordPorts;
  readonly #holder: RecordHolder;
  readonly #lanes = new Map<HostId, RecordLane>();

  constructor(ports: RecordPorts, holder: RecordHolder) {
    this.#ports = ports;
    this.#holder = holder;
  }

  /** The least copies that any of the entries has durable. Rejects with `too-few-copies`. */
  async store(entries: readonly EncodedEntry[]): Promise<number> {
    return Math.min(...(await Promise.all(entries.map((entry) => this.#store(entry)))));
  }

  /** Offers entries to one host, for repair. Rejects when it did not take one of them. */
  async push(host: Contact, entries: readonly EncodedEntry[]): Promise<void> {
    await Promise.all(entries.map((entry) => this.#storeAt(host, entry)));
  }

  async #store(encoded: EncodedEntry): Promise<number> {
    const { placement, places, rule, clock } = this.#ports;
    const key = ringIdOfHash(recordKeyOf(encoded.entry, places), places.bits);
    const hosts = await placement.writable(key, rule.replicas);
    const { copies, needed, failures } = await makeCopies(hosts, rule, {
      clock,
      storeAt: (host) => this.#storeAt(host, encoded),
      isStalled: (host, milliseconds) => this.#lane(host).isStalled(milliseconds),
    });
    if (copies >= needed) return copies;
    throw new ChordialError(
      'too-few-copies',
      `A record became durable on ${copies} of the ${needed} hosts that it needs (${failures.slice(-3).join('; ') || 'no host was there'}). Try again when more peers are up.`,
    );
  }

  async #storeAt(host: Contact, encoded: EncodedEntry): Promise<void> {
    if (host.host !== this.#ports.view.self.host) return this.#lane(host).store(encoded);
    const [result = 'internal'] = await this.#holder.keep(host, [encoded.bytes]);
    if (result !== 'stored' && result !== 'known')
      throw new ChordialError(isErrorCode(result) ? result : 'internal', `The own record was refused: ${result}.`);
  }

  #lane(contact: Contact): RecordLane {
    const known = this.#lanes.get(contact.host);
    // A host that came back at another address is another way.
    if (known !== undefined && (sameAddresses(known.contact, contact) || !known.idle)) return known;
    if (this.#lanes.size >= maximumIdleLanes) {
      for (const [host, lane] of this.#lanes) if (lane.idle) this.#lanes.delete(host);
    }
    const lane = new RecordLane(contact, this.#ports);
    this.#lanes.set(contact.host, lane);
    return lane;
  }
}

function sameAddresses(a: Contact, b: Contact): boolean {
  return a === b || a.addresses.join() === b.addresses.join();
}
