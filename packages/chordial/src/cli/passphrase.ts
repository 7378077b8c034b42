/** A passphrase, from the environment or asked for, so that no argument and no history of a shell holds it. */
import { ChordialError } from '../errors.ts';
import { askForLine } from './secret-line.ts';

export const passphraseVariable = 'CHORDIAL_PASSPHRASE';
/** In the header of a request. */
export const passphraseHeader = 'X-Chordial-Passphrase';

/** @param isNew asked for twice */
export async function askForPassphrase(isNew: boolean): Promise<string> {
  const given = process.env[passphraseVariable] ?? (await askForLine('Passphrase: '));
  const passphrase = given.replace(/\r?\n$/, '');
  if (passphrase === '')
    throw new ChordialError('bad-usage', `The passphrase is empty. Give one, or set ${passphraseVariable}.`);
  const isAsked = process.env[passphraseVariable] === undefined && process.stdin.isTTY;
  if (isNew && isAsked && (await askForLine('The same again: ')) !== passphrase)
    throw new ChordialError('bad-usage', 'The two passphrases differ. Run the command again.');
  return passphrase;
}

export function passphraseHeaders(passphrase: string | undefined): Readonly<Record<string, string>> {
  return passphrase === undefined ? {} : { [passphraseHeader]: encodeURIComponent(passphrase) };
}
