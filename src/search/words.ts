/**
 * The words of a file name, for index and query alike (spec/4, Search): letters folded (`folded`), split at
 * punctuation, at changes of case and between letters and digits, the undivided form kept beside its parts. Writing
 * without spaces is split by Intl.Segmenter and also into pairs of characters, since two texts may be segmented differently.
 */

/** Longer ones are cut, in index and query alike. */
export const maxWordCharacters = 64;
/** A file has at most 20 entries: its name, its provider, and these words with their beginnings. */
export const maxPostings = 18;
/** Of each word so many letters are kept as its beginning; queries ask for no shorter one. */
export const beginningCharacters = 3;
/** What is read of a name: names have at most 255 bytes, but folding can lengthen them. */
const maxTextCharacters = 1024;

const tokens = /[\p{L}\p{N}\p{M}]+/gu;
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** aB, ABc before the B, and between digits and anything else. */
const borders =
  /(?<=[\p{Ll}\p{M}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{N})(?=[^\p{N}\p{M}])|(?<=[^\p{N}])(?=\p{N})/u;

/** Marks that set a letter apart from its base letter, and not, as those of kana and of the scripts of India, one sound from another. */
const marks =
  /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u064b-\u065f\u0670]|(?=\p{Script=Hebrew})\p{Mn}/gu;
/** Letters with a stroke or joined, which no form of Unicode takes apart, and the sigma that stands at the end of words. */
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
/** Of text in small letters: what `tokens` leaves out, found in a third of the time. */
const betweenAsciiWords = /[^a-z0-9]+/g;

const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/**
 * What text is compared by: the compatibility forms, case and ignorable characters of NFKC_Casefold, and base letters in the place of
 * letters with marks, so that `strasse` stands for `Straße` and `cafe` for `Café`.
 */
export function folded(text: string): string {
  if (ascii.test(text)) return text.toLowerCase();
  // Capitals first: those of ß are two letters.
  const bare = text
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFKD')
    .replace(marks, '');
  const lower = bare.toUpperCase().toLowerCase().normalize('NFKD').replace(marks, '');
  return lower.replace(baseLetter, (letter) => baseLetters[letter]!).normalize('NFKC');
}

/** In one case, but with the marks that it has: who writes them finds first what has them. */
export function exactly(text: string): string {
  return ascii.test(text) ? text.toLowerCase() : text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** All words by which a name is found, each once, the undivided ones first. */
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

/** The finest words of a text in its order: what a query demands, since the index has the parts of everything. */
export function queryWordsOf(text: string, form: (text: string) => string = folded): readonly string[] {
  return tokensOf(text).flatMap((token) => {
    const fine = unspaced.test(token) ? pairsOf(token) : partsOf(token);
    const words = fine.map((part) => asWord(part, form)).filter(isWord);
    return words.length > 0 ? words : [asWord(token, form)].filter(isWord);
  });
}

/**
 * Words and beginnings to publish, the longest first beyond the bound. At first those that a query can demand, so that exact words
 * are always found, then their beginnings where a query could ask for them, then the segments of writing without spaces.
 */
export function postingWordsOf(name: string): readonly string[] {
  const spaced = tokensOf(name).filter((token) => !unspaced.test(token));
  const demanded = new Set([...queryWordsOf(name), ...spaced.map((token) => asWord(token)).filter(isWord)]);
  const words = [...demanded].sort((a, b) => [...b].length - [...a].length);
  const beginnings = words.filter((word) => [...word].length >= beginningCharacters).map(beginningOf);
  return [...new Set([...words, ...beginnings, ...wordsOf(name)])].slice(0, maxPostings);
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
