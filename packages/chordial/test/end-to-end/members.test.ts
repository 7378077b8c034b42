/** Membership on real processes: invited, listed by name, removed; and another user of the machine, who is no one here. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { until, within } from '../fixtures/until.ts';
import { otherUser } from '../hostile/finding.ts';
import { launcher } from './command.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

interface Listed {
  readonly members: readonly { readonly id: string; readonly name: string; readonly state: string }[];
}

const listed = async (network: NetworkFixture, peer: PeerProcess) =>
  JSON.parse((await network.command(['members', '--json'], peer)).text) as Listed;

test('H6 invite | join - makes a member, listed by name; removed, no peer answers it within 10 s and nothing is lost', async () => {
  await using network = await NetworkFixture.open();
  const [founder, second, third] = await network.startRing(3);
  const invited = await network.command(['invite', '--expires', '1h'], founder);
  const guest = await network.start({ invite: '-', input: invited.text, flags: ['--name', 'guest'] });
  assert.equal(guest.ready.network, founder!.ready.network);
  const peers = [founder!, second!, third!, guest];
  await until('one ring of four', () => network.isIdeal(peers), 60_000);
  await until('all know the guest', async () => {
    const { members } = await listed(network, third!);
    return members.some(({ name, state }) => name === 'guest' && state === 'member');
  });
  const bodies = Array.from(
    { length: 12 },
    (_, number) => [`kept ${number}.txt`, `body ${number} `.repeat(3000)] as const,
  );
  for (const [name, body] of bodies) {
    const put = await second!.request(`/api/v1/files/${encodeURIComponent(name)}`, { method: 'PUT', body });
    assert.equal(put.status, 201, await put.text());
  }
  const own = await guest.request('/api/v1/files/of-guest.txt', { method: 'PUT', body: 'guest' });
  assert.equal(own.status, 201);

  const removed = await network.command(['remove', 'guest'], founder);
  assert.equal(removed.exit, 0, removed.stderr);
  assert.match(removed.text, /removed guest/);
  const began = performance.now();
  await until('no peer knows the guest any more', async () => {
    const rings = await Promise.all(
      [founder!, second!, third!].map((peer) => peer.json<{ members: { id: string }[] }>('/api/v1/ring')),
    );
    return rings.every(({ members }) => members.every(({ id }) => id !== guest.ready.id));
  });
  assert.ok(performance.now() - began < 10_000, `${performance.now() - began} ms`);
  // It stops once it receives the signed removal, so that its user's programs do not wait in vain.
  const { code } = await within('the guest ends', guest.exited, 15_000);
  assert.equal(code, 1);
  assert.match(guest.errorLines.join('\n'), /This member was removed from the network/);
  await until(
    'copies are made again, and every name is there',
    async () => {
      for (const [name, body] of bodies) {
        const place = `/api/v1/files/${encodeURIComponent(name)}`;
        if ((await (await third!.request(place)).text()) !== body) return false;
        if ((await third!.json<{ copies: number }>(`${place}/stat`)).copies < 3) return false;
      }
      return true;
    },
    60_000,
  );
  const again = await network.command([
    'start',
    '--json',
    '--data',
    guest.dataFolder,
    '--listen',
    '127.0.0.1:0',
    '--api',
    '127.0.0.1:0',
    '--join',
    founder!.ready.listen,
  ]);
  assert.equal(again.exit, 1, again.stderr);
  assert.match(again.stderr, /"member-removed".*was removed/);
  const { members } = await listed(network, second!);
  assert.equal(members.find(({ name }) => name === 'guest')?.state, 'removed');
});

test('H6 remove --purge hides what the member published', async () => {
  await using network = await NetworkFixture.open();
  const [founder, second] = await network.startRing(2);
  const guest = await network.start({ join: founder!, flags: ['--name', 'guest'] });
  await until('one ring of three', () => network.isIdeal([founder!, second!, guest]), 60_000);
  assert.equal((await guest.request('/api/v1/files/spam.txt', { method: 'PUT', body: 'spam' })).status, 201);
  assert.equal((await second!.request('/api/v1/files/good.txt', { method: 'PUT', body: 'good' })).status, 201);
  assert.equal((await second!.request('/api/v1/files/spam.txt')).status, 200);
  const removed = await network.command(['remove', 'guest', '--purge', '--json'], founder);
  assert.equal(JSON.parse(removed.text).done, true, removed.stderr);
  await until('its names are gone everywhere', async () => {
    const answers = await Promise.all([founder!, second!].map((peer) => peer.request('/api/v1/files/spam.txt')));
    return answers.every(({ status }) => status === 404);
  });
  assert.equal(await (await founder!.request('/api/v1/files/good.txt')).text(), 'good');
});

test('C2 another user of the machine is refused and learns nothing', async () => {
  await using network = await NetworkFixture.open();
  const founder = await network.start();
  await chmod(network.folder, 0o711);
  const data = path.join(network.folder, 'another user');
  await mkdir(data);
  await chmod(data, 0o777);
  const flags = ['--json', '--data', path.join(data, 'd'), '--listen', '127.0.0.1:0', '--api', '127.0.0.1:0'];
  const child = spawn(launcher, ['start', ...flags, '--join', founder.ready.listen], {
    // If this process cannot change its user, another home replaces it, since access depends only on its files.
    ...otherUser,
    cwd: '/',
    env: { PATH: process.env['PATH'], HOME: data, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (part: Buffer) => (text += part.toString()));
  const [code] = await once(child, 'close');
  assert.equal(code, 1, text);
  assert.match(text, /"not-admitted".*takes in members only/);
  assert.ok(!text.includes(founder.ready.network.slice(0, 8)), text);
});
