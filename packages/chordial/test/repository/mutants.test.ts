import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { reasons } from '../mutants/reasons.ts';
import { fromRoot, targets } from '../mutants/targets.ts';
import { root } from '../results.ts';

const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');

test('every file of the mutation tests has its tests, and a score on the page that is enough', () => {
  const page = textOf('docs/mutants.md');
  for (const { file, tests } of targets) {
    for (const one of [file, ...tests].map(fromRoot)) assert.ok(existsSync(path.join(root, one)), one);
    const [, score] = page.split(`\n## \`${file}\`: `)[1]?.match(/^([\d.]+) % of \d+\n/) ?? [];
    assert.ok(Number(score) >= 85, `${file}: ${score}`);
  }
  assert.doesNotMatch(page, /no reason given/);
});

test('every reason why a mutant survives is of a line that is still there', () => {
  const gone = Object.entries(reasons).flatMap(([file, ofLines]) => {
    const lines = new Set(
      textOf(fromRoot(file))
        .split('\n')
        .map((line) => line.trim()),
    );
    return Object.keys(ofLines).filter((line) => !lines.has(line));
  });
  assert.deepEqual(gone, []);
});
