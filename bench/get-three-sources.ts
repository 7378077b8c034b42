/** The same get from three peers that all hold every block, and from one: several sources must not be slower. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import { alternate, type Contender, threeDigits } from './alternating.ts';
import { metered, TransferCost, timedGet, timedPut } from './chordial-transfer.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';
import { sameBytes } from './same-bytes.ts';

/** Variation of equal medians between sets of runs. */
const noise = 0.03;

export async function getFromThreeSources(options: BenchOptions): Promise<readonly BenchRow[]> {
  await using stack = new AsyncDisposableStack();
  const bytes = (options.isQuick ? 256 : 1024) * mebibyte;
  const fixture = stack.use(await NetworkFixture.open());
  const file = path.join(fixture.folder, 'file');
  await makeRandomFile(file, bytes);
  const getFrom = async (sources: number): Promise<Contender & { readonly cost: TransferCost }> => {
    const network = stack.use(await NetworkFixture.open());
    const ring = await network.startRing(sources);
    const [first] = ring;
    if (first === undefined) throw new Error('no peer was started');
    const client = await network.start({ join: first, flags: ['--quota', '0'] });
    await timedPut(first, 'file', file, { replicas: sources });
    const target = path.join(network.folder, 'got');
    const cost = new TransferCost(bytes);
    return {
      cost,
      name: sources === 1 ? 'one source' : `${sources} sources`,
      measure: async (run) => {
        await rm(target, { force: true });
        const pids = [client, ...ring].map(({ pid }) => pid);
        const { result, cpu } = await metered(pids, () => timedGet(client, 'file', target));
        const [getter = 0, ...holders] = cpu;
        cost.add([getter, holders.reduce((sum, one) => sum + one, 0)]);
        if (run === 1) await sameBytes(file, target);
        return bytes / 1e6 / result;
      },
    };
  };
  const contenders = [await getFrom(3), await getFrom(1)] as const;
  const [three, one] = await alternate(contenders, options);
  if (three === undefined || one === undefined) throw new Error('a get could not be measured');
  const ratio = three.median / one.median;
  return [
    row('get by a client, three sources beside one', `${threeDigits(three.median)} MB/s (${contenders[0].cost})`, {
      rival: `${threeDigits(one.median)} MB/s (one source, ${contenders[1].cost})`,
      ratio: ratio.toFixed(2),
      target: '≥ 1 ×',
      verdict: verdict(ratio >= 1 - noise),
    }),
  ];
}
