/** The disk of a running peer: blocks, tables and limits in its data folder. */
import { HashingThread } from '../content/hashing-thread.ts';
import { ChordialError } from '../errors.ts';
import { isHostId } from '../network/host-id.ts';
import { DiskBlockStore } from '../storage/disk-block-store.ts';
import { openIndexedTables } from '../storage/indexed-tables.ts';
import { PointerTable } from '../storage/pointer-table.ts';
import { SharedFileTable } from '../storage/shared-file-table.ts';
import { StorageShares } from '../storage/storage-shares.ts';
import type { ObjectBlocks } from './build-blocks.ts';
import type { Closing } from './closing.ts';
import type { OpenFolder } from './open-folder.ts';
import { quotaOf } from './quota.ts';

/** Where the large blocks lie: null in the data folder. */
const placeSetting = 'blocks.place';

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
  const { place, isReturning } = placeOf(folder);
  let objects: ObjectBlocks | null = null;
  if (place !== null) {
    const { openObjectBlocks } = await import('./build-blocks.ts');
    objects = await openObjectBlocks(folder, hashing, isReturning, opened);
  }
  const blocks = await DiskBlockStore.open({
    folder: folder.folder,
    catalog,
    claims,
    index,
    quotaBytes,
    shares: storageShares,
    ...(objects === null ? {} : { large: objects.large, reconcilesLater: isReturning }),
  });
  opened.defer(() => blocks.close(), 'the blocks: the disk does not answer');
  await catalog.setSetting(placeSetting, place);
  objects?.begin(blocks);
  return {
    ...tables,
    catalog,
    blocks,
    /** The object store of the large blocks, if any. */
    store: objects,
    storageShares,
    pointers: new PointerTable(catalog),
    sharedFiles: new SharedFileTable(catalog),
    hashing,
  };
}

/** Throws `bad-usage` while blocks lie in another place than the settings say. */
function placeOf({ configuration, catalog, folder }: OpenFolder): {
  readonly place: string | null;
  readonly isReturning: boolean;
} {
  const { blocks } = configuration;
  const place =
    blocks === undefined ? null : ['s3:/', blocks.bucket, ...(blocks.prefix ? [blocks.prefix] : [])].join('/');
  const setting = catalog.setting(placeSetting);
  // Anything else was damaged.
  const before = typeof setting === 'string' && setting.startsWith('s3://') ? setting : null;
  if (place === before) return { place, isReturning: place !== null };
  const row = catalog.database.prepare('SELECT count(*) AS count FROM blocks WHERE small IS NULL').get();
  const count = Number(row?.['count']);
  if (count === 0) return { place, isReturning: false };
  const remedy = before === null ? 'Start without --blocks' : `Start with --blocks ${before}`;
  throw new ChordialError(
    'bad-usage',
    `${count} blocks of this peer lie in ${before ?? folder}, and not in ${place ?? 'its data folder'}. ${remedy}; or, to move, let it leave with "chordial leave" and join again with the other place.`,
  );
}
