/** Exhaustion of disk and event loop: unlimited claims, unlimited records, blocks without a name. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { cidOfBlock, rawCodec } from '../../../src/content/cid.ts';
import { createIdentity, type Identity } from '../../../src/network/identity.ts';
import { signEntry } from '../../../src/records/entry.ts';
import { maxEntriesPerMessage, recordMessages } from '../../../src/records/record-messages.ts';
import { blockMessages } from '../../../src/replication/block-messages.ts';
import type { PeerProcess } from '../../end-to-end/peer-process.ts';
import type { FindingAttack, Reached, Scene } from '../finding.ts';
import { HostileMember } from '../hostile-member.ts';

const mebibyte = 1024 * 1024;
const deadline = 20_000;
/** Overhead of the catalogue: free pages, the log. */
const slackBytes = 24 * mebibyte;

export const attacks: readonly FindingAttack[] = [
  {
    finding: 'H4',
    title: 'thousands of claims on a few small blocks',
    before:
      '40 messages made blocks.claim take 4.8 s and /healthz 4.0 s; 16 kB of blocks became 76 MB of catalogue for a day',
    run: (scene) => claimsFlood(scene, (member) => member.identity.host),
  },
  {
    finding: 'H4',
    title: 'the same in the names of publishers that never were',
    before: 'nothing tied the publisher of a claim to its sender',
    run: (scene) => claimsFlood(scene, () => createIdentity().host),
  },
  {
    finding: 'H5',
    title: 'records without end at a peer with a small quota',
    before: 'a peer with --quota 1M took 126 MB of records in 14 s',
    run: recordsFlood,
  },
  {
    finding: 'H5',
    title: 'a member that gives nothing fills others with blocks of no file',
    before: '200 MB of a peer were filled with uncommitted blocks, kept for a day',
    run: blocksFlood,
  },
];

async function claimsFlood(scene: Scene, publisherOf: (member: HostileMember) => string): Promise<Reached> {
  const [peer, member, contact] = await besieged(scene, '100M');
  const blocks = Array.from({ length: 16 }, () => new Uint8Array(randomBytes(100)));
  const cids = blocks.map((bytes) => cidOfBlock(rawCodec, bytes));
  const claimed = [member.identity.host, 'a', 1, 3, 0] as const;
  const offered = cids.map((cid, index) => ({ cid: cid.bytes, size: blocks[index]!.length, claims: [0] }));
  const header = { blocks: offered, claims: [[...claimed]] };
  await member.transport.stream(contact, blockMessages.put.kind, { header, payload: pieces(blocks) }, { deadline });
  let slowest = 0;
  for (let message = 0; message < (scene.isShort ? 12 : 40); message++) {
    const publisher = publisherOf(member);
    const claims = Array.from({ length: 1024 }, (_, number) => [publisher, `n${number}`, 10 + message, 3, 0]);
    const began = performance.now();
    const all = claims.map((_, number) => number);
    const question = { blocks: cids.map((cid) => ({ cid: cid.bytes, claims: all })), claims };
    await member.transport.request(contact, blockMessages.claim.kind, question, { deadline }).catch(() => undefined);
    slowest = Math.max(slowest, performance.now() - began);
  }
  const rows = countOf(peer, 'claims');
  const puts = countOf(peer, 'puts');
  return {
    reached: `blocks.claim took at most ${slowest.toFixed(0)} ms; ${rows} claims of ${puts} puts are kept on 16 blocks`,
    // The event loop counts, measured by /healthz; a busy machine adds to response times.
    held: slowest < 5000 && rows <= 16 * 256 && puts <= 16 * 256,
  };
}

async function recordsFlood(scene: Scene): Promise<Reached> {
  const [peer, member, contact] = await besieged(scene, '1M');
  const end = performance.now() + (scene.isShort ? 8000 : 14_000);
  let [sent, taken] = [0, 0];
  for (let turn = 0; performance.now() < end; turn++) {
    // Publishers are free: a few records of each, and many of its own.
    const signer = turn % 2 === 0 ? member.identity : createIdentity();
    const entries = Array.from({ length: maxEntriesPerMessage }, () => record(signer, member.networkId));
    sent += entries.reduce((sum, { length }) => sum + length, 0);
    const answer = await member.transport
      .request(contact, recordMessages.put.kind, { entries }, { deadline })
      .catch(() => ({ results: [] }));
    const { results } = answer as { results: readonly string[] };
    taken += results.filter((result) => result === 'stored').length;
  }
  const bytes = await catalogueBytes(peer);
  return {
    reached: `of ${megabytes(sent)} sent in ${taken} records taken the catalogue has ${megabytes(bytes)}`,
    held: bytes < 8 * mebibyte + slackBytes,
  };
}

async function blocksFlood(scene: Scene): Promise<Reached> {
  const [peer, member, contact] = await besieged(scene, '100M');
  let taken = 0;
  for (let turn = 0; turn < (scene.isShort ? 10 : 40); turn++) {
    const blocks = Array.from({ length: 4 }, () => new Uint8Array(randomBytes(mebibyte)));
    const claims = [{ publisher: member.identity.host, name: `junk ${turn}`, sequence: turn + 1, replicas: 3 }];
    const offered = blocks.map((bytes) => {
      return { cid: cidOfBlock(rawCodec, bytes), size: bytes.length, claims, relay: 0, repair: false };
    });
    const put = { header: blockMessages.put.encode(offered), payload: pieces(blocks) };
    const answer = await member.transport.stream(contact, blockMessages.put.kind, put, { deadline }).catch(() => null);
    if (answer === null) continue;
    taken +=
      blockMessages.put.decodeAnswer(answer.header, offered).results.filter((result) => result === 'stored').length *
      mebibyte;
    for await (const _ of answer.payload);
  }
  const honest = await peer.request('/api/v1/files/honest', { method: 'PUT', body: randomBytes(mebibyte) });
  return {
    reached: `${megabytes(taken)} of 100 MB taken; a put of the peer's user is answered ${honest.status}`,
    held: taken <= 12 * mebibyte && honest.status === 201,
  };
}

/** Peers with this quota, and a hostile member without storage. */
async function besieged(scene: Scene, quota: string) {
  const [peer] = await scene.ring(2, { flags: ['--quota', quota] });
  const member = await HostileMember.join(peer.ready.listen, scene.network.runtimeFolder);
  scene.ends.defer(() => member[Symbol.asyncDispose]());
  member.lie = {
    request: (_, kind) => (kind === blockMessages.room.kind ? Promise.resolve({ room: 0, gives: 0 }) : null),
  };
  const contact = member.others.find(({ host }) => host === peer.ready.id);
  if (contact === undefined) throw new Error('the member does not know the peer');
  return [peer, member, contact] as const;
}

function record(signer: Identity, networkId: string): Uint8Array {
  const subject = Buffer.from(`word\0spam\0${randomBytes(32).toString('hex')}`);
  const body = { size: 1, type: 'file', sha256: null, time: Date.now(), filler: randomBytes(3000) };
  const unsigned = {
    kind: 'posting',
    subject,
    publisher: signer.host,
    sequence: Date.now(),
    expiry: null,
    body,
  } as const;
  return signEntry(unsigned, networkId, signer.sign).bytes;
}

function countOf(peer: PeerProcess, table: 'claims' | 'puts'): number {
  const catalogue = new DatabaseSync(path.join(peer.dataFolder, 'catalog.sqlite'), { readOnly: true });
  try {
    return Number(catalogue.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']);
  } finally {
    catalogue.close();
  }
}

async function catalogueBytes(peer: PeerProcess): Promise<number> {
  const sizes = ['catalog.sqlite', 'catalog.sqlite-wal'].map(async (name) => {
    const status = await stat(path.join(peer.dataFolder, name)).catch(() => null);
    return status?.size ?? 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

async function* pieces(blocks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* blocks;
}
