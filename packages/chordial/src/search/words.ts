/**
 * The words of a file name, for index and query alike (spec/4, Search): letters folded (`folded`), split at
 * punctuation, case changes and between letters and digits, with the undivided form beside its parts. Text without
 * spaces is split by Intl.Segmenter and also into pairs of characters, since two texts may be segmented differently.
 */

/** Longer ones are cut, in index and query alike. */
export const maxWordCharacters = 64;
/** A file has at most 20 entries: its name, its provider, and these words with their prefixes. */
export const maxPostings = 18;
/** Prefix length stored for each word; queries accept no shorter one. */
export const beginningCharacters = 3;
/** Length of a name that is analysed: names have at most 255 bytes, but folding can lengthen them. */
const maxTextCharacters = 1024;

const tokens = /[\p{L}\p{N}\p{M}]+/gu;
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** aB, ABc before the B, and between digits and anything else. */
const borders =
  /(?<=[\p{Ll}\p{M}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{N})(?=[^\p{N}\p{M}])|(?<=[^\p{N}])(?=\p{N})/u;

/** Marks that distinguish a letter from its base letter, but not, as in kana and Indic scripts, one sound from another. */
const marks =
  /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u064b-\u065f\u0670]|(?=\p{Script=Hebrew})\p{Mn}/gu;
/** Letters with a stroke or ligatures, which Unicode does not decompose, and the final sigma. */
const baseLetters: Readonly<Record<string, string>> = {
  ς: 'σ',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ŧ: 't',
  ı: 'i',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
};
const baseLetter = /[ςøłđðħŧıæœþ]/g;
const ascii = /^[\0-\x7f]*$/;
/** For lowercase text: what `tokens` drops, found in a third of the time. */
const betweenAsciiWords = /[^a-z0-9]+/g;

const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/**
 * Comparison form of text: NFKC_Casefold (compatibility forms, case, ignorable characters), and base letters in place
 * of accented ones, so that `strasse` matches `Straße` and `cafe` matches `Café`.
 */
export function folded(text: string): string {
  if (ascii.test(text)) return text.toLowerCase();
  // Upper case first: that of ß is two letters.
  const bare = text
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFKD')
    .replace(marks, '');
  const lower = bare.toUpperCase().toLowerCase().normalize('NFKD').replace(marks, '');
  return lower.replace(baseLetter, (letter) => baseLetters[letter]!).normalize('NFKC');
}

/** Case-folded but with accents: a query with accents ranks names with them first. */
export function exactly(text: string): string {
  return ascii.test(text) ? text.toLowerCase() : text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** All words by which a name is found, each once, undivided ones first. */
export function wordsOf(text: string): ReadonlySet<string> {
  const whole: string[] = [];
  const parts: string[] = [];
  for (const token of tokensOf(text)) {
    whole.push(token);
    if (unspaced.test(token)) parts.push(...segmentsOf(token), ...pairsOf(token));
    else parts.push(...partsOf(token));
  }
  return new Set([...whole, ...parts].map((part) => asWord(part)).filter(isWord));
}

/** The finest words of a text in order: what a query requires, since the index has the parts of everything. */
export function queryWordsOf(text: string, form: (text: string) => string = folded): readonly string[] {
  return tokensOf(text).flatMap((token) => {
    const fine = unspaced.test(token) ? pairsOf(token) : partsOf(token);
    const words = fine.map((part) => asWord(part, form)).filter(isWord);
    return words.length > 0 ? words : [asWord(token, form)].filter(isWord);
  });
}

/**
 * Words and prefixes to publish, longest first beyond the limit. First those that a query can require, so that exact
 * words are always found, then their prefixes where a query could ask for them, then segments of text without spaces.
 */
export function postingWordsOf(name: string): readonly string[] {
  const spaced = tokensOf(name).filter((token) => !unspaced.test(token));
  const demanded = new Set([...queryWordsOf(name), ...spaced.map((token) => asWord(token)).filter(isWord)]);
  const words = [...demanded].sort((a, b) => [...b].length - [...a].length);
  const beginnings = words.filter((word) => [...word].length >= beginningCharacters).map(beginningOf);
  return [...new Set([...words, ...beginnings, ...wordsOf(name)])].slice(0, maxPostings);
}

/** The key that lists all words with the same first three letters. */
export function beginningOf(word: string): string {
  return `pre:${[...word].slice(0, beginningCharacters).join('')}`;
}

/** One line of words with single spaces, for phrase matching. */
export function phraseOf(text: string): string {
  return ` ${queryWordsOf(text).join(' ')} `;
}

/** The undivided words of a text in order, between single spaces, not truncated. Cheap, unlike `wordsOf`. */
export function undividedLineOf(text: string): string {
  const read = text.slice(0, maxTextCharacters);
  if (ascii.test(read)) return ` ${read.toLowerCase().replace(betweenAsciiWords, ' ').trim()} `;
  return ` ${tokensOf(text).map(folded).join(' ')} `;
}

function tokensOf(text: string): readonly string[] {
  const read = text.slice(0, maxTextCharacters);
  if (ascii.test(read)) return read.match(tokens) ?? [];
  return (
    read
      .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
      .normalize('NFKC')
      .match(tokens) ?? []
  );
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

function asWord(token: string, form: (text: string) => string = folded): string {
  return [...form(token)].slice(0, maxWordCharacters).join('');
}

function isWord(word: string): boolean {
  return [...word].length > 1;
}
