import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verbOf, verbsBeginning } from './shell-verbs.ts';
import { wordsOfLine } from './shell-words.ts';

test('A2 a typed line is divided at spaces outside quotes', () => {
  assert.deepEqual(wordsOfLine(`  put "my photo.jpg" it\\'s 'a b'c  `), ['put', 'my photo.jpg', "it's", 'a bc']);
  assert.deepEqual(wordsOfLine(''), []);
  assert.deepEqual(wordsOfLine('get "" x'), ['get', '', 'x']);
  assert.throws(() => wordsOfLine('put "open'), /not closed/);
});

test('A2 A14 verbs are known by all their names, in any case', () => {
  for (const [typed, name] of [
    ['Store a', 'put'],
    ['Request a', 'get'],
    ['download a', 'get'],
    ['my files', 'files'],
    ['finger table', 'fingers'],
    ['predecessor', 'neighbours'],
    ['Quit', 'quit'],
  ] as const) {
    assert.equal(verbOf(typed.split(' '))?.verb.name, name);
  }
  assert.deepEqual(verbOf(['upload', 'x', 'y'])?.rest, ['x', 'y']);
  assert.equal(verbOf(['nonsense']), null);
  assert.equal(verbsBeginning('pre').includes('predecessor'), true);
});
