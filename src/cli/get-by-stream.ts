/** A get through the API, for a peer on another machine: this command writes the files. */
import { createReadStream } from 'node:fs';
import { lstat, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { buildFile } from '../content/builder.ts';
import { whyNotAName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { DirectoryEntry } from '../transfer/files.ts';
import { routeOf } from './argument.ts';
import type { ApiClient } from './client.ts';
import type { Found } from './found-file.ts';
import type { GetOptions } from './get-by-transfer.ts';
import { createPart, dropPart, finishPart, otherBytes, unwritable } from './part-file.ts';

interface Job extends GetOptions {
  readonly client: ApiClient;
}

/** Whether the target was already there with the same bytes. */
export async function getByStream(
  client: ApiClient,
  found: Found,
  target: string,
  options: GetOptions,
): Promise<boolean> {
  const job = { client, ...options };
  try {
    if (found.type === 'directory') return await fetchFolder(job, found, target);
    return await fetchFile(job, { route: routeOf(found.reference), cid: found.cid, size: found.size }, target);
  } finally {
    options.progress.end();
  }
}

interface Wanted {
  readonly route: string;
  readonly cid: string;
  readonly size: number | null;
}

async function fetchFile(job: Job, wanted: Wanted, target: string): Promise<boolean> {
  if (await isThere(target, wanted.cid, job.force)) return true;
  const response = await job.client.open(wanted.route, { signal: job.signal });
  try {
    await writeFile(job, response, wanted.size, target);
  } finally {
    // One that nobody reads to its end would hold its connection, and with it this process.
    response.destroy();
  }
  return false;
}

/** Whole or not at all. */
export async function writeFile(
  job: GetOptions,
  bytes: AsyncIterable<Buffer>,
  size: number | null,
  target: string,
): Promise<void> {
  const part = await createPart(target);
  try {
    let done = 0;
    for await (const piece of bytes) {
      await part.appendFile(piece);
      done += piece.length;
      await job.progress.update(done, size);
    }
    await part.sync();
  } catch (error) {
    await part.close();
    await dropPart(target);
    if (job.signal.aborted)
      throw new ChordialError('interrupted', 'The get was broken off; nothing half-written stays.');
    throw brokenOff(error as NodeJS.ErrnoException, target);
  }
  await part.close();
  await finishPart(target, job.force);
}

async function fetchFolder(job: Job, found: Found, target: string): Promise<boolean> {
  const route = routeOf(found.reference);
  const { entries } = await job.client.json<{ entries: readonly DirectoryEntry[] }>(await job.client.open(route));
  await makeFolder(target);
  let isUnchanged = true;
  for (const entry of entries) {
    const place = inside(target, entry.path);
    await makeFolders(target, entry.type === 'directory' ? place : path.dirname(place));
    if (entry.type === 'directory') continue;
    const query = `${route.includes('?') ? '&' : '?'}path=${encodeURIComponent(entry.path)}`;
    const wasThere = await fetchFile(job, { route: route + query, cid: entry.cid, size: entry.size }, place);
    isUnchanged &&= wasThere;
  }
  return isUnchanged;
}

/** The listing comes from others: no part of a path may lead out of the target. */
function inside(target: string, relative: string): string {
  const parts = relative.split('/');
  const reason = parts.map(whyNotAName).find((one) => one !== null);
  if (reason === undefined) return path.join(target, ...parts);
  throw new ChordialError(
    'outside-target',
    `The folder holds an entry ${JSON.stringify(relative)} that is refused: ${reason}. Nothing was written for it; fetch single entries by CID.`,
  );
}

/** One level after the other, so that no link among them is followed. */
async function makeFolders(target: string, folder: string): Promise<void> {
  const parts = path
    .relative(target, folder)
    .split(path.sep)
    .filter((part) => part !== '');
  for (const index of parts.keys()) await makeFolder(path.join(target, ...parts.slice(0, index + 1)));
}

async function makeFolder(folder: string): Promise<void> {
  try {
    const found = await lstat(folder).catch(() => null);
    if (found === null) {
      await mkdir(folder, { recursive: true });
    } else if (!found.isDirectory()) {
      throw new ChordialError(
        'outside-target',
        `${folder} is a link or file where a folder must be. Remove it, or write elsewhere with -o.`,
      );
    }
  } catch (error) {
    throw unwritable(folder, error as NodeJS.ErrnoException);
  }
}

/** Throws `already-exists` for other bytes, unless they may be replaced. */
async function isThere(target: string, cid: string, force: boolean): Promise<boolean> {
  const found = await lstat(target).catch(() => null);
  if (found === null) return false;
  if (!found.isFile())
    throw new ChordialError(
      'already-exists',
      `${target} is there and is no file. Remove it, or write elsewhere with -o.`,
    );
  const built = await buildFile(createReadStream(target), async () => {});
  if (built.cid.toString() === cid) return true;
  if (force) return false;
  throw otherBytes(target);
}

function brokenOff(error: NodeJS.ErrnoException, target: string): Error {
  if (error.code !== 'ECONNRESET') return unwritable(target, error);
  return new ChordialError(
    'no-live-source',
    'The peer broke off in the middle; what was written is removed. Run the command again.',
    { cause: error },
  );
}
