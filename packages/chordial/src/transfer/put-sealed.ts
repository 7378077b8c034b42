/** Puts a sealed file: its bytes are encrypted while they are read, so that none are published or kept in the clear. */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type FileAttributes, noAttributes } from '../content/attributes.ts';
import type { LeafPool } from '../content/leaf-pool.ts';
import { sealed, sealedSize } from '../content/sealed.ts';
import { ChordialError } from '../errors.ts';
import type { FilePorts } from './file-ports.ts';
import type { PutOptions, PutPathOptions, PutResult } from './files.ts';
import { attributesOf, changedWhileRead, checkUnchanged, leavesOf } from './local-file.ts';
import { changingName, checkFits, publishing } from './publish.ts';
import { buildStream, checkedSource, counted } from './put-stream.ts';
import { releaseBlocks } from './release-blocks.ts';
import { ownEntries } from './resolve.ts';
import type { SealWish } from './sealing.ts';
import type { SealedPut } from './seals.ts';

/** For whom a put is sealed; null: not at all. */
export function sealWishOf(
  { sealsPuts }: Pick<FilePorts, 'sealsPuts'>,
  { sealed }: Pick<PutOptions, 'sealed'>,
): SealWish | null {
  return sealed === undefined ? (sealsPuts ? {} : null) : sealed;
}

/** @param name checked */
export async function putSealed(
  ports: FilePorts,
  name: string,
  source: AsyncIterable<Uint8Array>,
  options: PutOptions & { readonly sealed: SealWish },
): Promise<PutResult> {
  const plan = await ports.seals.plan(name, options.sealed);
  const said = options.size === undefined ? null : sealedSize(options.size, plan.seal);
  if (said !== null) await checkFits(ports, plan.name, said, options);
  const pieces = counted(checkedSource(source), options, null);
  return build(ports, { name, plan, pieces, said, attributes: options.attributes ?? noAttributes, options });
}

/** An own file that is open. */
interface OpenedFile {
  readonly file: FileHandle;
  readonly path: string;
  readonly status: BigIntStats;
}

/** @param name checked */
export async function putSealedPath(
  ports: FilePorts,
  name: string,
  opened: OpenedFile,
  options: PutPathOptions & { readonly sealed: SealWish },
): Promise<PutResult> {
  const { path } = opened;
  const { plan, status } = await planOf(ports, name, opened, options);
  const size = Number(status.size);
  const said = sealedSize(size, plan.seal);
  await checkFits(ports, plan.name, said, options);
  const leaves = unchangedLeaves({ ...opened, status }, ports.data.leaves);
  const pieces = counted(leaves, options, size);
  const attributes = options.attributes ?? attributesOf(status);
  const check = () => checkUnchanged(opened.file, path, status);
  return build(ports, { name, plan, pieces, said, attributes, options, check });
}

interface Building {
  readonly name: string;
  readonly plan: SealedPut;
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Bytes of the ciphertext, when known. */
  readonly said: number | null;
  readonly attributes: FileAttributes;
  readonly options: PutOptions;
  /** After all was read. */
  readonly check?: () => Promise<void>;
}

async function build(ports: FilePorts, building: Building): Promise<PutResult> {
  const { name, plan, pieces, said, attributes, options, check } = building;
  let size = 0;
  async function* measured(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      size += piece.length;
      yield piece;
    }
  }
  const result = await publishing(ports, plan.name, options, async (write) => {
    const built = await buildStream(sealed(measured(), plan.seal), write, said, ports);
    await check?.();
    const { cid, size: sealedBytes, blocks, sha256 } = built;
    const facts = await plan.facts(size, attributes);
    return { name: plan.name, cid, size: sealedBytes, type: 'file', sha256, blocks, attributes: null, ...facts };
  });
  await endOthers(ports, name, plan.name);
  return { ...result, name, size, sealedName: plan.name };
}

/** A name refers to one content of a publisher: the last put replaces the one before, sealed or not. */
export async function endOthers(ports: FilePorts, name: string, kept: string): Promise<void> {
  for (const entry of ownEntries(ports, name)) if (entry.name !== kept) await endOwn(ports, entry.name);
}

/** Ends an own entry, by its name in the network: with `sequence` only this one, and otherwise throws `changed`. */
export async function endOwn(ports: FilePorts, name: string, sequence?: number): Promise<void> {
  const end = await changingName(ports, name, ports.names.own(name), () => {
    const isOther = ports.names.own(name)?.sequence !== sequence || ports.names.isStoring(name);
    if (sequence !== undefined && isOther)
      throw new ChordialError('changed', `${JSON.stringify(name)} was put again meanwhile, and stays.`);
    return ports.names.end(name, sequence);
  });
  ports.afterwards(releaseBlocks(ports, { name: end.ended.name, sequence: end.sequence }, end.ended.cid));
}

/** Kernels stamp changes by a clock of at least this pace. */
const stampMilliseconds = 20;

/**
 * An attempt after another uses its seal again, so that blocks that arrived are not sent twice. Two contents must never
 * be sealed alike: only while the file is the very same, which is certain when nothing was still to be written to it as
 * its status was taken, and what came later has another time of change.
 */
async function planOf(
  ports: FilePorts,
  name: string,
  { file, path, status: before }: OpenedFile,
  { sealed: wish, seals, signal }: PutPathOptions & { readonly sealed: SealWish },
): Promise<{ readonly plan: SealedPut; readonly status: BigIntStats }> {
  if (seals === undefined) return { plan: await ports.seals.plan(name, wish), status: before };
  await file.sync().catch(() => undefined);
  await wait(stampMilliseconds, undefined, signal === undefined ? {} : { signal });
  const status = await file.stat({ bigint: true });
  if (!status.isFile()) throw changedWhileRead(path, 'it is no file any more');
  const fingerprint = [status.dev, status.ino, status.size, status.mtimeNs, status.ctimeNs].join(' ');
  const kept = seals.kept(fingerprint);
  if (kept !== null) return { plan: await ports.seals.plan(name, wish, kept), status };
  const fresh = await ports.seals.keptSeal(wish);
  await seals.keep(fingerprint, fresh);
  return { plan: await ports.seals.plan(name, wish, fresh), status };
}

/** Each leaf is given out only after the file was seen unchanged behind it. */
async function* unchangedLeaves(
  { file, path, status }: OpenedFile,
  pool: LeafPool,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const leaf of leavesOf(file, path, pool)) {
    const now = await file.stat({ bigint: true });
    if (now.ctimeNs !== status.ctimeNs || now.mtimeNs !== status.mtimeNs || now.size !== status.size)
      throw changedWhileRead(path, 'it was written to');
    yield leaf;
    pool.giveBack(leaf);
  }
}

/** A folder as one would need names inside to be sealed too. */
export function sealedFolderRefused(): ChordialError {
  return new ChordialError(
    'bad-request',
    'A folder cannot be sealed as it is. Seal an archive of it: tar c FOLDER | chordial put - --sealed --name FOLDER.tar',
  );
}
