/** What was acknowledged, and where it lies, seen from outside: the disks are looked at directly, nobody is asked. */
import { hash } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { blockKey, cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { placedNameKey } from '../../src/content/name.ts';
import type { Random } from '../../src/ring/ports.ts';
import type { DataHost } from './data-simulation.ts';

export interface AcknowledgedFile {
  readonly name: string;
  readonly publisher: DataHost;
  readonly bytes: Uint8Array;
  readonly cid: CID;
  /** The promise: it survives copies − 1 deaths before repair. */
  readonly copies: number;
  /** Removed, or perhaps removed. */
  isGone: boolean;
  /** Its removal was acknowledged. */
  isRemoved: boolean;
}

const bits = 64;

export class DataOracle {
  readonly files: AcknowledgedFile[] = [];

  acknowledged(name: string, publisher: DataHost, bytes: Uint8Array, copies: number): void {
    const cid = cidOfBlock(rawCodec, bytes);
    this.files.push({ name, publisher, bytes, cid, copies, isGone: false, isRemoved: false });
  }

  get kept(): readonly AcknowledgedFile[] {
    return this.files.filter((file) => !file.isGone);
  }

  /** Disks of these hosts that hold the block whole, and those that hold the record. */
  async copiesOf(file: AcknowledgedFile, hosts: readonly DataHost[]): Promise<{ blocks: number; records: number }> {
    const key = Buffer.from(placedNameKey(file.name, bits, false), 'hex');
    let blocks = 0;
    let records = 0;
    for (const { disk } of hosts) {
      const [held] = await disk.blocks.has([file.cid]);
      if (held === true && !disk.rotten.has(blockKey(file.cid))) blocks += 1;
      const find = disk.catalog.database.prepare('SELECT 1 FROM records WHERE key = ? AND publisher = ?');
      if (find.get(key, file.publisher.signer.host) !== undefined) records += 1;
    }
    return { blocks, records };
  }
}

/** Different for each name, the same in every run. */
export function contentOf(name: string, random: Random): Uint8Array {
  const size = Math.floor(random.next() ** 2 * 3000);
  const seed = hash('sha256', name, 'buffer');
  return Uint8Array.from({ length: size }, (_, index) => (seed[index % seed.length] ?? 0) ^ (index >> 5));
}
