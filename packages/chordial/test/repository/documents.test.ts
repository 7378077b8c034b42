import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { describeApi } from '../../src/api/server.ts';
import { shapeOf } from '../../src/cli/command-shapes.ts';
import { allCommands } from '../../src/cli/program.ts';
import { operations } from '../../src/client/operations.ts';
import { errorKinds } from '../../src/errors.ts';
import { maxUses } from '../../src/network/admission.ts';
import { settings } from '../../src/peer/settings.ts';
import { parseSettings } from '../../src/peer/settings-file.ts';
import { root } from '../results.ts';
import { commandsPage, commandsPagePath, manPage, manPagePath } from './command-pages.ts';
import { configurationPage, configurationPagePath, deadLinks, errorsPage, errorsPagePath } from './documents.ts';
import { repositoryFiles } from './source-tree.ts';

const files = repositoryFiles();

test('every relative link of a document leads somewhere', () => {
  assert.deepEqual(deadLinks(files), []);
  const page = { path: 'docs/a.md', text: '[x](b.md) [y](../README.md#top) [z](https://example.org) `[n](none.md)`' };
  assert.equal(deadLinks([page]).length, 2);
  assert.equal(deadLinks([page, { path: 'README.md', text: '' }]).length, 1);
});

test('the page of errors says what the code says', () => {
  const page = files.find((file) => file.path === errorsPagePath);
  assert.equal(page?.text, errorsPage(), `${errorsPagePath} is out of date: run npm run docs`);
  for (const code of Object.keys(errorKinds)) assert.equal(errorsPage().includes(`\`${code}\``), true, code);
});

test('the page of settings says what the table of settings says, and its example is one', () => {
  const page = files.find((file) => file.path === configurationPagePath);
  assert.equal(page?.text, configurationPage(), `${configurationPagePath} is out of date: run npm run docs`);
  const example = settings.map((setting) => setting.example).join('\n');
  const parsed = parseSettings(example, '/etc/chordial.toml');
  assert.deepEqual([...parsed.keys()], [...settings.map(({ key }) => key)]);
  assert.equal(parsed.get('quota')?.value, '50G');
});

test('the page of commands and the man page say what the commands take', async () => {
  const commands = (await allCommands()).map(shapeOf);
  for (const [file, page] of [
    [commandsPagePath, commandsPage(commands)],
    [manPagePath, manPage(commands)],
  ] as const) {
    assert.equal(files.find(({ path }) => path === file)?.text, page, `${file} is out of date: run npm run docs`);
  }
  const { examples, options, arguments: taken } = commands.find(({ name }) => name === 'get')!;
  assert.deepEqual(examples, ['chordial get photo.jpg -o copy.jpg']);
  assert.deepEqual([taken[0]?.shown, options.find(({ long }) => long === '--output')?.short], ['<name|cid...>', '-o']);
});

test('A12 all JSON requests and responses have types for callers', async () => {
  const { paths } = await describeApi();
  const inJson = Object.entries(paths).flatMap(([place, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => JSON.stringify(operation).includes('"application/json":{"schema"'))
      .map(([method]) => `${method.toUpperCase()} ${place}`),
  );
  const typed: readonly string[] = Object.keys(operations);
  const streams = ['cars', 'files', 'folders', 'trees'].map((kind) => `PUT /api/v1/${kind}/{name}`);
  assert.deepEqual(inJson.filter((name) => !typed.includes(name)).sort(), streams);
  const served = Object.entries(paths).flatMap(([place, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${place}`),
  );
  assert.deepEqual(
    typed.filter((name) => !served.includes(name)),
    [],
  );
  assert.equal(operations['POST /api/v1/invites'].body.properties.uses.maximum, maxUses);
});

test('A27 where replicas lie is argued in a decision', () => {
  const decision = files.find((file) => file.path === 'docs/decisions/0008-replica-placement.md');
  assert.match(decision?.text ?? '', /distinct hosts/);
});

test('H7 each promise of SECURITY.md names tests that exist', () => {
  const page = readFileSync(path.join(root, 'SECURITY.md'), 'utf8');
  const promises = page.split('\n').filter((line) => /^\| (?!who|---)/.test(line));
  assert.ok(promises.length >= 5);
  for (const line of promises) {
    const named = [...line.replaceAll('\\|', '|').matchAll(/`([^`]+\.ts)` “([^”]+)”/g)];
    assert.ok(named.length > 0, `no test holds: ${line}`);
    for (const [, file = '', title = ''] of named)
      assert.ok(readFileSync(path.join(root, file), 'utf8').includes(title), `${file} has no test “${title}”`);
  }
});
