/** Puts what a CAR holds: its blocks as they are, each verified, under one name. */
import type { CID } from 'multiformats/cid';
import { verifyBlockBy } from '../content/block-hashing.ts';
import { type Block, blockKey, dagPbCodec, hasSha256, inlineBytes, rawCodec } from '../content/cid.ts';
import { checkPutName } from '../content/name.ts';
import type { FetchBlocks } from '../content/node-source.ts';
import { decodeUnixfs } from '../content/unixfs.ts';
import { maxWalkedEntries, treeBlocks } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import type { FilePorts } from './file-ports.ts';
import type { PutCarOptions, PutResult } from './files.ts';
import { checkGoesOn, publishing } from './publish.ts';
import { endOthers, sealWishOf } from './put-sealed.ts';
import { checkedSource, counted } from './put-stream.ts';
import { CarReader } from './read-car.ts';
import { ownEntries } from './resolve.ts';

/** Nodes of one CAR that is put, in all: those of some terabytes, or of a million files. */
export const maxCarNodeBytes = 64 * 1024 * 1024;

/**
 * Publishes nothing unless all blocks below the root are in the CAR. Throws `bad-request` for anything that is not such a CAR,
 * `bad-content` for a DAG that is no file or folder.
 */
export async function putCar(
  ports: FilePorts,
  name: string,
  source: AsyncIterable<Uint8Array>,
  options: PutCarOptions,
): Promise<PutResult> {
  const checked = checkPutName(name);
  if (sealWishOf(ports, options) !== null)
    throw new ChordialError(
      'bad-request',
      'The blocks of a CAR are kept as they are, readable for every member. Seal the file that it was made of instead.',
    );
  let root: CID | null = null;
  const check = (): void => {
    if (options.keepsOther === true && ownEntries(ports, checked).some(({ cid }) => !root?.equals(cid)))
      throw new ChordialError('already-exists', `${JSON.stringify(checked)} was put meanwhile with other content.`);
  };
  const result = await publishing(ports, checked, { ...options, check }, async (write) => {
    const pieces = counted(checkedSource(source), options, options.size ?? null);
    const car = await CarReader.open(pieces);
    try {
      const top = rootOf(car.roots, options.root ?? null);
      root = top;
      const kept = new KeptBlocks(top);
      for await (const block of car.blocks()) {
        checkGoesOn(options);
        await checkBlock(ports, block);
        if (kept.add(block)) await write(block);
      }
      const { blocks, size } = await treeBlocks(top, kept.fetch, options.signal);
      const missing = blocks.find((cid) => !kept.has(cid));
      if (missing !== undefined) throw incomplete(missing);
      const type = await kept.typeOf(top);
      return { name: checked, cid: top, size, type, sha256: null, blocks: blocks.length, attributes: null };
    } finally {
      await car.close();
    }
  });
  await endOthers(ports, checked, checked);
  return result;
}

function rootOf(roots: readonly CID[], wanted: CID | null): CID {
  if (wanted !== null) return wanted;
  const [root] = roots;
  if (root !== undefined && roots.length === 1) return root;
  const some = roots.slice(0, 4).join(', ');
  throw new ChordialError(
    'bad-request',
    `The CAR has ${roots.length === 0 ? 'no root' : `${roots.length} roots (${some}${roots.length > 4 ? ', …' : ''})`}. Name the one to import with --root CID.`,
  );
}

async function checkBlock({ data }: FilePorts, { cid, bytes }: Block): Promise<void> {
  if (inlineBytes(cid) === null && !hasSha256(cid))
    throw new ChordialError(
      'bad-request',
      `The CAR has the block ${cid}, and only those with SHA-256 are kept. Make it with "ipfs-car pack" or "ipfs add --cid-version 1".`,
    );
  if (await verifyBlockBy(data.hashing, cid, bytes)) return;
  throw new ChordialError('bad-request', `The CAR has other bytes for ${cid} than its hash says. Fetch it again.`);
}

/** What came: the keys of all blocks, and the nodes and the root themselves. */
class KeptBlocks {
  readonly #keys = new Set<string>();
  readonly #nodes = new Map<string, Uint8Array>();
  #nodeBytes = 0;

  readonly #root: CID;
  /** Of all that were added. */
  readonly fetch: FetchBlocks;

  constructor(root: CID) {
    this.#root = root;
    const nodes = this.#nodes;
    this.fetch = async function* (cids) {
      for (const cid of cids) {
        const bytes = nodes.get(blockKey(cid));
        if (bytes === undefined) throw incomplete(cid);
        yield { cid, bytes };
      }
    };
  }

  /** False for one that is there already, or inside its CID. */
  add({ cid, bytes }: Block): boolean {
    const key = blockKey(cid);
    if (inlineBytes(cid) !== null || this.#keys.has(key)) return false;
    if (this.#keys.size === maxWalkedEntries)
      throw new ChordialError(
        'too-many-entries',
        `The CAR has more than ${maxWalkedEntries} blocks. Import parts of it.`,
      );
    this.#keys.add(key);
    if (cid.code === dagPbCodec || key === blockKey(this.#root)) {
      this.#nodeBytes += bytes.length;
      if (this.#nodeBytes > maxCarNodeBytes)
        throw new ChordialError(
          'too-large',
          `The CAR has more than ${maxCarNodeBytes} bytes of nodes. Import parts of it.`,
        );
      // The other one is given away with the block.
      this.#nodes.set(key, Uint8Array.from(bytes));
    }
    return true;
  }

  has(cid: CID): boolean {
    return this.#keys.has(blockKey(cid));
  }

  async typeOf(root: CID): Promise<'file' | 'directory'> {
    if (root.code === rawCodec) return 'file';
    for await (const block of this.fetch([root])) if (decodeUnixfs(block).type === 'file') return 'file';
    return 'directory';
  }
}

function incomplete(cid: CID): ChordialError {
  return new ChordialError(
    'bad-request',
    `The CAR lacks the block ${cid}, which its root needs. Fetch it again, or all of it.`,
  );
}
