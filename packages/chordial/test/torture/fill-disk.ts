/** A host with a small disk joins, and files are put until it is full: the others must continue, and it must not break. */
import type { Torture } from './torture.ts';
import type { Workload } from './workload.ts';

export const tightDiskBytes = 24 * 1024 * 1024;
const fillFileBytes = 2 * 1024 * 1024;
/** A few times the size of the small disk in total, over all hosts. */
const fillFilesPerHost = 8;

/** Resolves with the number of acknowledged puts once all were answered. */
export async function fillDisk(torture: Torture, workload: Workload): Promise<number> {
  const { network, log } = torture;
  let tight = network.up.find((host) => host.isTight);
  if (tight === undefined) {
    tight = await network.add({ diskBytes: tightDiskBytes });
    log.step(`${tight.name} joined with a disk of ${tightDiskBytes / 1024 / 1024} MiB`);
  }
  let acknowledged = 0;
  const files = fillFilesPerHost * network.up.length;
  for (let index = 0; index < files && !torture.signal.aborted; index++) {
    const host = index % 2 === 0 && tight.isUp ? tight : torture.readers[index % torture.readers.length];
    if (host !== undefined && (await workload.putNew(host, fillFileBytes))) acknowledged += 1;
  }
  log.step(`filled: ${acknowledged} of ${files} puts of ${fillFileBytes} bytes were acknowledged`);
  if (tight.pid === null) log.step(`${tight.name} did not survive its full disk: ${tight.process.describe()}`);
  return acknowledged;
}
