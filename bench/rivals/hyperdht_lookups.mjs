/** `NODES VALUES`: a test network of HyperDHT in one process (UDP, encrypted), and lookups of immutable values in it. */
import createTestnet from 'hyperdht/testnet.js';
import { answerLookups } from './lookup_answers.mjs';

const [count, kept] = process.argv.slice(2).map(Number);
const { nodes } = await createTestnet(count);
const values = [];
for (let i = 0; i < kept; i++) {
  const { hash } = await nodes[i % count].immutablePut(Buffer.from(`value ${i}`));
  values.push(hash);
}
answerLookups(nodes, values, async (node, hash) => (await node.immutableGet(hash)) !== null);
