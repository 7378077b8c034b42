import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isError } from '../../test/contracts/errors.ts';
import { type DataPeer, dataNetwork } from '../../test/fixtures/data-network.ts';
import { until } from '../../test/fixtures/until.ts';

test('a put of a name that is removed before it is whole fails, and the next one succeeds', async () => {
  const network = await dataNetwork(2);
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  other.beginClaimUpkeep();
  const bytes = async function* (end = 'end', between = async () => {}): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(300_000, 1);
    await between();
    yield Buffer.from(end);
  };
  // From then on the other refuses new blocks of the put.
  const isKnown = (puts: number) =>
    until('the other knows', () => other.claims.byName(own.contact.host, 'a').length === puts);
  const remove = async (): Promise<void> => {
    await own.files.remove('a');
    await isKnown(0);
  };
  try {
    await own.files.put('a', bytes());
    for (const end of ['end', 'new']) {
      await assert.rejects(own.files.put('a', bytes(end, remove)), isError('changed'));
      await assert.rejects(own.files.resolve({ name: 'a' }), isError('not-found'));
      await own.files.put('a', bytes());
    }
    assert.equal((await own.files.resolve({ name: 'a' })).size, 300_003);
    const replacing = bytes('slow', async () => {
      await own.files.put('a', bytes('quicker'));
      await isKnown(1);
    });
    await assert.rejects(own.files.put('a', replacing), isError('changed'));
    assert.equal((await own.files.resolve({ name: 'a' })).size, 300_007);
  } finally {
    await network.close();
  }
});
