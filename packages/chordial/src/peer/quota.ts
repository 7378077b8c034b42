/** How much of its disk a peer gives to the network. */
import { statfs } from 'node:fs/promises';
import { ChordialError } from '../errors.ts';
import { said } from '../sentences.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { PeerConfiguration } from './configuration.ts';
import type { EventFan } from './event-fan.ts';

const quotaSetting = 'quota';

/** Nothing says how much an object store holds, or costs. */
const quotaInStoreBytes = 100 * 2 ** 30;

interface Settling {
  readonly folder: string;
  readonly catalog: Catalog;
  readonly configuration: Pick<PeerConfiguration, 'quotaBytes' | 'blocks'>;
  readonly events: EventFan;
}

/** What was settled at the first start, or null. */
export function settledQuota(catalog: Catalog): number | null {
  const settled = catalog.setting(quotaSetting);
  return typeof settled === 'number' && Number.isSafeInteger(settled) && settled >= 0 ? settled : null;
}

/** Of a running peer, for its next start. */
export async function keepQuota(catalog: Catalog, bytes: number): Promise<void> {
  await catalog.setSetting(quotaSetting, bytes);
}

/** A hard quota: the flag's, else that of the first start, else half of the free space, or a fixed one in an object store. */
export async function quotaOf({ folder, catalog, configuration, events }: Settling): Promise<number> {
  if (configuration.quotaBytes !== undefined) {
    if (configuration.quotaBytes === 0) refuseIfHolder(catalog, folder);
    await catalog.setSetting(quotaSetting, configuration.quotaBytes);
    return configuration.quotaBytes;
  }
  const settled = settledQuota(catalog);
  if (settled !== null) return settled;
  const isInStore = configuration.blocks !== undefined;
  const { bavail, bsize } = await statfs(folder);
  const quota = isInStore ? quotaInStoreBytes : Math.floor((bavail * bsize) / 2);
  await catalog.setSetting(quotaSetting, quota);
  const gibibytes = (quota / 2 ** 30).toFixed(1);
  const why = isInStore ? '' : ': half of what is free';
  const text = `Keeps at most ${gibibytes} GiB for the network${why}. Change it with --quota.`;
  events.tell({ kind: 'quota', ...said('quota-chosen', { bytes: quota, isHalfOfFree: !isInStore }, text) });
  return quota;
}

function refuseIfHolder({ database }: Catalog, folder: string): void {
  const blocks = Number(database.prepare('SELECT count(*) AS count FROM blocks').get()?.['count']);
  if (blocks === 0) return;
  const message = `--quota 0 makes a client, which stores nothing, and ${blocks} blocks of the network are in ${folder}. Start without --quota 0 and leave first, or give another --data.`;
  throw new ChordialError('bad-usage', message);
}
