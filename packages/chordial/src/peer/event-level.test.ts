import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLogged, levelOf } from './event-level.ts';

test('the level of the log leaves out what matters less, and never a death when warnings are wanted', () => {
  assert.equal(isLogged({ kind: 'successor' }, 'info'), true);
  assert.equal(isLogged({ kind: 'successor' }, 'warn'), false);
  assert.equal(isLogged({ kind: 'request' }, 'info'), false);
  assert.equal(isLogged({ kind: 'request' }, 'debug'), true);
  assert.equal(isLogged({ kind: 'peer-dead' }, 'warn'), true);
  assert.equal(isLogged({ kind: 'peer-dead' }, 'error'), false);
  assert.equal(levelOf({ kind: 'bug' }), 'error');
  assert.equal(isLogged({ kind: 'successor', level: 'debug' }, 'info'), false);
});
