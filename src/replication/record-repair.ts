/** Goes through the records held here and offers each to the places that have not been seen to hold it. */
import { hash } from 'node:crypto';
import { ChordialError } from '../errors.ts';
import { decodeEntry, type EncodedEntry } from '../records/entry.ts';
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact, HostId } from '../ring/pointer.ts';
import type { RecordRow } from '../storage/record-table.ts';
import type { RepairPorts } from './repair-ports.ts';

const recordsPerPage = 256;
/** Pairs of record and host known to be in order. Beyond, everything is offered once more: small, and `known` is a cheap answer. */
const maximumPairsRemembered = 262_144;
/** After so many rounds all is forgotten, for a host may have lost its disk and kept its key. */
const roundsRemembered = 10;

export class RecordRepair {
  readonly #ports: RepairPorts;
  readonly #inOrder = new Set<string>();
  #rounds = 0;

  constructor(ports: RepairPorts) {
    this.#ports = ports;
  }

  /** Resolves with the number of records offered and taken. */
  async round(signal: AbortSignal): Promise<number> {
    this.#rounds += 1;
    if (this.#rounds % roundsRemembered === 0) this.#inOrder.clear();
    let offered = 0;
    let cursor: string | null = null;
    do {
      const page = this.#ports.records.table.range('all', cursor, recordsPerPage);
      offered += await this.#mend(page.items);
      cursor = page.cursor;
    } while (cursor !== null && !signal.aborted);
    return offered;
  }

  async #mend(rows: readonly RecordRow[]): Promise<number> {
    const { view, placement, replicas, clock } = this.#ports;
    const now = clock.wallTime();
    const offers = new Map<HostId, { host: Contact; entries: EncodedEntry[]; pairs: string[] }>();
    for (const row of rows) {
      if (row.expiry !== null && row.expiry <= now) continue;
      const entry = this.#readable(row);
      if (entry === null) continue;
      const digest = hash('sha256', row.bytes, 'base64');
      for (const host of await placement.places(ringIdOfHash(row.key, view.shape.bits), replicas)) {
        const pair = `${host.host} ${digest}`;
        if (host.host === view.self.host || this.#inOrder.has(pair)) continue;
        const offer = offers.get(host.host) ?? { host, entries: [], pairs: [] };
        offer.entries.push(entry);
        offer.pairs.push(pair);
        offers.set(host.host, offer);
      }
    }
    const counts = await Promise.all([...offers.values()].map((offer) => this.#offer(offer)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** A row that the disk spoilt holds up none of the others. */
  #readable(row: RecordRow): EncodedEntry | null {
    try {
      return decodeEntry(row.bytes);
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      this.#ports.report?.('wrong-bytes', this.#ports.view.self, `A record kept here is damaged: ${error.message}`);
      return null;
    }
  }

  async #offer({
    host,
    entries,
    pairs,
  }: {
    host: Contact;
    entries: readonly EncodedEntry[];
    pairs: readonly string[];
  }): Promise<number> {
    try {
      await this.#ports.records.push(host, entries);
    } catch (error) {
      this.#ports.report?.('refused', host, (error as Error).message);
      return 0;
    }
    if (this.#inOrder.size + pairs.length > maximumPairsRemembered) this.#inOrder.clear();
    for (const pair of pairs) this.#inOrder.add(pair);
    return entries.length;
  }
}
