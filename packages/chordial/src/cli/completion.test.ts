import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { shapeOf } from './command-shapes.ts';
import { completionScript, shells } from './completion-scripts.ts';
import { allCommands } from './program.ts';

const shapes = (await allCommands()).map(shapeOf);

/** What bash proposes for the last word. */
function proposals(words: readonly string[], folder: string): readonly string[] {
  const line = words.map((word) => `'${word}'`).join(' ');
  const script = `${completionScript('bash', shapes)}
COMP_WORDS=(${line})
COMP_CWORD=${words.length - 1}
_chordial
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, error } = spawnSync('bash', ['--norc', '--noprofile', '-c', script], { cwd: folder });
  if (error !== undefined) throw error;
  // Outside of a real completion bash has no options to set; whatever else it says is a fault of the script.
  assert.equal(stderr.toString(), '');
  return stdout
    .toString()
    .trim()
    .split('\n')
    .filter((word) => word !== '')
    .sort();
}

test('A1 bash completes commands, flags, files and folders of chordial', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(path.join(folder, 'music'));
  await writeFile(path.join(folder, 'my song.mp3'), '');
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [
      ['chordial', 'sta'],
      ['start', 'stat'],
    ],
    [
      ['chordial', 'start', '--re'],
      ['--relay-rate', '--repair-rate', '--replicas'],
    ],
    [['chordial', 'demo', '--c'], ['--classroom']],
    [['chordial', 'start', '--data', 'm'], ['music']],
    [
      ['chordial', 'start', '--config', 'm'],
      ['music', 'my song.mp3'],
    ],
    [['chordial', 'start', '--listen', ''], []],
    [['chordial', 'put', 'my'], ['my song.mp3']],
    [['chordial', 'put', '--name', 'my'], []],
    [['chordial', 'get', '-o', 'mu'], ['music']],
    [['chordial', 'get', 'mu'], []],
    [
      ['chordial', 'completion', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [['chordial', 'nonsense', ''], []],
  ];
  for (const [words, wanted] of cases) assert.deepEqual(proposals(words, folder), wanted, words.join(' '));
});

test('A1 every shell is told of every command and every flag, in quotes that are closed', () => {
  for (const shell of shells) {
    const script = completionScript(shell, shapes);
    for (const { name, options } of shapes) {
      assert.ok(script.includes(name), `${shell}: ${name}`);
      const flags = options.map(({ long }) => (shell === 'fish' ? `-l ${long.slice(2)} ` : long));
      for (const flag of flags) assert.ok(script.includes(flag), `${shell}: ${name} ${flag}`);
    }
    const withoutEscapes = script.replace(/\\./g, '');
    for (const line of withoutEscapes.split('\n').filter((one) => !one.startsWith('#'))) {
      assert.equal((line.match(/'/g) ?? []).length % 2, 0, `${shell}: ${line}`);
    }
  }
});
