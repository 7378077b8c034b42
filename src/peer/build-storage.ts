/** The disk of a running peer: blocks, tables and limits in its data folder. */
import { statfs } from 'node:fs/promises';
import { HashingThread } from '../content/hashing-thread.ts';
import { ChordialError } from '../errors.ts';
import { isHostId } from '../network/host-id.ts';
import type { Catalog } from '../storage/catalog.ts';
import { DiskBlockStore } from '../storage/disk-block-store.ts';
import { openIndexedTables } from '../storage/indexed-tables.ts';
import { PointerTable } from '../storage/pointer-table.ts';
import { SharedFileTable } from '../storage/shared-file-table.ts';
import { StorageShares } from '../storage/storage-shares.ts';
import type { Closing } from './closing.ts';
import type { OpenFolder } from './open-folder.ts';

const quotaSetting = 'quota';

export type DiskStorage = Awaited<ReturnType<typeof buildStorage>>;

export async function buildStorage(folder: OpenFolder, opened: Closing) {
  const { catalog, genesis, membership, identity } = folder;
  const hashing = new HashingThread();
  opened.defer(() => hashing.close(), 'the hashing');
  const quotaBytes = await quotaOf(folder);
  const tables = await openIndexedTables(catalog, genesis.replicas);
  const { claims, index, counts } = tables;
  const shareOf = (host: string) => (isHostId(host) ? membership.of(host).share : null);
  const storageShares = new StorageShares({ counts, quotaBytes, self: identity.host, shareOf });
  const blocks = await DiskBlockStore.open({
    folder: folder.folder,
    catalog,
    claims,
    index,
    quotaBytes,
    shares: storageShares,
  });
  opened.defer(() => blocks.close(), 'the blocks: the disk does not answer');
  return {
    ...tables,
    catalog,
    blocks,
    storageShares,
    pointers: new PointerTable(catalog),
    sharedFiles: new SharedFileTable(catalog),
    hashing,
  };
}

/** What was settled at the first start, or null. */
export function settledQuota(catalog: Catalog): number | null {
  const settled = catalog.setting(quotaSetting);
  return typeof settled === 'number' && Number.isSafeInteger(settled) && settled >= 0 ? settled : null;
}

/** A hard quota: the flag's, else that of the first start, else half of the free space. */
async function quotaOf({ folder, catalog, configuration, events }: OpenFolder): Promise<number> {
  if (configuration.quotaBytes !== undefined) {
    if (configuration.quotaBytes === 0) refuseIfHolder(catalog, folder);
    await catalog.setSetting(quotaSetting, configuration.quotaBytes);
    return configuration.quotaBytes;
  }
  const settled = settledQuota(catalog);
  if (settled !== null) return settled;
  const { bavail, bsize } = await statfs(folder);
  const half = Math.floor((bavail * bsize) / 2);
  await catalog.setSetting(quotaSetting, half);
  const gibibytes = (half / 2 ** 30).toFixed(1);
  events.tell({
    kind: 'quota',
    text: `Keeps at most ${gibibytes} GiB for the network: half of what is free. Change it with --quota.`,
  });
  return half;
}

function refuseIfHolder({ database }: Catalog, folder: string): void {
  const blocks = Number(database.prepare('SELECT count(*) AS count FROM blocks').get()?.['count']);
  if (blocks === 0) return;
  const message = `--quota 0 makes a client, which stores nothing, and ${blocks} blocks of the network are in ${folder}. Start without --quota 0 and leave first, or give another --data.`;
  throw new ChordialError('bad-usage', message);
}
