import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchQuality } from './match.ts';
import { parseWordQuery } from './query.ts';

const publisher = '12D3KooWAbcdefgh';

function quality(query: string, name: string, size = 1000): number | null {
  return matchQuality(parseWordQuery(query), { name, size, publisher });
}

const finds = (query: string, name: string, size?: number) => quality(query, name, size) !== null;

function inOrder(query: string, ...names: readonly string[]): void {
  const qualities = names.map((name) => quality(query, name) ?? assert.fail(`${query}: ${name}`));
  for (const [place, value] of qualities.entries()) {
    assert.ok(value >= 0 && value <= 1, `${query}: ${names[place]}: ${value}`);
    if (place > 0)
      assert.ok(qualities[place - 1]! > value, `${query}: ${names.slice(place - 1, place + 1).join(', ')}`);
  }
}

test('A16 every word must be in the name, undivided or as a part, and none of those with a minus', () => {
  assert.equal(finds('annual report', 'Report_annual.pdf'), true);
  assert.equal(finds('annual report', 'annual.pdf'), false);
  assert.equal(finds('report', 'annual.pdf'), false);
  assert.equal(finds('photo', 'holidayPhoto.jpg'), true);
  assert.equal(finds('holidayphoto', 'holidayPhoto.jpg'), true);
  assert.equal(finds('nn', 'banner'), false);
  assert.equal(finds('a report -draft -old', 'a report'), true);
  assert.equal(finds('report -draft -old', 'old report'), false);
  assert.equal(finds('report -draft -old', 'draft report'), false);
  assert.equal(finds('report -photo', 'report holidayPhoto'), false);
  assert.equal(finds('report -rep', 'report'), true);
});

test('A16 every phrase must be there as words in order, and every beginning at the start of a word', () => {
  assert.equal(finds('"annual report" "of sales"', 'annual_report of-sales.pdf'), true);
  assert.equal(finds('"annual report" "sales of"', 'annual_report of-sales.pdf'), false);
  assert.equal(finds('"annual plan"', 'annual report.pdf'), false);
  assert.equal(finds('"nual report"', 'annual report.pdf'), false);
  assert.equal(finds('"holiday photo"', 'my holidayPhoto.jpg'), true);
  assert.equal(finds('"photo holiday"', 'my holidayPhoto.jpg'), false);
  assert.equal(finds('ann* rep*', 'annual report'), true);
  assert.equal(finds('ann* sal*', 'annual report'), false);
  assert.equal(finds('ann*', 'banner'), false);
  assert.equal(finds('pho*', 'my holidayPhoto.jpg'), true);
  assert.equal(finds('oto*', 'my holidayPhoto.jpg'), false);
});

test('A16 the size lies within the range, both ends included', () => {
  for (const [size, found] of [
    [999, false],
    [1000, true],
    [2000, true],
    [2001, false],
  ] as const)
    assert.equal(finds('size:1k..2k', 'a', size), found, `${size}`);
});

test('A16 from: takes the start or the end of a peer id, not its middle', () => {
  assert.equal(finds('from:12D3Koo', 'a'), true);
  assert.equal(finds('from:…defgh', 'a'), true);
  assert.equal(finds('from:KooWAb', 'a'), false);
});

test('A16 type: is what follows the last dot, in any case', () => {
  assert.equal(finds('type:pdf', 'a.PDF'), true);
  assert.equal(finds('type:pdf', 'a.pdf.txt'), false);
  assert.equal(finds('type:gz', 'a.tar.gz'), true);
  assert.equal(finds('type:pdf', '.pdf'), true);
  assert.equal(finds('type:pdf', 'pdf'), false);
});

test('A16 the more of a name the query covers the earlier it comes; all of it, in order, is 1', () => {
  assert.equal(quality('annual report', 'Annual-Report'), 1);
  inOrder(
    'annual report',
    'annual report',
    'report annual',
    'annual report of 1987',
    'draft of the annual report of 1987',
    'report of the annual draft of 1987',
  );
  inOrder('report', 'report', 'a report', 'a long report');
  inOrder('"annual report"', 'annual report', 'an annual report', 'draft of an annual report');
  inOrder('ann*', 'annual', 'annual report');
  // What is said twice is not covered twice.
  assert.ok(quality('annual "annual annual"', 'annual annual')! <= 1);
  // One word is in no order.
  assert.ok(quality('report', 'report')! < quality('annual report', 'annual report')!);
});

test('A16 a name of no letters is found by no word, and has a quality all the same', () => {
  assert.equal(quality('', '---'), 0.5);
  assert.equal(finds('report', '---'), false);
});

test('A16 names with all accents as typed come before all others, however long', () => {
  const long = 'a café of the long road that leads to the sea and back.txt';
  assert.ok(quality('café', long)! > quality('café', 'cafe')!);
  assert.ok(quality('café report', `report ${long}`)! > quality('café report', 'cafe report')!);
  inOrder('café', 'café', long, 'cafe', 'cafe of the road');
});
