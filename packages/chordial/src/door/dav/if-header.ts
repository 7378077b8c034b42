/** The `If` header (RFC 4918, section 10.4): lists of lock tokens and entity tags, one of which must hold. */
import { ChordialError } from '../../errors.ts';

export interface Condition {
  readonly isNot: boolean;
  readonly token: string | null;
  readonly etag: string | null;
}

export interface ConditionList {
  /** The resource that it is about, as written; null for that of the request. */
  readonly resource: string | null;
  readonly conditions: readonly Condition[];
}

const maxLists = 256;

/** Throws `bad-request`. */
export function parseIf(header: string): readonly ConditionList[] {
  const lists: ConditionList[] = [];
  let resource: string | null = null;
  let rest = header.trim();
  const take = (pattern: RegExp): string | null => {
    const [whole, inner = ''] = pattern.exec(rest) ?? [];
    if (whole === undefined) return null;
    rest = rest.slice(whole.length).trimStart();
    return inner;
  };
  while (rest !== '') {
    const tagged = take(/^<([^<>]*)>/);
    if (tagged !== null) {
      resource = tagged;
      continue;
    }
    if (take(/^(\()/) === null || lists.length >= maxLists) throw badIf(header);
    const conditions: Condition[] = [];
    while (take(/^(\))/) === null) {
      const isNot = take(/^(not)\b/i) !== null;
      const token = take(/^<([^<>]*)>/);
      const etag = token === null ? take(/^\[((?:W\/)?"[^"]*")\]/) : null;
      if (token === null && etag === null) throw badIf(header);
      conditions.push({ isNot, token, etag });
    }
    if (conditions.length === 0) throw badIf(header);
    lists.push({ resource, conditions });
  }
  if (lists.length === 0) throw badIf(header);
  return lists;
}

function badIf(header: string): ChordialError {
  return new ChordialError('bad-request', `The If header ${JSON.stringify(header.slice(0, 200))} cannot be read.`);
}
