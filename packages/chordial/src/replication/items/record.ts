import type { Contact } from '@chordial/ring';
import { storedEntries } from '../../records/entry.ts';
import { recordSet } from '../../storage/item-index.ts';
import type { RecordRow } from '../../storage/record-table.ts';
import { placesOfKey, placesOfKeyWithoutSelf } from '../item-places.ts';
import { chunks, SyncClient } from '../sync-client.ts';
import type { SyncPorts } from '../sync-ports.ts';
import type { SmallItemKind } from './item-kind.ts';
import { movedOf, reportFailure } from './moved.ts';

const recordsPerPush = 128;

/** Records: a newer version replaces an older one, so a host that holds another may be ahead or behind. */
export const recordItems: SmallItemKind = {
  places: placesOfKey,
  placesWithoutSelf: placesOfKeyWithoutSelf,

  indexedRange(arc) {
    return arc;
  },

  isAuthoritative(confirmed, key) {
    return confirmed.covers(key.slice(0, 64));
  },

  async withdraw({ confirmed }, key) {
    confirmed.withdraw(key.slice(0, 64));
  },

  async bytes({ records }, { record }) {
    return record === null ? null : (records.table.byRow(record)?.bytes ?? null);
  },

  // Another one may be older: it is offered, which costs little.
  isHeld(held) {
    return held === 'same';
  },

  // The list of a publisher's names is read from its own table.
  isKept(ports, { key }) {
    const row = rowOf(ports, key);
    return row !== null && ports.records.isOwn(row);
  },

  async push(transfers, host, { key }) {
    return movedOf(await recordItems.pushAll(transfers, host, [key]));
  },

  async give(transfers, host, item, held) {
    // A newer one there replaces the one here, and is compared in the next look.
    if (held === 'other') await recordItems.pullAll(transfers, host, [item.key]);
    await recordItems.push(transfers, host, item);
    // Asked again in the next look, when the host itself reports that it has it.
    return 'not-held';
  },

  async drop(ports, items) {
    // One replaced meanwhile is another item.
    const same = items.filter(({ key, digest }) => ports.index.find(recordSet, key)?.digest === digest);
    const rows = same.flatMap(({ key }) => rowOf(ports, key) ?? []);
    if (rows.length > 0) await ports.records.table.removeExactly(rows);
    return rows.length;
  },

  async pullAll({ ports, signal }, host, keys) {
    try {
      const entries = await new SyncClient(ports.transport, signal).records(host, keys);
      return await ports.records.keep(host, entries);
    } catch (error) {
      reportFailure(ports, host, error);
      return null;
    }
  },

  async pushAll({ ports, signal }, host: Contact, keys) {
    let pushed = 0;
    try {
      for (const some of chunks(keys, recordsPerPush)) {
        if (signal.aborted) return null;
        // Including expired ones: they are kept for a day everywhere, since their expiry ends the claims of their puts.
        const entries = storedEntries(some.flatMap((key) => rowOf(ports, key) ?? []));
        if (entries.length === 0) continue;
        await ports.records.push(host, entries);
        pushed += entries.length;
      }
      return pushed;
    } catch (error) {
      reportFailure(ports, host, error);
      return null;
    }
  },
};

function rowOf({ index, records }: Pick<SyncPorts, 'index' | 'records'>, key: string): RecordRow | null {
  const row = index.find(recordSet, key)?.record ?? null;
  return row === null ? null : (records.table.byRow(row) ?? null);
}
