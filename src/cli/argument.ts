/** What a command's argument names: a CID if it parses as one, `name:X` always a name, `NAME@PUBLISHER`, else a name. */
import { cidIn } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import type { FileReference } from '../transfer/files.ts';

/** A peer id or enough of its beginning: base58, at least 8 characters. */
const publisherPattern = /^[1-9A-HJ-NP-Za-km-z]{8,64}$/;

/** Throws `bad-name`. */
export function parseReference(argument: string): FileReference {
  const isForced = argument.startsWith('name:');
  const cid = isForced ? null : cidIn(argument);
  if (cid !== null) return { cid: cid.toString() };
  const text = isForced ? argument.slice('name:'.length) : argument;
  const at = text.lastIndexOf('@');
  const publisher = text.slice(at + 1);
  if (at > 0 && publisherPattern.test(publisher)) return { name: checkName(text.slice(0, at)), publisher };
  return { name: checkName(text) };
}

/** The route of the bytes; `part` is `/stat` or nothing. */
export function routeOf({ cid, name = '', publisher }: FileReference, part = ''): string {
  if (cid !== undefined) return `/api/v1/content/${cid}${part}`;
  const query = publisher === undefined ? '' : `?publisher=${encodeURIComponent(publisher)}`;
  return `/api/v1/files/${encodeURIComponent(name)}${part}${query}`;
}
