/**
 * Faults of a run. Each step starts and ends with all files fully replicated, so at most r − 1 hosts are out at once: any
 * loss is a bug.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { fillDisk } from './fill-disk.ts';
import type { TortureHost } from './host.ts';
import type { TrackedFile } from './oracle.ts';
import { untilConsistent, untilFull, untilRecovered } from './recovery.ts';
import { replicas, type Torture } from './torture.ts';
import type { Workload } from './workload.ts';

export type Step = (torture: Torture, workload: Workload) => Promise<void>;

/** Minimum of peers for the next steps. */
export const fewestHosts = replicas + 2;

export const steps: Readonly<Record<string, Step>> = {
  kill: async (torture, workload) => {
    const victims = someHosts(torture, 1 + Math.floor(torture.random.next() * (replicas - 1)));
    if (victims.length > 1) await restUntilFull(torture, workload);
    torture.log.step(`kill -9 ${names(victims)}`);
    await takeOut(torture, workload, { victims, step: 'kill' }, (host) => host.kill());
  },

  stop: async (torture, workload) => {
    const victims = someHosts(torture, 1);
    torture.log.step(`SIGINT to ${names(victims)}`);
    await takeOut(torture, workload, { victims, step: 'stop' }, (host) => host.stop());
  },

  wipe: async (torture, workload) => {
    const victims = someHosts(torture, 1 + Math.floor(torture.random.next() * (replicas - 1)));
    await restUntilFull(torture, workload);
    torture.log.step(`kill -9 and lose the disk of ${names(victims)}`);
    const since = performance.now();
    await Promise.all(victims.map((host) => host.wipe()));
    workload.allowWrites();
    await untilRecovered(torture, 'wipe', since);
    await addHosts(torture, victims.length);
  },

  leave: async (torture) => {
    if (torture.network.up.length <= fewestHosts) return addHosts(torture, 1);
    const [host] = someHosts(torture, 1);
    if (host === undefined) return;
    torture.log.step(`${host.name} leaves for good`);
    const since = performance.now();
    await host.leave();
    torture.log.step(`${host.name} has left after ${((performance.now() - since) / 1000).toFixed(1)} s`);
    await untilRecovered(torture, 'leave', since);
  },

  add: (torture) => addHosts(torture, 1 + Math.floor(torture.random.next() * 2)),

  pause: async (torture, workload) => {
    const victims = someHosts(torture, 1 + Math.floor(torture.random.next() * (replicas - 1)));
    if (victims.length > 1) await restUntilFull(torture, workload);
    const milliseconds = torture.between(1000, 10_000);
    torture.log.step(`SIGSTOP ${names(victims)} for ${(milliseconds / 1000).toFixed(1)} s`);
    for (const host of victims) host.pause();
    workload.allowWrites();
    await wait(milliseconds);
    for (const host of victims) host.resume();
    await untilRecovered(torture, 'pause');
  },

  partition: async (torture, workload) => {
    const apart = someHosts(torture, 1 + Math.floor(torture.random.next() * (replicas - 1)));
    await restUntilFull(torture, workload);
    const milliseconds = torture.between(2000, 30_000);
    torture.log.step(`cut ${names(apart)} off for ${(milliseconds / 1000).toFixed(1)} s`);
    torture.apart = new Set(apart);
    await torture.network.cut(apart);
    workload.allowWrites();
    await wait(milliseconds);
    await torture.network.heal();
    torture.log.step('healed');
    await untilRecovered(torture, 'partition');
    torture.apart = new Set();
    torture.oracle.cutIsOver();
  },

  fill: async (torture, workload) => {
    await fillDisk(torture, workload);
    await untilRecovered(torture, 'fill');
  },
};

/** Hosts go down, and return at random before or after repair has replaced their copies. */
async function takeOut(
  torture: Torture,
  workload: Workload,
  { victims, step }: { readonly victims: readonly TortureHost[]; readonly step: string },
  out: (host: TortureHost) => Promise<void>,
): Promise<void> {
  const since = performance.now();
  await Promise.all(victims.map(out));
  workload.allowWrites();
  if (torture.random.next() < 0.5) await untilRecovered(torture, step, since);
  else await wait(torture.between(500, 15_000));
  await bringBack(torture, victims);
  await untilRecovered(torture, `${step}, return`);
}

/** In random order, some concurrently. */
export async function bringBack(torture: Torture, hosts: readonly TortureHost[]): Promise<void> {
  await Promise.all(
    hosts.map(async (host) => {
      await wait(torture.between(0, 1500));
      const since = performance.now();
      await torture.network.start(host);
      torture.log.step(`${host.name} is back, ready after ${((performance.now() - since) / 1000).toFixed(1)} s`);
    }),
  );
}

export async function addHosts(torture: Torture, number: number): Promise<void> {
  const since = performance.now();
  const added = await Promise.all(Array.from({ length: number }, () => torture.network.add()));
  torture.log.step(`${names(added)} joined within ${((performance.now() - since) / 1000).toFixed(1)} s`);
  await untilRecovered(torture, 'join', since);
}

/** Only files with three copies must survive two deaths at once. */
export async function restUntilFull(torture: Torture, workload: Workload): Promise<void> {
  await workload.holdWrites();
  const weak = (file: TrackedFile) => file.state === 'kept' && !file.isFull;
  await untilFull(torture, [...torture.oracle.files.values()].filter(weak));
  await untilConsistent(torture);
}

/** Picks running hosts, fewer if too few would remain. */
export function someHosts({ network, random }: Torture, number: number): readonly TortureHost[] {
  const candidates = [...network.up];
  const chosen: TortureHost[] = [];
  while (chosen.length < number && candidates.length > replicas) {
    chosen.push(...candidates.splice(Math.floor(random.next() * candidates.length), 1));
  }
  return chosen;
}

function names(hosts: readonly TortureHost[]): string {
  return hosts.map(({ name }) => name).join(', ') || 'no one';
}
