/** `NAME@PEER`: whose file of this name is meant. */

/** Of a peer id, so many characters must be given: that many also tell `@` in a name from one before a peer. */
const minPublisherCharacters = 8;
const beginning = /^12D3Koo[1-9A-HJ-NP-Za-km-z]{1,45}$/;
/** The end of an id as the lists show it, or as it is typed: ids all begin alike. */
const end = /^(?:…|\.\.\.)([1-9A-HJ-NP-Za-km-z]{8,52})$/;

/** In parts; the last `@` counts only before a peer id, its beginning, or `…` (`...`) and its end, of at least 8 characters. */
export function splitPublisher(text: string): { name: string; publisher: string | null } {
  const at = text.lastIndexOf('@');
  const publisher = text.slice(at + 1);
  const isPublisher = publisher.length >= minPublisherCharacters && (beginning.test(publisher) || end.test(publisher));
  return at > 0 && isPublisher ? { name: text.slice(0, at), publisher } : { name: text, publisher: null };
}

/** Peer ids all begin alike: their end tells them apart, and `NAME@…END` picks by it. */
export function shortPeer(id: string): string {
  return id.length > 9 ? `…${id.slice(-8)}` : id;
}

/** Whether a text is meant as an id or a part of one, or looks like it: no peer may be called so. */
export function looksLikePeer(text: string): boolean {
  return /^(?:12D3Koo|…|\.\.\.)/i.test(text);
}

/** Whether a peer id is the one that was given, whole or in part. */
export function isPublisher(id: string, given: string): boolean {
  const [, last] = end.exec(given) ?? [];
  return last === undefined ? id.startsWith(given) : id.endsWith(last);
}
