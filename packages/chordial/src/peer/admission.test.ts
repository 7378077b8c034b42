import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ChordialError } from '../errors.ts';
import { createIdentity } from '../network/identity.ts';
import { decodeInvite, encodeInvite, type Invite } from '../network/invite.ts';
import { hello } from '../network/join-hello.ts';
import { runtimeFolder } from '../storage/runtime-folder.ts';
import { parseConfiguration } from './configuration.ts';
import { chooseNetwork } from './network-choice.ts';
import { type RunningPeer, startPeer } from './start-peer.ts';

/** Stands for another machine: the same loopback device, and nothing of this user to be found. */
const otherMachine = '127.0.0.2';
const elsewhere = { treatAsRemote: (address: string) => address === otherMachine, dialFrom: otherMachine };
const wish = { timeToLive: 60_000, uses: 1, rights: ['store', 'publish'] } as const;
const hasCode = (code: string) => (error: unknown) => error instanceof ChordialError && error.code === code;

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function started(t: TestContext, data: string, join: readonly string[] = []): Promise<RunningPeer> {
  const peer = await startPeer(parseConfiguration({ data, join, listen: '127.0.0.1:0', api: '127.0.0.1:0' }));
  t.after(() => peer.stop());
  return peer;
}

test('A22 B3 C2 from another machine no one comes in without an invite, however near the address looks', async (t) => {
  const [data, joiner] = [await newFolder(t), await newFolder(t)];
  const founder = await started(t, data);
  const address = founder.status('none').listen;
  const join = () => {
    const text = parseConfiguration({ data: joiner, join: [address] });
    return chooseNetwork(joiner, createIdentity(), { ...text, otherMachine: elsewhere }, false);
  };
  await assert.rejects(join(), (error: ChordialError) => {
    assert.match(error.message, /takes in members only.*chordial invite/);
    assert.doesNotMatch(error.message, new RegExp(founder.status('none').network.slice(0, 8)));
    return error.code === 'not-admitted';
  });
  assert.deepEqual(await readdir(joiner), []);
});

test('A22 C2 peers of one user on one machine find an invite in the runtime folder, and leave nothing when they stop', async (t) => {
  const [data, joiner, third] = [await newFolder(t), await newFolder(t), await newFolder(t)];
  const founder = await started(t, data);
  const left = path.join(runtimeFolder(), `${founder.status('none').listen.replace(':', '_')}.invite`);
  assert.equal((await stat(left)).mode & 0o777, 0o600);
  const second = await started(t, joiner, [founder.status('none').listen]);
  // A member that was invited by one that is no admin may not invite, and passes on what it came with.
  const last = await started(t, third, [second.status('none').listen]);
  const fourth = await started(t, await newFolder(t), [last.status('none').listen]);
  assert.equal(fourth.status('none').network, founder.status('none').network);
  assert.equal((await stat(path.join(joiner, 'admission.cbor'))).mode & 0o777, 0o600);
  const names = founder.members().map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'each is called otherwise');
  await founder.stop();
  await assert.rejects(stat(left), { code: 'ENOENT' });
});

test('A3 B3 from another machine an invite is enough, and leads into no network but its own', async (t) => {
  const [data, otherData, joiner] = [await newFolder(t), await newFolder(t), await newFolder(t)];
  const [founder, other] = [await started(t, data), await started(t, otherData)];
  const invite = decodeInvite(founder.invite(wish).invite);
  assert.deepEqual(invite.addresses, [founder.status('none').listen]);
  assert.equal(invite.network, founder.status('none').network);
  assert.ok(Math.abs(invite.expires - Date.now() - 60_000) < 30_000, String(invite.expires));
  const identity = createIdentity();
  const join = (address: string, given: Invite = invite) => {
    const text = parseConfiguration({ data: joiner, join: [address] });
    return chooseNetwork(joiner, identity, { ...text, invite: given, otherMachine: elsewhere }, false);
  };
  const address = invite.addresses[0]!;
  // Another peer may have got the address meanwhile.
  await assert.rejects(join(other.status('none').listen), hasCode('other-network'));
  await assert.rejects(join(address, { ...invite, papers: null }), hasCode('not-admitted'));
  // Who is not the one that the invite names is told nothing.
  await assert.rejects(join(address, { ...invite, host: createIdentity().host }), hasCode('unreachable'));
  assert.deepEqual(await readdir(joiner), []);
  const joined = await join(address);
  assert.equal(joined.how, 'joined');
  await joined.keep(joined.admission);
  assert.deepEqual((await readdir(joiner)).sort(), ['admission.cbor', 'genesis.cbor']);
  // The folder is one of that network now.
  await assert.rejects(join(address, { ...invite, network: 'ab'.repeat(32) }), hasCode('other-network'));
  assert.equal((await join(address)).how, 'returned', 'used up, but used by this very key');
  await assert.rejects(
    hello(address, { identity: createIdentity(), network: invite.network }),
    hasCode('not-admitted'),
  );
  const line = encodeInvite(invite);
  assert.deepEqual(decodeInvite(line), invite);
});
