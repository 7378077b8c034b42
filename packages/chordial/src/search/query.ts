/** Parses a user's query: required words, excluded words, phrases, prefixes, filters. */
import { extensionsByKind } from '../content/file-kinds.ts';
import { ChordialError } from '../errors.ts';
import { beginningCharacters, exactly, queryWordsOf } from './words.ts';

export interface SizeRange {
  /** Bytes, inclusive. */
  readonly least: number;
  readonly most: number;
}

export interface WordQuery {
  readonly words: readonly string[];
  readonly without: readonly string[];
  /** Each a sequence of words. */
  readonly phrases: readonly (readonly string[])[];
  /** Word prefixes of at least three letters. */
  readonly beginnings: readonly string[];
  /** All of these with accents and case as typed: names containing them come first. */
  readonly exact: readonly string[];
  /** Extensions without the dot, or null for any. */
  readonly types: readonly string[] | null;
  readonly size: SizeRange | null;
  /** Prefix or suffix of a peer id, or null for any. */
  readonly from: string | null;
}

export const maxQueryBytes = 10 * 1024;
const maxTerms = 64;
const minPeerCharacters = 4;

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  kib: 2 ** 10,
  m: 1e6,
  mb: 1e6,
  mib: 2 ** 20,
  g: 1e9,
  gb: 1e9,
  gib: 2 ** 30,
  t: 1e12,
  tb: 1e12,
  tib: 2 ** 40,
};

/** A quoted phrase with an optional minus, or anything without spaces. */
const terms = /(-?)"([^"]*)"|(from:"[^"]*"|\S+)/giu;
/** Characters of ids. */
const idPart = /^(?:…|\.\.\.)?[1-9A-HJ-NP-Za-km-z]+$/u;

/** Throws `bad-request` for an invalid filter or a query that is too long. An empty query has no words. */
export function parseWordQuery(text: string): WordQuery {
  checkLength(text);
  const query = {
    words: [] as string[],
    without: [] as string[],
    phrases: [] as (readonly string[])[],
    beginnings: [] as string[],
    exact: [] as string[],
    types: null as readonly string[] | null,
    size: null as SizeRange | null,
    from: null as string | null,
  };
  let count = 0;
  for (const [, minus = '', phrase, term = ''] of text.matchAll(terms)) {
    count += 1;
    if (count > maxTerms) throw bad(`has more than ${maxTerms} terms. Leave some out`);
    if (phrase !== undefined) {
      const words = queryWordsOf(phrase);
      if (minus !== '') query.without.push(...words);
      else if (words.length > 0) {
        query.phrases.push(words);
        query.exact.push(...queryWordsOf(phrase, exactly));
      }
      continue;
    }
    const filter = /^(type|size|from):(.*)$/i.exec(term);
    if (filter !== null) readFilter(query, filter[1]!.toLowerCase(), filter[2]!);
    else if (/^-./u.test(term)) query.without.push(...queryWordsOf(term.slice(1)));
    else if (/.\*$/u.test(term)) readBeginning(query, term.slice(0, -1));
    else {
      query.words.push(...queryWordsOf(term));
      query.exact.push(...queryWordsOf(term, exactly));
    }
  }
  return { ...query, words: [...new Set(query.words)], without: [...new Set(query.without)] };
}

/**
 * The query with a peer id in place of the name in `from:`: other peers may know it by another name. Throws `not-found`
 * or `ambiguous-member`.
 */
export function withPublisherIds(text: string, named: (name: string) => readonly string[]): string {
  return text.replace(terms, (term) => {
    const value = fromValue(term);
    if (value === null) return term;
    const [first, second] = named(value);
    const shown = JSON.stringify(value.slice(0, 80));
    if (second !== undefined) {
      const ids = named(value).slice(0, 8).join(', ');
      const message = `Several peers are called ${shown}. Give the id of one after from: ${ids}.`;
      throw new ChordialError('ambiguous-member', message);
    }
    if (first !== undefined) return `from:${first}`;
    if (idPart.test(value)) return term;
    throw new ChordialError('not-found', `No peer is called ${shown}. See who is there with "chordial peers".`);
  });
}

function fromValue(term: string): string | null {
  const [, quoted, plain] = /^from:(?:"([^"]*)"|(.+))$/isu.exec(term) ?? [];
  const value = (quoted ?? plain)?.normalize('NFC');
  return value === undefined || value === '' ? null : value;
}

/** The text to broadcast when no word matches: without filters and exclusions. */
export function textOf(query: string): string {
  const texts = [...query.matchAll(terms)].flatMap(([, minus = '', phrase, term = '']) => {
    if (phrase !== undefined) return minus === '' ? [phrase] : [];
    return /^(?:(?:type|size|from):|-.)/i.test(term) ? [] : [term.replace(/(?<=.)\*$/u, '')];
  });
  return texts.join(' ').trim();
}

/** Throws `bad-request`. */
export function checkLength(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxQueryBytes) throw bad(`has ${bytes} bytes, and ${maxQueryBytes} are the most. Shorten it`);
}

/** The words by which the index is queried: all of them must be in the name. */
export function demandedWords({ words, phrases }: Pick<WordQuery, 'words' | 'phrases'>): readonly string[] {
  return [...new Set([...words, ...phrases.flat()])];
}

interface OpenQuery {
  words: string[];
  beginnings: string[];
  exact: string[];
  types: readonly string[] | null;
  size: SizeRange | null;
  from: string | null;
}

/** All but the last word of `annual-rep*` are complete. */
function readBeginning(query: OpenQuery, text: string): void {
  const words = queryWordsOf(text);
  const last = words.at(-1);
  if (last === undefined || [...last].length < beginningCharacters) {
    throw bad(
      `has the beginning ${JSON.stringify(`${text}*`)}, and ${beginningCharacters} letters are the least. Write more of it, or ask every peer`,
    );
  }
  query.words.push(...words.slice(0, -1));
  query.beginnings.push(last);
  query.exact.push(...queryWordsOf(text, exactly));
}

function readFilter(query: OpenQuery, name: string, value: string): void {
  if (name === 'type') query.types = typesOf(value);
  else if (name === 'size') query.size = sizeRangeOf(value);
  else if ([...value].length < minPeerCharacters) {
    throw bad(`has from:${value}, and ${minPeerCharacters} characters of a peer id are the least. Write more of it`);
  } else query.from = value.replace(/^…/u, '');
}

function typesOf(value: string): readonly string[] {
  const types = value
    .toLowerCase()
    .split(',')
    .filter((type) => type !== '');
  if (types.length === 0) throw bad('has an empty type:. Write an extension such as type:pdf, or one of its kinds');
  return types.flatMap((type) => extensionsByKind[type] ?? [type.replace(/^\./, '')]);
}

/** `>10MB`, `<=1GiB`, `1k..2k`, `..5M`. */
function sizeRangeOf(value: string): SizeRange {
  const compared = /^([<>]=?)(.+)$/.exec(value);
  if (compared !== null) {
    const bytes = bytesOf(compared[2]!, value);
    const [least, most] = compared[1]!.startsWith('>') ? [bytes, Number.MAX_SAFE_INTEGER] : [0, bytes];
    if (compared[1] === '>') return { least: least + 1, most };
    return { least, most: compared[1] === '<' ? most - 1 : most };
  }
  const range = /^([^.]*(?:\.\d[^.]*)?)\.\.(.*)$/.exec(value);
  if (range === null || value === '..') throw badSize(value);
  const least = range[1] === '' ? 0 : bytesOf(range[1]!, value);
  const most = range[2] === '' ? Number.MAX_SAFE_INTEGER : bytesOf(range[2]!, value);
  return { least, most };
}

function bytesOf(text: string, whole: string): number {
  const parts = /^(\d{1,15}(?:\.\d{1,6})?)([a-z]{0,3})$/i.exec(text);
  const unit = units[parts?.[2]?.toLowerCase() ?? 'none'];
  if (parts === null || unit === undefined) throw badSize(whole);
  return Math.round(Number(parts[1]) * unit);
}

function badSize(value: string): ChordialError {
  return bad(`has size:${value}, which is no range of sizes. Write size:>10MB, size:<=1GiB or size:1MB..2MB`);
}

function bad(what: string): ChordialError {
  return new ChordialError('bad-request', `The query ${what}.`);
}
