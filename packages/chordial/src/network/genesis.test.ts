import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import { CertifiedNetwork } from '../../test/fixtures/certified.ts';
import { ChordialError } from '../errors.ts';
import { checkFlags, decodeGenesis, encodeGenesis, found, networkId } from './genesis.ts';
import { admissionFile, genesisFile, loadAdmission, loadGenesis, saveAdmission, saveGenesis } from './network-files.ts';

test('a genesis survives encoding, and its hash tells networks apart', () => {
  const genesis = found({ bits: 8, successors: 3, rule: 'chosen' });
  assert.deepEqual(decodeGenesis(encodeGenesis(genesis)), genesis);
  assert.match(networkId(genesis), /^[0-9a-f]{64}$/);
  assert.notEqual(networkId(found()), networkId(found()));
});

test('the wire format of a genesis keeps its fixture', () => {
  const genesis = { ...found(), nonce: new Uint8Array(16).fill(7) };
  assert.equal(networkId(genesis), '4f3d9686740461eb0360e23c0f2a220389a15a124df4bb76dd2fad1acb367e39');
});

test('a network out of range is not founded', () => {
  for (const wrong of [
    { bits: 2 },
    { bits: 257 },
    { successors: 0 },
    { replicas: 9 },
    { replicas: 2, writeQuorum: 3 },
  ]) {
    assert.throws(() => found(wrong), { code: 'bad-configuration' });
  }
  assert.equal(found({ replicas: 1 }).writeQuorum, 1);
});

test('a hostile genesis is refused', () => {
  const good = found();
  const wrong: unknown[] = [null, [], 7, {}, { ...good, bits: 1.5 }, { ...good, bits: '256' }, { ...good, extra: 1 }];
  wrong.push({ ...good, nonce: new Uint8Array(15) }, { ...good, rule: 'mine' }, { ...good, version: 1 });
  wrong.push({ ...good, admission: 'some' }, { ...good, rule: 'chosen' }, { ...good, founder: new Uint8Array(31) });
  for (const value of wrong) assert.throws(() => decodeGenesis(encode(value)), { code: 'bad-request' });
});

test('random bytes are never a genesis and never another error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      assert.throws(() => decodeGenesis(bytes), ChordialError);
    }),
  );
});

test('a flag that disagrees with the network is an error naming both values', () => {
  const genesis = found({ replicas: 3 });
  checkFlags(genesis, { replicas: 3, bits: 256 });
  assert.throws(() => checkFlags(genesis, { admission: 'open' }), { code: 'genesis-disagrees', message: /--open/ });
  assert.throws(() => checkFlags(genesis, { replicas: 4 }), {
    code: 'genesis-disagrees',
    message: /--replicas.* 4.* 3/,
  });
});

test('genesis and admission are kept in the data folder, the admission for its owner only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chordial-genesis-'));
  try {
    assert.equal(await loadGenesis(folder), null);
    assert.equal(await loadAdmission(folder), null);
    const { genesis, members } = new CertifiedNetwork();
    await saveGenesis(folder, genesis);
    await saveAdmission(folder, members.own!);
    assert.deepEqual(await loadGenesis(folder), genesis);
    assert.deepEqual(await loadAdmission(folder), members.own);
    assert.equal((await stat(join(folder, admissionFile))).mode & 0o777, 0o600);
    await writeFile(join(folder, genesisFile), 'x');
    await writeFile(join(folder, admissionFile), 'x');
    await assert.rejects(loadGenesis(folder), { code: 'broken-data-folder' });
    await assert.rejects(loadAdmission(folder), { code: 'broken-data-folder', message: /remove it/ });
  } finally {
    await rm(folder, { recursive: true });
  }
});
