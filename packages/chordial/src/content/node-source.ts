/**
 * Fetches nodes of a tree, verified against their CIDs and decoded, so that callers never see unchecked bytes. Identity
 * CIDs are decoded in place.
 */
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { type Block, inlineBytes, verifyBlock } from './cid.ts';
import { badContent, decodeUnixfs, type UnixfsNode } from './unixfs.ts';

/** Returns the requested blocks in any order, each once; throws anything when it cannot. At most 16 are requested at once. */
export type FetchBlocks = (cids: readonly CID[]) => AsyncIterable<Block>;

/** Fetches, verifies and decodes nodes; entry i belongs to CID i. */
export async function fetchNodes(cids: readonly CID[], fetch: FetchBlocks): Promise<UnixfsNode[]> {
  const blocks = await fetchAll(cids, fetch);
  return cids.map((cid) => decodeUnixfs({ cid, bytes: blocks.get(cid.toString()) ?? new Uint8Array(0) }));
}

/** Fetches and verifies one block of any codec. */
export async function fetchOne(cid: CID, fetch: FetchBlocks): Promise<Block> {
  const blocks = await fetchAll([cid], fetch);
  return { cid, bytes: blocks.get(cid.toString()) ?? new Uint8Array(0) };
}

async function fetchAll(cids: readonly CID[], fetch: FetchBlocks): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  const wanted = new Map<string, CID>();
  for (const cid of cids) {
    const inline = inlineBytes(cid);
    if (inline === null) wanted.set(cid.toString(), cid);
    else found.set(cid.toString(), inline);
  }
  if (wanted.size > 0) {
    for await (const { cid, bytes } of fetch([...wanted.values()])) {
      const key = cid.toString();
      if (!wanted.has(key)) continue;
      if (!verifyBlock(cid, bytes)) throw badContent(cid, 'the bytes received do not match the CID');
      wanted.delete(key);
      found.set(key, bytes);
    }
  }
  const [missing] = wanted.keys();
  if (missing !== undefined)
    throw new ChordialError('no-live-source', `No peer sent the block ${missing}. Try again when more peers are up.`);
  return found;
}
