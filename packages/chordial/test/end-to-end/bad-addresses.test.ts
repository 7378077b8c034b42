import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { NetworkFixture } from './network-fixture.ts';
import { refusedStart, Stranger } from './refusal.ts';

test('A22 A1 a taken port, of --listen or of --api, is told with the way out', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start();
  const second = path.join(network.folder, 'second');
  const listen = await refusedStart(network, ['--data', second, '--listen', peer.ready.listen]);
  assert.deepEqual([listen.exit, listen.code], [1, 'port-in-use']);
  assert.ok(listen.message.includes(peer.ready.listen) && listen.message.includes('--listen'), listen.message);
  const third = path.join(network.folder, 'third');
  const api = await refusedStart(network, ['--data', third, '--api', peer.ready.api]);
  assert.deepEqual([api.exit, api.code], [1, 'port-in-use']);
  assert.ok(api.message.includes(peer.ready.api) && api.message.includes('--api'), api.message);
  assert.equal(existsSync(third), false);
  assert.equal((await peer.request('/readyz')).status, 200);
  // The partial state does not matter: the same folder starts once a port is free.
  await network.start({ data: 'second', join: peer });
});

test('A22 A3 an address of --join where no peer is: nothing, another protocol, silence, a web server, an API', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start();
  const closed = await Stranger.open(() => undefined);
  await closed[Symbol.asyncDispose]();
  await using greeter = await Stranger.open((socket) => socket.write('220 mail.example.org ESMTP\r\n'));
  await using web = await Stranger.open((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await using hanging = await Stranger.open((socket) => socket.end());
  await using silent = await Stranger.open((socket) => socket.resume());
  const expected: readonly (readonly [address: string, code: string, reason: RegExp])[] = [
    [closed.address, 'unreachable', /No peer answers at .*ECONNREFUSED.*Check that one runs there/],
    [greeter.address, 'join-failed', /is no Chordial peer: what it answers is not TLS\. Give --join/],
    [web.address, 'join-failed', /is no Chordial peer: what it answers is not TLS\. Give --join/],
    [hanging.address, 'join-failed', /is no Chordial peer: .*Give --join/],
    [silent.address, 'unreachable', /did not take the connection in time.*Check that one runs there/],
    [
      peer.ready.api,
      'join-failed',
      /not TLS\. Give --join the address at which a peer listens, not the one of its API/,
    ],
  ];
  const refusals = await Promise.all(
    expected.map(([address], index) =>
      refusedStart(network, ['--data', path.join(network.folder, `joiner-${index}`), '--join', address]),
    ),
  );
  for (const [index, { exit, code, message }] of refusals.entries()) {
    const [address, wantedCode, reason] = expected[index]!;
    assert.deepEqual([exit, code], [1, wantedCode], message);
    assert.ok(message.includes(address), message);
    assert.match(message, reason);
    // It belongs to no network yet: the next start may join or found one.
    assert.equal((await readdir(path.join(network.folder, `joiner-${index}`))).includes('genesis.cbor'), false);
  }
  // One good address among bad ones is enough.
  await network.start({ join: peer, flags: ['--join', closed.address] });
});

test('A22 A3 an address that is none, and wrong flags, are wrong usage before anything is touched', async () => {
  await using network = await NetworkFixture.open();
  const folder = path.join(network.folder, 'never');
  for (const [flags, reason] of [
    [['--join', 'nowhere'], /--join: "nowhere" is not an address. Write HOST:PORT/],
    [['--listen', '127.0.0.1:99999'], /--listen: .*port from 0 to 65535/],
    [['--id', '300', '--bits', '8'], /--id 300 does not fit into --bits 8. Give a number from 0 to 255/],
    [['--bits', '2'], /--bits "2".*from 3 to 256/],
    [['--replicas', '9'], /--replicas "9".*from 1 to 8/],
    [['--quota', 'lots'], /--quota "lots" is not a size/],
    [['--no-such-flag'], /unknown option '--no-such-flag'.*--help/],
  ] as const) {
    const refusal = await refusedStart(network, ['--data', folder, ...flags]);
    assert.equal(refusal.exit, 2, refusal.message);
    assert.match(refusal.message, reason);
  }
  assert.equal(existsSync(folder), false);
});
