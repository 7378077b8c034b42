/** Puts a file: a stream, or a local file. */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { type BuiltFile, buildFile, buildLeaf, buildOfLeaves, type Emit } from '../content/builder.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { type FileMark, isMarked } from './file-mark.ts';
import type { FilePorts } from './file-ports.ts';
import type { PutOptions, PutPathOptions, PutResult } from './files.ts';
import { attributesOf, checkUnchanged, leavesOf, openToRead, wholeOf } from './local-file.ts';
import { checkFits, checkGoesOn, publishing, ruleOf } from './publish.ts';

/** Throws `unreadable-file`, and `changed-while-read` when the file changed while it was read. */
export async function putPath(
  ports: FilePorts,
  name: string,
  path: string,
  options: PutPathOptions,
): Promise<PutResult> {
  const checked = checkName(name);
  ruleOf(ports, options);
  const file = await openToRead(path, options.mark === undefined);
  try {
    const status = await file.stat({ bigint: true });
    checkIsMeant(path, status, options.mark);
    await checkFits(ports, checked, Number(status.size), options);
    return await publishing(ports, checked, options, async (write) => {
      const { cid, size, blocks, sha256 } = await buildOpened(ports, { file, path, status }, write, options);
      await checkUnchanged(file, path, status);
      const attributes = options.attributes ?? attributesOf(status);
      return { name: checked, cid, size, type: 'file', sha256, blocks, attributes };
    });
  } finally {
    await file.close();
  }
}

function checkIsMeant(path: string, status: BigIntStats, mark: FileMark | undefined): void {
  if (!status.isFile()) {
    const what = status.isDirectory() ? 'a folder, which "chordial put" sends as a stream' : 'no regular file';
    throw new ChordialError('unreadable-file', `${path} is ${what}. Name a file, or put a stream with "-".`);
  }
  if (mark !== undefined && !isMarked(status, mark)) {
    throw new ChordialError('unreadable-file', `${path} is another file now than the one that was to be put.`);
  }
}

interface OpenedFile {
  readonly file: FileHandle;
  readonly path: string;
  readonly status: BigIntStats;
}

async function buildOpened(
  ports: FilePorts,
  { file, path, status }: OpenedFile,
  write: Emit,
  options: PutOptions,
): Promise<BuiltFile> {
  const size = Number(status.size);
  const whole = await wholeOf(file, path, size);
  checkGoesOn(options);
  if (whole !== null) {
    const built = await buildLeaf(whole, write);
    options.progress?.({ bytesDone: built.size, bytesTotal: size });
    return built;
  }
  const { leaves: pool, hashing } = ports.data;
  const leaves = counted(leavesOf(file, path, pool), options, size);
  return buildOfLeaves(leaves, write, { ...ports.cut, hashing, expectedBytes: size });
}

/** A stream that breaks publishes nothing and throws `body-cut-off`. */
export async function putFile(
  ports: FilePorts,
  name: string,
  source: AsyncIterable<Uint8Array>,
  options: PutOptions,
): Promise<PutResult> {
  const checked = checkName(name);
  if (options.size !== undefined) await checkFits(ports, checked, options.size, options);
  return publishing(ports, checked, options, async (write) => {
    const pieces = counted(checkedSource(source), options, null);
    const { cid, size, blocks, sha256 } = await buildStream(pieces, write, options.size ?? null, ports);
    return { name: checked, cid, size, type: 'file', sha256, blocks, attributes: options.attributes ?? null };
  });
}

/** For less than this, a 1 MiB leaf buffer would waste memory. */
const maxGatheredBytes = 256 * 1024;

/** @param said size announced by the sender; trusted only to save memory */
async function buildStream(
  pieces: AsyncIterable<Uint8Array>,
  write: Emit,
  said: number | null,
  { cut, data }: Pick<FilePorts, 'cut' | 'data'>,
): Promise<BuiltFile> {
  const options = { ...cut, pool: data.leaves, hashing: data.hashing, expectedBytes: said };
  if (said === null || said > Math.min(maxGatheredBytes, cut.leafBytes ?? leafBytes))
    return buildFile(pieces, write, options);
  const gathered: Uint8Array[] = [];
  let bytes = 0;
  const coming = pieces[Symbol.asyncIterator]();
  for (let next = await coming.next(); next.done !== true; next = await coming.next()) {
    gathered.push(next.value);
    bytes += next.value.length;
    if (bytes > said) return buildFile(after(gathered, coming), write, options);
  }
  // A separate buffer, since the block keeps it.
  return buildLeaf(Uint8Array.from(Buffer.concat(gathered)), write);
}

async function* after(
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

/** Distinguishes failures of the source from failures of storing. */
async function* checkedSource(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of source) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
  } catch (cause) {
    if (cause instanceof ChordialError) throw cause;
    const reason = (cause as Error).message;
    throw new ChordialError(
      'body-cut-off',
      `The content ended early (${reason}); nothing was published. Send it again: blocks that arrived are not sent twice.`,
      { cause },
    );
  }
}

/** Counts bytes for progress. */
async function* counted(
  source: AsyncIterable<Uint8Array>,
  options: PutOptions,
  bytesTotal: number | null,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytesDone = 0;
  for await (const piece of source) {
    checkGoesOn(options);
    yield piece;
    bytesDone += piece.length;
    options.progress?.({ bytesDone, bytesTotal });
  }
}
