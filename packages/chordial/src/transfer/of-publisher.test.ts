import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPublisher, splitPublisher } from './of-publisher.ts';

const id = '12D3KooWLN8itBhnnNMPSanjJ9K7CUeM3LCJkKS26MhUafUCR4Xy';

test('A7 a publisher is named by its id, the beginning of it, or the end that lists show', () => {
  for (const given of [id, id.slice(0, 12), `…${id.slice(-8)}`, `...${id.slice(-8)}`]) {
    assert.deepEqual(splitPublisher(`me@home@${given}`), { name: 'me@home', publisher: given });
    assert.ok(isPublisher(id, given));
  }
  assert.ok(!isPublisher(id, '…aaaaaaaa'));
  assert.ok(!isPublisher(id, '...'));
});

test('A7 an @ that stands before no peer belongs to the name', () => {
  for (const name of ['report@version2', 'photo@12D3Koo', 'x@…short', `@${id}`]) {
    assert.deepEqual(splitPublisher(name), { name, publisher: null });
  }
});
