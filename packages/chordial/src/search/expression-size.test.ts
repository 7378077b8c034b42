import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isError } from '../../test/contracts/errors.ts';
import { checkExpressionSize } from './expression-size.ts';

const refused = isError('bad-request');

/** That the expression has this size: with so many more characters it has the 2000 that are taken, with one more too many. */
function hasSize(source: string, size: number): void {
  const rest = 2000 - size;
  const full = source + 'a{100}'.repeat(Math.floor(rest / 100)) + 'a'.repeat(rest % 100);
  checkExpressionSize(full);
  assert.throws(() => checkExpressionSize(`${full}a`), refused, source);
}

test('H1 every character, character set and group counts, as often as it is repeated', () => {
  const sizes: Readonly<Record<string, number>> = {
    '': 0,
    abc: 3,
    'a.^$': 4,
    '(ab)': 3,
    '(a)b': 3,
    '(a(b))': 4,
    '(a|b)': 4,
    'a*b+c?': 3,
    'a+?': 1,
    'a{3}': 3,
    'a{12}': 12,
    'a{3}b': 4,
    'a{3,}': 3,
    'a{2,5}': 5,
    'a{2,15}?b': 16,
    'a{5,2}': 5,
    'a{0}': 1,
    'a{0,0}': 1,
    'a{2}{3}': 6,
    '(ab){2}': 6,
    '((a{2}b){3}){4}': 52,
    // No repeats.
    'a{b}': 4,
    'a{,5}': 5,
    'a{1': 3,
  };
  for (const [source, size] of Object.entries(sizes)) hasSize(source, size);
});

test('H1 a character set is one part whatever it has in it', () => {
  for (const set of [
    '[abc]',
    '[a-z{5}]',
    '[]a]',
    '[^]a]',
    '[^a]',
    '[a\\]b]',
    '[[:alpha:]]',
    '[[:^digit:]x(]',
    '[a[:alpha:]]',
    '[(*]',
    '[[]',
  ]) {
    hasSize(set, 1);
    hasSize(`${set}{3}b`, 4);
  }
});

test('H1 an escape is one part, and quoted text as many as it has characters', () => {
  const sizes: Readonly<Record<string, number>> = {
    '\\.': 1,
    '\\(b': 2,
    '\\[b': 2,
    '\\p{Greek}{3}': 3,
    '\\P{L}b': 2,
    '\\x{10FFFF}b': 2,
    '\\😀b': 2,
    '\\Q(a{5}\\E': 5,
    '\\Q(a\\Eb{3}': 5,
    '\\Q\\Eb': 1,
    '\\Q\n(\\E': 2,
  };
  for (const [source, size] of Object.entries(sizes)) hasSize(source, size);
  const quotedToTheEnd = `${'a{100}'.repeat(19)}\\Q${'('.repeat(100)}`;
  checkExpressionSize(quotedToTheEnd);
  assert.throws(() => checkExpressionSize(`${quotedToTheEnd}(`), refused);
});

test('H1 what has no end is measured to the end of the expression', () => {
  for (const source of ['a'.repeat(1000), '[', '[^', '[a\\', '(', '(a', '\\', '\\Qab', 'a{', ')', '\\p{Greek'])
    checkExpressionSize(source);
  assert.throws(() => checkExpressionSize('a'.repeat(1001)), isError('bad-request', /1001 characters.* 1000\b/));
  assert.throws(() => checkExpressionSize(`(${'a{100}'.repeat(20)}`), refused);
});

test('H1 a part is repeated at most a hundred times at once', () => {
  for (const source of ['a{100}', 'a{0,100}', 'a{100,}', '(ab){100}']) checkExpressionSize(source);
  for (const source of ['a{101}', 'a{101,}', 'a{0,101}', 'a{101,0}', 'b+a{1}{101}', '(a{101})'])
    assert.throws(() => checkExpressionSize(source), isError('bad-request', /101 times.* 100\b/), source);
});
