/** Verifies headers and caches the result by their bytes: each comes with many leaves. */
import { hash } from 'node:crypto';
import type { Clock, HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { type BatchHeader, decodeHeader, isHeaderFromTheFuture, isSigned } from './batch-header.ts';
import type { Verify } from './entry-verifier.ts';

/** Most have 300 bytes; those of thinned batches up to 128 KiB, of which few are met. */
const maxRemembered = 1024;

export interface HeaderVerifierOptions {
  readonly networkId: string;
  readonly verify: Verify;
  readonly clock: Pick<Clock, 'wallTime'>;
  /** Whether an address can be dialled. */
  readonly isAddress: (text: string) => boolean;
  /** Whether nothing signed by this publisher counts any more. */
  readonly isRefused?: (publisher: HostId) => boolean;
}

export class HeaderVerifier {
  readonly #options: HeaderVerifierOptions;
  readonly #known = new BoundedCache<string, BatchHeader>(maxRemembered);

  constructor(options: HeaderVerifierOptions) {
    this.#options = options;
  }

  isRefused(publisher: HostId): boolean {
    return this.#options.isRefused?.(publisher) ?? false;
  }

  /** Throws `bad-content` for a malformed or forged one. It may have expired, or be from the future. */
  read(bytes: Uint8Array): BatchHeader {
    const digest = hash('sha256', bytes, 'base64');
    const header = this.#known.get(digest) ?? this.#checked(bytes);
    if (this.isRefused(header.publisher)) throw refused(header, 'is of a member that was removed, or may not publish');
    this.#known.set(digest, header);
    return header;
  }

  /** The same for one to be stored here: throws `wrong-clock` for one ahead of this clock. */
  readCurrent(bytes: Uint8Array): BatchHeader {
    const header = this.read(bytes);
    if (!isHeaderFromTheFuture(header, this.#options.clock.wallTime())) return header;
    throw new ChordialError(
      'wrong-clock',
      `A batch of ${header.publisher} is dated more than 10 minutes ahead of this clock. Set the clocks right.`,
    );
  }

  /** The same for one from the own disk: it was verified before it was stored. */
  readKept(bytes: Uint8Array): BatchHeader {
    const digest = hash('sha256', bytes, 'base64');
    const header = this.#known.get(digest) ?? decodeHeader(bytes);
    this.#known.set(digest, header);
    return header;
  }

  #checked(bytes: Uint8Array): BatchHeader {
    // A copy: the input is a view of a whole message.
    const header = decodeHeader(Uint8Array.from(bytes));
    const { networkId, verify, isAddress } = this.#options;
    if (!isSigned(header, networkId, verify)) throw refused(header, 'was not signed by it');
    if (!header.addresses.every(isAddress)) throw refused(header, 'names an address that is none');
    return header;
  }
}

function refused({ publisher }: BatchHeader, reason: string): ChordialError {
  return new ChordialError(
    'bad-content',
    `A batch that names ${publisher} as its publisher ${reason}. It was refused.`,
  );
}
