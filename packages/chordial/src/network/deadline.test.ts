import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { TransportClosing, within } from './deadline.ts';

const never = new TransportClosing();

/** Nothing else happens in this process meanwhile. */
function holdUp(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test('silence ends at the deadline, and what was begun hears so', async () => {
  let heard = false;
  const silence = within({ deadline: 20 }, never, (wait) => {
    wait.ended = () => {
      heard = true;
    };
    return new Promise(() => undefined);
  });
  await assert.rejects(silence, { failure: 'timeout' });
  assert.equal(heard, true);
});

test('A5 an answer that came while this process was held up is no silence', async () => {
  const server = createServer((socket) => socket.end('answer')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const answer = within({ deadline: 50 }, never, async () => {
    const [bytes] = await once(socket, 'data');
    return String(bytes);
  });
  holdUp(300);
  assert.equal(await answer, 'answer');
  socket.destroy();
  server.close();
});
