/**
 * Keys of an object store: from the environment, or from a file as the tools of AWS write it. Never a setting by themselves,
 * since other users of the machine see the arguments of a process, and never a part of a message.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ChordialError } from '../errors.ts';
import { smallBytes } from '../storage/small-file.ts';

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const maxFileBytes = 64 * 1024;
const othersBits = 0o077;
const accessKeyPattern = /^[\x21-\x7e]{1,256}$/;
const secretPattern = /^[\x21-\x7e]{1,1024}$/;
const tokenPattern = /^[\x21-\x7e]{1,16384}$/;

/**
 * Throws `bad-configuration` saying what is missing, or why the file is not used.
 * @param file in place of the environment
 */
export async function readKeys(file: string | undefined, environment: NodeJS.ProcessEnv): Promise<S3Keys> {
  if (file !== undefined) return checked(await keysInFile(file, environment['AWS_PROFILE'] ?? 'default'), file);
  const ofEnvironment = {
    accessKeyId: environment['AWS_ACCESS_KEY_ID'],
    secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'],
    sessionToken: environment['AWS_SESSION_TOKEN'],
  };
  return checked(ofEnvironment, 'the environment');
}

type Found = { readonly [K in keyof S3Keys]?: string | undefined };

function checked({ accessKeyId, secretAccessKey, sessionToken }: Found, place: string): S3Keys {
  if (!accessKeyId || !secretAccessKey) {
    const missing = [
      ...(accessKeyId ? [] : ['the access key (AWS_ACCESS_KEY_ID)']),
      ...(secretAccessKey ? [] : ['the secret key (AWS_SECRET_ACCESS_KEY)']),
    ].join(' and ');
    throw new ChordialError(
      'bad-configuration',
      `Keys of the object store are missing: ${place} has not ${missing}. Set both in the environment, or name a file with both with --s3-keys.`,
    );
  }
  const isToken = !sessionToken || tokenPattern.test(sessionToken);
  if (!accessKeyPattern.test(accessKeyId) || !secretPattern.test(secretAccessKey) || !isToken) {
    const message = `The keys of the object store in ${place} are malformed: they have spaces, line ends or characters beyond ASCII. Copy them again.`;
    throw new ChordialError('bad-configuration', message);
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

async function keysInFile(path: string, profile: string): Promise<Found> {
  return found(await textOf(path), profile);
}

async function textOf(path: string): Promise<string> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { mode } = await file.stat();
      if ((mode & othersBits) !== 0) throw new Error(`other users may read it: chmod 600 ${path}`);
      return (await smallBytes(file, maxFileBytes)).toString();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new ChordialError(
      'bad-configuration',
      `The keys of the object store cannot be taken from ${path}: ${(cause as Error).message}. Give a file that only this user reads, as "aws configure" writes it.`,
      { cause },
    );
  }
}

/** Lines `aws_access_key_id = …` in the section of the profile, or before any section; case does not matter. */
function found(text: string, profile: string): Found {
  const values = new Map<string, string>();
  let isMeant = true;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const section = /^\[\s*(?:profile\s+)?(.*?)\s*\]$/.exec(line)?.[1];
    if (section !== undefined) isMeant = section === profile;
    const [, name = '', value = ''] = /^(?:export\s+)?([A-Za-z_]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (isMeant && name !== '') values.set(name.toLowerCase(), value);
  }
  return {
    accessKeyId: values.get('aws_access_key_id'),
    secretAccessKey: values.get('aws_secret_access_key'),
    sessionToken: values.get('aws_session_token'),
  };
}
