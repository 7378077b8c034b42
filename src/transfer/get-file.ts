/** Fetches a file to its place: blocks from several holders at once, written at their offsets as they arrive. */
import type { FileAttributes } from '../content/attributes.ts';
import type { FileContent, LeafReference } from '../content/file-reader.ts';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently, maxLeavesUnderWay } from '../replication/block-stream.ts';
import type { FilePorts } from './file-ports.ts';
import type { PartFile } from './part-file.ts';
import { leafBytesOf } from './read-file.ts';

export interface GetOptions {
  readonly force: boolean;
  readonly attributes: FileAttributes;
  readonly signal?: AbortSignal;
  /** Called with the size of each block in place. */
  readonly bytesInPlace?: (bytes: number) => void;
}

/**
 * Writes the content into the part file and renames it; blocks already correct there are not fetched again. Closes the
 * part file.
 */
export async function getFile(
  ports: FilePorts,
  content: FileContent,
  part: PartFile,
  options: GetOptions,
): Promise<void> {
  try {
    await forEachConcurrently(content.leaves(), (leaf) => place(ports, part, leaf, options), maxLeavesUnderWay);
    await part.finish(content.size, options);
  } finally {
    await part.close();
  }
}

async function place(ports: FilePorts, part: PartFile, leaf: LeafReference, options: GetOptions): Promise<void> {
  if (options.signal?.aborted)
    throw new ChordialError('interrupted', 'The get was interrupted. Start it again to resume.');
  if (leaf.inline !== null) await part.write(leaf.inline, leaf.offset);
  else if (!(await part.holds(leaf.cid, leaf.offset, leaf.length))) {
    const bytes = await leafBytesOf(ports, leaf, options.signal);
    await part.write(bytes, leaf.offset);
    ports.fetcher.release(bytes);
  }
  options.bytesInPlace?.(leaf.length);
}
