/** Status of a file: its blocks, the live replicas of the rarest one, and the holders, found by asking. */

import type { Contact, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { blockKey } from '../content/cid.ts';
import { treeBlocks } from '../content/walk.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import { blockMessages, type HeldSizes } from '../replication/block-messages.ts';
import { fetchBlocks } from './content-fetcher.ts';
import type { FilePorts } from './file-ports.ts';
import type { FileReference, FileStat } from './files.ts';
import { checkSize } from './read-file.ts';
import { resolve } from './resolve.ts';
import { rawEntry } from './seals.ts';

const cidsPerQuestion = 1024;
/** In larger networks the holders are among the first of these on the ring; others are not counted. */
const maxHostsAsked = 256;
const hostAskConcurrency = 16;
const deadlineMilliseconds = 3000;
const maxHoldersShown = 256;

export async function statFile(ports: FilePorts, reference: FileReference): Promise<FileStat> {
  const { entry, cid } = await resolve(ports, reference);
  const { blocks, size } = await treeBlocks(cid, fetchBlocks(ports.fetcherOf(cid)));
  // A content given by CID alone has no announced size.
  if (entry.name !== null) checkSize(rawEntry(entry), size);
  const copies: number[] = blocks.map(() => 0);
  let cachedCopies = 0;
  const holders: Contact[] = [];
  // A sharer has all of it.
  const sharers = new Set((await ports.sharers.of(cid).find()).map(({ host }) => host));
  const hosts = ports.data.view.hosts().slice(0, maxHostsAsked);
  await forEachConcurrently(hosts, hostAskConcurrency, async (host) => {
    const isSharer = sharers.has(host.host);
    const { sizes, cached } = isSharer ? wholly(blocks) : await heldAt(ports, host, blocks);
    for (const [index, size] of sizes.entries())
      if (size >= 0 && !cached.has(index)) copies[index] = (copies[index] ?? 0) + 1;
    cachedCopies += cached.size;
    if (sizes.some((size) => size >= 0)) holders.push(host);
  });
  const age = entry.time === null ? null : Math.max(0, (ports.data.clock.wallTime() - Date.parse(entry.time)) / 1000);
  return {
    ...entry,
    blocks: blocks.length,
    copies: copies.reduce((least, count) => Math.min(least, count), Number.POSITIVE_INFINITY),
    cached: cachedCopies,
    holders: holders.slice(0, maxHoldersShown).map(({ host, addresses, zone = null }) => {
      return { id: host, name: ports.peerNames.shown(host), address: addresses[0] ?? '', zone };
    }),
    ageSeconds: age,
  };
}

/** Live replicas of each block, counted by asking every known host at once; a host that does not answer in time has none. */
export async function liveCopies(
  ports: FilePorts,
  blocks: readonly CID[],
  deadline: Milliseconds,
): Promise<readonly number[]> {
  const copies = blocks.map(() => 0);
  const hosts = ports.data.view.hosts().slice(0, maxHostsAsked);
  const held = await Promise.all(hosts.map((host) => heldAt(ports, host, blocks, deadline)));
  for (const { sizes, cached } of held)
    for (const [index, size] of sizes.entries()) if (size >= 0 && !cached.has(index)) copies[index]! += 1;
  return copies;
}

const nothing: HeldSizes = { sizes: [], cached: new Set() };

function wholly(blocks: readonly CID[]): HeldSizes {
  return { sizes: blocks.map(() => 0), cached: new Set() };
}

/** Sizes by block; a host that does not answer has no live replica. */
export async function heldAt(
  ports: FilePorts,
  host: Contact,
  blocks: readonly CID[],
  deadline = deadlineMilliseconds,
): Promise<HeldSizes> {
  const { view, transport, blocks: own, report } = ports.data;
  const sizes: number[] = [];
  const cached = new Set<number>();
  if (host.host === view.self.host) {
    for (const [index, cid] of blocks.entries()) {
      sizes.push((await own.size(cid)) ?? -1);
      if (ports.isCached(blockKey(cid))) cached.add(index);
    }
    return { sizes, cached };
  }
  try {
    for (let start = 0; start < blocks.length; start += cidsPerQuestion) {
      const some = blocks.slice(start, start + cidsPerQuestion);
      const held = await blockMessages.has.ask(transport, host, { cids: some }, { deadline });
      sizes.push(...held.sizes);
      for (const position of held.cached) cached.add(start + position);
    }
  } catch (error) {
    report?.('no-answer', host, (error as Error).message);
    return nothing;
  }
  return { sizes, cached };
}
