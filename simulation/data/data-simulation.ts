/**
 * Whole peers in virtual time: production ring, records, replication and file verbs on simulated disks. Ring messages and
 * data travel over two virtual networks that are cut, slowed and refused alike.
 *
 * The data path works with promises, so after every event all that it set going must come to rest before the next one:
 * `pass` gives the event loop a turn each time. Nothing in it waits for real time, so one seed gives one history.
 */

import { verifySignature } from '../../src/network/identity.ts';
import { type Admission, OpenMembership } from '../../src/network/membership.ts';
import { MemoryNetwork, type MemoryTransport } from '../../src/network/memory-transport.ts';
import { TransportError } from '../../src/network/transport.ts';
import { RingAdapter } from '../../src/node/ring-adapter.ts';
import type { Signer } from '../../src/records/names.ts';
import { recordMessages } from '../../src/records/record-messages.ts';
import { blockMessages } from '../../src/replication/block-messages.ts';
import type { HostId } from '../../src/ring/pointer.ts';
import type { Milliseconds, Random } from '../../src/ring/ports.ts';
import { DataPath } from '../../src/transfer/data-path.ts';
import { Process } from '../process.ts';
import { RingSimulation, type SimulatedHost, type SimulationOptions } from '../ring-simulation.ts';
import { seededRandom } from '../virtual-time.ts';
import { lyingAnswer, lyingStream } from './liar.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { simulatedIdentity } from './simulated-identity.ts';
import { turn, turnsWhile } from './turns.ts';

/** r and w of the simulated network. */
export const copyRule = { replicas: 3, writeQuorum: 2 };
const networkId = '5e'.repeat(32);
export const ringBits = 64;
const shape = { bits: ringBits, successors: 4 };
const tryAgainMilliseconds = 500;

export interface DataHost {
  readonly number: number;
  readonly signer: Signer;
  readonly lies: boolean;
  readonly ring: SimulatedHost;
  disk: SimulatedDisk;
  /** What it knows of the others, across its restarts. */
  readonly membership: OpenMembership;
  /** The data path of the process that runs; null while none does. */
  path: DataPath | null;
  transport: MemoryTransport | null;
  /** Everything was handed over: what came now would be lost with it. */
  takesNothing: boolean;
  /** A member with its data path going. */
  isMember: boolean;
  /** Departed for good. */
  hasLeft: boolean;
  /** The ring's observer calls it after every change. */
  changed: () => void;
}

export interface DataSimulationOptions extends Pick<SimulationOptions, 'seed' | 'faults'> {
  /** Of the disk of host number i; those beyond the list have none. */
  readonly quotas?: readonly number[];
  /** Whose word counts at once about what may be dropped; `classroom`, everybody's, unless given. */
  readonly admission?: Admission;
  readonly keepOwn?: boolean;
  /** Whether the data paths begin what they do by themselves. */
  readonly repairs: boolean;
  /** How files are cut into blocks; as everywhere unless given. */
  readonly cut?: { readonly leafBytes: number; readonly linksPerNode: number };
  /** What the peers tell of themselves, by the number of the host. */
  readonly told?: (host: number, text: string) => void;
}

export class DataSimulation {
  readonly ring: RingSimulation;
  readonly hosts: DataHost[] = [];
  readonly random: Random;
  readonly memory: MemoryNetwork;
  /** Called before every event, when set. */
  watch: (() => void) | null = null;
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
      virtualNodes: 3,
      smallRings: false,
      cacheCapacity: 1000,
      parallelAsks: 3,
      traced: true,
      contactOf: (number) => ({ host: simulatedIdentity(number).host, addresses: [`10.0.1.${number + 1}:4848`] }),
      observe: (id, event) => {
        if (event.kind === 'committed' || (event.kind === 'host' && event.hadPlaces)) this.#byId.get(id)?.changed();
      },
    });
    this.memory = new MemoryNetwork(this.ring.time.clock(new Process()));
    this.memory.delay = (from, to) => {
      const { minimumDelay, maximumDelay } = this.ring.network.faults;
      this.ring.trace?.note(this.now, 'data', from, to, 'sent');
      return minimumDelay + (maximumDelay - minimumDelay) * this.random.next();
    };
    this.memory.loses = () => this.random.next() < this.ring.network.faults.loss;
    this.memory.doubles = () => this.random.next() < this.ring.network.faults.duplication;
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
    await turnsWhile(() => {
      this.watch?.();
      return (time.nextAt ?? Number.POSITIVE_INFINITY) <= until && time.step();
    });
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

  /**
   * A new host; it founds when it is the first and joins otherwise.
   * @param lies it says that it holds everything, and keeps nothing.
   */
  add({ lies = false } = {}): DataHost {
    const number = this.hosts.length;
    const ring = this.ring.add();
    const quotaBytes = this.#options.quotas?.[number] ?? Number.POSITIVE_INFINITY;
    const disk = new SimulatedDisk(this.ring.time, this.random, quotaBytes, copyRule.replicas);
    const changed = () => undefined;
    const state = { path: null, transport: null, takesNothing: false, isMember: false, hasLeft: false, changed };
    const host: DataHost = {
      number,
      signer: simulatedIdentity(number),
      lies,
      ring,
      disk,
      membership: new OpenMembership(this.#options.admission ?? 'classroom'),
      ...state,
    };
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
    void host.transport?.close();
    host.path = null;
    host.transport = null;
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

  /** For good, as src/node does it: pushes everything, then goes. Rejects when it could not; it is a member still then. */
  async leave(host: DataHost): Promise<void> {
    await host.path?.handOverEverything();
    host.takesNothing = true;
    try {
      await host.path?.handOverEverything();
    } catch (error) {
      host.takesNothing = false;
      throw error;
    }
    await new Promise<void>((resolve) => host.ring.ring.leave(true, resolve));
    host.hasLeft = true;
    this.crash(host);
  }

  /** For a while: what would become rare is given to others, neighbours are told. */
  async stop(host: DataHost): Promise<void> {
    await host.path?.keepReadable(new AbortController().signal);
    await new Promise<void>((resolve) => host.ring.ring.leave(false, resolve));
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
    host.transport = transport;
    host.takesNothing = false;
    const path = new DataPath({
      view,
      transport,
      membership: host.membership,
      keepOwn: this.#options.keepOwn ?? false,
      clock: this.ring.time.clock(process),
      random: this.random,
      ...host.disk.mount(process),
      signer,
      verify: verifySignature,
      networkId,
      teaching: false,
      rule: copyRule,
      ...(this.#options.cut === undefined ? {} : { cut: this.#options.cut }),
      notify: ({ text }) => this.#options.told?.(host.number, text),
      report: (what, other, detail) =>
        this.#options.told?.(host.number, `${what} of ${this.#byId.get(other.host)?.number}: ${detail}`),
    });
    host.path = path;
    void transport.serve({
      request: async (from, kind, body) => {
        const lie = host.lies ? lyingAnswer(kind, body, 'noise') : null;
        if (lie !== null) return lie;
        if (host.takesNothing && kind === recordMessages.put) throw leaving();
        return path.request(from, kind, body);
      },
      stream: async (from, kind, incoming) => {
        if (host.lies) return lyingStream(kind, incoming);
        if (host.takesNothing && kind === blockMessages.put) throw leaving();
        return path.stream(from, kind, incoming);
      },
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
    if (this.#options.repairs && !host.lies) path.begin();
  }
}

function leaving(): TransportError {
  return new TransportError('refused', 'This peer is leaving for good and takes nothing more.', 'not-a-member');
}
