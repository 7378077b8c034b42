import assert from 'node:assert/strict';
import { test } from 'node:test';
import { impurities } from './purity.ts';
import { repositoryFiles, typescript } from './source-tree.ts';

function faults(text: string, path = 'packages/ring/src/a.ts'): readonly string[] {
  return impurities([{ path, text }]);
}

test('C4 ring, records and replication reach no clock, timer, chance, socket or file except what is handed in', () => {
  assert.deepEqual(impurities(typescript(repositoryFiles())), []);
});

test('the check of purity finds each violation', () => {
  for (const text of [
    'const now = Date.now();',
    'const now = new Date();',
    'const now = new Date;',
    'const now = performance.now();',
    'setTimeout(run, 5);',
    'globalThis.setInterval(run, 5);',
    'setImmediate(run);',
    'const signal = AbortSignal.timeout(5);',
    'const x = Math.random();',
    'const x = crypto.randomUUID();',
    'const x = crypto.getRandomValues(bytes);',
    'const x = await fetch(url);',
    'fetch(url).then(run);',
    'void Promise.all([fetch(url)]);',
    'const x = process.env.HOME;',
    ['const x = `$', '{Date.now()}`;'].join(''),
    "import { readFile } from 'node:fs/promises';",
    "import { hash } from 'node:crypto';",
    "const fs = await import('node:fs');",
  ]) {
    assert.equal(faults(text).length > 0, true, text);
  }
});

test('the check of purity accepts comments, types and injected functions', () => {
  for (const text of [
    '// Date.now() is not called here',
    "const text = 'setTimeout';",
    'const now = this.clock.now();',
    'const when = new Date(milliseconds);',
    'const x = random.next();',
    'class A {\n  async fetch(cid: string): Promise<void> {}\n}',
    'interface A {\n  fetch(cid: string): Promise<void>;\n}',
    'await this.blocks.fetch(cid);',
    'function load(fetch: (cid: string) => Promise<void>) {\n  return fetch(cid);\n}',
    "import type { KeyObject } from 'node:crypto';",
  ]) {
    assert.deepEqual(faults(text), [], text);
  }
});

test('the check of purity follows imports out of the pure rooms, but not those of types', () => {
  const below = { path: 'packages/chordial/src/content/b.ts', text: "import { open } from 'node:fs';" };
  const byValue = { path: 'packages/chordial/src/records/a.ts', text: "import { b } from '../content/b.ts';" };
  const byType = { path: 'packages/chordial/src/records/a.ts', text: "import type { B } from '../content/b.ts';" };
  assert.deepEqual(impurities([byValue, below]), [
    'packages/chordial/src/content/b.ts (reached from packages/chordial/src/records/a.ts) imports node:fs',
  ]);
  assert.deepEqual(impurities([byType, below]), []);
});

test('records may hash and verify with node:crypto, and nothing else of it', () => {
  assert.deepEqual(faults("import { hash, verify } from 'node:crypto';", 'packages/chordial/src/records/a.ts'), []);
  assert.equal(
    faults("import { hash, randomBytes } from 'node:crypto';", 'packages/chordial/src/records/a.ts').length > 0,
    true,
  );
  assert.equal(faults("import * as c from 'node:crypto';", 'packages/chordial/src/records/a.ts').length, 1);
});
