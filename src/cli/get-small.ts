/** A small file that is not there yet: found and fetched by one question, and written by this command itself. */
import { lstat } from 'node:fs/promises';
import type { FileReference } from '../transfer/files.ts';
import { routeOf } from './argument.ts';
import type { ApiClient } from './client.ts';
import { type Found, foundIn } from './found-file.ts';
import { writeFile } from './get-by-stream.ts';
import type { GetOptions } from './get-by-transfer.ts';
import { hasPart } from './part-file.ts';

/** Larger ones are fetched by a transfer, which goes on where it stopped. */
const maximumSmallBytes = 256 * 1024;

/**
 * What was found, and whether it has been written: nothing is of a folder or a larger file, which is not fetched either. Throws `not-found`.
 * @param target where the file is to go, should it be small; nothing may be there.
 */
export async function getSmall(
  client: ApiClient,
  reference: FileReference,
  target: string,
  options: GetOptions,
): Promise<{ readonly found: Found; readonly isWritten: boolean }> {
  const route = routeOf(reference);
  const question = `${route}${route.includes('?') ? '&' : '?'}most=${maximumSmallBytes}`;
  const response = await client.open(question, { signal: options.signal });
  try {
    const found = foundIn(response.headers, reference, client.url);
    if (response.statusCode === 204) {
      response.resume();
      return { found, isWritten: false };
    }
    await writeFile(options, response, found.size, target);
    return { found, isWritten: true };
  } finally {
    // One that nobody reads to its end would hold its connection, and with it this process.
    if (!response.complete) response.destroy();
  }
}

/** Neither the file nor a part of it, which a transfer may be writing. */
export async function isFree(target: string): Promise<boolean> {
  const there = await lstat(target).catch(() => null);
  return there === null && !(await hasPart(target));
}
