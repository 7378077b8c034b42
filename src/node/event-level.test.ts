import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLogged, levelOf } from './event-level.ts';

test('the level of the log leaves out what matters less, and never a death when warnings are wanted', () => {
  assert.equal(isLogged('successor', 'info'), true);
  assert.equal(isLogged('successor', 'warn'), false);
  assert.equal(isLogged('request', 'info'), false);
  assert.equal(isLogged('request', 'debug'), true);
  assert.equal(isLogged('peer-dead', 'warn'), true);
  assert.equal(isLogged('peer-dead', 'error'), false);
  assert.equal(levelOf('bug'), 'error');
});
