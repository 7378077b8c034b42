/** The pipeline of every put: blocks become durable while they are built, the name last. */
import { CID } from 'multiformats/cid';
import type { Emit } from '../content/builder.ts';
import { isPartName } from '../content/name.ts';
import { treeBlocks } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import type { CopyRule } from '../records/durable-copies.ts';
import type { NamedContent, NameEntry } from '../records/name-entry.ts';
import { maxReplicas } from '../replication/placement.ts';
import { chunks } from '../replication/sync-client.ts';
import { said } from '../sentences.ts';
import { fetchBlocks } from './content-fetcher.ts';
import type { FilePorts } from './file-ports.ts';
import type { PutOptions, PutResult } from './files.ts';
import { formatBytes } from './format-bytes.ts';
import { releaseBlocks } from './release-blocks.ts';

/** Names are usually published sooner; after this time, holders may have released the put. */
const promptMilliseconds = 10_000;
const blocksPutBackAtOnce = 16;
/** Own names scanned before a put is refused for its size. */
const ownPerPage = 1000;
const maxPagesOfOwn = 20;

/**
 * Runs `build` with a sink for its blocks and publishes the result, unless `check` throws right before. Publishes nothing on
 * failure.
 */
export async function publishing(
  ports: FilePorts,
  name: string,
  options: PutOptions & { readonly check?: () => void },
  build: (write: Emit) => Promise<NamedContent>,
): Promise<PutResult> {
  const sequence = ports.names.nextSequence(name);
  const rule = ruleOf(ports, options);
  const claim = { publisher: ports.publisher, name, sequence, replicas: rule.replicas };
  const put = ports.puts.begin(name, sequence);
  const writer = ports.storer.writer(rule, [claim], options.signal, put.hosts);
  const before = ports.names.own(name);
  let content: NamedContent;
  let copiesOfBlocks: number;
  let copiesOfName: number;
  try {
    content = await build((block) => writer.write(block));
    copiesOfBlocks = await writer.finish();
    const needed = Math.min(rule.writeQuorum, copiesOfBlocks);
    await put.check(ports.data.clock.now(), copiesOfBlocks, needed);
    const ready = ports.data.clock.now();
    copiesOfName = await changingName(ports, name, before, () => {
      if (ports.names.wasEndedSince(name, sequence)) throw removedMeanwhile(name);
      options.check?.();
      return ports.names.publish(content, sequence, options.timeToLive ?? null);
    });
    const now = ports.data.clock.now();
    if (now - ready > promptMilliseconds)
      await put.check(now, copiesOfBlocks, needed).catch(async (error: Error) => {
        if (before === null) await ports.names.end(name);
        else await putBack(ports, before, options);
        throw error;
      });
  } catch (error) {
    await writer.settle();
    const code = error instanceof ChordialError ? error.code : null;
    put.failed(code === 'quota-full');
    // Hosts that know that the put is over take no more blocks of it.
    if (code === 'too-few-copies') checkStillWanted(ports, name, sequence);
    throw error;
  }
  put.committed(ports.names.own(name)?.expiry ?? null);
  if (before !== null) ports.afterwards(releaseBlocks(ports, { name, sequence }, before.cid));
  const copies = Math.min(copiesOfBlocks, copiesOfName);
  const what = content.sealed ? 'sealed file' : content.type === 'file' ? 'file' : 'folder';
  const made = `${copies} ${copies === 1 ? 'copy' : 'copies'}`;
  if (isPartName(name))
    return { name, cid: content.cid.toString(), size: content.size, copies, publisher: ports.publisher };
  const { size } = content;
  const cid = content.cid.toString();
  const text = `Published ${what} ${JSON.stringify(name)}: ${formatBytes(size)}, ${cid}, ${made}.`;
  ports.notify({ kind: 'published', ...said('published', { what, name, size, cid, copies }, text) });
  return { name, cid, size, copies, publisher: ports.publisher };
}

function checkStillWanted({ names }: FilePorts, name: string, sequence: number): void {
  if (names.wasEndedSince(name, sequence)) throw removedMeanwhile(name);
  if ((names.own(name)?.sequence ?? 0) <= sequence) return;
  throw new ChordialError(
    'changed',
    `Another put of ${JSON.stringify(name)} began later and was whole first; it stays.`,
  );
}

function removedMeanwhile(name: string): ChordialError {
  return new ChordialError('changed', `${JSON.stringify(name)} was removed while it was put, and is. Put it again.`);
}

/**
 * Republishes the previous content of a name after its replacement failed late, when holders may have freed blocks of
 * either. If the previous content is no longer readable, the new entry stays: some of its replicas exist.
 */
async function putBack(ports: FilePorts, before: NameEntry, options: PutOptions): Promise<void> {
  const { cid, name, attributes = null, expiry } = before;
  const lasting = expiry === null ? {} : { timeToLive: Math.max(1, expiry - ports.data.clock.wallTime()) };
  const { replicas } = options;
  const fetch = fetchBlocks(ports.fetcher);
  const again = publishing(
    ports,
    name,
    { ...(replicas === undefined ? {} : { replicas }), ...lasting },
    async (write) => {
      const { blocks } = await treeBlocks(cid, fetch, ports.closing);
      const list = attributes instanceof CID ? [attributes] : [];
      for (const some of chunks([...blocks, ...list], blocksPutBackAtOnce))
        for await (const block of fetch(some)) await write(block);
      return before;
    },
  );
  await again.catch((error: unknown) => {
    if (!(error instanceof ChordialError)) throw error;
  });
}

/**
 * Throws `quota-full` when bytes still to be read cannot fit. Where they may already be stored (an earlier attempt, or
 * an own file of that size), the check is left to the blocks.
 */
export async function checkFits(ports: FilePorts, name: string, bytes: number, options: PutOptions): Promise<void> {
  try {
    await ports.storer.checkRoom(bytes, ruleOf(ports, options));
  } catch (error) {
    if (!(error instanceof ChordialError) || error.code !== 'quota-full') throw error;
    if (!ports.puts.isResumable(name) && !hasOwnOf(ports, bytes)) throw error;
  }
}

function hasOwnOf({ names }: Pick<FilePorts, 'names'>, bytes: number): boolean {
  for (let cursor: string | null = null, pages = 0; pages < maxPagesOfOwn; pages++) {
    const page = names.listOwn(cursor, ownPerPage);
    if (page.names.some(({ size }) => size === bytes)) return true;
    cursor = page.cursor;
    if (cursor === null) return false;
  }
  // Too many to scan.
  return true;
}

/** Runs a change of this host's own entry of a name, and notifies the word index, which has no parts. */
export async function changingName<Result>(
  { nameChanges }: Pick<FilePorts, 'nameChanges'>,
  name: string,
  before: NameEntry | null,
  change: () => Promise<Result>,
): Promise<Result> {
  if (isPartName(name)) return change();
  try {
    await nameChanges.changing(name, before);
    return await change();
  } finally {
    nameChanges.changed(name);
  }
}

/** Throws `bad-request` for an impossible number of replicas. */
export function ruleOf(ports: FilePorts, options: PutOptions): CopyRule {
  const replicas = options.replicas ?? ports.rule.replicas;
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > maxReplicas) {
    throw new ChordialError('bad-request', `${replicas} replicas are not possible: ask for 1 to ${maxReplicas}.`);
  }
  return { replicas, writeQuorum: Math.min(ports.rule.writeQuorum, replicas) };
}

/** Throws `interrupted` once the signal has fired. */
export function checkGoesOn({ signal }: PutOptions): void {
  if (signal?.aborted) throw new ChordialError('interrupted', 'The put was interrupted. Start it again to resume.');
}
