/**
 * How long a peer with many blocks takes from its start until it is a member and serves: after a stop, and after a kill
 * -9, when files and catalogue are first made to agree. The blocks have claims and stand in the index, ten to a name,
 * and each is a file, as those of large files are. Beside it the start of a peer that holds nothing.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cidOfBlock, rawCodec } from '../src/content/cid.ts';
import { networkId } from '../src/network/genesis.ts';
import { type Identity, loadOrCreateIdentity } from '../src/network/identity.ts';
import { loadGenesis } from '../src/network/network-files.ts';
import { type EncodedEntry, signEntry } from '../src/records/entry.ts';
import { nameEntry } from '../src/records/name-entry.ts';
import { recordKeyOf } from '../src/records/record-keys.ts';
import { Catalog } from '../src/storage/catalog.ts';
import { DiskBlockStore } from '../src/storage/disk-block-store.ts';
import { openIndexedTables } from '../src/storage/indexed-tables.ts';
import { NetworkFixture } from '../test/end-to-end/network-fixture.ts';
import type { PeerProcess } from '../test/end-to-end/peer-process.ts';
import { until } from '../test/end-to-end/until.ts';
import { median } from './alternating.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const targetMilliseconds = 2000;
const blocksPerName = 10;
const namesAtOnce = 100;
const blockBytes = 1000;

export async function restart({ runs, isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  await using network = await NetworkFixture.open();
  const blocks = isQuick ? 10_000 : 100_000;
  const alone = await network.start();
  await alone.stop();
  const empty = await timed(() => network.restart(alone));
  await empty.peer.stop();
  await fill(alone.dataFolder, blocks, note);
  const stopped: number[] = [];
  const killed: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const afterStop = await timed(() => network.restart(alone));
    stopped.push(afterStop.milliseconds);
    await serves(afterStop.peer, blocks);
    await afterStop.peer.kill9();
    const afterKill = await timed(() => network.restart(alone));
    killed.push(afterKill.milliseconds);
    await serves(afterKill.peer, blocks);
    await afterKill.peer.stop();
    note(
      `run ${run}: ${Math.round(stopped.at(-1) ?? 0)} ms after a stop, ${Math.round(killed.at(-1) ?? 0)} ms after kill -9`,
    );
  }
  const figure = (what: string, times: readonly number[]): BenchRow =>
    row(`restart with ${blocks} blocks ${what}`, `${Math.round(median(times))} ms`, {
      rival: `${Math.round(empty.milliseconds)} ms with none`,
      ratio: (median(times) / empty.milliseconds).toFixed(2),
      target: `≤ ${targetMilliseconds} ms`,
      verdict: verdict(median(times) <= targetMilliseconds),
    });
  return [figure('after a stop', stopped), figure('after kill -9', killed)];
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

/** Through the tables of the product, without waiting for the disk. */
async function fill(folder: string, blocks: number, note: (text: string) => void): Promise<void> {
  const since = performance.now();
  const identity = await loadOrCreateIdentity(folder);
  const genesis = await loadGenesis(folder);
  if (genesis === null) throw new Error(`${folder} belongs to no network`);
  const catalog = new Catalog(path.join(folder, 'catalog.sqlite'));
  const { claims, records, index } = await openIndexedTables(catalog, genesis.replicas);
  const unflushed = { writeFlushed: (file: string, bytes: Uint8Array) => writeFile(file, bytes) };
  const shared = { folder, catalog, claims, index, quotaBytes: Number.MAX_SAFE_INTEGER };
  const files = await DiskBlockStore.open({ ...shared, ...unflushed, smallBytes: 0 });
  const places = { bits: genesis.bits, teaching: false };
  for (let first = 0; first < blocks; first += namesAtOnce * blocksPerName) {
    const names = Array.from({ length: namesAtOnce }, (_, index) => first / blocksPerName + index);
    await Promise.all(
      names.map(async (name) => {
        const entry = entryOf(name, identity, networkId(genesis));
        const { kind, publisher, subject, sequence, expiry } = entry.entry;
        const key = recordKeyOf(entry.entry, places);
        await records.put([{ kind, publisher, subject, key, sequence, expiry, bytes: entry.bytes }]);
        const claim = { publisher, name: nameOf(name), sequence, replicas: genesis.replicas };
        await files.put(blocksOf(name).map((block) => ({ ...block, claims: [claim] })));
      }),
    );
  }
  await files.close();
  catalog.close();
  note(`${blocks} blocks made in ${Math.round((performance.now() - since) / 1000)} s`);
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
  return signEntry(nameEntry(content, identity.host, now, now, null), network, (bytes) => identity.sign(bytes));
}
