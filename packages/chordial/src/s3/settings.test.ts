import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { isError } from '../../test/contracts/errors.ts';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import { readKeys } from './keys.ts';
import { parseBucketPlace, parseRegion } from './place.ts';

const pair = { accessKeyId: 'AKID', secretAccessKey: 'se/cr+et=' };
const ofEnvironment = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'se/cr+et=' };

test('B14 keys come from the environment, and what is missing there is named', async () => {
  assert.deepEqual(await readKeys(undefined, ofEnvironment), pair);
  const withToken = await readKeys(undefined, { ...ofEnvironment, AWS_SESSION_TOKEN: 'token' });
  assert.deepEqual(withToken, { ...pair, sessionToken: 'token' });
  const fails = (environment: NodeJS.ProcessEnv, text: RegExp) =>
    assert.rejects(readKeys(undefined, environment), isError('bad-configuration', text));
  await fails({}, /AWS_ACCESS_KEY_ID\) and the secret key \(AWS_SECRET_ACCESS_KEY\).*--s3-keys/);
  await fails({ AWS_ACCESS_KEY_ID: 'AKID' }, /environment has not the secret key/);
  await assert.rejects(readKeys(undefined, { ...ofEnvironment, AWS_SECRET_ACCESS_KEY: 'two\nlines' }), (error) => {
    assert.match((error as Error).message, /malformed/);
    assert.ok(!(error as Error).message.includes('two'));
    return true;
  });
});

test('B14 keys come from a file as the tools of AWS write it, which this user alone may read', async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, 'credentials');
    const fails = (text: RegExp, environment = {}) =>
      assert.rejects(readKeys(file, environment), isError('bad-configuration', text));
    await fails(/ENOENT/);
    const section = (name: string, key: string) =>
      `[${name}]\naws_access_key_id = ${key}\naws_secret_access_key=se/cr+et=\n`;
    await writeFile(file, `# keys\n${section('other', 'OTHER')}${section('default', 'AKID')}`, { mode: 0o600 });
    // The file counts, whatever the environment has.
    assert.deepEqual(await readKeys(file, { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 'env' }), pair);
    assert.equal((await readKeys(file, { AWS_PROFILE: 'other' })).accessKeyId, 'OTHER');
    await fails(/has not the access key/, { AWS_PROFILE: 'none' });
    await writeFile(file, 'export AWS_ACCESS_KEY_ID=AKID\nAWS_SECRET_ACCESS_KEY=se/cr+et=\nAWS_SESSION_TOKEN=token\n');
    assert.deepEqual(await readKeys(file, {}), { ...pair, sessionToken: 'token' });
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(file, mode);
      await fails(/other users may read it: chmod 600/);
    }
    await chmod(file, 0o600);
    await writeFile(file, Buffer.alloc(100_000, 'a'));
    await fails(/more than 65536 bytes/);
    await assert.rejects(readKeys(folder, {}), isError('bad-configuration', /cannot be taken from/));
  });
});

test('B14 places and regions are checked before anything is asked', () => {
  assert.deepEqual(parseBucketPlace('s3://bucket', '--blocks'), { bucket: 'bucket', prefix: '' });
  assert.deepEqual(parseBucketPlace('s3://b.u-cket/', '--blocks'), { bucket: 'b.u-cket', prefix: '' });
  assert.deepEqual(parseBucketPlace('s3://bucket/a/b_1.x/', '--blocks'), { bucket: 'bucket', prefix: 'a/b_1.x' });
  for (const text of [
    ...[
      '',
      's3:',
      's3://',
      's3://Bucket',
      's3://ab',
      's3://-bucket',
      'https://bucket',
      '/srv/blocks',
      's3://user:key@bucket',
    ],
    ...[
      's3://bucket//a',
      's3://bucket/../b',
      's3://bucket/a?b',
      's3://bucket/a b',
      's3://bucket/ä',
      `s3://bucket/${'a'.repeat(257)}`,
    ],
  ])
    assert.throws(
      () => parseBucketPlace(text, '--blocks'),
      isError('bad-usage', /^--blocks .* is no place for blocks/),
    );
  assert.equal(parseRegion('eu-central-1', '--s3-region'), 'eu-central-1');
  for (const text of ['', 'eu central', 'eu/1', 'a'.repeat(64)])
    assert.throws(() => parseRegion(text, '--s3-region'), isError('bad-usage', /is not a region/));
});
