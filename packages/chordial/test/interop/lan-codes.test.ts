import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { launcher, runCommand } from '../end-to-end/command.ts';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { Namespaces } from './namespaces.ts';

test('B13 the code alone is enough on the network of a door, on a machine without peer and data folder', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const [{ host: one }, { host: two }] = await net.neighbours('one', 'two');
  const peer = await one.startPeer(network, { flags: ['--door', '0.0.0.0:8443'] });
  const file = path.join(network.folder, 'note.txt');
  await writeFile(file, 'hello');
  const at = async (machine: typeof two, args: readonly string[], folder = network.folder) =>
    runCommand([...machine.enter, launcher, ...args], { folder, environment: await network.environment() });
  const sent = await at(one, ['send', file, '--json', '--api', peer.apiUrl]);
  assert.equal(sent.exit, 0, sent.stderr);
  const { code } = sent.json<{ code: string }>();
  const folder = path.join(network.folder, 'into');
  await mkdir(folder);
  const received = await at(two, ['receive', ...code.split('-'), '--json'], folder);
  assert.equal(received.exit, 0, received.stderr);
  assert.match(received.stderr, /looking for doors on the local network/);
  assert.equal(await readFile(path.join(folder, 'note.txt'), 'utf8'), 'hello');
  const wrong = await at(two, ['receive', `${code.split('-')[0]}-zoo-zoo-zoo`], folder);
  assert.match(wrong.stderr, /The words of .* are wrong/);
});
