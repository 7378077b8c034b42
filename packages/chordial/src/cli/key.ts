/** `chordial key`: the key of age with which this peer opens sealed files. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { Argument, type Command } from 'commander';
import { openWhole, sealWhole } from '../content/sealed.ts';
import { isSealed, newSeal } from '../content/sealed-header.ts';
import { ChordialError } from '../errors.ts';
import { readSmallFile } from '../storage/small-file.ts';
import { fileError } from '../transfer/local-file.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { note, say, sayJson } from './output.ts';
import { askForPassphrase } from './passphrase.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain } from './table.ts';

const actions = ['show', 'export', 'import'] as const;
const maxFileBytes = 64 * 1024;

interface KeyOptions extends CommonOptions, PeerOptions {
  readonly output?: string;
  readonly plain?: boolean;
}

export function keyCommand(): Command {
  return peerCommand(
    'key',
    'shows, exports or imports the key that opens sealed files',
    'chordial key show\n  chordial key export -o key.age\n  chordial key import key.age',
  )
    .addArgument(new Argument('<action>', 'what to do').choices(actions))
    .argument('[file]', 'import: a key of age, or one that "key export" wrote')
    .option('-o, --output <path>', 'export: where to write it, a new file')
    .option('--plain', 'export: without a passphrase, as "age -i" reads it')
    .addHelpText(
      'before',
      'An exported key opens all sealed files of this peer, with "age -d -i FILE" too. An imported key becomes the current one; those of before are kept.\n',
    )
    .action(async (action: (typeof actions)[number], file: string | undefined, options: KeyOptions) => {
      if ((action === 'import') !== (file !== undefined))
        throw new ChordialError('bad-usage', 'Name a file to import, as in "chordial key import key.age".');
      const { client, key } = await findPeer(options);
      if (action === 'show') {
        const { recipient } = await client.call('GET /api/v1/key');
        return options.json ? sayJson({ recipient }) : say(recipient);
      }
      if (key === null)
        throw new ChordialError(
          'forbidden-origin',
          'Only the user as whom the peer runs, on its machine, has its key.',
        );
      if (file !== undefined) {
        const { recipient } = await client.call('POST /api/v1/key/import', { body: { key, text: await keysIn(file) } });
        return options.json ? sayJson({ recipient }) : say(`sealed files are for ${recipient} now`);
      }
      if (options.output === undefined)
        throw new ChordialError(
          'bad-usage',
          'Name a new file for the key with -o, as in "chordial key export -o key.age".',
        );
      const { text } = await client.call('POST /api/v1/key/export', { body: { key } });
      const place = path.resolve(options.output);
      await writeNew(place, options.plain ? Buffer.from(text) : await withPassphrase(text));
      if (options.plain) note('who reads this file can open all your sealed files');
      if (options.json) sayJson({ path: place });
      else say(`${plain(place)} holds the key`);
    });
}

async function withPassphrase(text: string): Promise<Uint8Array> {
  return sealWhole(Buffer.from(text), await newSeal({ passphrase: await askForPassphrase(true) }));
}

async function keysIn(file: string): Promise<string> {
  const bytes = await readSmallFile(file, maxFileBytes).catch((cause: unknown) => {
    throw fileError('unreadable-file', file, cause);
  });
  if (!isSealed(bytes)) return bytes.toString();
  const passphrase = await askForPassphrase(false);
  return Buffer.from((await openWhole(bytes, { passphrase })).content).toString();
}

/** Readable for this user alone; nothing is replaced. */
async function writeNew(place: string, bytes: Uint8Array): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    const file = await open(place, flags, 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError('unwritable-file', place, cause);
  }
}
