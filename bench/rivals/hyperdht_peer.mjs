/**
 * One end of a HyperDHT stream (Noise over UDX) on loopback: the server sends so many bytes to anyone who connects, the
 * client counts them; nothing is read from or written to a disk.
 *
 *   {"serve": BYTES}                       → {"key": HEX, "bootstrap": N}
 *   {"get": BYTES, "key": HEX, "bootstrap": N} → {"seconds": S}
 */
import { createInterface } from 'node:readline';
import DHT from 'hyperdht';
import createTestnet from 'hyperdht/testnet.js';

const answer = (line) => console.log(JSON.stringify(line));
const chunk = Buffer.alloc(64 * 1024);

async function serve(bytes) {
  const testnet = await createTestnet(3);
  const server = testnet.createNode().createServer(async (socket) => {
    socket.on('error', () => undefined);
    for (let sent = 0; sent < bytes; sent += chunk.length) {
      if (!socket.write(chunk.subarray(0, Math.min(chunk.length, bytes - sent)))) {
        await new Promise((resolve) => socket.once('drain', resolve));
      }
    }
    socket.end();
  });
  await server.listen();
  answer({ key: server.publicKey.toString('hex'), bootstrap: testnet.bootstrap[0].port });
}

function get(bytes, key, bootstrap) {
  const node = new DHT({ host: '127.0.0.1', firewalled: false, bootstrap: [{ host: '127.0.0.1', port: bootstrap }] });
  const start = performance.now();
  const socket = node.connect(Buffer.from(key, 'hex'));
  let counted = 0;
  socket.on('data', (piece) => {
    counted += piece.length;
    if (counted === bytes) answer({ seconds: (performance.now() - start) / 1000 });
  });
  socket.on('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
}

createInterface(process.stdin).on('line', (line) => {
  const order = JSON.parse(line);
  if (order.serve !== undefined) void serve(order.serve);
  else get(order.get, order.key, order.bootstrap);
});
