import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { Catalog } from '../storage/catalog.ts';
import { maxTokens, Tokens } from './tokens.ts';

test('a token is good for its service, until it expires or is removed, also after a restart, and is kept as a hash', async () => {
  const catalog = new Catalog(':memory:');
  const { clock, pass } = virtualClock();
  const tokens = new Tokens(catalog, clock);
  const dav = await tokens.create({ scope: 'dav', isReadOnly: true, timeToLive: 60_000 });
  const links = await tokens.create({ scope: 'links', isReadOnly: false, timeToLive: null });
  assert.equal(JSON.stringify(catalog.settings('')).includes(dav.text.slice(11)), false);
  const again = new Tokens(catalog, clock);
  for (const one of [tokens, again]) {
    assert.equal(one.check(dav.text, 'dav')?.isReadOnly, true);
    assert.equal(one.check(dav.text, 'links'), null);
    assert.equal(one.check(links.text, 'links')?.isReadOnly, false);
    for (const wrong of [
      '',
      'x',
      `${dav.id}-`,
      `${dav.id}-${'A'.repeat(24)}`,
      `${links.id}${dav.text.slice(10)}`,
      `${dav.text} `,
    ]) {
      assert.equal(one.check(wrong, 'dav'), null, wrong);
    }
  }
  assert.equal(
    again.list().every(({ used }) => used !== null),
    true,
  );
  await pass(60_000);
  assert.equal(again.check(dav.text, 'dav'), null);
  await again.remove(links.id);
  assert.equal(again.check(links.text, 'links'), null);
  await assert.rejects(again.remove(links.id), { code: 'not-found' });
  assert.deepEqual(
    new Tokens(catalog, clock).list().map(({ id }) => id),
    [dav.id],
  );
  catalog.close();
});

test('there are so many tokens and no more', async () => {
  const settings = { settings: () => [], setSetting: async () => {} };
  const tokens = new Tokens(settings, virtualClock().clock);
  for (let index = 0; index < maxTokens; index++)
    await tokens.create({ scope: 'dav', isReadOnly: false, timeToLive: null });
  await assert.rejects(tokens.create({ scope: 'dav', isReadOnly: false, timeToLive: null }), {
    code: 'too-many-entries',
  });
});
