/** The disk of a running peer: blocks, tables and limits in its data folder. */
import { HashingThread } from '../content/hashing-thread.ts';
import { isHostId } from '../network/host-id.ts';
import { DiskBlockStore } from '../storage/disk-block-store.ts';
import { openIndexedTables } from '../storage/indexed-tables.ts';
import { PointerTable } from '../storage/pointer-table.ts';
import { SharedFileTable } from '../storage/shared-file-table.ts';
import { StorageShares } from '../storage/storage-shares.ts';
import type { Closing } from './closing.ts';
import type { OpenFolder } from './open-folder.ts';
import { quotaOf } from './quota.ts';

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
