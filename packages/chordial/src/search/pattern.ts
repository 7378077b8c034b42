/**
 * What a broadcast looks for and no index answers: part of a name, a glob (`*` and `?`), a regular expression between
 * slashes, a SHA-256 or a CID.
 */
import type { CID } from 'multiformats/cid';
import { cidIn } from '../content/cid.ts';
import { globMatcher } from '../content/glob.ts';
import { ChordialError } from '../errors.ts';
import { checkExpressionSize, maxExpressionCharacters } from './expression-size.ts';
import type { Hit } from './hit.ts';
import { checkLength } from './query.ts';
import { exactly, folded } from './words.ts';

type Candidate = Pick<Hit, 'name' | 'root' | 'sha256'>;

export type Pattern =
  | {
      readonly kind: 'part' | 'glob' | 'sha256' | 'cid';
      /** In time bounded by the length of a name. */
      matches(candidate: Candidate): boolean;
      /** For a matching file: its name contains the pattern with accents and case as typed. */
      isExact(name: string): boolean;
    }
  /** Compiled and matched by the thread of expressions.ts. */
  | { readonly kind: 'expression'; readonly source: string };

/** Throws `bad-request`. An empty text matches every name. Regular expressions are not validated yet. */
export function parsePattern(text: string): Pattern {
  checkLength(text);
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return ofSha256(trimmed.toLowerCase());
  const cid = cidIn(trimmed);
  if (cid !== null) return ofCid(cid);
  if (/^\/.+\/$/s.test(trimmed)) return ofExpression(trimmed.slice(1, -1));
  if (/[*?]/.test(trimmed)) return ofGlob(trimmed);
  return ofPart(trimmed);
}

function ofSha256(wanted: string): Pattern {
  return { kind: 'sha256', matches: ({ sha256 }) => sha256 === wanted, isExact: () => true };
}

/** Another CID version or codec of the same bytes is the same content. */
function ofCid({ multihash }: CID): Pattern {
  const wanted = Buffer.from(multihash.bytes);
  return { kind: 'cid', matches: ({ root }) => wanted.equals(root.multihash.bytes), isExact: () => true };
}

function ofExpression(source: string): Pattern {
  checkExpressionSize(source);
  return { kind: 'expression', source };
}

function ofGlob(glob: string): Pattern {
  if (glob.length > maxExpressionCharacters) {
    const message = `The pattern has ${glob.length} characters; the limit is ${maxExpressionCharacters}. Shorten it.`;
    throw new ChordialError('bad-request', message);
  }
  const isFolded = globMatcher(folded(glob));
  const isSame = globMatcher(exactly(glob));
  return { kind: 'glob', matches: ({ name }) => isFolded(folded(name)), isExact: (name) => isSame(exactly(name)) };
}

function ofPart(part: string): Pattern {
  const [wanted, exact] = [folded(part), exactly(part)];
  return {
    kind: 'part',
    matches: ({ name }) => folded(name).includes(wanted),
    isExact: (name) => exactly(name).includes(exact),
  };
}
