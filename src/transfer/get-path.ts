/** Fetching what a user named to a place on this machine. */
import { dirname, resolve as resolvePath } from 'node:path';
import { openContent } from '../content/reader.ts';
import { ChordialError } from '../errors.ts';
import { whatIsAt } from './existing-target.ts';
import { fetchBlocks } from './fetch-blocks.ts';
import type { FilePorts } from './file-ports.ts';
import type { FileEntry, FileReference, TransferProgress } from './files.ts';
import { getFile, isThereAlready } from './get-file.ts';
import { getFolder } from './get-folder.ts';
import { checkSize, readingOf } from './read-file.ts';
import { resolve } from './resolve.ts';
import { shownSize } from './shown-size.ts';

export interface GetPathOptions {
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  readonly progress?: (done: TransferProgress) => void;
  readonly resolved?: (entry: FileEntry) => Promise<void>;
}

/** `unchanged` says that the target held it already. */
export async function getPath(
  allPorts: FilePorts,
  reference: FileReference,
  path: string,
  options: GetPathOptions,
): Promise<FileEntry & { readonly unchanged: boolean }> {
  const target = resolvePath(path);
  const { entry, cid } = await resolve(allPorts, reference, options.signal);
  const ports = readingOf(allPorts, cid);
  await options.resolved?.(entry);
  if ((await whatIsAt(dirname(target))) === 'nothing') {
    throw new ChordialError(
      'unwritable-file',
      `The folder ${dirname(target)} is not there. Make it, or name another place with -o.`,
    );
  }
  const getting = {
    ...(options.force === undefined ? {} : { force: options.force }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    bytesInPlace: counter(entry, options),
  };
  const unchanged = entry.type === 'directory' ? await getFolder(ports, entry.cid, target, getting) : await getOne();
  if (!unchanged) {
    const what = entry.name === null ? entry.cid : JSON.stringify(entry.name);
    ports.notify({
      kind: 'received',
      text: `Received ${entry.type === 'file' ? 'file' : 'folder'} ${what}: ${shownSize(entry.size)}, verified.`,
    });
  }
  return { ...entry, unchanged };

  async function getOne(): Promise<boolean> {
    if (await isThereAlready(target, cid, entry.size, entry.sha256, options.force ?? false)) return true;
    const content = await openContent(cid, fetchBlocks(ports.fetcher, options.signal));
    if (content.type === 'directory')
      throw new ChordialError('bad-content', `${cid} is said to be a file and is a folder.`);
    checkSize(entry, content.size);
    await getFile(ports, content, target, getting);
    return false;
  }
}

function counter(entry: FileEntry, { progress }: GetPathOptions): (bytes: number) => void {
  let bytesDone = 0;
  return (bytes) => {
    bytesDone += bytes;
    progress?.({ bytesDone, bytesTotal: entry.size });
  };
}
