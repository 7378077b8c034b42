import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blank } from './source-text.ts';

function visible(source: string, keep: 'strings' | 'code only'): string {
  return blank(source, keep).replace(/\s+/g, ' ').trim();
}

test('comments are blanked without changing lines and offsets', () => {
  const source = 'a; // Date.now()\n/* b\n c */ d;';
  const blanked = blank(source, 'strings');
  assert.equal(blanked.length, source.length);
  assert.equal(blanked.split('\n').length, 3);
  assert.equal(visible(source, 'strings'), 'a; d;');
});

test('comment markers inside strings and patterns are not comments', () => {
  assert.equal(visible("f('http://x'); g();", 'strings'), "f('http://x'); g();");
  assert.equal(visible('const p = /[/*]"/; g();', 'code only'), 'const p = ; g();');
  assert.equal(visible('const half = a / 2; // b / c', 'code only'), 'const half = a / 2;');
});

test('code inside a template stays code', () => {
  const template = ['`at $', '{Date.now()} o’clock`; g();'].join('');
  assert.match(visible(template, 'code only'), /^Date\.now\(\) ?\} ?; g\(\);$|^Date\.now\(\).*g\(\);$/);
  const nested = ['`a $', '{ { b: `c $', '{d} e` }.b } f`; // g'].join('');
  assert.match(visible(nested, 'code only'), /\{ b: d .*\}\.b/);
});

test('strings with escapes end where they end', () => {
  assert.equal(visible(String.raw`f('it\'s // no comment'); g();`, 'code only'), 'f( ); g();');
});
