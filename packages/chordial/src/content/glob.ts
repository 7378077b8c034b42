/**
 * Matches names against patterns with `*` and `?` in time bounded by the product of both lengths. Equivalent regular
 * expressions can take exponential time.
 */

type Token = string | typeof anything | typeof anyOne | CharacterSet;

interface CharacterSet {
  readonly isNegated: boolean;
  /** Code points, first and last. */
  readonly ranges: readonly (readonly [number, number])[];
}

const anything = Symbol('*');
const anyOne = Symbol('?');

/** @param hasSets whether `[a-z]` is a character set and `\` escapes the next character, as in gitignore */
export function globMatcher(glob: string, hasSets = false): (text: string) => boolean {
  const tokens = tokensOf([...glob], hasSets);
  return (text) => isMatch(tokens, [...text]);
}

/** Each star first matches nothing; on a mismatch the last star matches one more character. */
function isMatch(tokens: readonly Token[], text: readonly string[]): boolean {
  let [token, at] = [0, 0];
  let [starToken, starAt] = [-1, -1];
  while (at < text.length) {
    const wanted = tokens[token];
    if (wanted === anything) [starToken, starAt, token] = [token, at, token + 1];
    else if (wanted !== undefined && fits(wanted, text[at]!)) [token, at] = [token + 1, at + 1];
    else if (starToken >= 0) [token, at, starAt] = [starToken + 1, starAt + 1, starAt + 1];
    else return false;
  }
  while (tokens[token] === anything) token += 1;
  return token === tokens.length;
}

function fits(token: Exclude<Token, typeof anything>, character: string): boolean {
  if (typeof token === 'string') return token === character;
  if (token === anyOne) return true;
  const point = character.codePointAt(0)!;
  return token.ranges.some(([first, last]) => point >= first && point <= last) !== token.isNegated;
}

function tokensOf(glob: readonly string[], hasSets: boolean): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at]!;
    if (character === '*') {
      if (tokens.at(-1) !== anything) tokens.push(anything);
    } else if (character === '?') tokens.push(anyOne);
    else if (hasSets && character === '\\' && at + 1 < glob.length) tokens.push(glob[++at]!);
    else if (hasSets && character === '[') {
      const set = readSet(glob, at);
      tokens.push(set?.set ?? character);
      at = set?.end ?? at;
    } else tokens.push(character);
  }
  return tokens;
}

/** Null when no bracket closes it: then `[` is a literal. */
function readSet(glob: readonly string[], from: number): { readonly set: CharacterSet; readonly end: number } | null {
  let at = from + 1;
  const isNegated = glob[at] === '!' || glob[at] === '^';
  if (isNegated) at += 1;
  const ranges: [number, number][] = [];
  for (const first = at; at < glob.length; at++) {
    if (glob[at] === ']' && at > first) return { set: { isNegated, ranges }, end: at };
    if (glob[at] === '\\' && at + 1 < glob.length) at += 1;
    const start = glob[at]!.codePointAt(0)!;
    if (glob[at + 1] !== '-' || glob[at + 2] === undefined || glob[at + 2] === ']') ranges.push([start, start]);
    else {
      at += glob[at + 2] === '\\' && glob[at + 3] !== undefined ? 3 : 2;
      ranges.push([start, glob[at]!.codePointAt(0)!]);
    }
  }
  return null;
}
