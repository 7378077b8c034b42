/** `NODES VALUES`: js-libp2p nodes with kad-dht in one process (TCP, Noise, Yamux), and lookups of values. */
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { identify } from '@libp2p/identify';
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { answerLookups } from './lookup_answers.mjs';

const [count, kept] = process.argv.slice(2).map(Number);
const protocol = '/bench/kad/1.0.0';
const text = (key) => new TextEncoder().encode(key);
const nodes = [];
for (let i = 0; i < count; i++) {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol,
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        validators: { value: async () => undefined },
        selectors: { value: () => 0 },
      }),
    },
  });
  if (i > 0) await node.dial(nodes[Math.floor(Math.random() * i)].getMultiaddrs());
  nodes.push(node);
}
for (const node of nodes) await node.services.dht.refreshRoutingTable();
const values = [];
for (let i = 0; i < kept; i++) {
  const key = text(`/value/${i}`);
  for await (const _ of nodes[i % count].services.dht.put(key, text(`value ${i}`)));
  values.push(key);
}
answerLookups(nodes, values, async (node, key) => {
  for await (const event of node.services.dht.get(key)) if (event.name === 'VALUE') return true;
  return false;
});
