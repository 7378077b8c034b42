/** For whom a request wants a file sealed, and the passphrase that opens one: in a header, since URLs are logged. */
import type { FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import type { PutOptions } from '../transfer/files.ts';
import type { SealWish } from '../transfer/sealing.ts';

export const passphraseHeader = 'X-Chordial-Passphrase';
export const readsPassphrase = { [passphraseHeader]: 'Of a sealed file, percent-encoded' } as const;
const maxCharacters = 1024;

export const sealedQuery = {
  sealed: { type: 'boolean', description: 'Readable for this peer and those of `to` alone; default: its setting' },
  to: {
    type: 'string',
    maxLength: 4096,
    description: 'Peers by name or id, or recipients of age, one a line, that can open the file too',
  },
} as const;

interface Wished {
  readonly sealed?: boolean | undefined;
  readonly to?: string | undefined;
}

/** Throws `bad-request`. */
export function passphraseOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const given = headers[passphraseHeader.toLowerCase()];
  if (given === undefined) return undefined;
  try {
    const text = decodeURIComponent(String(given));
    if (text.length > 0 && text.length <= maxCharacters) return text;
  } catch {
    // Told below.
  }
  throw new ChordialError(
    'bad-request',
    `${passphraseHeader} is not 1 to ${maxCharacters} percent-encoded characters.`,
  );
}

/** Of a put. */
export function sealedOf(request: Pick<FastifyRequest, 'headers'>, { sealed, to }: Wished): Pick<PutOptions, 'sealed'> {
  const passphrase = passphraseOf(request);
  const wanted = (to ?? '').split('\n').filter((one) => one !== '');
  if (sealed === false) return { sealed: null };
  if (sealed === undefined && passphrase === undefined && wanted.length === 0) return {};
  const wish: SealWish = { to: wanted, ...(passphrase === undefined ? {} : { passphrase }) };
  return { sealed: wish };
}
