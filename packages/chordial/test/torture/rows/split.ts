/** A partition into two halves, both in use, then healing. */
import { untilConsistent, untilFull } from '../recovery.ts';
import type { Torture } from '../torture.ts';
import { untilReadable } from './all-at-once.ts';
import type { FaultRow } from './fault-row.ts';
import { isWithin, reckon, seconds } from './reckoning.ts';

const oneRingWithinMilliseconds = 60_000;
const filesPerSide = 60;
const fileBytes = 40_000;
const apartMilliseconds = 30_000;

export const split: FaultRow = {
  name: 'partition',
  what: 'partition into halves, both in use, then healing',
  target: 'one ring again ≤ 60 s, both sides’ files readable',
  peers: 8,
  files: 100,
  cuts: true,
  async measure({ torture, workload }) {
    const { network, log } = torture;
    const apart = network.up.filter((_, index) => index % 2 === 1);
    await network.cut(apart);
    torture.apart = new Set(apart);
    const until = performance.now() + apartMilliseconds;
    let put = 0;
    for (let index = 0; performance.now() < until && !torture.signal.aborted; index++) {
      const host = network.up[index % network.up.length];
      if (host === undefined || index > 2 * filesPerSide) await new Promise((resolve) => setTimeout(resolve, 100));
      else if (await workload.putNew(host, fileBytes)) put += 1;
    }
    log.step(`${put} files were put while cut in two; healing`);
    await network.heal();
    const since = performance.now();
    const ring = await untilConsistent(torture, since);
    heal(torture);
    const readable = await untilReadable(torture, since);
    const full = await untilFull(torture, [...torture.oracle.files.values()], since);
    const { text, isSound } = await reckon(torture);
    return {
      figure: `${put} puts while apart; one ring after ${seconds(ring)}, all readable after ${seconds(readable)}, full replicas after ${seconds(full)}; ${text}`,
      passed: isSound && isWithin(ring, oneRingWithinMilliseconds) && readable !== null,
    };
  },
};

function heal(torture: Torture): void {
  torture.apart = new Set();
  torture.oracle.cutIsOver();
}
