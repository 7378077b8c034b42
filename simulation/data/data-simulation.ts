/**
 * Whole peers in virtual time: production ring, records, replication and file verbs on simulated disks. Ring messages and
 * data travel over two virtual networks that are cut, slowed and refused alike.
 *
 * The data path works with promises, so after every event all that it set going must come to rest before the next one:
 * `pass` gives the event loop a turn each time. Nothing in it waits for real time, so one seed gives one history.
 */

import { verifySignature } from '../../src/network/identity.ts';
import { MemoryNetwork } from '../../src/network/memory-transport.ts';
import { RingAdapter } from '../../src/node/ring-adapter.ts';
import type { Signer } from '../../src/records/names.ts';
import type { HostId } from '../../src/ring/pointer.ts';
import type { Milliseconds, Random } from '../../src/ring/ports.ts';
import { DataPath } from '../../src/transfer/data-path.ts';
import { Process } from '../process.ts';
import { RingSimulation, type SimulatedHost, type SimulationOptions } from '../ring-simulation.ts';
import { seededRandom } from '../virtual-time.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { simulatedIdentity } from './simulated-identity.ts';
import { turn, turnsWhile } from './turns.ts';

/** r and w of the simulated network. */
export const copyRule = { replicas: 3, writeQuorum: 2 };
const networkId = '5e'.repeat(32);
const shape = { bits: 64, successors: 4 };
const tryAgainMilliseconds = 500;

export interface DataHost {
  readonly number: number;
  readonly signer: Signer;
  readonly ring: SimulatedHost;
  disk: SimulatedDisk;
  /** The data path of the process that runs; null while none does. */
  path: DataPath | null;
  /** A member with its data path going. */
  isMember: boolean;
  /** Departed for good. */
  hasLeft: boolean;
  /** The ring's observer calls it after every change. */
  changed: () => void;
}

export interface DataSimulationOptions extends Pick<SimulationOptions, 'seed' | 'faults'> {
  /** Of every disk; none unless given. */
  readonly quotaBytes?: number;
  /** Whether the data paths begin what they do by themselves. */
  readonly repairs: boolean;
}

export class DataSimulation {
  readonly ring: RingSimulation;
  readonly hosts: DataHost[] = [];
  readonly random: Random;
  readonly memory: MemoryNetwork;
  readonly #options: DataSimulationOptions;
  readonly #byId = new Map<HostId, DataHost>();

  constructor(options: DataSimulationOptions) {
    const { seed, faults } = options;
    this.random = seededRandom(seed ^ 0xda7a);
    this.#options = options;
    this.ring = new RingSimulation({
      ...shape,
      seed,
      faults,
      virtualNodes: 5,
      smallRings: false,
      cacheCapacity: 1000,
      parallelAsks: 3,
      traced: true,
      contactOf: (number) => ({ host: simulatedIdentity(number).host, addresses: [`10.0.1.${number + 1}:4848`] }),
      observe: (id, event) => {
        if (event.kind === 'committed' || event.kind === 'host') this.#byId.get(id)?.changed();
      },
    });
    this.memory = new MemoryNetwork(this.ring.time.clock(new Process()));
    const { minimumDelay, maximumDelay } = faults;
    this.memory.delay = () => minimumDelay + (maximumDelay - minimumDelay) * this.random.next();
  }

  get now(): Milliseconds {
    return this.ring.time.now;
  }

  get running(): readonly DataHost[] {
    return this.hosts.filter((host) => host.ring.process.isRunning);
  }

  get members(): readonly DataHost[] {
    return this.running.filter((host) => host.isMember);
  }

  /** Lets virtual time pass, and everything happen in it. */
  async pass(duration: Milliseconds): Promise<void> {
    const { time } = this.ring;
    const until = time.now + duration;
    await turn();
    await turnsWhile(() => (time.nextAt ?? Number.POSITIVE_INFINITY) <= until && time.step());
    time.runUntil(until);
  }

  /** Waits until the promise settles, at most so long; undefined when it did not. */
  async waitFor<T>(promise: Promise<T>, patience: Milliseconds): Promise<T | undefined> {
    let settled = false;
    const watched = promise.finally(() => {
      settled = true;
    });
    watched.catch(() => undefined);
    const until = this.now + patience;
    await turn();
    while (!settled && this.now < until) await this.pass(10);
    return settled ? watched : undefined;
  }

  /** A new host; it founds when it is the first and joins otherwise. */
  add(): DataHost {
    const number = this.hosts.length;
    const ring = this.ring.add();
    const quotaBytes = this.#options.quotaBytes ?? Number.POSITIVE_INFINITY;
    const disk = new SimulatedDisk(this.ring.time, this.random, quotaBytes, copyRule.replicas);
    const changed = () => undefined;
    const state = { path: null, isMember: false, hasLeft: false, changed };
    const host: DataHost = { number, signer: simulatedIdentity(number), ring, disk, ...state };
    this.hosts.push(host);
    this.#byId.set(host.signer.host, host);
    this.#launch(host);
    return host;
  }

  /** A new process after a crash, with the same disk, identity and address. */
  restart(host: DataHost): void {
    this.ring.start(host.ring);
    host.ring.ring.remember(this.hosts.filter((other) => other !== host).map((other) => other.ring.contact));
    this.#launch(host);
  }

  /** kill -9. */
  crash(host: DataHost): void {
    host.isMember = false;
    this.memory.setHealth(host.signer.host, 'dead');
    this.ring.crash(host.ring);
    host.changed = () => undefined;
    void host.path?.close();
    host.path = null;
  }

  /** Its disk is lost with it. */
  wipe(host: DataHost): void {
    this.crash(host);
    host.hasLeft = true;
  }

  freeze(host: DataHost): void {
    this.memory.setHealth(host.signer.host, 'silent');
    host.ring.process.freeze();
  }

  thaw(host: DataHost): void {
    if (!host.ring.process.isRunning) return;
    this.memory.setHealth(host.signer.host, 'alive');
    host.ring.process.thaw();
  }

  /** For good: pushes everything, then goes. Rejects when it could not; it is a member still then. */
  async leave(host: DataHost): Promise<void> {
    await host.path?.handOverEverything();
    await new Promise<void>((resolve) => host.ring.ring.leave(true, resolve));
    host.hasLeft = true;
    this.crash(host);
  }

  cut(apart: readonly DataHost[]): void {
    const ids = apart.map((host) => host.signer.host);
    this.ring.network.partition(new Map(ids.map((id) => [id, 1])));
    this.memory.partition([], ids);
  }

  heal(): void {
    this.ring.network.heal();
    this.memory.heal();
  }

  /** Ends what keeps the process alive. */
  close(): void {
    for (const host of this.running) this.crash(host);
    for (const { disk } of this.hosts) disk.close();
  }

  #launch(host: DataHost): void {
    const { signer, ring } = host;
    const { process, contact } = ring;
    const view = new RingAdapter(ring.ring, shape);
    host.changed = () => view.changed();
    const transport = this.memory.transport(signer.host, contact.addresses[0]);
    this.memory.setHealth(signer.host, 'alive');
    const path = new DataPath({
      view,
      transport,
      clock: this.ring.time.clock(process),
      random: this.random,
      ...host.disk.mount(process),
      signer,
      verify: verifySignature,
      networkId,
      teaching: false,
      rule: copyRule,
    });
    host.path = path;
    void transport.serve({
      request: (from, kind, body) => path.request(from, kind, body),
      stream: (from, kind, incoming) => path.stream(from, kind, incoming),
    });
    if (host.number === 0 && this.hosts.length === 1) {
      ring.ring.found();
      this.#joined(host, path);
    } else this.#join(host, path);
  }

  /** Through any that are members; tried again as long as the process lives. */
  #join(host: DataHost, path: DataPath): void {
    const { ring } = host;
    const { process } = ring;
    const again = () => {
      this.ring.time.after(tryAgainMilliseconds, () => process.run(() => this.#join(host, path)));
    };
    const through = this.members.filter((other) => other !== host).map((other) => other.ring.contact);
    if (through.length === 0) again();
    else ring.ring.join(through.slice(0, 3), (failure) => (failure === null ? this.#joined(host, path) : again()));
  }

  #joined(host: DataHost, path: DataPath): void {
    host.isMember = true;
    if (this.#options.repairs) path.begin();
  }
}
