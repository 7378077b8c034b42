import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isError } from '../../../test/contracts/errors.ts';
import { escaped, parseXml } from './xml.ts';

test('B9 what a client keeps with a file stays well-formed wherever it is given back', () => {
  const given = `<a:p xmlns:a="urn:a" xmlns:b="urn:b" xmlns="urn:c"><a:q b:r="1 &amp; 2" xml:lang="en"><s>x &lt; y</s></a:q></a:p>`;
  const inner = parseXml(given)?.inner ?? '';
  const again = parseXml(`<other xmlns="DAV:">${inner}</other>`);
  const [q] = again?.children ?? [];
  assert.deepEqual(
    [q?.namespace, q?.name, q?.children[0]?.namespace, q?.children[0]?.text],
    ['urn:a', 'q', 'urn:c', 'x < y'],
  );
  assert.equal(again?.inner, inner);
});

test('B9 any text comes back as it was, as far as XML can say it, and breaks nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const [root] = parseXml(`<p><t>${escaped(text)}</t></p>`)?.children ?? [];
      const sayable = text.toWellFormed().replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, '\ufffd');
      assert.equal(root?.text, sayable.replace(/\r\n?/g, '\n'));
    }),
  );
});

test('B9 what is no XML, has a document type, or is too deep or too long is refused', () => {
  const entities = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>';
  for (const text of [
    '<a>',
    '<a></b>',
    '<a:b/>',
    'text',
    entities,
    '<a>'.repeat(40) + '</a>'.repeat(40),
    `<a>${'<b/>'.repeat(5000)}</a>`,
  ])
    assert.throws(() => parseXml(text), isError('bad-request'), text.slice(0, 40));
  assert.equal(parseXml('  '), null);
});
