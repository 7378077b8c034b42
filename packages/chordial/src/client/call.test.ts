import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callOf } from './call.ts';

test('an operation becomes method, route and body, with every part percent-encoded', () => {
  assert.deepEqual(callOf('GET /api/v1/peers'), { method: 'GET', route: '/api/v1/peers', body: undefined });
  assert.deepEqual(callOf('DELETE /api/v1/files/{name}', { path: { name: 'a b?é' } }), {
    method: 'DELETE',
    route: '/api/v1/files/a%20b%3F%C3%A9',
    body: undefined,
  });
  const { route } = callOf('GET /api/v1/files', { query: { all: true, limit: 5, cursor: 'a&b' } });
  assert.equal(route, '/api/v1/files?all=true&limit=5&cursor=a%26b');
  const body = { query: 'x' };
  assert.deepEqual(callOf('POST /api/v1/search', { body }), { method: 'POST', route: '/api/v1/search', body });
});
