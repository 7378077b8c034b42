/**
 * Tokens of services at the door. Each is good for one service, perhaps only to read and for a time. It is shown once:
 * only its SHA-256 is kept, which is enough for a secret of 144 random bits.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock, Milliseconds } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { Catalog } from '../storage/catalog.ts';

/** What a token can be for. */
export const tokenScopes = ['links', 'dav'] as const;
export type TokenScope = (typeof tokenScopes)[number];

export interface Token {
  readonly id: string;
  readonly scope: TokenScope;
  readonly isReadOnly: boolean;
  /** Milliseconds since 1970, here and below. */
  readonly created: number;
  /** Null for never. */
  readonly expires: number | null;
  /** To the minute; null before its first use. */
  readonly used: number | null;
}

export interface TokenWish extends Pick<Token, 'scope' | 'isReadOnly'> {
  readonly timeToLive: Milliseconds | null;
}

/** The user of drives, and what they are asked a password for. */
export const davUser = 'chordial';
export const davRealm = 'chordial';

interface Kept extends Token {
  readonly hash: string;
  /** Of a drive: what Digest authentication is computed from, good for this service alone. */
  readonly digest?: string;
}

export const maxTokens = 256;
const prefix = 'token:';
const idBytes = 5;
const secretBytes = 18;
const form = /^([0-9a-f]{10})-([A-Za-z0-9_-]{24})$/;
/** The catalogue is written no more often for a token that is used all the time. */
const usedMilliseconds: Milliseconds = 60_000;

export class Tokens {
  readonly #settings: Pick<Catalog, 'settings' | 'setSetting'>;
  readonly #clock: Pick<Clock, 'wallTime'>;
  readonly #tokens = new Map<string, Kept>();

  constructor(settings: Pick<Catalog, 'settings' | 'setSetting'>, clock: Pick<Clock, 'wallTime'>) {
    this.#settings = settings;
    this.#clock = clock;
    for (const { value } of settings.settings(prefix)) {
      const kept = value as Kept;
      this.#tokens.set(kept.id, kept);
    }
  }

  /** Newest first, expired ones too. */
  list(): readonly Token[] {
    const tokens = [...this.#tokens.values()].map(({ hash: _, digest: _digest, ...token }) => token);
    return tokens.sort((a, b) => b.created - a.created);
  }

  /** With its text, which no one can ask for again. Throws `too-many-entries`. */
  async create({ scope, isReadOnly, timeToLive }: TokenWish): Promise<Token & { readonly text: string }> {
    if (this.#tokens.size >= maxTokens) {
      throw new ChordialError(
        'too-many-entries',
        `This peer has ${maxTokens} tokens, and no more are kept. Remove some with "chordial token rm ID"; "chordial tokens" lists them.`,
      );
    }
    const created = Math.round(this.#clock.wallTime());
    const expires = timeToLive === null ? null : created + timeToLive;
    const id = randomBytes(idBytes).toString('hex');
    const text = `${id}-${randomBytes(secretBytes).toString('base64url')}`;
    const token: Token = { id, scope, isReadOnly, created, expires, used: null };
    const digest = scope === 'dav' ? { digest: hash('md5', `${davUser}:${davRealm}:${text}`) } : {};
    const kept = { ...token, hash: hash('sha256', text), ...digest };
    await this.#settings.setSetting(prefix + id, kept);
    this.#tokens.set(id, kept);
    return { ...token, text };
  }

  /** Throws `not-found`. */
  async remove(id: string): Promise<void> {
    if (!this.#tokens.delete(id)) {
      throw new ChordialError(
        'not-found',
        `There is no token ${JSON.stringify(id.slice(0, 80))}. "chordial tokens" lists them.`,
      );
    }
    await this.#settings.setSetting(prefix + id, undefined);
  }

  /** The token with this text that is good for the service now; null for any other. */
  check(text: string, scope: TokenScope): Token | null {
    const [, id = ''] = form.exec(text) ?? [];
    const kept = this.#tokens.get(id);
    if (kept === undefined) return null;
    const isRight = timingSafeEqual(hash('sha256', text, 'buffer'), Buffer.from(kept.hash, 'hex'));
    return isRight ? this.#use(kept, scope) : null;
  }

  /** The same by what Digest authentication is computed from. */
  checkDigest(scope: TokenScope, isRight: (digest: string) => boolean): Token | null {
    for (const kept of this.#tokens.values())
      if (kept.scope === scope && kept.digest !== undefined && isRight(kept.digest)) return this.#use(kept, scope);
    return null;
  }

  #use(kept: Kept, scope: TokenScope): Token | null {
    const now = Math.round(this.#clock.wallTime());
    if (kept.scope !== scope || (kept.expires !== null && kept.expires <= now)) return null;
    if (kept.used === null || now - kept.used >= usedMilliseconds) this.#touch({ ...kept, used: now });
    return kept;
  }

  #touch(kept: Kept): void {
    this.#tokens.set(kept.id, kept);
    // When it was used is only told: a full disk is reported by what matters more.
    this.#settings.setSetting(prefix + kept.id, kept).catch(() => undefined);
  }
}
