import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { within } from '../fixtures/until.ts';
import { CutProxies } from './cut-proxy.ts';
import { ownerOfPort } from './socket-owner.ts';

/** An echo behind the proxy of peer 2, called by peer 1. */
async function echo(): Promise<{ proxies: CutProxies; call: () => Promise<Socket> } & AsyncDisposable> {
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxies = new CutProxies(async () => 1);
  await proxies.open(2, (server.address() as AddressInfo).port);
  const call = async () => {
    const socket = connect(await proxies.portOf(2), '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  return {
    proxies,
    call,
    [Symbol.asyncDispose]: async () => {
      await proxies[Symbol.asyncDispose]();
      server.close();
    },
  };
}

async function answer(socket: Socket): Promise<string> {
  const [bytes] = (await within('an answer', once(socket, 'data'), 5000)) as [Buffer];
  return bytes.toString();
}

test('across a partition nothing passes, on old and new connections, and it arrives after healing', async () => {
  await using peer = await echo();
  const old = await peer.call();
  old.write('one');
  assert.equal(await answer(old), 'one');
  peer.proxies.cut([1]);
  const young = await peer.call();
  old.write('two');
  young.write('three');
  // A third connection uses the same event loop: enough time for answers, if there were any.
  const third = connect(await peer.proxies.portOf(2), '127.0.0.1');
  await once(third, 'connect');
  assert.equal(old.bytesRead + young.bytesRead, 'one'.length);
  third.destroy();
  const both = Promise.all([answer(old), answer(young)]);
  peer.proxies.heal();
  assert.deepEqual(await both, ['two', 'three']);
  old.destroy();
  young.destroy();
});

test('while its peer is down a proxy refuses, and open connections break', async () => {
  await using peer = await echo();
  const open = await peer.call();
  open.on('error', () => undefined);
  const closed = once(open, 'close');
  await peer.proxies.close(2);
  await within('the end of the connection', closed, 5000);
  await assert.rejects(peer.call(), { code: 'ECONNREFUSED' });
});

test('the owner of a connection is found among processes, and is null if the port is not in use', async () => {
  await using peer = await echo();
  const socket = await peer.call();
  const { localPort = 0 } = socket;
  assert.equal(await ownerOfPort(localPort, [1, process.pid]), process.pid);
  assert.equal(await ownerOfPort(localPort, []), null);
  assert.equal(await ownerOfPort(1, [process.pid]), null);
  socket.destroy();
});
