/** `NODES VALUES`: bittorrent-dht nodes in one process (UDP, not encrypted), and lookups of immutable values (BEP 44). */
import { once } from 'node:events';
import { promisify } from 'node:util';
import DHT from 'bittorrent-dht';
import { answerLookups } from './lookup_answers.mjs';

const [count, kept] = process.argv.slice(2).map(Number);
const nodes = [];
for (let i = 0; i < count; i++) {
  const bootstrap = i === 0 ? false : [`127.0.0.1:${nodes[0].address().port}`];
  const node = new DHT({ bootstrap, host: '127.0.0.1' });
  nodes.push(node);
  node.listen(0, '127.0.0.1');
  await Promise.all([once(node, 'listening'), i === 0 ? null : once(node, 'ready')]);
}
const values = [];
for (let i = 0; i < kept; i++) {
  const node = nodes[i % count];
  values.push(await promisify(node.put.bind(node))({ v: Buffer.from(`value ${i}`) }));
}
// A node that has the value in its memory would not look it up.
answerLookups(nodes, values, async (node, hash) =>
  Boolean(await promisify(node.get.bind(node))(hash, { cache: false })),
);
