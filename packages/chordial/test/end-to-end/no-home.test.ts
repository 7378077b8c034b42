import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentAt } from './command.ts';
import { NetworkFixture } from './network-fixture.ts';

test('rough: syncthing#8408 a user without a home works with --api and --data, and is told of --data else', async () => {
  await using network = await NetworkFixture.open();
  const environment = environmentAt('');
  const peer = await network.start();
  for (const args of [
    ['put', '-', '--name', 'a.txt'],
    ['ls'],
    ['get', 'a.txt', '-o', '-'],
    ['search', 'txt'],
    ['peers'],
    ['shell'],
    ['doctor'],
    ['rm', 'a.txt'],
  ]) {
    // Without a home there is no runtime folder either, where commands find the token by themselves.
    const withToken = { ...environment, CHORDIAL_API_TOKEN: peer.token };
    const { exit, stderr } = await network.command(args, peer, { environment: withToken, input: '' });
    assert.equal(exit, 0, `${args.join(' ')}: ${stderr}`);
  }
  for (const args of [['ls'], ['start'], ['doctor'], ['shell'], ['config'], ['rm', 'x']]) {
    const { exit, stderr, text } = await network.command(args, undefined, { environment, input: '' });
    assert.match(`${stderr}${text}`, /no home folder.*--data/, args[0]);
    assert.doesNotMatch(`${stderr}${text}`, /bug/);
    assert.equal(exit, args[0] === 'doctor' ? 1 : 2, `${args[0]}: ${stderr}`);
  }
  const flags = ['--data', `${network.folder}/homeless`, '--listen', '127.0.0.1:0', '--api', '127.0.0.1:0'];
  const { exit, stderr } = await network.command(['start', ...flags, '--join', '127.0.0.1:1'], undefined, {
    environment,
  });
  assert.equal(exit, 1);
  assert.match(stderr, /No peer answers at 127\.0\.0\.1:1/);
});
