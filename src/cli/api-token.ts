/** The token that guards an API which other machines reach: given, kept in the data folder, or made now. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { isBeyondLoopback, type PeerConfiguration } from '../node/configuration.ts';
import { tokenFile } from './running-peer.ts';

const madeBytes = 24;
/** Shorter ones can be guessed. */
const leastCharacters = 16;

/** Null where only this machine reaches the API. Throws `bad-configuration` for a token that is too short. */
export async function apiTokenOf({ api, data, apiToken }: PeerConfiguration): Promise<string | null> {
  const given = apiToken ?? process.env['CHORDIAL_API_TOKEN'];
  if (given !== undefined && given.length < leastCharacters) {
    throw new ChordialError(
      'bad-configuration',
      `CHORDIAL_API_TOKEN has ${given.length} characters. Give at least ${leastCharacters}, or none to have one made.`,
    );
  }
  if (given !== undefined) return given;
  if (!isBeyondLoopback(api)) return null;
  return (await keptToken(data)) ?? randomBytes(madeBytes).toString('base64url');
}

/** For the commands on this machine. */
export async function keepApiToken(data: string, token: string): Promise<void> {
  await writeFile(path.join(data, tokenFile), `${token}\n`, { mode: 0o600 });
}

async function keptToken(data: string): Promise<string | null> {
  try {
    const kept = (await readFile(path.join(data, tokenFile), 'utf8')).trim();
    return kept.length >= leastCharacters ? kept : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new ChordialError(
      'broken-data-folder',
      `The token in ${path.join(data, tokenFile)} cannot be read (${(error as Error).message}). Mend its permissions or remove it.`,
      {
        cause: error,
      },
    );
  }
}
