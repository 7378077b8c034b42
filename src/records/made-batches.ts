/** For tests: batches and leaves made of entries. */
import assert from 'node:assert/strict';
import type { RecordPlaces } from './record-keys.ts';
import { batchesOf, type ShareBatch } from './share-batch.ts';
import type { ShareEntry } from './share-entry.ts';
import { bytesOfEntry, writeEntry } from './share-leaf.ts';

export async function onlyBatchOf(
  files: readonly (readonly ShareEntry[])[],
  places: RecordPlaces,
): Promise<ShareBatch> {
  const [made, ...others] = await partsOf(batchesOf(files, places, () => Promise.resolve()));
  assert.ok(made !== undefined && others.length === 0);
  assert.equal(made.files, files.length);
  return made.batch;
}

export async function partsOf<Part>(parts: AsyncIterable<Part>): Promise<readonly Part[]> {
  const gathered: Part[] = [];
  for await (const part of parts) gathered.push(part);
  return gathered;
}

export function encodeLeaf(entries: readonly ShareEntry[]): Uint8Array {
  return Buffer.concat(
    entries.map((entry) => {
      const bytes = Buffer.alloc(bytesOfEntry(entry));
      writeEntry(entry, bytes, 0);
      return bytes;
    }),
  );
}
