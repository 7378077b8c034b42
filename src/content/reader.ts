/**
 * From a root CID to what it holds. Only the nodes of the tree are fetched here, and verified; the leaves of a file are
 * named, in order and with their place in the file, for the caller to fetch as it likes.
 *
 * Every node is hostile until checked: a CID names any bytes that somebody liked to publish. A node cannot contain
 * itself (that would take a hash collision), so bounds on depth and links end every walk.
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
  // How long a lone raw block is stands nowhere but in the block.
  const block = await fetchOne(root, fetch);
  if (root.code === rawCodec) return new FileContent(root, rawRoot(block.bytes), fetch);
  const node = decodeUnixfs(block);
  return node.type === 'file' ? new FileContent(root, node, fetch) : new DirectoryContent(root, node, fetch);
}

/** The content of a path below a folder: `[]` is the root itself. Throws ChordialError('not-found') naming the part that is absent. */
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
