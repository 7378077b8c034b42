/** Target of a get: part files beside their place, owned by the user who ran the command. */
import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { FileAttributes } from '../content/attributes.ts';
import { parseCid } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import { isThereAlready } from '../transfer/existing-target.ts';
import type { FileReference } from '../transfer/files.ts';
import { fileError } from '../transfer/local-file.ts';
import { textOfReference } from '../transfer/of-publisher.ts';
import { PartFile, partName } from '../transfer/part-file.ts';
import type { TransferStatus } from '../transfer/transfers.ts';
import type { ApiClient } from './client.ts';
import { passphraseHeaders } from './passphrase.ts';
import type { ShownProgress } from './progress.ts';
import type { FoundPeer } from './running-peer.ts';
import { isPathTrouble, resumeTransfer, startTransfer, unfinishedGet, watchTransfer } from './transfer.ts';

/** Where a file is to be written. */
export interface Place {
  readonly folder: FolderHandle;
  readonly base: string;
}

export interface GetOptions {
  /** Replaces an existing target. */
  readonly force: boolean;
  readonly progress: ShownProgress;
  /** Cancels the get; nothing incomplete remains. */
  readonly signal: AbortSignal;
}

export interface WantedFile {
  /** Of the API. */
  readonly route: string;
  /** As a transfer names it. */
  readonly reference: FileReference;
  readonly cid: string;
  readonly size: number;
  readonly sha256: string | null;
  readonly attributes: FileAttributes;
  /** Its CID is that of the ciphertext, so that only the peer can compare it with a file. */
  readonly isSealed: boolean;
}

/** The folder of a target, created if missing. */
export async function folderOf(target: string): Promise<FolderHandle> {
  const folder = path.dirname(target);
  try {
    await makeFolders(folder);
    return await FolderHandle.open(await realpath(folder));
  } catch (cause) {
    throw fileError('unwritable-file', folder, cause);
  }
}

/** Target folders of one command, each opened once. */
export class TargetFolders implements AsyncDisposable {
  readonly #opened = new Map<string, Promise<FolderHandle>>();

  of(target: string): Promise<FolderHandle> {
    const place = path.dirname(target);
    const opened = this.#opened.get(place) ?? folderOf(target);
    this.#opened.set(place, opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#opened.values()) await (await opened.catch(() => null))?.close();
  }
}

/** Does not use mkdir's `recursive`: where the system refuses folders, as in /proc, Node 24 retries without end. */
async function makeFolders(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || path.dirname(folder) === folder) {
      // An existing folder that cannot be created again, on a read-only disk for example.
      if (await realpath(folder).catch(() => null)) return;
      throw error;
    }
    await makeFolders(path.dirname(folder));
    await makeFolders(folder);
  }
}

/** Whether the target already had the same bytes. The peer writes large files itself when it runs as the same user. */
export async function getFile(
  peer: FoundPeer,
  wanted: WantedFile,
  place: Place,
  options: GetOptions,
): Promise<boolean> {
  const { cid, size, sha256, isSealed } = wanted;
  const { folder, base } = place;
  if (!isSealed && (await isThereAlready(folder, base, { cid: parseCid(cid), size, sha256 }, options.force)))
    return true;
  if (peer.key !== null && (isSealed || size > maxStreamedBytes)) {
    try {
      return await getByTransfer({ ...peer, key: peer.key }, wanted, place, options);
    } catch (error) {
      if (!isPathTrouble(error)) throw error;
    }
  }
  const headers = passphraseHeaders(wanted.reference.passphrase);
  const response = await peer.client.open(wanted.route, { signal: options.signal, headers });
  try {
    return await writeFile(response, wanted, place, options);
  } finally {
    // An unread response holds its connection, and thus this process.
    response.destroy();
  }
}

/** Smaller files come with the response to one request; a transfer takes several and is journalled. */
const maxStreamedBytes = 1024 * 1024;

/** Complete or not at all. True when another command has written the same bytes meanwhile. */
export async function writeFile(
  bytes: AsyncIterable<Buffer>,
  { cid, size, sha256, attributes }: Pick<WantedFile, 'cid' | 'size' | 'sha256' | 'attributes'>,
  { folder, base }: Place,
  { force, progress, signal }: GetOptions,
): Promise<boolean> {
  const part = await PartFile.create(folder, base, { size, signal });
  let isKept = false;
  try {
    if (await isThereAlready(folder, base, { cid: parseCid(cid), size, sha256 }, force)) return true;
    let done = 0;
    for await (const piece of bytes) {
      await part.write(piece, done);
      done += piece.length;
      await progress.update(done, size);
    }
    if (done !== size)
      throw new ChordialError('no-live-source', `Only ${done} of ${size} bytes arrived. Run the command again.`);
    await part.finish(size, { force, attributes });
    isKept = true;
    return false;
  } catch (error) {
    if (signal.aborted) throw new ChordialError('interrupted', 'The get was interrupted; nothing incomplete remains.');
    throw brokenOff(error as NodeJS.ErrnoException, `${folder.path}/${base}`);
  } finally {
    await (isKept ? part.close() : part.drop());
    progress.end();
  }
}

/** Neither the name nor its part file, which a transfer may be writing, exists. */
export async function isFree(folder: FolderHandle, base: string): Promise<boolean> {
  const isThere = (name: string) =>
    folder.lstat(name).then(
      () => true,
      () => false,
    );
  return !(await isThere(base)) && !(await isThere(partName(base)));
}

async function getByTransfer(
  { client, key }: { readonly client: ApiClient; readonly key: string },
  { reference }: WantedFile,
  place: Place,
  { force, progress, signal }: GetOptions,
): Promise<boolean> {
  const { folder, base } = place;
  const target = path.join(folder.path, base);
  const open = await unfinishedGet(client, target);
  if (open !== null && (await goesOn(open, textOfReference(reference), place, force))) {
    await resumeTransfer(client, open);
    return isUnchanged(await watchTransfer(client, open.id, progress, signal));
  }
  const part = await PartFile.create(folder, base, { size: 0, signal });
  const { mark } = part;
  try {
    await part.keepEmpty();
    const { id } = await startTransfer(client, {
      kind: 'get',
      ...reference,
      path: target,
      key,
      mark,
      isAttended: true,
      force,
    });
    return isUnchanged(await watchTransfer(client, id, progress, signal));
  } finally {
    await part.dropIfEmpty();
  }
}

/** Whether the get left by an ended command, a restarted peer or a failure is the one requested now. */
async function goesOn(
  open: TransferStatus,
  reference: string,
  { folder, base }: Place,
  force: boolean,
): Promise<boolean> {
  const isSame = open.reference === reference;
  // A failed one has kept what is useful in the part file; with other flags, or without that file, it would fail again.
  if (open.state === 'failed') return isSame && !force && !(await isFree(folder, base));
  if (isSame) return true;
  throw new ChordialError(
    'already-exists',
    `Another get (${open.reference}) is writing to ${open.path}. Wait for it, or write elsewhere with -o.`,
  );
}

function isUnchanged(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'unchanged' in result && result.unchanged === true;
}

function brokenOff(error: NodeJS.ErrnoException, target: string): Error {
  if (error.code !== 'ECONNRESET') return fileError('unwritable-file', target, error);
  return new ChordialError(
    'no-live-source',
    'The peer interrupted the transfer; the partial file was removed. Run the command again.',
    { cause: error },
  );
}
