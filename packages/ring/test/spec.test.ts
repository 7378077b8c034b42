import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ring = path.join(import.meta.dirname, '..');
const rules = [...readFileSync(path.join(ring, 'SPEC.md'), 'utf8').matchAll(/^- \*\*(R\d+)\*\* /gm)].map(
  ([, id]) => id,
);
const cited = globSync('{src,simulator}/**/*.test.ts', { cwd: ring }).flatMap((file) =>
  [...readFileSync(path.join(ring, file), 'utf8').matchAll(/ \[(R\d+(?: R\d+)*)\]['"`],/g)].flatMap(([, ids = '']) =>
    ids.split(' '),
  ),
);

test('every rule of SPEC.md is cited by the title of a test, and every rule that a title cites exists', () => {
  assert.ok(rules.length > 30, `${rules.length} rules`);
  assert.deepEqual(
    rules.filter((id, place) => id !== `R${place + 1}`),
    [],
    'rules are numbered in order',
  );
  assert.deepEqual(
    rules.filter((id) => !cited.includes(id ?? '')),
    [],
    'no test cites these',
  );
  assert.deepEqual(
    cited.filter((id) => !rules.includes(id)),
    [],
    'these are cited and are no rules',
  );
});
