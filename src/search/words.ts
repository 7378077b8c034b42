/**
 * The words of a file name, for index and query alike (spec/4, Search): compatibility forms folded (NFKC), lower case, split at
 * punctuation, at changes of case and between letters and digits, the undivided form kept beside its parts. Writing
 * without spaces is split by Intl.Segmenter and also into pairs of characters, since two texts may be segmented differently.
 */

/** Longer ones are cut, in index and query alike. */
export const maximumWordCharacters = 64;
/** A file has at most 20 entries: its name, its provider, and these words with their beginnings. */
export const maximumPostings = 18;
/** Of each word so many letters are kept as its beginning; queries ask for no shorter one. */
export const beginningCharacters = 3;
/** What is read of a name: names have at most 255 bytes, but folding can lengthen them. */
const maximumTextCharacters = 1024;

const tokens = /[\p{L}\p{N}\p{M}]+/gu;
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** aB, ABc before the B, and between digits and anything else. */
const borders =
  /(?<=[\p{Ll}\p{M}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{N})(?=[^\p{N}\p{M}])|(?<=[^\p{N}])(?=\p{N})/u;

const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/** All words by which a name is found, each once, the undivided ones first. */
export function wordsOf(text: string): ReadonlySet<string> {
  const whole: string[] = [];
  const parts: string[] = [];
  for (const token of tokensOf(text)) {
    whole.push(token);
    if (unspaced.test(token)) parts.push(...segmentsOf(token), ...pairsOf(token));
    else parts.push(...partsOf(token));
  }
  return new Set([...whole, ...parts].map(asWord).filter(isWord));
}

/** The finest words of a text in its order: what a query demands, since the index has the parts of everything. */
export function queryWordsOf(text: string): readonly string[] {
  return tokensOf(text).flatMap((token) => {
    const fine = unspaced.test(token) ? pairsOf(token) : partsOf(token);
    const words = fine.map(asWord).filter(isWord);
    return words.length > 0 ? words : [asWord(token)].filter(isWord);
  });
}

/**
 * Words and beginnings to publish, the longest first beyond the bound. At first those that a query can demand, so that exact words
 * are always found, then their beginnings where a query could ask for them, then the segments of writing without spaces.
 */
export function postingWordsOf(name: string): readonly string[] {
  const spaced = tokensOf(name).filter((token) => !unspaced.test(token));
  const demanded = new Set([...queryWordsOf(name), ...spaced.map(asWord).filter(isWord)]);
  const words = [...demanded].sort((a, b) => [...b].length - [...a].length);
  const beginnings = words.filter((word) => [...word].length >= beginningCharacters).map(beginningOf);
  return [...new Set([...words, ...beginnings, ...wordsOf(name)])].slice(0, maximumPostings);
}

/** The key under which all words with the same first three letters are listed. */
export function beginningOf(word: string): string {
  return `pre:${[...word].slice(0, beginningCharacters).join('')}`;
}

/** One line of words with single spaces, to look for phrases in. */
export function phraseOf(text: string): string {
  return ` ${queryWordsOf(text).join(' ')} `;
}

/** The undivided words of a text in its order, between single spaces; no length is cut. Cheap, where `wordsOf` is not. */
export function undividedLineOf(text: string): string {
  return ` ${tokensOf(text).join(' ').toLowerCase().normalize('NFKC')} `;
}

function tokensOf(text: string): readonly string[] {
  return text.slice(0, maximumTextCharacters).normalize('NFKC').match(tokens) ?? [];
}

function partsOf(token: string): readonly string[] {
  return token.split(borders);
}

function segmentsOf(token: string): readonly string[] {
  return [...segmenter.segment(token)].filter(({ isWordLike }) => isWordLike).map(({ segment }) => segment);
}

function pairsOf(token: string): readonly string[] {
  const characters = [...token];
  return characters.slice(1).map((character, place) => `${characters[place]}${character}`);
}

function asWord(token: string): string {
  return [...token.toLowerCase().normalize('NFKC')].slice(0, maximumWordCharacters).join('');
}

function isWord(word: string): boolean {
  return [...word].length > 1;
}
