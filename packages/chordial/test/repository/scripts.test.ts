import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { obstacle, stageOf, suites } from '../interop/suites.ts';
import { root } from '../results.ts';
import { filesOf } from '../test-files.ts';

/** Scripts that run a program of the repository, not an external tool. */
const scripts = Object.entries(
  (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts,
).flatMap(([name, command]) => {
  const [, program] = /^node (?:--\S+ )*(\S+\.ts)$/.exec(command) ?? [];
  return program === undefined ? [] : [{ name, program }];
});

const run = (program: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
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

test('a suite that does not exist is refused, and one that cannot run says what it takes', () => {
  const { program } = scripts.find(({ name }) => name === 'interop')!;
  for (const [args, why] of [
    [['lan', 'nowhere'], /there is no suite nowhere/],
    [[], /name a suite, or all/],
  ] as const) {
    const { status, stderr } = run(program, ...args);
    assert.equal(status, 2);
    assert.match(stderr, why);
    assert.match(stderr, /usage: npm run interop/);
  }
  const machine = {
    platform: 'linux',
    isRoot: true,
    isInstalled: (file: string) => file !== 'nft' && file !== 'avahi-browse',
    isModuleThere: () => false,
  } as const;
  const install = 'apt-get install --yes --no-install-recommends avahi-utils nftables';
  assert.equal(obstacle(['lan', 'nat'], machine), `missing: avahi-utils, nftables; install them with: ${install}`);
  assert.equal(obstacle(['lan', 'nat'], { ...machine, isInstalled: () => true }), null);
  const withoutModules = obstacle(['s3'], { ...machine, isInstalled: () => true }) ?? '';
  assert.match(withoutModules, /missing: @20minutes\/s3rver; .* npm ci --prefix packages\/chordial\/test\/interop$/);
  assert.match(obstacle(['lan'], { ...machine, isRoot: false }) ?? '', /run it as root/);
  assert.match(obstacle(['lan'], { ...machine, platform: 'darwin' }) ?? '', /Linux/);
});

test('every suite has tests, and continuous integration runs every suite', () => {
  const names = Object.keys(suites);
  for (const name of names) assert.notDeepEqual(filesOf(stageOf(name)), [], name);
  const [, listed = ''] = /^suites='([^']*)'$/m.exec(readFileSync(path.join(root, '.ci/run'), 'utf8')) ?? [];
  assert.deepEqual(listed.split(' '), names);
});
