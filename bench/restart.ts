/**
 * Start time of a peer with many blocks until it is a member and serves: after a stop, and after kill -9, when files and
 * catalogue are reconciled first; its memory then, and the time of a page of names. The blocks are files with claims, in the
 * index, ten to a name. Compared with an empty peer.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { blockKey, cidOfBlock, rawCodec } from '../packages/chordial/src/content/cid.ts';
import { networkId } from '../packages/chordial/src/network/genesis.ts';
import { type Identity, loadOrCreateIdentity } from '../packages/chordial/src/network/identity.ts';
import { loadGenesis } from '../packages/chordial/src/network/network-files.ts';
import { type EncodedEntry, signEntry } from '../packages/chordial/src/records/entry.ts';
import { nameEntry } from '../packages/chordial/src/records/name-entry.ts';
import { recordKeyOf } from '../packages/chordial/src/records/record-keys.ts';
import { BlockTable } from '../packages/chordial/src/storage/block-table.ts';
import { Catalog } from '../packages/chordial/src/storage/catalog.ts';
import { openIndexedTables } from '../packages/chordial/src/storage/indexed-tables.ts';
import { blockFileName } from '../packages/chordial/src/storage/large-blocks.ts';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import type { PeerProcess } from '../packages/chordial/test/end-to-end/peer-process.ts';
import { until } from '../packages/chordial/test/fixtures/until.ts';
import { median } from './alternating.ts';
import { residentBytes } from './chordial-transfer.ts';
import { type BenchOptions, type BenchRow, row, sharedMeasurement, verdict } from './row.ts';

const targetMilliseconds = 2000;
const blocksPerName = 10;
const nameConcurrency = 100;
const blockBytes = 1000;
const sizes = [10_000, 100_000, 1_000_000];
const quickSizes = [1000, 3000, 10_000];
export const namesPerPage = 50;
const pagesAsked = 20;
/** Larger sizes are measured once, since a restart takes long. */
const maxBlocksOftenRestarted = 100_000;
/** Until background work of the start is done. */
const settleMilliseconds = 3000;

export interface HeldFigures {
  readonly blocks: number;
  readonly names: number;
  /** Milliseconds until it serves. */
  readonly afterStop: number;
  readonly afterKill: number;
  /** Resident megabytes shortly after it serves. */
  readonly memory: number;
  /** Milliseconds per page of `namesPerPage` own names. */
  readonly page: number;
}

/** One for an empty peer and one per size, the largest last. */
export const heldFigures = sharedMeasurement(
  async ({ runs, isQuick, note }: BenchOptions): Promise<readonly HeldFigures[]> => {
    await using network = await NetworkFixture.open();
    const alone = await network.start();
    await alone.stop();
    const figures: HeldFigures[] = [];
    let made = 0;
    for (const blocks of [0, ...(isQuick ? quickSizes : sizes)]) {
      await fill(alone.dataFolder, { from: made, to: blocks }, note);
      made = blocks;
      const [stopped, killed, memory, pages] = [[], [], [], []] as [number[], number[], number[], number[]];
      const times = blocks > maxBlocksOftenRestarted ? 1 : runs;
      for (let run = 1; run <= times; run++) {
        const afterStop = await timed(() => network.restart(alone));
        stopped.push(afterStop.milliseconds);
        await serves(afterStop.peer, blocks);
        await afterStop.peer.kill9();
        const afterKill = await timed(() => network.restart(alone));
        killed.push(afterKill.milliseconds);
        await serves(afterKill.peer, blocks);
        await wait(settleMilliseconds);
        memory.push((await residentBytes(afterKill.peer.pid)).now / 1e6);
        pages.push(...(await pagesOf(afterKill.peer, blocks / blocksPerName)));
        await afterKill.peer.stop();
      }
      const [afterStop, afterKill, page] = [median(stopped), median(killed), median(pages)];
      note(`${blocks} blocks: ${Math.round(afterStop)} ms after a stop, ${Math.round(afterKill)} ms after kill -9`);
      figures.push({ blocks, names: blocks / blocksPerName, afterStop, afterKill, memory: median(memory), page });
    }
    return figures;
  },
);

export async function restart(options: BenchOptions): Promise<readonly BenchRow[]> {
  const [empty, ...held] = await heldFigures(options);
  const figure = (what: string, time: number, none: number): BenchRow =>
    row(`restart with ${what}`, `${Math.round(time)} ms`, {
      rival: `${Math.round(none)} ms with none`,
      ratio: (time / none).toFixed(2),
      target: `≤ ${targetMilliseconds} ms`,
      verdict: verdict(time <= targetMilliseconds),
    });
  const { blocks, afterStop, afterKill } = held[held.length - 2]!;
  return [
    figure(`${blocks} blocks after a stop`, afterStop, empty!.afterStop),
    figure(`${blocks} blocks after kill -9`, afterKill, empty!.afterKill),
  ];
}

/** Milliseconds of the first pages, requested in sequence. */
async function pagesOf(peer: PeerProcess, names: number): Promise<readonly number[]> {
  const taken: number[] = [];
  let cursor = '';
  for (let page = 0; page < Math.min(pagesAsked, names / namesPerPage); page++) {
    const since = performance.now();
    const { files, cursor: next } = await peer.json<{ files: readonly unknown[]; cursor: string | null }>(
      `/api/v1/files?limit=${namesPerPage}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    taken.push(performance.now() - since);
    if (files.length !== namesPerPage) throw new Error(`a page has ${files.length} names, not ${namesPerPage}`);
    if (next === null) break;
    cursor = next;
  }
  return taken;
}

async function timed(start: () => Promise<PeerProcess>): Promise<{ peer: PeerProcess; milliseconds: number }> {
  const since = performance.now();
  const peer = await start();
  return { peer, milliseconds: performance.now() - since };
}

async function serves(peer: PeerProcess, blocks: number): Promise<void> {
  const listing = await until('it answers', () => peer.json<{ blocks: number }>('/api/v1/storage'));
  if (listing.blocks !== blocks) throw new Error(`the peer holds ${listing.blocks} blocks, not ${blocks}`);
}

/** Uses the production tables and file layout, without fsync. */
async function fill(
  folder: string,
  { from, to }: { readonly from: number; readonly to: number },
  note: (text: string) => void,
): Promise<void> {
  if (from === to) return;
  const since = performance.now();
  const identity = await loadOrCreateIdentity(folder);
  const genesis = await loadGenesis(folder);
  if (genesis === null) throw new Error(`${folder} belongs to no network`);
  const catalog = new Catalog(path.join(folder, 'catalog.sqlite'));
  const { claims, records, index } = await openIndexedTables(catalog, genesis.replicas);
  const table = new BlockTable(catalog, claims, index);
  const places = { bits: genesis.bits, teaching: false };
  for (let first = from; first < to; first += nameConcurrency * blocksPerName) {
    const names = Array.from({ length: nameConcurrency }, (_, index) => first / blocksPerName + index);
    await Promise.all(
      names.map(async (name) => {
        const entry = entryOf(name, identity, networkId(genesis));
        const { kind, publisher, subject, sequence, expiry } = entry.entry;
        const key = recordKeyOf(entry.entry, places);
        await records.put([{ kind, publisher, subject, key, sequence, expiry, bytes: entry.bytes }]);
        const claim = { publisher, name: nameOf(name), sequence, replicas: genesis.replicas };
        const rows = blocksOf(name).map(({ cid, bytes }) => {
          const block = { key: blockKey(cid), cid, size: bytes.length };
          writeFileSync(path.join(folder, 'blocks', block.key.slice(0, 2), blockFileName(cid)), bytes);
          return table.add(block, [claim]);
        });
        await Promise.all(rows);
      }),
    );
  }
  catalog.close();
  note(`${to - from} blocks made in ${Math.round((performance.now() - since) / 1000)} s`);
}

const nameOf = (name: number): string => `file ${name}`;

function blocksOf(name: number) {
  return Array.from({ length: blocksPerName }, (_, block) => {
    const bytes = new Uint8Array(Buffer.alloc(blockBytes, `block ${block} of ${nameOf(name)} `));
    return { cid: cidOfBlock(rawCodec, bytes), bytes };
  });
}

function entryOf(name: number, identity: Identity, network: string): EncodedEntry {
  const cid = blocksOf(name)[0]!.cid;
  const size = blocksPerName * blockBytes;
  const content = { name: nameOf(name), cid, size, type: 'file', sha256: null, blocks: blocksPerName } as const;
  const now = Date.now();
  return signEntry(
    nameEntry(content, { publisher: identity.host, sequence: now, time: now, expiry: null }),
    network,
    (bytes) => identity.sign(bytes),
  );
}
