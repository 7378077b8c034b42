/** What names a link: its id, the key of a sealed one, and the URL that carries both. */
import { hash } from 'node:crypto';
import type { HostId } from '@chordial/ring';
import { base32 } from 'multiformats/bases/base32';
import { ChordialError } from '../errors.ts';

/** 16 characters of base32, 80 bits: who knows it may read the link. */
export type LinkId = string & { readonly __linkId: unique symbol };

const idBytes = 10;
/** Of a sealed link; 22 characters of base64url. */
export const linkKeyBytes = 16;
/** What an id is derived from; only the record says it, so that no other publisher can make a record for the id. */
export const secretBytes = 16;

const idDomain = 'chordial link v1\0';
const idForm = /^[a-z2-7]{16}$/;
const keyForm = /^[A-Za-z0-9_-]{21}[AQgw]$/;
const maxUrlCharacters = 4096;

export function linkIdOf(publisher: HostId, secret: Uint8Array): LinkId {
  const digest = hash('sha256', Buffer.concat([Buffer.from(`${idDomain}${publisher}\0`), secret]), 'buffer');
  return base32.baseEncode(digest.subarray(0, idBytes)) as LinkId;
}

/** Null for anything else; capitals are taken, since people type ids. */
export function parseLinkId(text: string): LinkId | null {
  const id = text.toLowerCase();
  return idForm.test(id) ? (id as LinkId) : null;
}

export function isLinkId(value: unknown): value is LinkId {
  return typeof value === 'string' && idForm.test(value);
}

/** Subject and record key of a link: the SHA-256 of its id, so that holders do not learn the id. */
export function linkSubject(id: LinkId): Uint8Array {
  return hash('sha256', `link:${id}`, 'buffer');
}

export function formatLinkKey(key: Uint8Array): string {
  return Buffer.from(key).toString('base64url');
}

export function parseLinkKey(text: string): Uint8Array | null {
  return keyForm.test(text) ? Uint8Array.from(Buffer.from(text, 'base64url')) : null;
}

/** `/s/ID`, `/s/ID/NAME` for what `curl -O` shall call so, with `#KEY` for what is sealed. */
export function linkPath(
  id: LinkId,
  { name, key }: { readonly name: string | null; readonly key: string | null },
): string {
  return `/s/${id}${name === null ? '' : `/${pathSegment(name)}`}${key === null ? '' : `#${key}`}`;
}

/** Percent-encoded with the marks that text around a URL may be taken to end it at. */
export function pathSegment(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export interface LinkAddress {
  readonly id: LinkId;
  /** Origin of the door, null when the id alone was given. */
  readonly door: string | null;
  readonly key: Uint8Array | null;
}

/** An id or a URL. Throws `bad-usage`. */
export function parseLink(text: string): LinkAddress {
  const alone = parseLinkId(text.trim());
  if (alone !== null) return { id: alone, door: null, key: null };
  const url = text.length <= maxUrlCharacters && URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  const id = parseLinkId(/^\/s\/([^/]+)(?:\/|$)/.exec(url?.pathname ?? '')?.[1] ?? '');
  const key = url === null || url.hash === '' ? null : parseLinkKey(url.hash.slice(1));
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url === null || id === null || !isWeb || (url.hash !== '' && key === null)) {
    throw new ChordialError(
      'bad-usage',
      `${JSON.stringify(text.slice(0, 100))} is no link. Give its id of 16 characters or its whole URL; "chordial links" lists them.`,
    );
  }
  return { id, door: url.origin, key };
}
