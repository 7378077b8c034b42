/** kill -9 at random moments of an operation, repeatedly; each restart must be clean. */
import { setTimeout as wait } from 'node:timers/promises';
import { removeFile } from '../file-requests.ts';
import type { TortureHost } from '../host.ts';
import { pick } from '../oracle.ts';
import { untilConsistent, untilFull } from '../recovery.ts';
import { someHosts } from '../steps.ts';
import type { Torture } from '../torture.ts';
import type { FaultRow, Measured, Scene } from './fault-row.ts';
import { reckon, seconds } from './reckoning.ts';

const rounds = 6;
const putBytes = 3_000_000;
const putConcurrency = 4;
const removalConcurrency = 10;

/** Starts an operation at a host and kills it, or another, before the end. */
type Amid = (scene: Scene) => Promise<void>;

export const amidPut = amid('mid-put', 'kill -9 in the middle of puts', async ({ torture, workload }) => {
  const [publisher, holder] = someHosts(torture, 2);
  if (publisher === undefined || holder === undefined) return;
  const puts = Promise.all(Array.from({ length: putConcurrency }, () => workload.putNew(publisher, putBytes)));
  await wait(torture.between(5, 600));
  await (torture.random.next() < 0.5 ? publisher : holder).kill();
  await puts;
});

export const amidHandOver = amid('mid-hand-over', 'kill -9 in the middle of a join', async ({ torture }) => {
  const { network, log } = torture;
  const joining = network.add();
  // Its start may fail, since it is killed.
  joining.catch((error: Error) => log.detail(error.message));
  await wait(torture.between(700, 3000));
  const newest = network.hosts.at(-1);
  if (newest !== undefined && torture.random.next() < 0.5) await newest.kill();
  else await someHosts(torture, 1)[0]?.kill();
  await Promise.allSettled([joining]);
});

export const amidLeave = amid('mid-leave', 'kill -9 in the middle of a leave', async ({ torture }) => {
  const [host] = someHosts(torture, 1);
  if (host === undefined) return;
  const leaving = host.leave();
  leaving.catch((error: Error) => torture.log.detail(error.message));
  await wait(torture.between(20, 1500));
  // It may have left before the kill.
  if (host.pid !== null) await host.kill();
  await Promise.allSettled([leaving]);
  // It may have left before it was killed; nothing is lost whether it returns or starts again.
  host.state = 'gone';
  await torture.network.add();
});

export const amidRepair = amid('mid-repair', 'kill -9 in the middle of a repair', async ({ torture }) => {
  const [first, second] = someHosts(torture, 2);
  await first?.kill();
  await wait(torture.between(1000, 8000));
  await second?.kill();
});

export const amidCollection = amid('mid-collection', 'kill -9 in the middle of a collection', async ({ torture }) => {
  const removals = Promise.all(Array.from({ length: removalConcurrency }, () => removeOne(torture)));
  // Holders free removed blocks once notified.
  await wait(torture.between(5, 800));
  await someHosts(torture, 1)[0]?.kill();
  await removals;
});

async function removeOne({ oracle, network, random }: Torture): Promise<void> {
  const file = pick(oracle.in('kept'), random);
  const publisher = network.up.find((host) => host.number === file?.host);
  if (file === null || publisher === undefined) return;
  // An interrupted one may or may not have taken effect.
  file.state = 'changing';
  if ((await removeFile(publisher, file.name)).ok) file.state = 'removed';
}

function amid(name: string, what: string, act: Amid): FaultRow {
  return {
    name,
    what,
    target: 'nothing acknowledged lost, nothing half-written served, restart clean',
    peers: 6,
    files: 150,
    async measure(scene) {
      let slowest: number | null = 0;
      let slowestStart = 0;
      for (let round = 1; round <= rounds && slowest !== null && !scene.torture.signal.aborted; round++) {
        await act(scene);
        slowestStart = Math.max(slowestStart, await restartAll(scene.torture));
        const full = await untilWhole(scene.torture);
        scene.torture.log.step(`${name}, round ${round}: full replicas ${seconds(full)} after the restart`);
        slowest = full === null ? null : Math.max(slowest, full);
      }
      return verdict(scene.torture, slowest, slowestStart);
    },
  };
}

async function verdict(torture: Torture, slowest: number | null, slowestStart: number): Promise<Measured> {
  const { text, isSound } = await reckon(torture);
  return {
    figure: `${rounds} rounds: ${text}; slowest restart ${seconds(slowestStart)}, full replicas after ${seconds(slowest)} at most`,
    passed: isSound && slowest !== null,
  };
}

/** Milliseconds of the slowest start; throws on a failed one. */
async function restartAll({ network }: Torture): Promise<number> {
  const times = await Promise.all(
    network.away.map(async (host: TortureHost) => {
      const since = performance.now();
      await network.start(host);
      return performance.now() - since;
    }),
  );
  return Math.max(0, ...times);
}

async function untilWhole(torture: Torture): Promise<number | null> {
  const since = performance.now();
  if ((await untilConsistent(torture, since)) === null) return null;
  return untilFull(torture, [...torture.oracle.files.values()], since);
}
