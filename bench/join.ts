/**
 * Joins and failures: the cost of a join to a settled ring, the time for 64 peers and for the demonstration to form one
 * ring, and the time until the first peer and until all peers know of a death.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { launcher } from '../packages/chordial/test/end-to-end/command.ts';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import type { PeerProcess } from '../packages/chordial/test/end-to-end/peer-process.ts';
import { until } from '../packages/chordial/test/fixtures/until.ts';
import { median } from './alternating.ts';
import { RunningProgram } from './rivals/program.ts';
import { type BenchOptions, type BenchRow, row, rowsOfParts, verdict } from './row.ts';
import { joinConcurrency, ringOf, ringOfMany } from './settled-rings.ts';

const max = { join: 1, ready: 80, ring: 90, demo: 3, killed: 1.5, silentFirst: 2.5, silentAll: 5 };
const demoPeers = 7;
const faultPeers = 24;
const quickFaultPeers = 5;
/** Peers killed one by one, and then stopped. */
const deathsOfEachKind = 2;
/** Peers that have not learned of the death by then count as uninformed. */
const knownMilliseconds = 15_000;
const betweenDeathsMilliseconds = 5000;
const ringMilliseconds = 120_000;

export function joining(options: BenchOptions): Promise<readonly BenchRow[]> {
  return rowsOfParts([demo, deaths, oneJoin, manyJoins], options);
}

async function oneJoin(options: BenchOptions): Promise<readonly BenchRow[]> {
  const { hosts, join } = await ringOf('large', options);
  const what = `one host joins a settled ring of ${hosts}`;
  return [
    figure(`${what}: CPU of all others`, join.cpu, max.join),
    row(`${what}: questions of all others`, join.questions.toFixed(0)),
    row(`${what}: until it is ready`, `${join.ready.toFixed(2)} s`),
  ];
}

async function manyJoins(options: BenchOptions): Promise<readonly BenchRow[]> {
  const { hosts, ready, ring } = await ringOfMany(options);
  const what = `${hosts} peers started, ${joinConcurrency} at a time`;
  return [
    figure(`${what}: all ready`, ready, max.ready),
    figure(`${what}: one ring, every pointer right`, ring, max.ring),
  ];
}

async function demo(options: BenchOptions): Promise<readonly BenchRow[]> {
  const what = `demo: ${demoPeers} peers are one ring after the last is ready`;
  return [figure(what, await demoSeconds(options), max.demo)];
}

async function deaths(options: BenchOptions): Promise<readonly BenchRow[]> {
  return (await deathsAmong(options)).flatMap(({ how, hosts, first, last, unaware }) => {
    const what = `a peer ${how}, N = ${hosts}, the slower of ${deathsOfEachKind}`;
    const isKill = how === 'killed';
    return [
      isKill
        ? row(`${what}: the first knows`, `${first.toFixed(2)} s`)
        : figure(`${what}: the first knows`, first, max.silentFirst),
      figure(`${what}: all know`, last, isKill ? max.killed : max.silentAll),
      row(`${what}: not told within ${knownMilliseconds / 1000} s`, `${unaware}`, {
        target: '0',
        verdict: verdict(unaware === 0),
      }),
    ];
  });
}

function figure(what: string, seconds: number, limit: number): BenchRow {
  return row(what, `${seconds.toFixed(2)} s`, { target: `≤ ${limit} s`, verdict: verdict(seconds <= limit) });
}

/** From the ready line of the last peer to the line that reports the ring. */
async function demoSeconds({ runs, note }: BenchOptions): Promise<number> {
  await using network = await NetworkFixture.open();
  const environment = await network.environment();
  const seconds: number[] = [];
  for (let run = 1; run <= runs; run++) {
    await using demo = new RunningProgram(
      launcher,
      ['demo', '--once', '--json', '--peers', String(demoPeers)],
      environment,
    );
    let lastReady = performance.now();
    for (;;) {
      const line = await demo.line<{ readonly listen?: string; readonly members?: number }>();
      if (line.listen !== undefined) lastReady = performance.now();
      if (line.members !== undefined) break;
    }
    seconds.push((performance.now() - lastReady) / 1000);
    note(`demo, run ${run} of ${runs}: one ring ${seconds.at(-1)?.toFixed(2)} s after the last was ready`);
  }
  return median(seconds);
}

interface Deaths {
  readonly how: 'killed' | 'stopped';
  readonly hosts: number;
  /** Seconds of the slowest. */
  readonly first: number;
  readonly last: number;
  /** Uninformed peers over all deaths. */
  readonly unaware: number;
}

/** `kill -9` closes connections, SIGSTOP leaves them open and silent, as a pulled cable does. */
async function deathsAmong({ isQuick, note }: BenchOptions): Promise<readonly Deaths[]> {
  await using network = await NetworkFixture.open();
  await (await network.start()).stop();
  const founder = await network.start();
  let ring: PeerProcess[] = [];
  while (1 + ring.length < (isQuick ? quickFaultPeers : faultPeers)) ring.push(await network.start({ join: founder }));
  const all: Deaths[] = [];
  for (const [how, signal] of [
    ['killed', 'SIGKILL'],
    ['stopped', 'SIGSTOP'],
  ] as const) {
    const known: { readonly first: number; readonly last: number; readonly unaware: number }[] = [];
    const hosts = 1 + ring.length;
    for (let death = 1; death <= deathsOfEachKind; death++) {
      await until('one ring', () => network.isIdeal([founder, ...ring]), ringMilliseconds);
      await wait(betweenDeathsMilliseconds);
      const [victim, ...others] = ring as [PeerProcess, ...PeerProcess[]];
      const learnt = await knownAfter(victim, signal, [founder, ...others]);
      known.push(learnt);
      const { first, last, unaware } = learnt;
      note(`${how}: first known after ${first.toFixed(2)} s, last after ${last.toFixed(2)} s, ${unaware} never told`);
      await victim.kill9();
      ring = [...others, await network.start({ join: founder })];
    }
    const slowest = (of: 'first' | 'last'): number => Math.max(...known.map((one) => one[of]));
    const unaware = known.reduce((sum, one) => sum + one.unaware, 0);
    all.push({ how, hosts, first: slowest('first'), last: slowest('last'), unaware });
  }
  return all;
}

/** From the output of the other peers, so that measuring costs them nothing. */
async function knownAfter(
  victim: PeerProcess,
  signal: NodeJS.Signals,
  others: readonly PeerProcess[],
): Promise<{ readonly first: number; readonly last: number; readonly unaware: number }> {
  const { id } = victim.ready;
  const died = Date.now();
  process.kill(victim.pid, signal);
  const told = (): readonly number[] => others.flatMap((peer) => deathTold(peer, id) ?? []);
  await until('all know', () => told().length === others.length, knownMilliseconds).catch(() => undefined);
  const seconds = told().map((at) => (at - died) / 1000);
  const last = seconds.length === others.length ? Math.max(...seconds) : knownMilliseconds / 1000;
  return { first: Math.min(...seconds), last, unaware: others.length - seconds.length };
}

/** When the peer reported the host of this id dead. */
function deathTold(peer: PeerProcess, id: string): number | null {
  for (const line of peer.lines) {
    if (!line.includes('"peer-dead"')) continue;
    const event = JSON.parse(line) as { readonly time: string; readonly detail?: { readonly id?: string } };
    if (event.detail?.id === id) return Date.parse(event.time);
  }
  return null;
}
