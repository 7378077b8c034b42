/**
 * Speed of announcing a share: 10^5 files of ten entries each in a ring of 16 peers on this machine, three replicas, a write
 * quorum of two, until every other peer finds any of them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { threeDigits } from './alternating.ts';
import { answerOf, ask, peerFlags } from './asked-child.ts';
import { cpuSeconds, residentBytes } from './chordial-transfer.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const peerCount = 16;
const fileCount = 100_000;
const joinerConcurrency = 3;
const targetSeconds = 8;
const filesLookedFor = 5;
/** Time for the ring and its arcs to settle first. */
const settleMilliseconds = 3000;

export async function announcing({ isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const files = isQuick ? fileCount / 10 : fileCount;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-bench-'));
  const peers: ChildProcess[] = [];
  try {
    const address = await startPeers(folder, peers);
    await new Promise((resolve) => setTimeout(resolve, settleMilliseconds));
    note(`${peers.length} peers are up`);
    const pids = peers.flatMap(({ pid }) => pid ?? []);
    const before = await Promise.all(pids.map(cpuSeconds));
    const start = performance.now();
    const { seconds } = await ask(peers[0]!, { announce: files });
    note(`announced within ${seconds} s, of ${address}`);
    const wanted = Array.from(
      { length: filesLookedFor },
      (_, index) => files - 1 - Math.floor((index * files) / filesLookedFor),
    );
    const found = await Promise.all(peers.slice(1).map((peer) => ask(peer, { find: wanted })));
    const everywhere = (performance.now() - start) / 1000;
    const missing = found.flatMap((answer) => (answer['missing'] as readonly number[] | undefined) ?? [Number.NaN]);
    const memory = Math.max(...(await Promise.all(pids.map(residentBytes))).map(({ highest }) => highest));
    const [announcer = 0, ...holders] = (await Promise.all(pids.map(cpuSeconds))).map((s, i) => s - (before[i] ?? 0));
    return [
      row(
        `announce ${files} shared files, ${peerCount} peers, until all are found everywhere`,
        `${threeDigits(everywhere)} s`,
        {
          target: `≤ ${targetSeconds} s`,
          verdict: verdict(missing.length === 0 && everywhere <= targetSeconds),
        },
      ),
      row('entries announced a second', threeDigits((files * 10) / everywhere)),
      row('files not found from some peer', String(missing.length), {
        target: '0',
        verdict: verdict(missing.length === 0),
      }),
      row('processor time of the announcer', `${threeDigits(announcer)} s`),
      row('processor time of the others together', `${threeDigits(holders.reduce((sum, one) => sum + one, 0))} s`),
      row('memory of a peer at its highest', `${Math.round(memory / 1e6)} MB`),
    ];
  } finally {
    for (const peer of peers) peer.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** Resolves with the address of the first once all are members. */
async function startPeers(folder: string, peers: ChildProcess[]): Promise<string> {
  const start = async (join: string): Promise<string> => {
    const program = path.join(import.meta.dirname, 'announcing-peer.ts');
    const peer = fork(program, [path.join(folder, `${peers.length}`), join], { execArgv: [...peerFlags] });
    peers.push(peer);
    return String((await answerOf(peer))['address']);
  };
  const first = await start('');
  while (peers.length < peerCount)
    await Promise.all(
      Array.from({ length: Math.min(joinerConcurrency, peerCount - peers.length) }, () => start(first)),
    );
  return first;
}
