/**
 * From a root CID to its content. Only the nodes of the tree are fetched and verified here; the leaves of a file are
 * listed, in order and with their offset, for the caller to fetch.
 *
 * Every node is hostile until checked: a CID may name any bytes. A node cannot contain itself (that would take a hash
 * collision), so limits on depth and links end every walk.
 */
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { rawCodec } from './cid.ts';
import { DirectoryContent } from './directory-reader.ts';
import { FileContent } from './file-reader.ts';
import { type FetchBlocks, fetchOne } from './node-source.ts';
import { decodeUnixfs, type FileNode } from './unixfs.ts';

/** The file or folder at the root. Throws ChordialError('bad-content') and what `fetch` throws. */
export async function openContent(root: CID, fetch: FetchBlocks): Promise<FileContent | DirectoryContent> {
  // Only a raw block itself tells its length.
  const block = await fetchOne(root, fetch);
  if (root.code === rawCodec) return new FileContent(root, rawRoot(block.bytes), fetch);
  const node = decodeUnixfs(block);
  return node.type === 'file' ? new FileContent(root, node, fetch) : new DirectoryContent(root, node, fetch);
}

/** The content at a path below a folder: `[]` is the root itself. Throws ChordialError('not-found') naming the missing part. */
export async function openPath(
  root: CID,
  path: readonly string[],
  fetch: FetchBlocks,
): Promise<FileContent | DirectoryContent> {
  let content = await openContent(root, fetch);
  for (const [i, name] of path.entries()) {
    const entry = content.type === 'directory' ? await content.entry(name) : null;
    if (entry === null) {
      const place = content.type === 'directory' ? 'is not in the folder' : 'cannot be below a file:';
      const message = `${JSON.stringify(name)} ${place} ${[root, ...path.slice(0, i)].join('/')}. List it to see what is there.`;
      throw new ChordialError('not-found', message);
    }
    content = await openContent(entry.cid, fetch);
  }
  return content;
}

function rawRoot(bytes: Uint8Array): FileNode {
  return { type: 'file', size: bytes.length, data: bytes, children: [] };
}
