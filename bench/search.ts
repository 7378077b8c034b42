/**
 * How fast words are found: a million postings over 64 peers on this machine, or 16 where it is small, one to three words of some file from a peer at random,
 * each answer compared with a plain scan over all names.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os, { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { seededRandom } from '../simulation/virtual-time.ts';
import { threeDigits } from './alternating.ts';
import { answerOf, ask, peerFlags } from './asked-child.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';
import { type Found, wordsOfFile } from './searching-peer.ts';

/** Where there are fewer cores 64 peers come to no end: they take one and a half for themselves, and each announces in thousands of leaves. */
const coresOf64Peers = 8;
const peerCount = availableParallelism() < coresOf64Peers ? 16 : 64;
const quickPeerCount = 8;
/** Of about eleven postings each. */
const fileCount = 92_000;
const quickFileCount = 4000;
const queryCount = 1000;
const quickQueryCount = 200;
const joinersAtOnce = 4;
const announcingAtOnce = 4;
const targetMilliseconds = 100;
/** Ring and arcs settle before, and repair after so much was announced. */
const settleMilliseconds = 5000;
/** A search gives no more hits than these. */
const maximumHits = 10_000;

export async function searching({ isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const [wanted, files, queries] = isQuick
    ? [quickPeerCount, quickFileCount, quickQueryCount]
    : [peerCount, fileCount, queryCount];
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-bench-'));
  const peers: ChildProcess[] = [];
  try {
    await startPeers(folder, peers, wanted);
    await wait(settleMilliseconds);
    note(`${peers.length} peers are up`);
    const postings = await announceAll(peers, files);
    await wait(settleMilliseconds);
    note(`${postings} postings of ${files} files are announced`);
    const { firsts, lasts, missing, wrong, hits } = await searchAll(peers, files, queries);
    const p99 = quantile(firsts, 0.99);
    const what = `search by words, ${wanted} peers, ${postings} postings`;
    const milliseconds = (times: readonly number[], part: number) => `${threeDigits(quantile(times, part))} ms`;
    return [
      row(`${what}: the first hits, p99`, `${threeDigits(p99)} ms`, {
        target: `≤ ${targetMilliseconds} ms with 64 peers`,
        verdict: verdict(p99 <= targetMilliseconds),
      }),
      row(`${what}: the first hits, p50`, milliseconds(firsts, 0.5)),
      row(`${what}: all hits, p50`, milliseconds(lasts, 0.5)),
      row(`${what}: all hits, p99`, milliseconds(lasts, 0.99)),
      row(`${what}: recall`, `${(100 * (1 - missing / (hits + missing))).toFixed(3)} %`, {
        target: '100 %',
        verdict: verdict(missing === 0),
      }),
      row(`${what}: hits that do not answer`, String(wrong), { target: '0', verdict: verdict(wrong === 0) }),
    ];
  } finally {
    for (const peer of peers) peer.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

async function announceAll(peers: readonly ChildProcess[], files: number): Promise<number> {
  const each = Math.ceil(files / peers.length);
  const waiting = peers.entries();
  let postings = 0;
  const work = async (): Promise<void> => {
    for (const [number, peer] of waiting) {
      const from = number * each;
      const answer = await ask(peer, { announce: { from, count: Math.max(0, Math.min(each, files - from)) } });
      postings += Number(answer['postings']);
    }
  };
  await Promise.all(Array.from({ length: announcingAtOnce }, work));
  return postings;
}

/** One query after the other; queries with more hits than a search gives are counted for their time only. */
async function searchAll(peers: readonly ChildProcess[], files: number, queries: number) {
  const random = seededRandom(7);
  const below = (count: number) => Math.floor(random.next() * count);
  const under = new Map<string, number[]>();
  for (let number = 0; number < files; number++) {
    for (const word of new Set(wordsOfFile(number))) {
      const known = under.get(word);
      if (known === undefined) under.set(word, [number]);
      else known.push(number);
    }
  }
  const [firsts, lasts]: [number[], number[]] = [[], []];
  let [missing, wrong, hits] = [0, 0, 0];
  for (let query = 0; query < queries; query++) {
    const words = wordsOfFile(below(files)).slice(0, 1 + below(3));
    const answers = words.map((word) => new Set(under.get(word)));
    const expected = [...answers[0]!].filter((number) => answers.every((some) => some.has(number)));
    const { found } = await ask(peers[below(peers.length)]!, { search: words.join(' ') });
    const { files: got, first, last } = found as Found;
    firsts.push(first);
    lasts.push(last);
    const gotSet = new Set(got);
    const owed = new Set(expected);
    wrong += got.filter((number) => !owed.has(number)).length;
    if (expected.length > maximumHits) continue;
    missing += expected.filter((number) => !gotSet.has(number)).length;
    hits += gotSet.size;
  }
  return { firsts, lasts, missing, wrong, hits };
}

async function startPeers(folder: string, peers: ChildProcess[], wanted: number): Promise<void> {
  const start = async (join: string): Promise<string> => {
    const program = path.join(import.meta.dirname, 'searching-peer.ts');
    const peer = fork(program, [path.join(folder, `${peers.length}`), join], { execArgv: [...peerFlags] });
    peers.push(peer);
    return String((await answerOf(peer))['address']);
  };
  const first = await start('');
  while (peers.length < wanted)
    await Promise.all(Array.from({ length: Math.min(joinersAtOnce, wanted - peers.length) }, () => start(first)));
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
