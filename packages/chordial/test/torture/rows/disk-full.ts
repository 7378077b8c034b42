/** The disk of a peer fills up, and the peer restarts on it. */
import { fillDisk } from '../fill-disk.ts';
import { untilFull } from '../recovery.ts';
import type { FaultRow } from './fault-row.ts';
import { reckon, seconds } from './reckoning.ts';

export const diskFull: FaultRow = {
  name: 'disk-full',
  what: 'the disk of one peer gets full; it is killed and restarted',
  target: 'nothing acknowledged lost, restart clean',
  peers: 5,
  files: 50,
  async measure({ torture, workload }) {
    const { network, oracle, log } = torture;
    const acknowledged = await fillDisk(torture, workload);
    const tight = network.hosts.find((host) => host.isTight);
    const survived = tight?.pid !== null && tight?.pid !== undefined;
    const since = performance.now();
    await tight?.kill();
    if (tight !== undefined) await network.start(tight);
    const ready = performance.now() - since;
    log.step(`the full peer is back after ${seconds(ready)}`);
    const full = await untilFull(torture, [...oracle.files.values()]);
    const { text, isSound } = await reckon(torture);
    return {
      figure: `${acknowledged} puts acknowledged meanwhile; peer ${survived ? 'survived' : 'DIED'}, ready again after ${seconds(ready)}; full replicas after ${seconds(full)}; ${text}`,
      passed: isSound && survived,
    };
  },
};
