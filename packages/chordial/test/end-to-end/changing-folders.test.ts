/** Own folders that change in place, by the command line of real peers. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

test('B9 a folder changes file by file, others get what is in it, and a kill loses nothing that was acknowledged', async () => {
  await using network = await NetworkFixture.open();
  const [own, other] = (await network.startRing(2)) as [PeerProcess, PeerProcess];
  await until('one ring', () => network.isIdeal([own, other]), 30_000);
  const run = async (peer: PeerProcess, ...words: readonly string[]) => {
    const { exit, text, stderr } = await network.command(words, peer);
    assert.equal(exit, 0, `${words.join(' ')}: ${stderr}`);
    return text;
  };
  const refused = async (code: number, pattern: RegExp, ...words: readonly string[]) => {
    const { exit, stderr } = await network.command(words, own);
    assert.equal(exit, code, `${words.join(' ')}: ${stderr}`);
    assert.match(stderr, pattern);
  };
  const source = path.join(network.folder, 'source');
  await mkdir(path.join(source, 'in'), { recursive: true });
  await writeFile(path.join(source, 'in', 'b.txt'), 'b');
  await writeFile(path.join(source, 'a.txt'), 'a, first');

  await run(own, 'put', path.join(source, 'a.txt'), '--into', 'notes');
  await run(own, 'put', path.join(source, 'in'), '--into', 'notes/deep');
  assert.match(await run(own, 'ls', 'notes'), /a\.txt +8 B[\s\S]*deep\//);
  assert.match(await run(own, 'ls', 'notes/deep/in'), /b\.txt/);
  const target = path.join(network.folder, 'got');
  const got = async (reference: string, ...more: readonly string[]) => {
    await run(other, 'get', reference, '-o', target, '--force', ...more);
    return readFile(target, 'utf8');
  };
  await until('others have it', async () => (await got('notes/deep/in/b.txt')) === 'b');
  assert.match(await run(other, 'ls', 'notes/deep'), /in\//);
  assert.match(await run(own, 'ls'), /^notes\/ /m);

  // Acknowledged, and not published when the peer is killed.
  await writeFile(path.join(source, 'a.txt'), 'a, second');
  await run(own, 'put', path.join(source, 'a.txt'), '--into', 'notes');
  await own.kill9();
  await network.restart(own);
  assert.equal(await readOwn(own), 'a, second');
  await until('the rest is published', async () => (await got('notes/a.txt')) === 'a, second', 60_000);

  await run(own, 'mv', 'notes/deep/in/b.txt', 'notes/b.txt');
  await run(own, 'rm', 'notes/deep');
  await until('others see the move', async () => !(await run(other, 'ls', 'notes')).includes('deep'));
  assert.equal(await got('notes/b.txt'), 'b');
  await refused(3, /is not there/, 'rm', 'notes/deep');
  await refused(1, /is there already/, 'mv', 'notes/a.txt', 'notes/b.txt');
  await refused(2, /cannot be put into itself|is a whole folder/, 'mv', 'notes', 'notes/in');
  await refused(2, /--replicas is for what/, 'put', path.join(source, 'a.txt'), '--into', 'notes', '--replicas', '2');
  await refused(2, /is no time/, 'restore', 'notes', '--at', 'yesterday');

  const { versions } = JSON.parse(await run(own, 'history', 'notes', '--json')) as {
    versions: { time: string; cid: string }[];
  };
  assert.ok(versions.length >= 2, JSON.stringify(versions));
  const first = versions.at(-1)!;
  const earlier = path.join(network.folder, 'earlier');
  await run(own, 'get', 'notes', '--at', first.time, '-o', earlier);
  assert.equal(await readFile(path.join(earlier, 'a.txt'), 'utf8'), 'a, first');
  await run(own, 'restore', 'notes', '--at', first.time);
  await until('others have the earlier one', async () => (await got('notes/a.txt')) === 'a, first');

  await run(own, 'rm', 'notes');
  await refused(3, /No file|not found|has put no folder/, 'ls', 'notes');
});

test('B9 files written one after another are all there that were acknowledged before a kill, here and elsewhere', async () => {
  await using network = await NetworkFixture.open();
  const [own, other] = (await network.startRing(2)) as [PeerProcess, PeerProcess];
  await until('one ring', () => network.isIdeal([own, other]), 30_000);
  const acknowledged = new Map<string, string>();
  let next = 0;
  let isOver = false;
  const writer = async (): Promise<void> => {
    while (!isOver) {
      const number = next++;
      const [name, text] = [`f${number % 50}`, `text ${number}`];
      const path = `/api/v1/trees/many?path=${number % 7}/${name}`;
      try {
        const { status } = await own.request(path, { method: 'PUT', body: text });
        // A later write of the same name may be acknowledged before this one is noted.
        if (status < 300) acknowledged.set(`${number % 7}/${name}`, text);
      } catch {
        return;
      }
    }
  };
  const writing = Promise.all(Array.from({ length: 4 }, writer));
  await until('many are acknowledged', () => acknowledged.size > 120, 60_000);
  await own.kill9();
  isOver = true;
  await writing;
  await network.restart(own);
  const textAt = async (peer: PeerProcess, path: string): Promise<number> => {
    const answer = await peer.request(`/api/v1/files/many?path=${path}`);
    return answer.status === 200 ? Number((await answer.text()).slice('text '.length)) : -1;
  };
  for (const peer of [own, other]) {
    for (const [path, text] of acknowledged) {
      const least = Number(text.slice('text '.length)) - 4;
      await until(`${path} is there`, async () => (await textAt(peer, path)) >= least, 60_000);
    }
  }
});

async function readOwn(own: PeerProcess): Promise<string> {
  return (await own.request('/api/v1/files/notes?path=a.txt')).text();
}
