/**
 * Digest authentication (RFC 7616, with MD5 and qop=auth), for the client of Windows, which sends no Basic password over
 * plain HTTP. A nonce is good for some minutes, and each count of it once.
 */
import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { BoundedCache } from '../../network/bounded-cache.ts';
import { davRealm, davUser, type Token, type Tokens } from '../../peer/tokens.ts';

const nonceMilliseconds = 5 * 60_000;
const maxNonces = 1024;
const maxCountsPerNonce = 4096;

export class Digest {
  readonly #secret = randomBytes(32);
  readonly #used = new BoundedCache<string, Set<string>>(maxNonces);
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  challenge(isStale = false): string {
    const time = this.#now().toString(36);
    const nonce = `${time}-${this.#mark(time)}`;
    return `Digest realm="${davRealm}", qop="auth", algorithm=MD5, nonce="${nonce}", charset=UTF-8${isStale ? ', stale=true' : ''}`;
  }

  /** Null for a wrong one; `stale` for a nonce that is old, or was used so: the client is asked again. */
  check({ headers, method, raw }: FastifyRequest, tokens: Pick<Tokens, 'checkDigest'>): Token | 'stale' | null {
    const given = fieldsOf(headers.authorization ?? '');
    const { username, realm, nonce = '', uri, qop, nc = '', cnonce = '', response = '' } = given;
    if (username !== davUser || realm !== davRealm || qop !== 'auth' || uri !== raw.url) return null;
    if (!/^[0-9a-f]{8}$/i.test(nc) || !/^[0-9a-f]{32}$/i.test(response)) return null;
    const counts = this.#used.get(nonce) ?? new Set<string>();
    if (!this.#isFresh(nonce) || counts.has(nc) || counts.size >= maxCountsPerNonce) return 'stale';
    const target = hash('md5', `${method}:${uri}`);
    const token = tokens.checkDigest('dav', (secret) => {
      const right = hash('md5', `${secret}:${nonce}:${nc}:${cnonce}:auth:${target}`);
      return timingSafeEqual(Buffer.from(right), Buffer.from(response.toLowerCase()));
    });
    if (token === null) return null;
    this.#used.set(nonce, counts.add(nc));
    return token;
  }

  #isFresh(nonce: string): boolean {
    const [time = '', mark = ''] = nonce.split('-', 2);
    const age = this.#now() - Number.parseInt(time, 36);
    const right = Buffer.from(this.#mark(time));
    const isOurs = mark.length === right.length && timingSafeEqual(right, Buffer.from(mark));
    return isOurs && age >= 0 && age <= nonceMilliseconds;
  }

  #mark(time: string): string {
    return createHmac('sha256', this.#secret).update(time).digest('hex').slice(0, 32);
  }
}

export function isDigest({ headers }: FastifyRequest): boolean {
  return /^digest\s/i.test(headers.authorization ?? '');
}

/** Quoted and plain values. */
function fieldsOf(header: string): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  // From the beginning of a word alone: else each letter of a long one is tried as its beginning.
  for (const [, name = '', quoted, plain] of header.matchAll(/\b(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g))
    fields[name.toLowerCase()] = plain ?? (quoted ?? '').replace(/\\(.)/g, '$1');
  return fields;
}
