import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import fc from 'fast-check';
import { isError } from '../../test/contracts/errors.ts';
import { drawWords, looksLikeCode, parseCode, textOfCode } from './code.ts';

const word = fc.constantFrom(...wordlist);
const code = fc.record({ number: fc.integer({ min: 1, max: 999 }), words: fc.tuple(word, word, word) });

test('B13 a code is read however it is typed: capitals, blanks, four letters of a word', () => {
  fc.assert(
    fc.property(
      code,
      fc.constantFrom('-', ' ', '  ', '_', ', ', '.'),
      fc.boolean(),
      ({ number, words }, between, isShort) => {
        const typed = isShort ? words.map((one) => one.slice(0, 4)) : words;
        const text = ` ${[number, ...typed].join(between).toUpperCase()} `;
        const wanted = { number, words: words.join('-') };
        assert.deepEqual(parseCode(text), { code: wanted, door: null });
        assert.deepEqual(parseCode(`${text.trim()}@door.example:8443`), { code: wanted, door: 'door.example:8443' });
        assert.deepEqual(parseCode(textOfCode(wanted)).code, wanted);
        assert.ok(looksLikeCode(text));
      },
    ),
  );
});

test('B13 the code that help and docs show is one', () => {
  assert.deepEqual(parseCode('7-coral-eagle-river').code, { number: 7, words: 'coral-eagle-river' });
});

test('B13 what is no code is refused with what is wrong with it, and a word with those that were meant', () => {
  const bad = ['', '7', '7-abandon', '7-abandon-ability', '0-abandon-ability-able', '1000-abandon-ability-able'];
  const more = ['abandon-ability-able', '7-abandon-ability-able-about', '7-abandon-ability-able@', '7'.repeat(10_000)];
  for (const text of [...bad, ...more])
    assert.throws(() => parseCode(text), isError('bad-usage', /is no code: a code is a number and 3 words/));
  for (const [typed, meant] of [
    ['abandn', 'abandon'],
    ['abadnon', 'abandon'],
    ['abandonn', 'abandon'],
    ['rivet', 'river'],
    ['abi', 'ability'],
  ])
    assert.throws(
      () => parseCode(`7-${typed}-able-about`),
      isError('bad-usage', new RegExp(`"${typed}" is no word of a code\\. Is it .*${meant}`)),
    );
  assert.throws(() => parseCode('7-qqqqqqq-able-about'), isError('bad-usage', /is no word of a code\.$/));
});

test('B13 words are drawn from the whole list, which has 2048 that differ in four letters', () => {
  assert.equal(
    drawWords(() => 0),
    'abandon-abandon-abandon',
  );
  assert.equal(
    drawWords(() => 1 - 2 ** -48),
    'zoo-zoo-zoo',
  );
  assert.equal(new Set(wordlist.map((one) => one.slice(0, 4))).size, 2048);
});
