import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../results.ts';

/** Those that run a program of the repository; the others are tools that answer for themselves. */
const scripts = Object.entries(
  (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts,
).flatMap(([name, command]) => {
  const [, program] = /^node (?:--\S+ )*(\S+\.ts)$/.exec(command) ?? [];
  return program === undefined ? [] : [{ name, program }];
});

const run = (program: string, flag: string) =>
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', program, flag], {
    cwd: root,
    encoding: 'utf8',
  });

test('rough: each npm script answers --help with its usage and a flag that is none with 2, and does nothing', () => {
  assert.ok(scripts.length >= 9);
  for (const { name, program } of scripts) {
    const { status, stdout, stderr } = run(program, '--help');
    assert.equal(status, 0, `${name}: ${stderr}`);
    assert.match(stdout, name === 'test' ? /^usage: npm test/ : new RegExp(`^usage: npm run ${name}`));
    const wrong = run(program, '--no-such-flag');
    assert.equal(wrong.status, 2, `${name}: ${wrong.stderr}`);
    assert.match(wrong.stderr, /--no-such-flag/);
    assert.match(wrong.stderr, /usage: npm/);
    assert.doesNotMatch(wrong.stderr, /^ +at /m, name);
  }
});
