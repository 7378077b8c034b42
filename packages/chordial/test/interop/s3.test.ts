/** Peers with their blocks in object stores that others made. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { describe, test } from 'node:test';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { refusedStart } from '../end-to-end/refusal.ts';
import { gives, inStore, keepsBlocksIn, keysFile, put } from '../fixtures/blocks-in-store.ts';
import { until } from '../fixtures/until.ts';
import { ForeignStore } from './object-stores.ts';

for (const [name, open, ofKey] of [
  ['s3rver', ForeignStore.s3rver, /does not know the access key/],
  ['swift', ForeignStore.swift, /signature/],
] as const) {
  describe(`B14 B23 blocks in ${name}`, () => {
    test('are put, got elsewhere, and got again after kill -9, without a cache and without a catalogue', async () => {
      await using foreign = await open();
      await using network = await NetworkFixture.open();
      await keepsBlocksIn(network, foreign.store);
    });

    test('that were damaged there are got from another peer and restored; wrong keys and buckets are told', async () => {
      await using foreign = await open();
      await using network = await NetworkFixture.open();
      const { store } = foreign;
      const first = await network.start(inStore(store));
      const second = await network.start({ join: first, ...inStore(store) });
      await until('one ring of two', () => network.isIdeal([first, second]), 240_000);
      const body = randomBytes(2_500_000);
      await put(first, 'file', body);
      const damaged = (await foreign.keys()).filter((key) => key.includes(`/${first.ready.id}/blocks/`));
      assert.ok(damaged.length >= 3, damaged.join());
      for (const key of damaged) await foreign.replace(key, 'rubbish');
      for (const peer of [first, second]) await gives(peer, 'file', body);
      await until('restored', async () => {
        await gives(first, 'file', body);
        return first.lines.filter((line) => line.includes('replaced by a good copy')).length >= damaged.length;
      });

      const data = ['--data', path.join(network.folder, 'fresh')];
      const { flags } = inStore(store);
      const right = await keysFile(path.join(network.folder, 'right'), store);
      const noBucket = await refusedStart(network, [
        ...data,
        ...flags,
        '--s3-keys',
        right,
        '--blocks',
        's3://no-bucket',
      ]);
      assert.match(noBucket.message, /no such bucket/i);
      const wrongSecret = await keysFile(path.join(network.folder, 'secret'), { ...store, secretAccessKey: 'wrong' });
      const secret = await refusedStart(network, [...data, ...flags, '--s3-keys', wrongSecret]);
      assert.deepEqual([secret.code, /secret key is another one/.test(secret.message)], ['store-refused', true]);
      const wrongKey = await keysFile(path.join(network.folder, 'key'), { ...store, accessKeyId: 'wrong' });
      const key = await refusedStart(network, [...data, ...flags, '--s3-keys', wrongKey]);
      assert.equal(key.code, 'store-refused');
      assert.match(key.message, ofKey);
    });
  });
}
