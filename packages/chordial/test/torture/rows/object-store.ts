/** Peers whose blocks lie in an object store that goes away, is slow, gets full, and lists what was there before. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ObjectStore, type StoreFault } from '../../fixtures/object-store.ts';
import { untilConsistent, untilFull } from '../recovery.ts';
import { someHosts } from '../steps.ts';
import type { FaultRow, Scene } from './fault-row.ts';
import { reckon, seconds } from './reckoning.ts';

const peersInStore = 4;
const putBytes = 2_500_000;
const putConcurrency = 4;
const awayMilliseconds = 60_000;
const fullMilliseconds = 15_000;
const killings = 4;

export const objectStore: FaultRow = {
  name: 's3',
  what: 'blocks in an object store: away for a minute, peers killed in the middle of puts, full, an older listing',
  target: 'nothing acknowledged lost, nothing wrong served, restart clean',
  peers: 3,
  files: 60,
  async measure(scene) {
    await using store = await ObjectStore.open();
    const { torture, workload } = scene;
    const { network, oracle, log } = torture;
    await moveInto(store, scene);
    const whole = async (): Promise<number | null> => {
      const since = performance.now();
      const isConsistent = (await untilConsistent(torture, since)) !== null;
      return isConsistent ? untilFull(torture, [...oracle.files.values()], since) : null;
    };
    const times = [await whole()];
    log.step(`${store.blockKeys.length} objects in the store`);

    store.fault = () => ({ status: 503, code: 'SlowDown' });
    await putFor(scene, awayMilliseconds);
    store.fault = () => undefined;
    times.push(await whole());
    log.step(`away for a minute: full replicas after ${seconds(times.at(-1) ?? null)}`);

    for (let round = 0; round < killings && !torture.signal.aborted; round++) {
      const fault: StoreFault = round % 2 === 0 ? 'lost-answer' : 'silence';
      store.fault = ({ method }) => (method === 'PUT' && torture.random.next() < 0.3 ? fault : undefined);
      const [publisher, holder] = someHosts(torture, 2);
      if (publisher === undefined || holder === undefined) break;
      store.oldListing = round % 2 === 0 ? store.blockKeys : null;
      const puts = Promise.all(Array.from({ length: putConcurrency }, () => workload.putNew(publisher, putBytes)));
      await wait(torture.between(50, 1500));
      await holder.kill();
      await publisher.kill();
      await puts;
      store.fault = () => undefined;
      for (const host of network.away) await network.start(host);
      times.push(await whole());
      log.step(`killed, round ${round + 1}: full replicas after ${seconds(times.at(-1) ?? null)}`);
      store.oldListing = null;
    }

    store.fault = ({ method }) => (method === 'PUT' ? { status: 507, code: 'XMinioStorageFull' } : undefined);
    await putFor(scene, fullMilliseconds);
    store.fault = () => undefined;
    times.push(await whole());
    const { text, isSound } = await reckon(torture);
    const slowest = times.includes(null) ? null : Math.max(...times.map(Number));
    return {
      figure: `${text}; ${store.blockKeys.length} objects; full replicas after ${seconds(slowest)} at most`,
      passed: isSound && slowest !== null,
    };
  },
};

/** Those that keep blocks on disk leave: every large block is in the store then, and nowhere else. */
async function moveInto(store: ObjectStore, { torture, workload, files }: Scene): Promise<void> {
  const { network, log } = torture;
  const onDisk = [...network.up];
  const keys = path.join(network.folder, 's3.keys');
  await mkdir(network.folder, { recursive: true });
  await writeFile(keys, '[default]\naws_access_key_id = AKID\naws_secret_access_key = of-the-torture\n', {
    mode: 0o600,
  });
  const place = ['--blocks', `s3://${store.bucket}/torture`, '--s3-endpoint', store.endpoint, '--s3-keys', keys];
  for (let added = 0; added < peersInStore; added++)
    await network.add({ flags: [...place, '--cache', added % 2 === 0 ? '0' : '8M', '--zone', `zone-${added}`] });
  for (const host of onDisk) await host.leave();
  log.step(`${peersInStore} peers with their blocks in the store, the others have left`);
  for (let put = 0; put < files / 4; put++) {
    const host = torture.readers[put % torture.readers.length];
    if (host !== undefined) await workload.putNew(host, putBytes);
  }
}

/** Puts all the time; most fail while no host can keep a block. */
async function putFor({ torture, workload }: Scene, milliseconds: number): Promise<void> {
  const until = performance.now() + milliseconds;
  const work = async (): Promise<void> => {
    while (performance.now() < until && !torture.signal.aborted) {
      const [host] = someHosts(torture, 1);
      if (host !== undefined) await workload.putNew(host, putBytes);
      await wait(200);
    }
  };
  await Promise.all([work(), work()]);
}
