/** Real peers in three zones, all of one killed at once. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { FileStat, PeerStatus } from '../../src/client/answers.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const files = 6;

test('the copies of a file are in three zones, and one of them may die at once', async () => {
  await using network = await NetworkFixture.open();
  const peers: PeerProcess[] = [];
  for (const zone of ['Attic', 'cellar', 'shed', 'attic', 'cellar', 'shed']) {
    const flags = ['--zone', zone, '--keep-own', 'no'];
    peers.push(await network.start({ flags, ...(peers[0] === undefined ? {} : { join: peers[0] }) }));
  }
  const [first, second, third, fourth] = peers as [PeerProcess, PeerProcess, PeerProcess, PeerProcess];
  await until('one ring', () => network.isIdeal(peers), 60_000);
  for (let file = 0; file < files; file++) {
    const name = path.join(network.folder, `file-${file}`);
    await writeFile(name, `content ${file}`);
    assert.equal((await network.command(['put', name], first)).exit, 0);
  }
  for (let file = 0; file < files; file++) {
    await until(
      `file ${file} has a copy in each zone`,
      async () => {
        const stat = JSON.parse((await network.command(['stat', `file-${file}`, '--json'], first)).text) as FileStat;
        return (
          stat.holders
            .map(({ zone }) => zone)
            .sort()
            .join() === 'attic,cellar,shed'
        );
      },
      60_000,
    );
  }
  assert.match((await network.command(['stat', 'file-0'], first)).text, / in cellar$/m);
  assert.match((await network.command(['peers'], second)).text, /ZONE[\s\S]* attic$/m);

  await Promise.all([first.kill9(), fourth.kill9()]);
  for (let file = 0; file < files; file++) {
    const target = path.join(network.folder, `got-${file}`);
    const get = () => network.command(['get', `file-${file}@${first.ready.id}`, '-o', target], third);
    await until(`file ${file} is read`, async () => (await get()).exit === 0, 60_000);
    assert.equal(await readFile(target, 'utf8'), `content ${file}`);
  }

  await network.restart(fourth, { join: second, flags: ['--zone', 'balcony'] });
  await until(
    'the other zone is known',
    async () => {
      const { peers: known } = JSON.parse((await network.command(['peers', '--json'], third)).text) as {
        peers: readonly PeerStatus[];
      };
      return known.some(({ id, zone }) => id === fourth.ready.id && zone === 'balcony');
    },
    60_000,
  );
});
