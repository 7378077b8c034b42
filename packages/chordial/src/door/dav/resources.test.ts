import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Peer } from '../../peer/peer.ts';
import { Resources } from './resources.ts';

/** A ring of two, of which the other answers as told. */
function beside(other: { readonly name: string; readonly browse: () => unknown }): Resources {
  const peer = {
    status: () => ({ id: 'own', name: 'own' }),
    peers: () => [{ id: 'other', name: other.name }],
    browse: async () => other.browse(),
  };
  return new Resources(() => peer as unknown as Peer);
}

async function namesIn(resources: Resources, ...path: readonly string[]): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of resources.list(path)) names.push(name);
  return names;
}

test('a peer that tells of a next page for ever is listed with what it told', async () => {
  let pages = 0;
  const told = { name: 'a', size: 1, type: 'file', cid: 'cid', time: '', shared: false };
  const browse = () => {
    pages += 1;
    return { files: pages === 2 ? [told] : [], cursor: 'more' };
  };
  assert.deepEqual(await namesIn(beside({ name: 'liar', browse }), 'peers', 'liar'), ['a']);
  assert.equal(pages, 200);
});

test('what a peer calls itself leads nowhere else', async () => {
  const browse = () => ({ files: [], cursor: null });
  for (const [name, shown] of [
    ['..', '_'],
    ['.', '_'],
    ['a/../b', 'a_.._b'],
    ['cafe\u0301', 'caf\u00e9'],
  ] as const) {
    const resources = beside({ name, browse });
    assert.deepEqual(await namesIn(resources, 'peers'), ['own', shown]);
    assert.equal((await resources.find(['peers', shown]))?.isFolder, true);
  }
});
