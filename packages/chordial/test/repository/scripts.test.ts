import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../results.ts';

/** Scripts that run a program of the repository, not an external tool. */
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

test('rough: each npm script prints its usage on --help, exits with 2 on an unknown flag, and does nothing else', () => {
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
