import assert from 'node:assert/strict';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { countProcessorTime } from '../../test/fixtures/processor-time.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import { IgnoreRules } from './ignore-rules.ts';

async function rulesOf(text: string): Promise<IgnoreRules> {
  await using temporary = await temporaryFolder();
  const base = await realpath(temporary.path);
  await writeFile(path.join(base, '.chordialignore'), text);
  await using folder = await FolderHandle.open(base);
  const { rules, problem } = await IgnoreRules.usual().within(folder, '');
  assert.equal(problem, null);
  return rules;
}

/** Whether it is left out, when no folder above is; a folder ends in a slash. */
function isOut(rules: IgnoreRules, place: string): boolean {
  const [, parent = '', base = ''] = /^((?:.*\/)?)([^/]+)\/?$/.exec(place) ?? [];
  return rules.leavesOut(parent, base, place.endsWith('/'));
}

test('rules of a folder have the syntax of gitignore', async () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['*.log', ['a.log', 'deep/a.log', 'dir.log/'], ['a.log.txt']],
    ['/*.log', ['a.log'], ['deep/a.log']],
    ['doc/*.txt', ['doc/a.txt'], ['a.txt', 'doc/deep/a.txt', 'x/doc/a.txt']],
    ['build/', ['build/', 'deep/build/'], ['build']],
    ['**/foo', ['foo', 'a/foo', 'a/b/foo/'], ['food']],
    ['abc/**', ['abc/x', 'abc/y/z'], ['abc/']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['b', 'a/x/c']],
    ['a?c', ['abc', 'aéc'], ['ac', 'abbc']],
    ['[a-c]x', ['ax', 'cx'], ['dx', '-x']],
    ['[!a-c]x', ['dx'], ['ax']],
    ['[]]x', [']x'], ['ax']],
    ['\\#a', ['#a'], []],
    ['\\!a', ['!a'], []],
    ['a\\*', ['a*'], ['ab']],
    ['a\\ ', ['a '], ['a']],
    ['# comment\n\n*.a  \r\n!keep.a', ['x.a'], ['keep.a', '# comment']],
    ['!.hidden', ['.other'], ['.hidden']],
    ['Café', ['Cafe\u0301'], ['Cafe']],
  ];
  for (const [text, out, kept] of cases) {
    const rules = await rulesOf(text);
    for (const place of out) assert.equal(isOut(rules, place), true, `${text} leaves out ${place}`);
    for (const place of kept) assert.equal(isOut(rules, place), false, `${text} keeps ${place}`);
  }
});

test('H1 no rule takes long, however many stars it has', async () => {
  const deep = `${'a/'.repeat(63)}${'a'.repeat(255)}`;
  for (const rule of ['**/a/'.repeat(30), `${'*a'.repeat(120)}b`, '[a-z]*'.repeat(200), `${'a*'.repeat(500)}b`]) {
    const rules = await rulesOf(`${rule}**/*${'a*'.repeat(100)}b`);
    const spent = countProcessorTime();
    for (let turn = 0; turn < 20; turn++) assert.equal(isOut(rules, deep), false);
    assert.ok(spent() < 2000, rule.slice(0, 20));
  }
});

test('M8 rules that are too many, too long or in no regular file do not count, which is told', async () => {
  await using temporary = await temporaryFolder();
  const base = await realpath(temporary.path);
  await using folder = await FolderHandle.open(base);
  const file = path.join(base, '.chordialignore');
  assert.equal((await IgnoreRules.usual().within(folder, '')).problem, null);
  for (const text of ['*\n'.repeat(1001), 'x'.repeat(65 * 1024)]) {
    await writeFile(file, text);
    const { rules, problem } = await IgnoreRules.usual().within(folder, '');
    assert.match(problem ?? '', /do not count/);
    assert.equal(isOut(rules, 'a.txt'), false);
  }
  await mkdir(path.join(base, 'sub', '.chordialignore'), { recursive: true });
  await using below = await folder.folder('sub');
  assert.match((await IgnoreRules.usual().within(below, '')).problem ?? '', /no regular file/);
});
