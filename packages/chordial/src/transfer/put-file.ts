/** Puts a file: a stream, or a local file. */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { type BuiltFile, buildLeaf, buildOfLeaves, type Emit } from '../content/builder.ts';
import { checkPutName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { type FileMark, isMarked } from './file-mark.ts';
import type { FilePorts } from './file-ports.ts';
import type { PutOptions, PutPathOptions, PutResult } from './files.ts';
import { attributesOf, checkUnchanged, leavesOf, openToRead, wholeOf } from './local-file.ts';
import { checkFits, checkGoesOn, publishing, ruleOf } from './publish.ts';
import { endOthers, putSealed, putSealedPath, sealWishOf } from './put-sealed.ts';
import { buildStream, checkedSource, counted } from './put-stream.ts';

/** Throws `unreadable-file`, and `changed-while-read` when the file changed while it was read. */
export async function putPath(
  ports: FilePorts,
  name: string,
  path: string,
  options: PutPathOptions,
): Promise<PutResult> {
  const checked = checkPutName(name);
  ruleOf(ports, options);
  const file = await openToRead(path, options.mark === undefined);
  try {
    const status = await file.stat({ bigint: true });
    checkIsMeant(path, status, options.mark);
    const sealed = sealWishOf(ports, options);
    if (sealed !== null) return await putSealedPath(ports, checked, { file, path, status }, { ...options, sealed });
    await checkFits(ports, checked, Number(status.size), options);
    const result = await publishing(ports, checked, options, async (write) => {
      const { cid, size, blocks, sha256 } = await buildOpened(ports, { file, path, status }, write, options);
      await checkUnchanged(file, path, status);
      const attributes = options.attributes ?? attributesOf(status);
      return { name: checked, cid, size, type: 'file', sha256, blocks, attributes };
    });
    await endOthers(ports, checked, checked);
    return result;
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
  const checked = checkPutName(name);
  const sealed = sealWishOf(ports, options);
  if (sealed !== null) return putSealed(ports, checked, source, { ...options, sealed });
  if (options.size !== undefined) await checkFits(ports, checked, options.size, options);
  const result = await publishing(ports, checked, options, async (write) => {
    const pieces = counted(checkedSource(source), options, null);
    const { cid, size, blocks, sha256 } = await buildStream(pieces, write, options.size ?? null, ports);
    return { name: checked, cid, size, type: 'file', sha256, blocks, attributes: options.attributes ?? null };
  });
  await endOthers(ports, checked, checked);
  return result;
}
