import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DataPeer, dataNetwork } from '../../test/fixtures/data-network.ts';
import { until } from '../../test/fixtures/until.ts';
import { treePath } from '../folders/tree-path.ts';
import { Removals } from './removals.ts';

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

test('what is written into a folder until its removal is carried out stays, published or not', async () => {
  const network = await dataNetwork(3);
  const [own] = network.peers as unknown as [DataPeer];
  const { files, trees, clock } = own;
  const removals = new Removals({ files, trees, self: own.identity.host, clock });
  try {
    await trees.write(treePath('a/old'), bytes('old'), { makesFolders: true });
    await trees.write(treePath('b/old'), bytes('old'), { makesFolders: true });
    const { id } = await removals.begin(['a', 'b'], 300);
    await trees.write(treePath('a/new'), bytes('new'));
    await until('it is carried out', async () => removals.list().every(({ state }) => state === 'failed'));
    const [{ names, failures } = { names: [], failures: [] }] = removals.list().filter((one) => one.id === id);
    assert.deepEqual([[...names].sort(), failures.map(({ name }) => name)], [['a', 'b'], ['a']]);
    await trees.published('a');
    const { cid } = await files.resolve({ name: 'a' });
    const paths: string[] = [];
    for await (const { path } of files.walk(cid)) paths.push(path);
    assert.deepEqual(paths.sort(), ['new', 'old']);
    assert.equal(trees.state('b'), null);
  } finally {
    await network.close();
  }
});
