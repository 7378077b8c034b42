/** The token of the API: given, kept in the data folder, or generated. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import type { PeerConfiguration } from '../peer/configuration.ts';
import { writeFileDurably } from '../storage/durable-file.ts';
import { readSmallFile } from '../storage/small-file.ts';

export const tokenFile = 'api-token';
const madeBytes = 24;
/** Shorter ones can be guessed. */
const minCharacters = 16;
const maxBytes = 64 * 1024;

/** Throws `bad-configuration` for a given token that is too short, `broken-data-folder` for a file that cannot be read. */
export async function apiTokenOf({ data, apiToken }: PeerConfiguration): Promise<string> {
  const given = apiToken ?? process.env['CHORDIAL_API_TOKEN'];
  if (given === undefined) return (await keptToken(data)) ?? randomBytes(madeBytes).toString('base64url');
  if (given.length >= minCharacters && /^[\x21-\x7e]+$/.test(given)) return given;
  throw new ChordialError(
    'bad-configuration',
    `CHORDIAL_API_TOKEN has ${given.length} characters. Give at least ${minCharacters} without spaces, or omit it to have one generated.`,
  );
}

/** For commands on this machine. */
export async function keepApiToken(data: string, token: string): Promise<void> {
  await writeFileDurably(path.join(data, tokenFile), Buffer.from(`${token}\n`), 0o600);
}

/** Null when absent; an empty or truncated one is replaced. */
async function keptToken(data: string): Promise<string | null> {
  try {
    const kept = (await readSmallFile(path.join(data, tokenFile), maxBytes)).toString().trim();
    return kept.length >= minCharacters && /^[\x21-\x7e]+$/.test(kept) ? kept : null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new ChordialError(
      'broken-data-folder',
      `The token in ${path.join(data, tokenFile)} cannot be read (${message}). Make it readable for this user, or remove it to have a new one generated.`,
      { cause: error },
    );
  }
}
