/**
 * What a broadcast looks for, which no index answers: a part of a name, a glob (`*` and `?`), a regular expression between
 * slashes, a SHA-256 or a CID. Expressions run on RE2's algorithm, whose time grows with the name and not beyond.
 */
import { createRequire } from 'node:module';
import type { CID } from 'multiformats/cid';
import type { RE2JS } from 're2js';
import { cidIn } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import type { Hit } from './hit.ts';
import { checkLength } from './query.ts';

export interface Pattern {
  readonly kind: 'part' | 'glob' | 'expression' | 'sha256' | 'cid';
  matches(candidate: Pick<Hit, 'name' | 'root' | 'sha256'>): boolean;
}

const maximumExpressionCharacters = 1000;
const require = createRequire(import.meta.url);

/** Throws `bad-request`. An empty text matches every name. */
export function parsePattern(text: string): Pattern {
  checkLength(text);
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return ofSha256(trimmed.toLowerCase());
  const cid = cidIn(trimmed);
  if (cid !== null) return ofCid(cid);
  if (/^\/.+\/$/s.test(trimmed)) return ofExpression('expression', trimmed.slice(1, -1));
  if (/[*?]/.test(trimmed)) return ofExpression('glob', `^${globExpression(folded(trimmed))}$`);
  const part = folded(trimmed);
  return { kind: 'part', matches: ({ name }) => folded(name).includes(part) };
}

function ofSha256(wanted: string): Pattern {
  return { kind: 'sha256', matches: ({ sha256 }) => sha256 === wanted };
}

/** Another version or codec of the same bytes is the same content. */
function ofCid({ multihash }: CID): Pattern {
  const wanted = Buffer.from(multihash.bytes);
  return { kind: 'cid', matches: ({ root }) => wanted.equals(root.multihash.bytes) };
}

function ofExpression(kind: 'glob' | 'expression', source: string): Pattern {
  if (source.length > maximumExpressionCharacters) {
    const message = `The expression has ${source.length} characters, and ${maximumExpressionCharacters} are the most. Shorten it.`;
    throw new ChordialError('bad-request', message);
  }
  const compiled = compile(source);
  // Beside the folded name the name itself, since an expression may ask for capital letters.
  return { kind, matches: ({ name }) => compiled.matcher(folded(name)).find() || compiled.matcher(name).find() };
}

function compile(source: string): RE2JS {
  // Loaded by the first who needs it: with its tables of Unicode it takes a megabyte of every peer.
  const { RE2JS: engine } = require('re2js') as typeof import('re2js');
  try {
    return engine.compile(source, engine.CASE_INSENSITIVE);
  } catch (cause) {
    const message = `The regular expression is not understood: ${(cause as Error).message.slice(0, 200)}. The syntax is that of RE2: no references back, no looking around.`;
    throw new ChordialError('bad-request', message, { cause });
  }
}

function globExpression(glob: string): string {
  return glob.replace(/[^*?]+|\*+|\?/gu, (part) => {
    if (part.startsWith('*')) return '.*';
    return part === '?' ? '.' : part.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  });
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}
