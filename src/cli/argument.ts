/** Parses a command's argument: a CID if it parses as one, `name:X` always a name, `NAME@PUBLISHER`, else a name. */
import { cidIn } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import type { FileReference } from '../transfer/files.ts';
import { splitPublisher } from '../transfer/of-publisher.ts';

/** Throws `bad-name`. */
export function parseReference(argument: string): FileReference {
  const isForced = argument.startsWith('name:');
  const cid = isForced ? null : cidIn(argument);
  if (cid !== null) return { cid: cid.toString() };
  const text = isForced ? argument.slice('name:'.length) : argument;
  const { name, publisher } = splitPublisher(text);
  return { name: checkName(name), ...(publisher === null ? {} : { publisher }) };
}

/** The route of the bytes. */
export function routeOf({ cid, name = '', publisher }: FileReference): string {
  if (cid !== undefined) return `/api/v1/content/${cid}`;
  const query = publisher === undefined ? '' : `?publisher=${encodeURIComponent(publisher)}`;
  return `/api/v1/files/${encodeURIComponent(name)}${query}`;
}
