/** How much of its disk a peer gives to the network. */
import { statfs } from 'node:fs/promises';
import { ChordialError } from '../errors.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { PeerConfiguration } from './configuration.ts';
import type { EventFan } from './event-fan.ts';

const quotaSetting = 'quota';

interface Settling {
  readonly folder: string;
  readonly catalog: Catalog;
  readonly configuration: Pick<PeerConfiguration, 'quotaBytes'>;
  readonly events: EventFan;
}

/** What was settled at the first start, or null. */
export function settledQuota(catalog: Catalog): number | null {
  const settled = catalog.setting(quotaSetting);
  return typeof settled === 'number' && Number.isSafeInteger(settled) && settled >= 0 ? settled : null;
}

/** A hard quota: the flag's, else that of the first start, else half of the free space. */
export async function quotaOf({ folder, catalog, configuration, events }: Settling): Promise<number> {
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
