import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isError } from '../../test/contracts/errors.ts';
import { type DataPeer, dataNetwork } from '../../test/fixtures/data-network.ts';

test('a put of a name that is removed before it is whole fails, and the next one succeeds', async () => {
  const network = await dataNetwork(3);
  const [own] = network.peers as unknown as [DataPeer];
  const bytes = async function* (between: () => Promise<void> = async () => {}): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(300_000, 1);
    await between();
    yield Buffer.from('end');
  };
  try {
    await own.files.put('a', bytes());
    await assert.rejects(
      own.files.put(
        'a',
        bytes(() => own.files.remove('a')),
      ),
      isError('changed'),
    );
    await assert.rejects(own.files.resolve({ name: 'a' }), isError('not-found'));
    await own.files.put('a', bytes());
    assert.equal((await own.files.resolve({ name: 'a' })).size, 300_003);
  } finally {
    await network.close();
  }
});
