/**
 * Encodes and decodes UnixFS nodes in their dag-pb envelope. Decoded bytes come from the network: every size, type and
 * link is checked, and violations are ChordialError('bad-content').
 */

import { decode, encode, type PBLink, type PBNode, prepare } from '@ipld/dag-pb';
import { murmur3128 } from '@multiformats/murmur3';
import { UnixFS } from 'ipfs-unixfs';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { type Block, cidOfBlock, dagPbCodec } from './cid.ts';

/** Links of a file node in profile unixfs-v1-2025. */
export const maxFileLinks = 1024;
/** Children of one shard of a large folder: 8 bits of the hash of a name per level. */
export const shardFanout = 256;
const byteOrderMark = '\ufeff';
/** Field 2 of a link, with a length. */
const nameTag = 0x12;
/** Multicodec of murmur3-x64-64, the hash that places names in shards. */
const shardHashCode = 0x22n;

/** A part of a file: its root, how many bytes of the file it holds, and how many bytes its blocks have in all. */
export interface FilePart {
  readonly cid: CID;
  readonly size: number;
  readonly storedBytes: number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly cid: CID;
  /** Bytes of all blocks below it (Tsize): a hint, never checked. */
  readonly size: number;
}

export interface FileNode {
  readonly type: 'file';
  /** Bytes of the file under this node. */
  readonly size: number;
  /** The node's own bytes, which precede its children. */
  readonly data: Uint8Array;
  readonly children: readonly { readonly cid: CID; readonly size: number }[];
}

export interface DirectoryNode {
  readonly type: 'directory';
  readonly links: readonly DirectoryEntry[];
}

export interface ShardNode {
  readonly type: 'shard';
  /** Names begin with two hexadecimal digits, the child's index among 256; a name of two digits only is a shard below. */
  readonly links: readonly DirectoryEntry[];
}

export type UnixfsNode = FileNode | DirectoryNode | ShardNode;

export function encodeFileNode(parts: readonly FilePart[]): Block {
  const data = new UnixFS({ type: 'file', blockSizes: parts.map((part) => BigInt(part.size)) });
  const links = parts.map((part) => ({ Name: '', Hash: part.cid, Tsize: part.storedBytes }));
  return encodeNode(data, links);
}

export function encodeDirectoryNode(entries: readonly DirectoryEntry[]): Block {
  return encodeNode(new UnixFS({ type: 'directory' }), entries.map(entryLink));
}

/** `bitField` has a bit for each index in use, lowest index last (big-endian), without leading zero bytes. */
export function encodeShardNode(bitField: Uint8Array, entries: readonly DirectoryEntry[]): Block {
  const data = new UnixFS({
    type: 'hamt-sharded-directory',
    data: bitField,
    fanout: BigInt(shardFanout),
    hashType: shardHashCode,
  });
  return encodeNode(data, entries.map(entryLink));
}

/** Decodes a dag-pb block already verified against its CID. */
export function decodeUnixfs({ cid, bytes }: Block): UnixfsNode {
  if (cid.code !== dagPbCodec)
    throw badContent(cid, `its codec 0x${cid.code.toString(16)} is not that of a file or folder`);
  const { node, data } = decodeEnvelope(cid, bytes);
  if (data.type === 'file' || data.type === 'raw') return fileNode(cid, node, data);
  const names = namesOf(node, bytes);
  const links = node.Links.map((link, place) => ({ name: names[place] ?? '', cid: link.Hash, size: link.Tsize ?? 0 }));
  if (data.type === 'directory') return { type: 'directory', links };
  if (data.type !== 'hamt-sharded-directory')
    throw badContent(cid, `it is a ${data.type}, neither a file nor a folder`);
  if (data.fanout !== BigInt(shardFanout))
    throw badContent(cid, `it is a folder cut ${data.fanout} ways, and only 256 are known`);
  return { type: 'shard', links };
}

/** The links of a dag-pb block already verified against its CID, whatever else it is. Throws ChordialError('bad-content'). */
export function decodeLinks({ cid, bytes }: Block): readonly { readonly cid: CID; readonly size: number }[] {
  try {
    return decode(bytes).Links.map(({ Hash, Tsize = 0 }) => ({ cid: Hash, size: Tsize }));
  } catch (error) {
    throw badContent(cid, error instanceof Error ? error.message : String(error), error);
  }
}

/** What this CID names is corrupt, hostile or of an unsupported kind. */
export function badContent(cid: CID, reason: string, cause?: unknown): ChordialError {
  const message = `The content ${cid} cannot be read: ${reason}. It was published like this; try another copy of the file.`;
  return new ChordialError('bad-content', message, { cause });
}

function decodeEnvelope(cid: CID, bytes: Uint8Array): { node: PBNode; data: UnixFS } {
  try {
    const node = decode(bytes);
    if (node.Data === undefined) throw new Error('it holds no UnixFS data');
    return { node, data: UnixFS.unmarshal(node.Data) };
  } catch (error) {
    throw badContent(cid, error instanceof Error ? error.message : String(error), error);
  }
}

/** Of each link. The decoder drops a byte order mark at the beginning of a name, so such names are decoded again. */
function namesOf({ Links: links }: PBNode, bytes: Uint8Array): readonly string[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!view.includes(byteOrderMark)) return links.map(({ Name }) => Name ?? '');
  let at = 0;
  return links.map(({ Hash, Name }) => {
    // In a link the hash comes first, then the name: its tag, its length (up to two 7-bit bytes) and its bytes.
    const tag = view.indexOf(Hash.bytes, at) + Hash.bytes.length;
    at = tag;
    if (Name === undefined || view[tag] !== nameTag) return Name ?? '';
    const [low, high] = [view.readUInt8(tag + 1), view.readUInt8(tag + 2)];
    if (low >= 128 && high >= 128) return Name;
    const [length, start] = low < 128 ? [low, tag + 2] : [low - 128 + 128 * high, tag + 3];
    at = start + length;
    return view.toString('utf8', start, at);
  });
}

function fileNode(cid: CID, node: PBNode, data: UnixFS): FileNode {
  if (node.Links.length > maxFileLinks)
    throw badContent(cid, `it has ${node.Links.length} links, more than ${maxFileLinks}`);
  if (node.Links.length !== data.blockSizes.length) {
    throw badContent(cid, `it has ${node.Links.length} links but ${data.blockSizes.length} sizes`);
  }
  const own = data.data ?? new Uint8Array(0);
  const children = node.Links.map((link, i) => ({ cid: link.Hash, size: Number(data.blockSizes[i]) }));
  const size = children.reduce((sum, child) => sum + child.size, own.length);
  if (!Number.isSafeInteger(size)) throw badContent(cid, 'its sizes add up to more than any file has');
  return { type: 'file', size, data: own, children };
}

function entryLink(entry: DirectoryEntry): PBLink {
  return { Name: entry.name, Hash: entry.cid, Tsize: entry.size };
}

function encodeNode(data: UnixFS, links: readonly PBLink[]): Block {
  const bytes = encode(prepare({ Data: data.marshal(), Links: links }));
  return { cid: cidOfBlock(dagPbCodec, bytes), bytes };
}

/**
 * The first 64 bits of murmur3-x64-128 of the name (truncated in IPFS for compatibility). Byte i is the name's index, 0
 * … 255, in the shard at depth i.
 */
export async function shardHash(name: Uint8Array): Promise<Uint8Array> {
  return (await murmur3128.encode(name)).subarray(0, 8);
}

/** The indices of a name from the root shard downwards. */
export function shardPlaces(name: string): Promise<Uint8Array> {
  return shardHash(new TextEncoder().encode(name));
}
