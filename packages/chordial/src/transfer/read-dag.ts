/** Reads blocks as they are stored, for those who verify them: one block, or a DAG as a CAR. */
import { ringIdOfHash } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { carFrame, carHeader } from '../content/car.ts';
import { type Block, blockKey, dagPbCodec, parseCid } from '../content/cid.ts';
import { type ByteWish, DagWalk, type DagWish, findDag, isWalkable, maxPathBytes } from '../content/dag-walk.ts';
import type { LeafReference } from '../content/file-reader.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import type { FetchBlocks } from '../content/node-source.ts';
import { decodeLinks, maxFileLinks } from '../content/unixfs.ts';
import { ChordialError } from '../errors.ts';
import { fetchBlocks, resumedAfterStop } from './content-fetcher.ts';
import type { FilePorts } from './file-ports.ts';
import type { OpenedBlock, OpenedCar } from './files.ts';
import { readingOf } from './read-file.ts';
import { pieceBytes } from './read-memory.ts';
import { heldAt } from './stat-file.ts';

/** Hosts asked whether they have a block. */
const maxHostsAsked = 8;
const deadlineMilliseconds = 2000;

/** One block, of any codec. Throws `no-live-source`. */
export async function openBlock(
  allPorts: FilePorts,
  cid: string,
  signal: AbortSignal | undefined,
): Promise<OpenedBlock> {
  const block = parseCid(cid);
  const root = allPorts.sharedParts.get(cid) ?? block;
  const { fetcher, reading } = readingOf(allPorts, root);
  const reader = reading.open(fetcher, leafBytes, signal);
  try {
    const size = await reader.openBlock(block, leafBytes);
    if (block.code === dagPbCodec && allPorts.sharers.of(root).known().length > 0)
      noteParts(allPorts, root, { cid: block, bytes: await reader.opened() });
    return {
      size,
      async *read(start, end) {
        try {
          yield* reader.pieces(nothing, { start, end });
        } finally {
          reader.close();
        }
      },
      close: () => reader.close(),
    };
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** Sharers are known by the root of a file: who asks for its blocks one by one gets those of shared files too. */
function noteParts({ sharedParts }: FilePorts, root: CID, node: Block): void {
  for (const { cid } of decodeLinks(node).slice(0, maxFileLinks)) sharedParts.set(cid.toString(), root);
}

/** Throws `not-found` for a path that leads nowhere, `bad-request` for bytes outside of a file, `bad-content`, `no-live-source`. */
export async function openCar(
  allPorts: FilePorts,
  cid: string,
  wish: DagWish,
  signal: AbortSignal | undefined,
): Promise<OpenedCar> {
  const root = parseCid(cid);
  const ports = readingOf(allPorts, root);
  const fetcher = resumedAfterStop(ports.fetcher, ports.data.stop);
  const fetch = keptPath(fetchBlocks(fetcher, signal));
  const found = await findDag(root, wish.path, fetch);
  if (wish.scope === 'all' && !isWalkable(found.cid))
    throw new ChordialError(
      'bad-request',
      `${found.cid} has a codec whose links are not known here. Ask for its blocks one by one, or with dag-scope=block.`,
    );
  if (found.size !== null && wish.range && isOutside(wish.range, found.size))
    throw new ChordialError('bad-request', `None of these bytes are in the ${found.size} bytes of ${found.cid}.`);
  return {
    roots: found.roots.map(String),
    cid: found.cid.toString(),
    async *read() {
      const reader = ports.reading.open(fetcher, Infinity, signal);
      try {
        yield carHeader(found.cid);
        for await (const step of new DagWalk(found, wish, fetch, ports.walks).steps()) {
          if ('leaves' in step) yield* reader.framed(asLeaves(step.leaves), carFrame);
          else {
            const { cid: node, bytes } = step.node;
            yield carFrame(node, bytes.length);
            for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
          }
        }
      } finally {
        reader.close();
      }
    },
  };
}

/** Whether the block is on this machine. */
export async function isHere({ data }: FilePorts, cid: string): Promise<boolean> {
  const [held = false] = await data.blocks.has([parseCid(cid)]);
  return held;
}

/** Whether a host that should have the block says so, or shares it. */
export async function isThere(ports: FilePorts, cid: string): Promise<boolean> {
  const root = parseCid(cid);
  if (await isHere(ports, cid)) return true;
  const { placement, view } = ports.data;
  const key = ringIdOfHash(blockKey(root), view.shape.bits);
  const hosts = (await placement.likely(key, ports.rule.replicas)).hosts.slice(0, maxHostsAsked);
  const sharers = ports.sharers.of(ports.sharedParts.get(cid) ?? root);
  const held = await Promise.all(hosts.map((host) => heldAt(ports, host, [root], deadlineMilliseconds)));
  return held.some(({ sizes: [size = -1] }) => size >= 0) || (await sharers.find()).length > 0;
}

/** The nodes of a path are fetched once to find its end, and are sent after that. */
function keptPath(fetch: FetchBlocks): FetchBlocks {
  const kept = new Map<string, Uint8Array>();
  let room = maxPathBytes;
  return async function* (cids) {
    const missing: CID[] = [];
    for (const cid of cids) {
      const bytes = kept.get(cid.toString());
      if (bytes === undefined) missing.push(cid);
      else yield { cid, bytes };
    }
    for await (const block of missing.length === 0 ? [] : fetch(missing)) {
      if (block.bytes.length <= room) {
        room -= block.bytes.length;
        kept.set(block.cid.toString(), block.bytes);
      }
      yield block;
    }
  };
}

function isOutside({ from, to }: ByteWish, size: number): boolean {
  const last = to === null ? size : to < 0 ? size + to : to;
  return from >= size || last < 0;
}

const nothing: AsyncIterable<LeafReference> = {
  async *[Symbol.asyncIterator]() {},
};

async function* asLeaves(
  leaves: Iterable<{ readonly cid: CID; readonly size: number }>,
): AsyncGenerator<LeafReference, void, undefined> {
  for (const { cid, size } of leaves) yield { cid, offset: 0, length: size, inline: null };
}
