/** From the command `start` to the ready line, for one more peer in a ring of 7. */
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import { until } from '../packages/chordial/test/fixtures/until.ts';
import { alternate } from './alternating.ts';
import { runProgram } from './rivals/program.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const ringSize = 7;
const maxSeconds = 1.5;

export async function startToReady(options: BenchOptions): Promise<readonly BenchRow[]> {
  await using network = await NetworkFixture.open();
  const ring = await network.startRing(ringSize - 1);
  await until('one ring', () => network.isIdeal(ring), 60_000);
  const [first] = ring;
  if (first === undefined) throw new Error('no peer was started');
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await work();
    return (performance.now() - start) / 1000;
  };
  const measured = await alternate(
    [
      {
        name: 'start to ready, s',
        measure: async () => {
          const joined = Promise.withResolvers<Awaited<ReturnType<typeof network.start>>>();
          const seconds = await timed(async () => joined.resolve(await network.start({ join: first })));
          const peer = await joined.promise;
          await peer.request('/api/v1/node/leave', { method: 'POST' });
          await peer.exited;
          await until('the ring without it', () => network.isIdeal(ring), 60_000);
          return seconds;
        },
      },
      { name: 'node alone, s', measure: () => timed(() => runProgram(process.execPath, ['-e', '0'])) },
    ],
    options,
  );
  const [ours, node] = measured;
  if (ours === undefined) throw new Error('nothing was measured');
  return [
    row(`from start to ready, ring of ${ringSize}`, `${ours.median.toFixed(2)} s`, {
      rival: node === undefined ? '' : `${node.median.toFixed(2)} s (Node that does nothing)`,
      ratio: node === undefined ? '' : (ours.median / node.median).toFixed(1),
      target: `≤ ${maxSeconds} s`,
      verdict: verdict(ours.median <= maxSeconds),
    }),
  ];
}
