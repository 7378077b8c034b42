/** What a running peer tells of its disk and its copies, whether everything is safe, and how that was before. */
import { statfs } from 'node:fs/promises';
import packageJson from '../../package.json' with { type: 'json' };
import { systemClock, systemRandom } from '../network/system-clock.ts';
import type { SearchParts } from './build-search.ts';
import { healthOf } from './health.ts';
import { History } from './history.ts';
import type { PeerLimits } from './limits.ts';
import type { Peer } from './peer.ts';
import { PeerReports } from './peer-reports.ts';
import { shownListedMember } from './shown.ts';
import type { Health } from './shown-health.ts';
import type { OwnDisk } from './shown-settings.ts';

type Parts = Pick<SearchParts, 'folder' | 'network' | 'ring' | 'storage' | 'data'>;

/** Of the disk with the data folder, and what the peer has of it. */
export async function ownDisk({
  folder,
  storage: { blocks, index },
}: Pick<Parts, 'folder' | 'storage'>): Promise<OwnDisk> {
  const cached = index.cachedBlocks().bytes;
  const { bavail, bsize } = await statfs(folder.folder);
  return { quota: blocks.quotaBytes, used: Math.max(0, blocks.bytes() - cached), cached, free: bavail * bsize };
}

export function buildReports({ folder, network, ring, storage, data }: Parts): PeerReports {
  const ports = {
    transport: network.transport,
    clock: systemClock,
    random: systemRandom,
    hosts: () => ring.ring.liveHosts(),
  };
  const reports = new PeerReports(ports, async () => {
    const { quota, used, cached, free } = await ownDisk({ folder, storage });
    const { lacking = null, rare = [] } = data.repair() ?? {};
    const onDisk = storage.store === null ? free + cached : Number.POSITIVE_INFINITY;
    const room = Math.max(0, Math.min(quota - used, onDisk));
    return { quota, used, cached, room, lacking, rare: rare.length, version: packageJson.version };
  });
  reports.answerIn(data.registry);
  return reports;
}

export function buildHealth(
  { folder, storage, data }: Parts,
  shown: Pick<Peer, 'status' | 'peers' | 'openInvites' | 'members'>,
  limits: PeerLimits,
  reports: PeerReports,
): () => Promise<Health> {
  const self = folder.identity.host;
  return () =>
    healthOf({
      clock: systemClock,
      status: () => shown.status('none'),
      peers: () => shown.peers(),
      limits: () => limits.status(),
      store: () => storage.store?.status() ?? null,
      members: () => ({
        admission: folder.membership.admission,
        openInvites: shown.openInvites().length,
        members: shown.members().map((one) => shownListedMember(one, self)),
      }),
      repair: () => data.repair(),
      claimsOf: (cid) => storage.blocks.claimsOf(cid),
      reports,
      called: folder.peerNames.shown,
    });
}

export function buildHistory(
  { folder, network, storage }: Parts,
  queries: Readonly<Record<'asked' | 'answered' | 'forwarded', number>>,
): History {
  const { blocks, index } = storage;
  return new History({
    clock: systemClock,
    catalog: folder.catalog,
    failed: (error) => folder.events.tell({ kind: 'damaged', text: error.message }),
    read: () => {
      const { up, down } = network.bandwidth.moved;
      const cached = index.cachedBlocks().bytes;
      return {
        ...{ 'up people': up.people, 'up serving': up.serving, 'up repair': up.repair },
        ...{ 'down people': down.people, 'down serving': down.serving, 'down repair': down.repair },
        ...{ quota: blocks.quotaBytes, used: Math.max(0, blocks.bytes() - cached), cached },
        ...queries,
      };
    },
  });
}
