/** Peers whose blocks lie in an object store, which fails in all the ways that stores do. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ObjectStore, type StoreFault } from '../../fixtures/object-store.ts';
import { finalCheck } from '../final-check.ts';
import type { TortureHost } from '../host.ts';
import { untilConsistent, untilFull } from '../recovery.ts';
import { someHosts } from '../steps.ts';
import type { FaultRow, Scene } from './fault-row.ts';
import { reckon, seconds } from './reckoning.ts';

const peersInStore = 5;
const putBytes = 2_500_000;
const putConcurrency = 4;
const awayMilliseconds = 60_000;
const shortMilliseconds = 15_000;
const slowMilliseconds = 1500;
/** Share of requests that a fault meets, where it does not meet all. */
const share = 0.3;
const lostObjects = 20;

/** Ends with the store as it should be. Resolves with what was not as promised. */
type Phase = (store: ObjectStore, scene: Scene) => Promise<string | null>;

const phases: Readonly<Record<string, Phase>> = {
  'away for a minute': failing(awayMilliseconds, () => ({ status: 503, code: 'SlowDown' })),
  'keys refused': failing(shortMilliseconds, () => ({ status: 403, code: 'InvalidAccessKeyId' })),
  full: failing(shortMilliseconds, ({ method }) =>
    method === 'PUT' ? { status: 507, code: 'XMinioStorageFull' } : undefined,
  ),
  slow: async (store, scene) => {
    store.delay = slowMilliseconds;
    return puttingAndReading(scene);
  },
  'wrong bytes': async (store, scene) => {
    const faults: readonly StoreFault[] = ['wrong-bytes', 'shorter', 'truncated'];
    const { random } = scene.torture;
    store.fault = ({ method, key }) =>
      method === 'GET' && key !== null && random.next() < share
        ? faults[Math.floor(random.next() * faults.length)]
        : undefined;
    return puttingAndReading(scene);
  },
  'killed amid puts, answers lost, an older listing': killing('lost-answer', (store) => {
    store.oldListing = store.blockKeys;
  }),
  'killed amid puts, no answers': killing('silence', () => undefined),
  'killed, objects lost': killing('reset', (store, [first]) => {
    const own = store.blockKeys.filter((key) => key.includes(`/${first.process.ready.id}/`));
    for (const key of own.slice(0, lostObjects)) store.objects.delete(key);
  }),
};

export const objectStore: FaultRow = {
  name: 's3',
  what: 'blocks in an object store: away, refusing, full, slow, wrong, with objects lost, and peers killed in the middle of puts',
  target: 'nothing acknowledged lost, nothing wrong served, restart clean',
  peers: 3,
  files: 60,
  async measure(scene) {
    await using store = await ObjectStore.open();
    const { torture } = scene;
    const { oracle, log, signal } = torture;
    await moveInto(store, scene);
    const broken: string[] = [];
    let slowest = 0;
    for (const [name, phase] of [['moved into the store', async () => null] as const, ...Object.entries(phases)]) {
      if (signal.aborted) break;
      const told = await phase(store, scene);
      Object.assign(store, { fault: () => undefined, delay: 0 });
      const since = performance.now();
      const isConsistent = (await untilConsistent(torture, since)) !== null;
      const full = isConsistent ? await untilFull(torture, [...oracle.files.values()], since) : null;
      store.oldListing = null;
      log.step(`${name}: ${told ?? 'as promised'}, full replicas after ${seconds(full)}`);
      if (told !== null || full === null) broken.push(name);
      slowest = Math.max(slowest, full ?? Number.POSITIVE_INFINITY);
    }
    const { text, isSound } = await reckon(torture);
    const objects = `${store.blockKeys.length} objects after ${store.requests.length} requests`;
    const failed = broken.length === 0 ? '' : `; NOT as promised: ${broken.join(', ')}`;
    return {
      figure: `${text}; ${objects}; full replicas after ${seconds(slowest)} at most${failed}`,
      passed: isSound && broken.length === 0,
    };
  },
};

/** Puts all the time; none is acknowledged while no host can keep a block. */
function failing(milliseconds: number, fault: ObjectStore['fault']): Phase {
  return async (store, { torture, workload }) => {
    store.fault = fault;
    const until = performance.now() + milliseconds;
    let tried = 0;
    let taken = 0;
    const work = async (): Promise<void> => {
      while (performance.now() < until && !torture.signal.aborted) {
        const [host] = someHosts(torture, 1);
        tried += 1;
        if (host !== undefined && (await workload.putNew(host, putBytes))) taken += 1;
        await wait(200);
      }
    };
    await Promise.all([work(), work()]);
    return taken === 0 ? null : `${taken} of ${tried} puts acknowledged`;
  };
}

/** What is there can be read all the while, and more is taken. */
async function puttingAndReading({ torture, workload }: Scene): Promise<string | null> {
  let failed = 0;
  for (const host of torture.readers) if (!(await workload.putNew(host, putBytes))) failed += 1;
  const { lost, wrong } = await finalCheck(torture);
  if (failed + lost.length + wrong.length === 0) return null;
  return `${failed} puts failed, ${lost.length} files not read, ${wrong.length} wrong`;
}

/** Two peers are killed while one puts and requests fail. What `before` does happens while they are down. */
function killing(
  fault: StoreFault,
  before: (store: ObjectStore, down: readonly [TortureHost, TortureHost]) => void,
): Phase {
  return async (store, { torture, workload }) => {
    const { network, random } = torture;
    const [publisher, holder] = someHosts(torture, 2);
    if (publisher === undefined || holder === undefined) return 'too few peers to kill two';
    store.fault = ({ method }) => (method === 'PUT' && random.next() < share ? fault : undefined);
    const puts = Promise.all(Array.from({ length: putConcurrency }, () => workload.putNew(publisher, putBytes)));
    await wait(torture.between(50, 1500));
    await holder.kill();
    await publisher.kill();
    await puts;
    before(store, [holder, publisher]);
    store.fault = () => undefined;
    for (const host of network.away) await network.start(host);
    return null;
  };
}

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
