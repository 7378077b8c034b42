/**
 * `PEERS VALUES FOLDER`: full peers in one process, started by bench/lookups.ts. They form one ring on loopback over
 * TLS; the values are signed entries with three replicas. Input and output lines as in rivals/lookup_answers.mjs; with
 * `"kind": "owner"` it looks up the owner of a random key instead.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { quantile } from '@chordial/ring/simulator';
import { cidOfBlock, rawCodec } from '../packages/chordial/src/content/cid.ts';
import { parseConfiguration } from '../packages/chordial/src/peer/configuration.ts';

import { type RunningPeer, startPeer } from '../packages/chordial/src/peer/start-peer.ts';
import { recordKeyOfName } from '../packages/chordial/src/records/record-keys.ts';
import { shareBody, shareNameEntry } from '../packages/chordial/src/records/share-entry.ts';

const joinConcurrency = 3;
const bits = 256;

const [count = 0, kept = 0] = process.argv.slice(2, 4).map(Number);
const folder = process.argv[4] ?? '';
const peers = await startAll();
const names = Array.from({ length: kept }, (_, number) => `value ${number}`);
await Promise.all(names.map((name, number) => publish(name, peers[number % count]!)));

createInterface(process.stdin).on('line', (line) => {
  const { lookups, kind } = JSON.parse(line) as { readonly lookups: number; readonly kind?: 'owner' };
  answer(lookups, kind === 'owner' ? lookUpOwner : lookUpValue).then(
    (said) => console.log(JSON.stringify(said)),
    (error: Error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
console.log(JSON.stringify({ ready: true }));

async function startAll(): Promise<readonly RunningPeer[]> {
  const started: RunningPeer[] = [];
  const start = async (join: readonly string[]): Promise<void> => {
    const data = path.join(folder, `peer-${randomBytes(6).toString('hex')}`);
    started.push(await startPeer(parseConfiguration({ data, api: '127.0.0.1:0', listen: '127.0.0.1:0', join })));
  };
  await start([]);
  const join = [started[0]!.status('none').listen];
  let left = count - 1;
  const joinOn = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await start(join);
    }
  };
  await Promise.all(Array.from({ length: joinConcurrency }, joinOn));
  return started;
}

async function publish(name: string, peer: RunningPeer): Promise<void> {
  const root = cidOfBlock(rawCodec, Buffer.from(name));
  const body = shareBody({ size: name.length, type: 'file', time: 0, sha256: null });
  await peer.announcer.announce([[shareNameEntry(name, root, body)]]);
}

async function answer(lookups: number, look: (peer: RunningPeer) => Promise<number>): Promise<object> {
  const taken: number[] = [];
  let hops = 0;
  let failed = 0;
  for (let number = 0; number < lookups; number++) {
    const peer = peers[Math.floor(Math.random() * count)]!;
    const start = performance.now();
    try {
      hops += await look(peer);
      taken.push(performance.now() - start);
    } catch {
      failed += 1;
    }
  }
  taken.sort((a, b) => a - b);
  return { p50: quantile(taken, 0.5), p99: quantile(taken, 0.99), failed, hops: hops / Math.max(1, taken.length) };
}

async function lookUpValue(peer: RunningPeer): Promise<number> {
  const key = recordKeyOfName(names[Math.floor(Math.random() * kept)]!, { bits, teaching: false });
  const found = await peer.shareReader.entriesOf(key, 'name');
  if (found.length !== 1) throw new Error('not found');
  return 0;
}

async function lookUpOwner(peer: RunningPeer): Promise<number> {
  return (await peer.lookup(`key:${randomBytes(bits / 8).toString('hex')}`)).hops;
}
