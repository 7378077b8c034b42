import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChordialError } from '../errors.ts';
import { matchQuality } from './match.ts';
import { demandedWords, parseWordQuery, textOf, withPublisherIds } from './query.ts';

const publisher = '12D3KooWAbcdefgh';

function quality(query: string, name: string, size = 5_000_000): number | null {
  return matchQuality(parseWordQuery(query), { name, size, publisher });
}

function matches(query: string, name: string, size?: number): boolean {
  return quality(query, name, size) !== null;
}

test('A16 all words must be there, none of those with a minus', () => {
  assert.equal(matches('annual report', 'Report_annual-2023.pdf'), true);
  assert.equal(matches('annual report', 'annual.pdf'), false);
  assert.equal(matches('annual -draft', 'annual report.pdf'), true);
  assert.equal(matches('annual -draft', 'annual draft.pdf'), false);
  assert.equal(matches('holidayPhoto', 'HOLIDAY photo.jpg'), true);
  assert.equal(matches('', 'anything'), true);
});

test('A16 phrases are words in order, beginnings need three letters', () => {
  assert.equal(matches('"annual report"', 'my annual_report.pdf'), true);
  assert.equal(matches('"report annual"', 'my annual_report.pdf'), false);
  assert.equal(matches('ann* rep*', 'annual report'), true);
  assert.equal(matches('ann*', 'banner'), false);
  assert.throws(() => parseWordQuery('an*'), /3 letters/);
  assert.deepEqual(demandedWords(parseWordQuery('b2b "annual report" x-ray* foo')), ['b2b', 'foo', 'annual', 'report']);
});

test('A16 type, size and from filter', () => {
  assert.equal(matches('type:image', 'a photo.JPEG'), true);
  assert.equal(matches('type:pdf,txt photo', 'a photo.jpeg'), false);
  assert.equal(matches('size:>5MB', 'a', 5_000_000), false);
  assert.equal(matches('size:>=5MB', 'a', 5_000_000), true);
  assert.equal(matches('size:1.5MB..5000k', 'a', 5_000_000), true);
  assert.equal(matches('size:..1kb', 'a', 5_000_000), false);
  assert.equal(matches('from:…defgh', 'a'), true);
  assert.equal(matches('from:12D3KooWX', 'a'), false);
  for (const bad of ['size:', 'size:..', 'size:many', 'size:>1xb', 'type:', 'from:x']) {
    assert.throws(() => parseWordQuery(bad), ChordialError, bad);
  }
});

test('H8 from: takes the name of a peer too, which is asked for by its id; what two are called is no answer', () => {
  const called: Readonly<Record<string, readonly string[]>> = {
    'anna@laptop': [publisher],
    'Anna K': [publisher],
    bob: [publisher],
    twin: [publisher, '12D3KooWOther'],
  };
  const told = (text: string) => withPublisherIds(text, (name) => called[name] ?? []);
  assert.equal(told('report from:anna@laptop type:pdf'), `report from:${publisher} type:pdf`);
  assert.equal(told('from:"Anna K" report'), `from:${publisher} report`);
  assert.equal(told('FROM:bob a'), `from:${publisher} a`);
  assert.equal(told('from:…defgh "from:bob" from: -x'), 'from:…defgh "from:bob" from: -x');
  assert.equal(matchQuality(parseWordQuery(told('from:bob a')), { name: 'a', size: 1, publisher }) === null, false);
  assert.throws(() => told('a from:twin'), { code: 'ambiguous-member', message: new RegExp(publisher) });
  assert.throws(() => told('a from:carol@desk'), { code: 'not-found', message: /chordial peers/ });
  assert.equal(textOf('report from:"Anna K"'), 'report');
});

test('A16 the name that the query covers best ranks first', () => {
  const best = quality('annual report', 'annual report.pdf') ?? 0;
  assert.equal(best > (quality('annual report', 'report, not annual.pdf') ?? 1), true);
  assert.equal(best > (quality('annual report', 'draft of the annual report of 1987 for all.pdf') ?? 1), true);
});

test('A22 any text of up to 10 kB is a query or an error that says why', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      try {
        const query = parseWordQuery(text);
        matchQuality(query, { name: text, size: 1, publisher });
      } catch (error) {
        assert.equal(error instanceof ChordialError && error.code === 'bad-request', true, String(error));
      }
    }),
  );
  assert.throws(() => parseWordQuery('x'.repeat(10_241)), /10241 bytes/);
  assert.throws(() => parseWordQuery('ab '.repeat(70)), /64 terms/);
});

test('rough: qBittorrent#20185 cafe finds Café, the one with the marks that were written first', () => {
  for (const [query, name] of [
    ['cafe', 'Café.txt'],
    ['café', 'cafe.txt'],
    ['strasse', 'Die Straße.pdf'],
    ['"die strasse"', 'Die Straße.pdf'],
    ['stras*', 'Die Straße.pdf'],
  ] as const)
    assert.equal(matches(query, name), true, `${query}: ${name}`);
  assert.equal(matches('report -cafe', 'Café report.txt'), false);
  const order = (query: string, first: string, then: string) =>
    assert.ok(quality(query, first)! > quality(query, then)!, `${query}: ${first} before ${then}`);
  order('cafe', 'a cafe of the long road to the sea.txt', 'café.txt');
  order('café', 'a café of the long road to the sea.txt', 'cafe.txt');
  order('Café', 'CAFÉ.txt', 'cafe.txt');
});

test('rough: nicotine-plus#498 every peer is asked for the text of a query without its filters', () => {
  assert.equal(textOf('東'), '東');
  assert.equal(textOf('국 type:pdf -draft size:>1MB'), '국');
  assert.equal(textOf('"annual report" rep* -"not this"'), 'annual report rep');
  assert.equal(textOf('type:pdf'), '');
});
