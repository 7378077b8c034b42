import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { folded, maxPostings, maxWordCharacters, postingWordsOf, queryWordsOf, wordsOf } from './words.ts';

const sorted = (text: string) => [...wordsOf(text)].sort();

test('A16 names are split at punctuation, case and digits, and kept whole beside the parts', () => {
  assert.deepEqual(sorted('IMG_2024-HolidayPhoto.JPG'), ['2024', 'holiday', 'holidayphoto', 'img', 'jpg', 'photo']);
  assert.deepEqual(sorted('report2023v2.pdf'), ['2023', 'pdf', 'report', 'report2023v2']);
  assert.deepEqual(sorted('XMLHttpRequest'), ['http', 'request', 'xml', 'xmlhttprequest']);
  assert.deepEqual(sorted('a b c'), []);
  assert.deepEqual(sorted('a1'), ['a1']);
});

test('A16 compatibility forms, normal forms and letters of any script are folded alike', () => {
  assert.deepEqual(sorted('ＦＩＬＥ'), ['file']);
  assert.deepEqual(sorted('Ångström'.normalize('NFD')), sorted('Ångström'.normalize('NFC')));
  assert.deepEqual(sorted('ΣΊΣΥΦΟΣ Привет'), ['σισυφοσ', 'привет'].sort());
  assert.equal(wordsOf('東京タワー.jpg').has('東京'), true);
  for (const word of queryWordsOf('京タ')) assert.equal(wordsOf('東京タワー.jpg').has(word), true, word);
});

test('A16 a query for the whole name, in any case that keeps its borders, finds the name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (name) => {
      const words = wordsOf(name);
      for (const word of queryWordsOf(name)) assert.equal(words.has(word), true, `${word} of ${name}`);
    }),
  );
});

test('words are bounded in number and length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (name) => {
      const postings = postingWordsOf(name);
      assert.equal(postings.length <= maxPostings, true);
      assert.equal(new Set(postings).size, postings.length);
      for (const word of postings) assert.equal([...word].length <= maxWordCharacters + 4, true);
    }),
  );
  assert.deepEqual(sorted('x'.repeat(300)), ['x'.repeat(maxWordCharacters)]);
});

test('A16 of a long name the words that a query demands have postings before all else', () => {
  const long = 'Übersicht der Ergebnisse vom Dienstag für Abteilung Einkauf und Vertrieb 東京会議.pdf';
  const postings = postingWordsOf(long);
  assert.equal(postings.length, maxPostings);
  for (const word of queryWordsOf(long)) assert.equal(postings.includes(word), true, word);
  assert.deepEqual(postingWordsOf('iPhone'), ['iphone', 'phone', 'pre:iph', 'pre:pho']);
  assert.deepEqual(postingWordsOf('ab 12'), ['ab', '12']);
});

test('rough: qBittorrent#20185 marks, case and joined letters are folded in names and queries alike', () => {
  const alike: readonly (readonly [string, string])[] = [
    ['Café', 'cafe'],
    ['straße', 'strasse'],
    ['STRASSE', 'straße'],
    ['Ærøskøbing', 'aeroskobing'],
    ['Łódź', 'lodz'],
    ['İstanbul', 'istanbul'],
    ['ﬁle', 'file'],
    ['soft\u00adhyphen', 'softhyphen'],
    ['ΣΊΣΥΦΟΣ', 'σισυφος'],
    ['ёлка', 'елка'],
    ['مُحَمَّد', 'محمد'],
    ['שָׁלוֹם', 'שלום'],
  ];
  for (const [one, other] of alike) {
    assert.equal(folded(one), folded(other), `${one} and ${other}`);
    assert.deepEqual(wordsOf(one.normalize('NFD')), wordsOf(other), `${one} and ${other}`);
  }
  for (const [one, other] of [
    ['か', 'が'],
    ['कि', 'की'],
    ['정', '저'],
  ] as const)
    assert.notEqual(folded(one), folded(other), `${one} and ${other}`);
});

test('folding what is folded changes nothing', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.equal(folded(folded(text)), folded(text))));
});
