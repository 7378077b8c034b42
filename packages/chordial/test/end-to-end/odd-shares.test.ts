import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Share } from '../../src/client/answers.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

async function shareAt(peer: PeerProcess): Promise<Share> {
  const { shares } = await peer.json<{ shares: [Share] }>('/api/v1/shares');
  return shares[0];
}

async function indexed(peer: PeerProcess, files: number): Promise<void> {
  await until(`${files} indexed`, async () => {
    const share = await shareAt(peer);
    return share.state === 'watching' && share.indexed === files && share.announced === files;
  });
}

test('case 3 case 7 case 11 a share leaves out and names what is not for others, and notices every change', async () => {
  await using network = await NetworkFixture.open();
  const folder = path.join(network.folder, 'share');
  await mkdir(folder);
  const sharer = await network.start({ data: 'share/d1' });
  const other = await network.start({ join: sharer });
  await until('one ring', () => network.isIdeal([sharer, other]), 30_000);
  const file = path.join(folder, 'report.bin');
  const first = randomBytes(3_000_000);
  await writeFile(file, first);
  await writeFile(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), 'not UTF-8');
  await writeFile(path.join(folder, 'bell\u0007.txt'), 'control');
  execFileSync('mkfifo', [path.join(folder, '.chordialignore')]);

  const shared = await network.command(['share', folder], sharer);
  assert.equal(shared.exit, 0, shared.stderr);
  assert.match(shared.stderr, /left out: \S+share\/d1 \(it is the data folder of a peer/);
  await indexed(sharer, 1);
  const listed = await network.command(['shares'], sharer);
  for (const line of [
    /share\/d1 /,
    /caf\\xe9 \(its name is not UTF-8\)/,
    /bell\\x07\.txt \(it contains a control character\)/,
    /\.chordialignore/,
  ])
    assert.match(listed.text, line);
  assert.equal((await shareAt(sharer)).unreadable, 4);
  assert.equal((await network.command(['search', '--broadcast', 'key'], other)).exit, 3);
  for (const place of [path.join(folder, 'd1'), path.join(folder, 'd1', 'format')]) {
    const refused = await network.command(['share', place], sharer);
    assert.deepEqual([refused.exit, /data folder/.test(refused.stderr)], [2, true]);
  }

  const { atime, mtime } = await stat(file);
  const second = randomBytes(first.length);
  await writeFile(file, second);
  await utimes(file, atime, mtime);
  const target = path.join(network.folder, 'fetched.bin');
  await until(
    'the new bytes are had',
    async () => {
      const got = await network.command(['get', 'report.bin', '-o', target], other);
      assert.equal(got.exit, 0, `${got.stderr} ${JSON.stringify(await shareAt(sharer))}`);
      return second.equals(await readFile(target));
    },
    60_000,
  );
  assert.equal((await sharer.stop()).code, 0);
});

test('case 14 a large shared file that grows is read once, called changing, and shared when it has been quiet', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start();
  const folder = path.join(network.folder, 'share');
  await mkdir(folder);
  const file = path.join(folder, 'growing.log');
  const bytes = 100 * 1024 * 1024;
  await writeFile(file, Buffer.alloc(bytes));
  const growing = setInterval(() => appendFileSync(file, 'x'.repeat(1000)), 750);
  try {
    assert.equal((await network.command(['share', folder], peer)).exit, 0);
    await until('it is called changing', async () => (await shareAt(peer)).changing === 1);
    await wait(10_000);
    assert.match((await network.command(['shares'], peer)).text, /watching, 1 changing/);
    const read = Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${peer.pid}/io`, 'utf8'))?.[1]);
    assert.ok(read < 3 * bytes, `${read} bytes were read`);
  } finally {
    clearInterval(growing);
  }
  await until('it is shared', async () => (await shareAt(peer)).indexed === 1, 60_000);
});

test('rough: a shared file that changed or went is said to have changed or gone at its sharer', async () => {
  await using network = await NetworkFixture.open();
  const [sharer, other] = (await network.startRing(2)) as [PeerProcess, PeerProcess];
  await until('one ring', () => network.isIdeal([sharer, other]), 30_000);
  const folder = path.join(network.folder, 'share');
  await mkdir(folder);
  const names = ['changing.bin', 'going.bin'];
  for (const name of names) await writeFile(path.join(folder, name), randomBytes(1_500_000));
  assert.equal((await network.command(['share', folder], sharer)).exit, 0);
  await indexed(sharer, 2);
  const cids = new Map<string, string>();
  for (const name of names) {
    const { text, stderr } = await network.command(['stat', name, '--json'], other);
    cids.set(name, (JSON.parse(text || '{}') as { cid: string }).cid);
    assert.match(cids.get(name) ?? '', /^bafy/, stderr);
  }
  // Its names and addresses are still known while the file is not what it was.
  await writeFile(path.join(folder, 'changing.bin'), randomBytes(1_500_000));
  await rm(path.join(folder, 'going.bin'));
  for (const name of names) {
    const got = await network.command(['get', cids.get(name)!, '-o', path.join(network.folder, name)], other);
    assert.equal(got.exit, 1, got.stderr);
    assert.match(got.stderr, /changed there, or it went/);
  }
});
