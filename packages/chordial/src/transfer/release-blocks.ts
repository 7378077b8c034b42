/**
 * After a name was replaced or removed, its publisher tells the holders of the old content that this name no longer
 * needs it. A host that is not reached finds out by itself within 6 h.
 */

import { type Contact, type HostId, type Milliseconds, ringIdOfHash } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { blockKey } from '../content/cid.ts';
import { treeBlocks } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import { claimMessages, type EndedName } from '../replication/claim-messages.ts';
import { fetchBlocks } from './content-fetcher.ts';
import type { FilePorts } from './file-ports.ts';

/** In networks up to this size all hosts are told, without looking up the holders. */
const maxHostsTold = 256;
/** Blocks of the old content looked up in a larger network. */
const maxBlocksPlaced = 4096;
const hostNotifyConcurrency = 16;
const deadlineMilliseconds: Milliseconds = 3000;
const maxAttempts = 3;
const pauseMilliseconds: Milliseconds = 1000;

/** `content` is what the name referred to. Never rejects for a host that cannot be reached. */
export async function releaseBlocks(ports: FilePorts, ended: EndedName, content: CID): Promise<void> {
  const hosts = await holdersOf(ports, content);
  await forEachConcurrently(hosts, hostNotifyConcurrency, (host) => tell(ports, host, ended));
}

async function tell(ports: FilePorts, host: Contact, ended: EndedName): Promise<void> {
  const { view, transport, clock, report } = ports.data;
  if (host.host === view.self.host) return ports.release([ended]);
  for (let attempt = 1; attempt <= maxAttempts && !view.isDead(host.host) && !ports.closing.aborted; attempt++) {
    try {
      const options = { deadline: deadlineMilliseconds, signal: ports.closing };
      await claimMessages.release.ask(transport, host, { names: [ended] }, options);
      return;
    } catch (error) {
      report?.('no-answer', host, (error as Error).message);
      if (attempt < maxAttempts) await new Promise<void>((resolve) => clock.after(pauseMilliseconds, resolve));
    }
  }
}

async function holdersOf(ports: FilePorts, content: CID): Promise<readonly Contact[]> {
  const { view, placement } = ports.data;
  const live = view.hosts();
  if (live.length <= maxHostsTold) return live;
  const found = new Map<HostId, Contact>([[view.self.host, view.self]]);
  try {
    const { blocks } = await treeBlocks(content, fetchBlocks(ports.fetcher), ports.closing);
    for (const cid of blocks.slice(0, maxBlocksPlaced)) {
      const key = ringIdOfHash(blockKey(cid), view.shape.bits);
      for (const host of await placement.places(key, ports.rule.replicas)) found.set(host.host, host);
      if (found.size >= maxHostsTold) break;
    }
  } catch (error) {
    // Hosts found so far are told; the others find out later.
    if (!(error instanceof ChordialError)) throw error;
  }
  return [...found.values()];
}
