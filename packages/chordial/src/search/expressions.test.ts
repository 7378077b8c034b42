import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { isError } from '../../test/contracts/errors.ts';
import { countProcessorTime } from '../../test/fixtures/processor-time.ts';
import { globMatcher } from '../content/glob.ts';
import { ChordialError } from '../errors.ts';
import { checkExpressionSize } from './expression-size.ts';
import { Expressions, maxNameConcurrency } from './expressions.ts';

const expressions = new Expressions();
after(() => expressions.close());

const long = Array.from({ length: maxNameConcurrency }, (_, place) => `${'é'.repeat(120)}${place}`);

test('A16 an expression is matched in any case, with the marks of the name or without', async () => {
  const names = ['Report 1.pdf', 'REPORT 2.PDF', 'Café.txt', 'other'];
  assert.deepEqual((await expressions.match('report [12]', names)).places, [0, 1]);
  assert.deepEqual((await expressions.match('^cafe', names)).places, [2]);
  assert.deepEqual((await expressions.match('fé', names)).places, [2]);
  await assert.rejects(expressions.check('(unclosed'), isError('bad-request', /not understood/));
});

test('H1 an expression that is large when its repeats are written out is refused before it is compiled', () => {
  const refused = [
    '(\\pL|\\pN){0,1000}'.repeat(57),
    '(\\pL|\\pN){0,1000}',
    'a{101}',
    '(a{50}b{50}){21}',
    '(((a{10}){10}){10}){10}',
    '[a-z]{100}'.repeat(21),
    '(?:\\p{Greek}{100}|x){20}',
    'a'.repeat(1001),
  ];
  for (const source of refused) {
    const spent = countProcessorTime();
    assert.throws(() => checkExpressionSize(source), isError('bad-request'), source.slice(0, 60));
    assert.ok(spent() < 50, source.slice(0, 60));
  }
  for (const source of [
    '[Rr]eport.{0,40}20(19|2[0-9])',
    '\\pL{3,}',
    '[]a{3}]{100}',
    'a{b}',
    'x{,5}',
    '\\Q{1000}\\E',
    '^',
  ])
    checkExpressionSize(source);
});

test('H1 no text makes the look at the size of an expression fail or take long', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab(){}[]|*+?\\^$:.0129,pPQE-'), maxLength: 1000 }), (source) => {
      try {
        checkExpressionSize(source);
      } catch (error) {
        assert.equal(error instanceof ChordialError, true);
      }
    }),
  );
});

test('H1 one that takes longer than its time loses its thread, and others go on', async () => {
  const slow = `${'.{0,100}'.repeat(19)}x$`;
  checkExpressionSize(slow);
  const all = countProcessorTime();
  await assert.rejects(expressions.match(slow, long), isError('bad-request', /more than 100 ms/));
  assert.deepEqual((await expressions.match('119?9', ['99', '1199'])).places, [1]);
  // Known to be slow, it does not cost that time again.
  const again = countProcessorTime();
  await assert.rejects(expressions.match(slow, long), isError('bad-request'));
  assert.ok(again() < 50);
  assert.ok(all() < 10_000);
});

test('H1 a glob takes no longer than the product of both lengths, whatever its stars', () => {
  const name = 'a'.repeat(255);
  const spent = countProcessorTime();
  for (const glob of ['*a'.repeat(500), `${'*a'.repeat(125)}b`, '*'.repeat(1000), '?*'.repeat(250)])
    globMatcher(glob)(name);
  assert.ok(spent() < 500);
  assert.equal(globMatcher('a*b?c*')('axxbbyc'), true);
  assert.equal(globMatcher('a*b?c')('axxbyc.'), false);
});
