/**
 * Latency of word search: up to a million postings over 16 peers on this machine, one to three words of some file at a
 * random peer, each answer compared with a linear scan of all names. Measured at three sizes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { quantile } from '@chordial/ring/simulator';
import { seededRandom } from '@chordial/ring/testing';
import { threeDigits } from './alternating.ts';
import { answerOf, ask, peerFlags } from './asked-child.ts';
import { type BenchOptions, type BenchRow, row, sharedMeasurement, verdict } from './row.ts';
import { type Found, wordsOfFile } from './searching-peer.ts';

const peerCount = 16;
const quickPeerCount = 8;
/** With about eleven postings each. */
const fileCounts = [920, 9200, 92_000];
const quickFileCounts = [100, 1000, 4000];
/** At the largest size, and at the others. */
const queryCounts = { largest: 600, others: 200 };
const joinerConcurrency = 4;
const announceConcurrency = 4;
const targetMilliseconds = 60;
/** For the ring and its arcs to settle, and for repair after the announcements. */
const settleMilliseconds = 5000;
/** Maximum number of hits of a search. */
const maxHits = 10_000;

export interface SearchFigures {
  readonly peers: number;
  readonly postings: number;
  readonly queries: number;
  /** Milliseconds until the first and the last hits, ascending. */
  readonly firsts: readonly number[];
  readonly lasts: readonly number[];
  readonly missing: number;
  readonly wrong: number;
  readonly hits: number;
}

/** One per size, the largest last. */
export const searchFigures = sharedMeasurement(
  async ({ isQuick, note }: BenchOptions): Promise<readonly SearchFigures[]> => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-bench-'));
    const peers: ChildProcess[] = [];
    const figures: SearchFigures[] = [];
    try {
      await startPeers(folder, peers, isQuick ? quickPeerCount : peerCount);
      await wait(settleMilliseconds);
      note(`${peers.length} peers are up`);
      let [announced, postings] = [0, 0];
      const sizes = isQuick ? quickFileCounts : fileCounts;
      for (const files of sizes) {
        postings += await announceAll(peers, announced, files);
        announced = files;
        await wait(settleMilliseconds);
        const wanted = files === sizes.at(-1) ? queryCounts.largest : queryCounts.others;
        const queries = isQuick ? wanted / 10 : wanted;
        note(`${postings} postings of ${files} files are announced: ${queries} searches`);
        figures.push({ peers: peers.length, postings, queries, ...(await searchAll(peers, files, queries)) });
        note(`first hits p50 ${threeDigits(quantile(figures.at(-1)!.firsts, 0.5))} ms`);
      }
      return figures;
    } finally {
      for (const peer of peers) peer.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    }
  },
);

export async function searching(options: BenchOptions): Promise<readonly BenchRow[]> {
  const { peers, postings, queries, firsts, lasts, missing, wrong, hits } = (await searchFigures(options)).at(-1)!;
  const what = `search by words, ${peers} peers, ${postings} postings, ${queries} searches`;
  const p99 = quantile(firsts, 0.99);
  const milliseconds = (times: readonly number[], part: number) => `${threeDigits(quantile(times, part))} ms`;
  return [
    row(`${what}: the first hits, p99`, `${threeDigits(p99)} ms`, {
      target: `≤ ${targetMilliseconds} ms`,
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
}

/** Announces files `from` to `to`; resolves with the number of postings. */
async function announceAll(peers: readonly ChildProcess[], from: number, to: number): Promise<number> {
  const each = Math.ceil((to - from) / peers.length);
  const waiting = peers.entries();
  let postings = 0;
  const work = async (): Promise<void> => {
    for (const [number, peer] of waiting) {
      const first = from + number * each;
      const answer = await ask(peer, { announce: { from: first, count: Math.max(0, Math.min(each, to - first)) } });
      postings += Number(answer['postings']);
    }
  };
  await Promise.all(Array.from({ length: announceConcurrency }, work));
  return postings;
}

/** Sequential queries; those with more than the maximum of hits count only for their time. */
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
    if (expected.length > maxHits) continue;
    missing += expected.filter((number) => !gotSet.has(number)).length;
    hits += gotSet.size;
  }
  const rising = (times: readonly number[]) => times.toSorted((a, b) => a - b);
  return { firsts: rising(firsts), lasts: rising(lasts), missing, wrong, hits };
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
    await Promise.all(Array.from({ length: Math.min(joinerConcurrency, wanted - peers.length) }, () => start(first)));
}
