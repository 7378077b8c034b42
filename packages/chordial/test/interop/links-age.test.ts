/** The age of the distribution, both ways, at every border of pieces: what is sealed here it opens, and what it seals is opened. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';

const run = promisify(execFile);
const pieceBytes = 64 * 1024;

test('B15 age opens what is sealed here, and here is opened what age seals', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start();
  const { folder } = network;
  const at = (name: string): string => path.join(folder, name);
  const command = async (args: readonly string[], input = ''): Promise<string> => {
    const { exit, text, stderr } = await network.command(args, peer, { input });
    assert.equal(exit, 0, `${args.join(' ')}: ${stderr}`);
    return text;
  };
  const recipient = (await command(['key', 'show'])).trim();
  await command(['key', 'export', '--plain', '-o', at('key.txt')]);
  assert.equal((await run('age-keygen', ['-y', at('key.txt')])).stdout.trim(), recipient);
  for (const size of [0, 1, pieceBytes, pieceBytes + 1, 3_000_000]) {
    const content = randomBytes(size);
    await writeFile(at('plain'), content);
    await command(['put', at('plain'), '--name', `sealed ${size}`, '--sealed']);
    await command(['get', `sealed ${size}`, '--raw', '-o', at(`${size}.age`)]);
    const opening = ['-d', '-i', at('key.txt'), at(`${size}.age`)];
    const { stdout } = await run('age', opening, { encoding: 'buffer', maxBuffer: 2 * size + pieceBytes });
    assert.ok(stdout.equals(content), `${size} bytes sealed here`);
    // As it is, under its CID.
    await run('age', ['-r', recipient, '-o', at('theirs.age'), at('plain')]);
    const put = JSON.parse(await command(['put', at('theirs.age'), '--name', `${size} of age`, '--json'])) as {
      cid: string;
    };
    await command(['get', put.cid, '-o', at(`got ${size}`)]);
    assert.ok((await readFile(at(`got ${size}`))).equals(content), `${size} bytes sealed by age`);
  }
});
