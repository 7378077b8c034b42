/** `node forward.ts SOCKET PORT`, run inside a namespace: continues connections to a socket of the file system to a port of its loopback. */
import { connect, createServer } from 'node:net';

const [socket = '', port = ''] = process.argv.slice(2);
createServer((outer) => {
  const inner = connect(Number(port), '127.0.0.1');
  outer.pipe(inner).pipe(outer);
  outer.on('error', () => inner.destroy()).once('close', () => inner.destroy());
  inner.on('error', () => outer.destroy()).once('close', () => outer.destroy());
}).listen(socket, () => console.log('listening'));
// The pipe ends with the process that started this one.
process.stdin.resume().once('end', () => process.exit());
