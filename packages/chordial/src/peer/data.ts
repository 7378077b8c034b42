/**
 * What a peer stores and moves: records, blocks and files over one disk, one transport and one view of the ring. A running peer,
 * the simulator and the tests build the same with other ones.
 */
import type { HostId } from '@chordial/ring';
import { buildFiles } from './build-files.ts';
import { buildLinks } from './build-links.ts';
import { buildRecords } from './build-records.ts';
import { buildReplication, type Replication } from './build-replication.ts';
import { buildCore, type DataOptions } from './data-core.ts';

export type Data = ReturnType<typeof buildData>;

export function buildData(options: DataOptions) {
  const closing = new AbortController();
  const core = buildCore(options, closing.signal, (cid) => replication.suspect([cid]));
  const records = buildRecords(core);
  const replication: Replication = buildReplication(core, records);
  const { files, transfers, seals, trees } = buildFiles(core, records, replication);
  const { links, linkRecords } = buildLinks(core, records);
  const { placement, confirmed, registry, membership } = core;
  const purge = (host: HostId): void => core.background.run(replication.purge(host));
  return {
    ...records,
    ...replication,
    placement,
    confirmed,
    /** Everything that is answered. */
    registry,
    files,
    transfers,
    trees,
    seals,
    links,
    linkRecords,
    /** Called once this host is a member: starts repair and resumes interrupted transfers. */
    begin: (): void => {
      replication.beginRepair();
      replication.beginClaimUpkeep();
      replication.beginScrub();
      records.announcer.begin();
      transfers.begin();
      trees.begin();
      for (const host of membership.removed()) purge(host);
    },
    /**
     * After removals: data held by the removed members gets new places, and what they published is dropped where it no
     * longer counts.
     */
    membersRemoved: (hosts: readonly HostId[]): void => {
      placement.clear();
      for (const host of hosts) purge(host);
    },
    close: async (): Promise<void> => {
      closing.abort();
      await transfers.close();
      await trees.close();
      await links.close();
      await records.announcer.close();
      await replication.close();
    },
  };
}
