import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createIdentity, identityFile, loadOrCreateIdentity, verifySignature } from './identity.ts';

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'chordial-identity-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('an identity is made once and is the same after a restart', () =>
  inFolder(async (folder) => {
    const data = join(folder, 'not', 'yet');
    const first = await loadOrCreateIdentity(data);
    const again = await loadOrCreateIdentity(data);
    assert.equal(again.host, first.host);
    assert.deepEqual(await readdir(data), [identityFile]);
    assert.equal((await stat(join(data, identityFile))).mode & 0o777, 0o600);
  }));

test('a signature holds for its signer and bytes only', () => {
  const [one, other] = [createIdentity(), createIdentity()];
  const bytes = Buffer.from('said');
  const signature = one.sign(bytes);
  assert.equal(signature.length, 64);
  assert.ok(verifySignature(one.host, bytes, signature));
  assert.equal(verifySignature(other.host, bytes, signature), false);
  assert.equal(verifySignature(one.host, Buffer.from('sad'), signature), false);
  assert.equal(verifySignature(one.host, bytes, signature.subarray(1)), false);
  assert.equal(verifySignature('no one', bytes, signature), false);
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
for (const [what, content] of [
  ['empty', ''],
  ['garbage', 'x'.repeat(100)],
  ['of another kind', rsa],
] as const) {
  test(`a key file that is ${what} says which file and what to do`, () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, identityFile), content);
      await assert.rejects(loadOrCreateIdentity(folder), (error: Error & { code: string }) => {
        assert.equal(error.code, 'broken-data-folder');
        assert.ok(error.message.includes(join(folder, identityFile)));
        assert.match(error.message, /remove it to start as a new peer/);
        return true;
      });
    }));
}

test('a data folder that is a file says so', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await assert.rejects(loadOrCreateIdentity(file), { code: 'broken-data-folder' });
  }));
