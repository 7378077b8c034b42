/** Contents larger than declared: a terabyte declared as 12 bytes, and a billion entries from four blocks. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import { type Block, cidOfBlock, rawCodec } from '../../../src/content/cid.ts';
import { encodeDirectoryNode, encodeFileNode } from '../../../src/content/unixfs.ts';
import { signEntry } from '../../../src/records/entry.ts';
import { nameEntry } from '../../../src/records/name-entry.ts';
import { recordMessages } from '../../../src/records/record-messages.ts';
import { blockMessages } from '../../../src/replication/block-messages.ts';
import type { PeerProcess } from '../../end-to-end/peer-process.ts';
import type { FindingAttack, Reached, Scene } from '../finding.ts';
import { HostileMember } from '../hostile-member.ts';

const mebibyte = 1024 * 1024;
const deadline = 20_000;
/** Tolerance, since other processes write to the disk. */
const slackBytes = 512 * mebibyte;

export const attacks: readonly FindingAttack[] = [
  {
    finding: 'M2',
    title: 'three blocks under a name of 12 bytes are a terabyte',
    before: 'ls and stat said 12 B; get wrote 6.4 GB in 15 s, and went on after its command had been killed',
    run: terabyte,
  },
  {
    finding: 'M3',
    title: 'a folder of a thousand million entries from four blocks',
    before: '?path= never ended: after its client had gone the peer went on at 90 % of a core',
    run: endlessFolder,
  },
];

async function terabyte(scene: Scene): Promise<Reached> {
  const { network } = scene;
  const name = '12 bytes';
  const leaf = blockOf(Buffer.alloc(mebibyte, 'x'));
  const below = fileOf(leaf, mebibyte);
  const top = fileOf(below, 1024 * mebibyte);
  const [peer] = await published(scene, { name, size: 12, type: 'file' }, [leaf, below, top]);
  const folder = path.join(network.folder, 'targets');
  await mkdir(folder);
  const before = await freeBytes(folder);
  const target = path.join(folder, 'got');
  const home = path.join(network.folder, 'home');
  const elsewhere = { ...process.env, HOME: home, XDG_RUNTIME_DIR: folder, CHORDIAL_API_TOKEN: peer.token };
  const commands = [
    await network.command(['get', name, '-o', target, '--json'], peer),
    // Without the local key the bytes are streamed.
    await network.command(['get', name, '-o', target, '--json'], peer, { environment: elsewhere }),
    await network.command(['stat', name, '--json'], peer),
  ];
  const codes = commands.map(({ exit, stderr }) => `${exit} ${/"code":"([a-z-]+)"/.exec(stderr)?.[1] ?? 'no code'}`);
  const route = `/api/v1/files/${encodeURIComponent(name)}`;
  const answers = [
    await answerOf(peer, route),
    await answerOf(peer, route, { headers: { Range: 'bytes=4-7' } }),
    await answerOf(peer, `${route}/stat`),
  ];
  const written = Math.max(0, before - (await freeBytes(folder)));
  const left = await readdir(folder);
  return {
    reached: `get, get as a stream and stat end with ${codes.join(', ')}; the API answers ${answers.join(', ')}; ${left.length} files are left, ${Math.round(written / mebibyte)} MiB of the disk gone`,
    held:
      codes.every((code) => code === '1 bad-content') &&
      answers.every((answer) => answer === '502 bad-content') &&
      left.length === 0 &&
      !existsSync(target) &&
      written < slackBytes,
  };
}

async function endlessFolder(scene: Scene): Promise<Reached> {
  const name = 'endless';
  const leaf = blockOf(Buffer.from('x'));
  const blocks: Block[] = [leaf];
  for (let level = 0; level < 3; level++) {
    const { cid } = blocks.at(-1) as Block;
    blocks.push(encodeDirectoryNode(Array.from({ length: 1000 }, (_, n) => ({ name: `n${n}`, cid, size: 1 }))));
  }
  const [peer] = await published(scene, { name, size: 10 ** 9, type: 'directory' }, blocks);
  const route = `/api/v1/files/${name}`;
  const began = performance.now();
  const found = await peer.request(`${route}?path=n999/n999/n999`);
  const bytes = await found.text();
  const absent = await answerOf(peer, `${route}?path=n999/n999/none`);
  const milliseconds = performance.now() - began;
  // Requests whose clients disconnect: an absent path, and a full listing.
  const clients = Array.from({ length: scene.isShort ? 4 : 12 }, (_, number) => {
    const asked = number % 2 === 0 ? route : `${route}?path=n0/n0/none${number}`;
    const client = new AbortController();
    const answer = peer.request(asked, { signal: client.signal }).then((response) => response.arrayBuffer());
    answer.catch(() => undefined);
    return client;
  });
  await wait(scene.isShort ? 1000 : 5000);
  for (const client of clients) client.abort();
  await wait(1000);
  const used = await cpuShare(peer, scene.isShort ? 3000 : 10_000);
  return {
    reached: `a path in it is answered ${found.status} with ${JSON.stringify(bytes)} and one that is not there ${absent}, after ${milliseconds.toFixed(0)} ms; with ${clients.length} clients gone the peer takes ${Math.round(used * 100)} % of a core`,
    held: found.status === 200 && bytes === 'x' && absent === '404 not-found' && milliseconds < 10_000 && used < 0.3,
  };
}

interface Said {
  readonly name: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
}

/** Peers that received these blocks from a member, and a name for the last one. */
async function published(scene: Scene, said: Said, blocks: readonly Block[]): Promise<readonly [PeerProcess]> {
  const [peer] = await scene.ring(2);
  const member = await HostileMember.join(peer.ready.listen, scene.network.runtimeFolder);
  scene.ends.defer(() => member[Symbol.asyncDispose]());
  const { host, sign } = member.identity;
  const claims = [{ publisher: host, name: said.name, sequence: 1, replicas: 3 }];
  const header = blockMessages.put.encode(
    blocks.map(({ cid, bytes }) => ({ cid, size: bytes.length, claims, relay: 0, repair: false })),
  );
  const { cid } = blocks.at(-1) as Block;
  const content = { ...said, cid, sha256: null, blocks: blocks.length };
  const entry = signEntry(
    nameEntry(content, { publisher: host, sequence: 1, time: Date.now(), expiry: null }),
    member.networkId,
    sign,
  ).bytes;
  for (const contact of member.others) {
    const payload = piecesOf(blocks);
    const answer = await member.transport.stream(contact, blockMessages.put.kind, { header, payload }, { deadline });
    for await (const _ of answer.payload);
    const taken = await member.transport.request(contact, recordMessages.put.kind, { entries: [entry] }, { deadline });
    const results = [...(answer.header as { results: string[] }).results, ...(taken as { results: string[] }).results];
    // A host may already have it from another.
    if (results.some((result) => !['stored', 'present', 'known'].includes(result)))
      throw new Error(`not taken: ${results.join(' ')}`);
  }
  return [peer];
}

function blockOf(bytes: Uint8Array): Block {
  return { cid: cidOfBlock(rawCodec, bytes), bytes };
}

/** Links the same block 1024 times. @param size of the bytes below it */
function fileOf({ cid }: { readonly cid: CID }, size: number): Block {
  return encodeFileNode(Array.from({ length: 1024 }, () => ({ cid, size, storedBytes: size })));
}

async function* piecesOf(blocks: readonly Block[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { bytes } of blocks) yield bytes;
}

/** Status and code, as `502 bad-content`, or that the response was truncated. */
async function answerOf(peer: PeerProcess, route: string, init: RequestInit = {}): Promise<string> {
  const response = await peer.request(route, init);
  const text = await response.text().catch(() => 'interrupted');
  return `${response.status} ${/"code":"([a-z-]+)"/.exec(text)?.[1] ?? text.slice(0, 20)}`;
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Of one core, over this time. */
async function cpuShare({ ready }: PeerProcess, milliseconds: number): Promise<number> {
  const before = cpuMilliseconds(ready.pid);
  await wait(milliseconds);
  return (cpuMilliseconds(ready.pid) - before) / milliseconds;
}

/** From the system, in hundredths of a second. */
function cpuMilliseconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
