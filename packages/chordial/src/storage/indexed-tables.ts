/** The tables of a catalogue that are updated together: claims, records, shares, and the index of everything held. */
import { hash } from 'node:crypto';
import { CID } from 'multiformats/cid';
import type { Catalog } from './catalog.ts';
import { ClaimTable } from './claim-table.ts';
import { ItemIndex } from './item-index.ts';
import { OwnBatchTable } from './own-batch-table.ts';
import { PublisherCounts } from './publisher-counts.ts';
import { RecordTable } from './record-table.ts';
import { itemKeyOfLeaf, ShareTable } from './share-table.ts';

export interface IndexedTables {
  readonly claims: ClaimTable;
  readonly records: RecordTable;
  readonly index: ItemIndex;
  /** Batches of shares, of all publishers. */
  readonly shares: ShareTable;
  readonly ownBatches: OwnBatchTable;
  /** Usage per publisher. */
  readonly counts: PublisherCounts;
}

/** The number of replicas for which the index was built. */
const filledSetting = 'items.copies';

/** @param copies the network's r. A catalogue older than the index, or built for another r, is scanned once. */
export async function openIndexedTables(catalog: Catalog, copies: number): Promise<IndexedTables> {
  const tables = indexedTables(catalog, copies);
  if (catalog.setting(filledSetting) !== copies) {
    await catalog.write(() => fill(catalog, tables.index));
    await catalog.setSetting(filledSetting, copies);
  }
  return tables;
}

/** For a catalogue that has always had its index. */
export function indexedTables(catalog: Catalog, copies: number): IndexedTables {
  const claims: ClaimTable = new ClaimTable(catalog, (key) => index.refreshBlock(key));
  const index: ItemIndex = new ItemIndex(catalog, copies, claims);
  const records = new RecordTable(catalog, index);
  const counts = new PublisherCounts(catalog);
  return {
    claims,
    records,
    index,
    counts,
    shares: new ShareTable(catalog, index),
    ownBatches: new OwnBatchTable(catalog),
  };
}

function fill({ database }: Catalog, index: ItemIndex): void {
  index.clear();
  for (const { key, cid } of database.prepare('SELECT key, cid FROM blocks').iterate())
    index.addBlock(Buffer.from(key as Uint8Array).toString('hex'), CID.decode(cid as Uint8Array));
  const records = database.prepare('SELECT rowid, kind, publisher, subject, key, bytes FROM records').iterate();
  for (const { rowid, kind, publisher, subject, key, bytes } of records) {
    const identity = { kind: String(kind), publisher: String(publisher), subject: subject as Uint8Array };
    const at = Buffer.from(key as Uint8Array).toString('hex');
    index.putRecord({ ...identity, key: at }, bytes as Uint8Array, Number(rowid));
  }
  const leaves = database.prepare(
    'SELECT leaf, publisher, number, position, first, bytes FROM share_leaves JOIN share_batches USING (batch)',
  );
  for (const { leaf, publisher, number, position, first, bytes } of leaves.iterate()) {
    const batch = { publisher: String(publisher), number: Number(number) };
    const key = itemKeyOfLeaf(batch, Number(position), Buffer.from(first as Uint8Array).toString('hex'));
    index.putLeaf(key, hash('sha256', bytes as Uint8Array, 'buffer'), Number(leaf));
  }
}
