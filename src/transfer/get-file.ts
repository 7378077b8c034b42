/** Fetching a file to a path: blocks from several holders at once, written where they belong as they come. */
import type { CID } from 'multiformats/cid';
import type { FileContent, LeafReference } from '../content/file-reader.ts';
import { ChordialError } from '../errors.ts';
import { forEachAtOnce, maximumLeavesUnderWay } from '../replication/block-stream.ts';
import { hasContent, whatIsAt } from './existing-target.ts';
import type { FilePorts } from './file-ports.ts';
import { alreadyExists, PartFile } from './part-file.ts';
import { leafBytesOf } from './read-file.ts';

export interface GetOptions {
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  /** Where the file grows; `PATH.part` unless given. */
  readonly part?: string;
  /** Called with the bytes of each block that is in place. */
  readonly bytesInPlace?: (bytes: number) => void;
}

/** True when the target held these bytes already and nothing was fetched. Throws `already-exists` for other bytes. */
export async function isThereAlready(
  path: string,
  cid: CID,
  size: number,
  sha256: string | null,
  force: boolean,
): Promise<boolean> {
  const there = await whatIsAt(path);
  if (there === 'nothing') return false;
  if (there === 'file' && (await hasContent(path, cid, size, sha256))) return true;
  if (there === 'file' && force) return false;
  if (there === 'something else' || there === 'folder') {
    throw new ChordialError(
      'already-exists',
      `${path} is a ${there === 'folder' ? 'folder' : 'link or special file'}, and a file was to be written there. Name another place with -o.`,
    );
  }
  throw alreadyExists(path);
}

/** Writes the content to `path` through `PATH.part`; what is right in the part file already is not fetched again. */
export async function getFile(
  ports: FilePorts,
  content: FileContent,
  path: string,
  options: GetOptions,
): Promise<void> {
  const part = await PartFile.open(path, content.size, options.part);
  try {
    await forEachAtOnce(content.leaves(), (leaf) => place(ports, part, leaf, options), maximumLeavesUnderWay);
    await part.finish(content.size, options.force ?? false);
  } finally {
    await part.close();
  }
}

async function place(ports: FilePorts, part: PartFile, leaf: LeafReference, options: GetOptions): Promise<void> {
  if (options.signal?.aborted)
    throw new ChordialError('interrupted', 'The get was broken off. Start it again to go on where it stopped.');
  if (leaf.inline !== null) await part.write(leaf.inline, leaf.offset);
  else if (!(await part.holds(leaf.cid, leaf.offset, leaf.length))) {
    const bytes = await leafBytesOf(ports, leaf, options.signal);
    await part.write(bytes, leaf.offset);
    ports.fetcher.release(bytes);
  }
  options.bytesInPlace?.(leaf.length);
}
