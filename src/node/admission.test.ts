import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ChordialError } from '../errors.ts';
import { createIdentity } from '../network/identity.ts';
import { hello } from '../network/join-hello.ts';
import { parseConfiguration } from './configuration.ts';
import { chooseNetwork } from './network-choice.ts';
import { type RunningPeer, startPeer } from './start-peer.ts';

/** Stands for another machine: the same loopback device, but no privilege. */
const otherMachine = '127.0.0.2';
const treatAsRemote = (address: string) => address === otherMachine;
const elsewhere = { treatAsRemote, dialFrom: otherMachine };

const newFolder = () => mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));

async function founderIn(t: TestContext, data: string): Promise<RunningPeer> {
  const text = { data, listen: '127.0.0.1:0', api: '127.0.0.1:0' };
  const peer = await startPeer({ ...parseConfiguration(text), otherMachine: { treatAsRemote } });
  t.after(async () => {
    await peer.stop();
    await rm(data, { recursive: true });
  });
  return peer;
}

test('A22 B3 from another machine a peer joins with the network’s secret, not without one and not with another', async (t) => {
  const [data, joiner] = [await newFolder(), await newFolder()];
  t.after(() => rm(joiner, { recursive: true }));
  const founder = await founderIn(t, data);
  const address = founder.status('none').listen;
  const identity = createIdentity();
  const join = async (secret?: string) => {
    const text = { data: joiner, join: [address], ...(secret === undefined ? {} : { secret }) };
    return chooseNetwork(joiner, identity, { ...parseConfiguration(text), otherMachine: elsewhere }, false);
  };
  const refused = (reason: RegExp) => (error: unknown) =>
    error instanceof ChordialError && error.code === 'secret-required' && reason.test(error.message);
  await assert.rejects(join(), refused(/lets nobody in without the network's secret.*--secret/));
  const wrong = path.join(joiner, 'wrong');
  await writeFile(wrong, '0'.repeat(64));
  await assert.rejects(join(wrong), refused(/not the one of this network/));
  assert.deepEqual(await readdir(joiner), ['wrong']);

  const joined = await join(path.join(data, 'secret'));
  assert.equal(joined.how, 'joined');
  assert.deepEqual(await readdir(joiner), ['wrong'], 'nothing is kept before the peer is a member');
  await joined.keep();
  assert.equal(await readFile(path.join(joiner, 'secret'), 'utf8'), await readFile(path.join(data, 'secret'), 'utf8'));
  // The same machine needs no secret: it is handed over.
  assert.equal((await hello(address, { identity, secret: null })).genesis.open, false);
});
