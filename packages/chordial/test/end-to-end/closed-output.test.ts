import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { launcher } from './command.ts';

test('A22 a reader that goes away, such as head, ends no command with an error', async () => {
  const child = spawn(launcher, ['config', '--json', '--data', '/nowhere'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.equal(said, '');
  assert.equal(code, 0);
});
