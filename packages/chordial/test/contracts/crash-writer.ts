/**
 * A process to be killed: `node crash-writer.ts FOLDER FIRST [HALF]` puts blocks FIRST, FIRST + 1, …, each claimed by a
 * name, deletes some, and ends the claims of others and collects those, concurrently, printing a line per acknowledged
 * step. With HALF it kills itself in the middle of that write.
 */
import fs from 'node:fs';
import { blockKey, cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import type { Claim } from '../../src/storage/claim-table.ts';
import { openDataFolder } from '../../src/storage/data-folder.ts';
import { DiskBlockStore } from '../../src/storage/disk-block-store.ts';
import { writeFlushed } from '../../src/storage/durable-file.ts';
import { openIndexedTables } from '../../src/storage/indexed-tables.ts';

const writers = 8;
/** Wanted copies for the index. */
export const crashReplicas = 3;

/** Block number n, of 0 to 64 KiB. */
export function crashBlock(n: number) {
  const bytes = new Uint8Array(
    Buffer.concat([Buffer.from(`block ${n} `), Buffer.alloc((n * 7919) % 65_536, n & 0xff)]),
  );
  return { cid: cidOfBlock(rawCodec, bytes), bytes };
}

/** The claim on block number n. */
export function crashClaim(n: number): Claim {
  return { publisher: 'crash', name: `file ${n}`, sequence: 1, replicas: crashReplicas };
}

/** Record number n. */
export function crashRecord(n: number) {
  const subject = Buffer.from(`record ${n}`);
  const key = n.toString(16).padStart(64, '0');
  return { kind: 'name', publisher: 'crash', subject, key, sequence: n, expiry: null, bytes: Buffer.alloc(100, n) };
}

async function main(folder: string, first: number, half: number): Promise<void> {
  const data = await openDataFolder(folder);
  const catalog = new Catalog(data.file('catalog.db'));
  const { claims, records, index } = await openIndexedTables(catalog, crashReplicas);
  let writes = 0;
  const breaking = async (file: string, bytes: Uint8Array) => {
    writes += 1;
    if (writes === half) {
      fs.writeFileSync(file, bytes.subarray(0, bytes.length / 2));
      process.kill(process.pid, 'SIGKILL');
    }
    await writeFlushed(file, bytes);
  };
  const store = await DiskBlockStore.open({ folder, catalog, claims, index, quotaBytes: 1e12, writeFlushed: breaking });
  let next = first;
  // Synchronous, so that lines and acknowledgements correspond, except possibly the last.
  const tell = (step: string, n: number) => fs.writeSync(1, `${step} ${n}\n`);
  const write = async () => {
    for (;;) {
      const n = next++;
      const block = crashBlock(n);
      await Promise.all([store.put([{ ...block, claims: [crashClaim(n)] }]), records.put([crashRecord(n)])]);
      tell('put', n);
      if (n % 3 === 2) continue;
      tell('deleting', n);
      if (n % 3 === 0) await store.delete([block.cid]);
      else {
        const [put] = claims.byName('crash', crashClaim(n).name);
        if (put !== undefined) await catalog.write(() => claims.drop(put, 1));
        await store.collect([blockKey(block.cid)]);
      }
      tell('deleted', n);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
}

if (import.meta.main) await main(String(process.argv[2]), Number(process.argv[3]), Number(process.argv[4] ?? -1));
