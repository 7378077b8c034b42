import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ChordialError } from '../errors.ts';
import { createIdentity } from '../network/identity.ts';
import { decodeInvite } from '../network/invite.ts';
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

test('A3 B3 from another machine an invite is enough, and leads into no network but its own', async (t) => {
  const [data, otherData, joiner] = [await newFolder(), await newFolder(), await newFolder()];
  t.after(() => rm(joiner, { recursive: true }));
  const [founder, other] = [await founderIn(t, data), await founderIn(t, otherData)];
  const invite = decodeInvite(founder.invite(60_000).invite);
  assert.deepEqual(invite.addresses, [founder.status('none').listen]);
  assert.equal(invite.network, founder.status('none').network);
  assert.ok(Math.abs(invite.expires * 1000 - Date.now() - 60_000) < 30_000, String(invite.expires));
  const identity = createIdentity();
  const join = (address: string, given = invite) => {
    const text = parseConfiguration({ data: joiner, join: [address] });
    return chooseNetwork(joiner, identity, { ...text, invite: given, otherMachine: elsewhere }, false);
  };
  const address = invite.addresses[0]!;
  const hasCode = (code: string) => (error: unknown) => error instanceof ChordialError && error.code === code;
  // Another peer may have got the address meanwhile.
  await assert.rejects(join(other.status('none').listen), hasCode('other-network'));
  await assert.rejects(join(address, { ...invite, secret: new Uint8Array(32) }), hasCode('secret-required'));
  assert.deepEqual(await readdir(joiner), []);
  const joined = await join(address);
  assert.equal(joined.how, 'joined');
  await joined.keep();
  assert.equal(await readFile(path.join(joiner, 'secret'), 'utf8'), await readFile(path.join(data, 'secret'), 'utf8'));
  // The folder is one of that network now.
  await assert.rejects(join(address, { ...invite, network: 'ab'.repeat(32) }), hasCode('other-network'));
});
