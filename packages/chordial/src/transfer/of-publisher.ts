/** `NAME@PEER`: the name of one publisher. */
import type { FileReference } from './files.ts';

/** Minimum length of a peer id prefix, which also distinguishes `@` in a name from one before a peer. */
const minPublisherCharacters = 8;
const beginning = /^12D3Koo[1-9A-HJ-NP-Za-km-z]{1,45}$/;
/** The end of an id as lists show it, or as typed: all ids begin alike. */
const end = /^(?:…|\.\.\.)([1-9A-HJ-NP-Za-km-z]{8,52})$/;

/** A reference as lists and messages show it: a CID, or `name:NAME`, so that no name passes for a CID. */
export function textOfReference({ cid, name = '', publisher }: FileReference): string {
  if (cid !== undefined) return cid;
  return publisher === undefined ? `name:${name}` : `name:${name}@${publisher}`;
}

/** Splits at the last `@` only before a peer id, a prefix of at least 8 characters, or `…` (`...`) and a suffix. */
export function splitPublisher(text: string): { name: string; publisher: string | null } {
  const at = text.lastIndexOf('@');
  const publisher = text.slice(at + 1);
  const isPublisher = publisher.length >= minPublisherCharacters && (beginning.test(publisher) || end.test(publisher));
  return at > 0 && isPublisher ? { name: text.slice(0, at), publisher } : { name: text, publisher: null };
}

/** Peer ids all begin alike, so the suffix is shown; `NAME@…END` selects by it. */
export function shortPeer(id: string): string {
  return id.length > 9 ? `…${id.slice(-8)}` : id;
}

/** Whether a text is, or looks like, a peer id or part of one: no peer may have such a name. */
export function looksLikePeer(text: string): boolean {
  return /^(?:12D3Koo|…|\.\.\.)/i.test(text);
}

/** Whether a peer id matches the given one, whole or in part. */
export function isPublisher(id: string, given: string): boolean {
  const [, last] = end.exec(given) ?? [];
  return last === undefined ? id.startsWith(given) : id.endsWith(last);
}
