/**
 * Whole peers in virtual time: production ring, records, replication and file verbs on simulated disks. Ring messages and
 * data use two virtual networks with the same faults.
 *
 * The data path uses promises, which must settle between events: `pass` gives the event loop a turn each time. Nothing
 * waits for real time, so one seed gives one history.
 */

import type { Contact, HostId, Milliseconds, Random } from '@chordial/ring';
import { RingSimulation, type SimulatedHost, type SimulationOptions } from '@chordial/ring/simulator';
import { Process, seededRandom } from '@chordial/ring/testing';
import { verifySignature } from '../../src/network/identity.ts';
import { MembersExchange } from '../../src/network/members-exchange.ts';
import type { AdmissionMode } from '../../src/network/membership.ts';
import { MemoryNetwork, type MemoryTransport } from '../../src/network/memory-transport.ts';
import { TransportError } from '../../src/network/transport.ts';
import { buildData, type Data } from '../../src/peer/data.ts';
import { changesPlaces, RingAdapter } from '../../src/peer/ring-adapter.ts';
import type { Signer } from '../../src/records/names.ts';
import { lyingAnswer, lyingStream } from './liar.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { simulatedIdentity } from './simulated-identity.ts';
import { SimulatedMembership } from './simulated-membership.ts';
import { SimulatedRelays } from './simulated-relays.ts';
import { turn, turnsWhile } from './turns.ts';

function contactOf(number: number, zone: string | null): Contact {
  const { host } = simulatedIdentity(number);
  return { host, addresses: [`10.0.1.${number + 1}:4848`], ...(zone !== null && { zone }) };
}

/** r and w of the simulated network. */
export const copyRule = { replicas: 3, writeQuorum: 2 };
const networkId = '5e'.repeat(32);
export const ringBits = 64;
const shape = { bits: ringBits, successors: 4 };
const tryAgainMilliseconds = 500;
/** Without a partition a removal reaches every member within this time; then the removed host has no neighbours. */
const spreadWithin: Milliseconds = 30_000;
const afterwards: Milliseconds = 10_000;

export interface DataHost {
  readonly number: number;
  readonly signer: Signer;
  readonly lies: boolean;
  readonly ring: SimulatedHost;
  disk: SimulatedDisk;
  /** Its membership knowledge, persistent across restarts. */
  readonly membership: SimulatedMembership;
  /** Gossips removals; null while no process runs. */
  exchange: MembersExchange | null;
  /** Null while no process runs. */
  data: Data | null;
  transport: MemoryTransport | null;
  /** A member with a running data path. */
  isMember: boolean;
  /** Left for good. */
  hasLeft: boolean;
  /** Called after every change of the ring. */
  changed: () => void;
  /** The same of another host that may have restarted. */
  restarted: (host: HostId) => void;
}

export interface DataSimulationOptions extends Pick<SimulationOptions, 'seed' | 'faults'> {
  /** Quota of host number i; hosts beyond the list have none. */
  readonly quotas?: readonly number[];
  /** Kind of admission, which decides when proofs count; `classroom`, at once, by default. */
  readonly admission?: AdmissionMode;
  readonly keepOwn?: boolean;
  /** Zone of host number i; none by default. */
  readonly zoneOf?: (number: number) => string | null;
  /** Whether host number i can be reached only through others; none by default. */
  readonly isHidden?: (number: number) => boolean;
  /** Whether the data paths run their background work. */
  readonly repairs: boolean;
  /** How files are cut into blocks; production settings by default. */
  readonly cut?: { readonly leafBytes: number; readonly linksPerNode: number };
  /** Log lines of the peers, by host number. */
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
  readonly #stops = new Map<DataHost, () => void>();
  readonly relays: SimulatedRelays<DataHost>;
  /** Called for every data-path question that a host receives. */
  answered: ((host: DataHost, from: HostId) => void) | null = null;

  constructor(options: DataSimulationOptions) {
    const { seed, faults } = options;
    this.random = seededRandom(seed ^ 0xda7a);
    this.#options = options;
    this.ring = new RingSimulation({
      ...shape,
      seed,
      faults,
      virtualNodes: shape.successors + 1,
      smallRings: false,
      cacheCapacity: 1000,
      parallelAsks: 3,
      traced: true,
      contactOf: (number) => contactOf(number, options.zoneOf?.(number) ?? null),
      observe: (id, event) => {
        if (changesPlaces(event)) this.#byId.get(id)?.changed();
        if (event.kind === 'restarted') this.#byId.get(id)?.restarted(event.contact.host);
      },
    });
    this.memory = new MemoryNetwork(this.ring.time.clock(new Process()));
    this.memory.delay = (from, to) => {
      const { minDelay, maxDelay } = this.ring.network.faults;
      this.ring.trace?.note(`${this.now} data ${from} ${to} sent`);
      return minDelay + (maxDelay - minDelay) * this.random.next();
    };
    this.memory.loses = () => this.random.next() < this.ring.network.faults.loss;
    this.ring.network.admits = (at, from) => !(this.#byId.get(at)?.membership.isRemoved(from) ?? false);
    this.relays = new SimulatedRelays<DataHost>(this, options.isHidden ?? (() => false));
    this.memory.leads = (from, to) => this.relays.leads(from, to);
    this.ring.network.leads = (from, to) => this.relays.leads(from, to);
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

  /** Advances virtual time and runs all its events. */
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

  /** Waits until the promise settles; undefined after the limit. */
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
   * A new host; the first founds, others join.
   * @param lies it claims to hold everything and stores nothing.
   */
  add({ lies = false } = {}): DataHost {
    const number = this.hosts.length;
    const ring = this.ring.add();
    const quotaBytes = this.#options.quotas?.[number] ?? Number.POSITIVE_INFINITY;
    const disk = new SimulatedDisk(this.ring.time, this.random, quotaBytes, copyRule.replicas);
    const changed = () => undefined;
    const clock = this.ring.time.clock(new Process());
    const admission = this.#options.admission ?? 'classroom';
    const membership = new SimulatedMembership(admission, simulatedIdentity(number), () => clock.wallTime());
    const state = {
      data: null,
      transport: null,
      exchange: null,
      isMember: false,
      hasLeft: false,
      changed,
      restarted: () => undefined,
    };
    const host: DataHost = {
      number,
      signer: simulatedIdentity(number),
      lies,
      ring,
      disk,
      membership,
      ...state,
    };
    this.hosts.push(host);
    this.#byId.set(host.signer.host, host);
    this.#launch(host);
    return host;
  }

  /** Restarts a crashed host with the same disk, identity and address, in another zone if one is given. */
  restart(host: DataHost, zone = host.ring.contact.zone ?? null): void {
    this.ring.start(host.ring, contactOf(host.number, zone));
    host.ring.ring.remember(this.hosts.filter((other) => other !== host).map((other) => other.ring.contact));
    this.#launch(host);
  }

  /** kill -9. */
  crash(host: DataHost): void {
    host.isMember = false;
    this.memory.setHealth(host.signer.host, 'dead');
    this.ring.crash(host.ring);
    host.changed = () => undefined;
    host.restarted = () => undefined;
    void host.data?.close();
    void host.transport?.close();
    host.exchange?.close();
    host.exchange = null;
    this.#stops.get(host)?.();
    host.data = null;
    host.transport = null;
  }

  /** A crash that also loses the disk. */
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

  /** Permanent leave, as in src/peer: drains, then leaves. Rejects if it could not; it then remains a member. */
  async leave(host: DataHost): Promise<void> {
    await host.data?.handOverEverything();
    await new Promise<void>((resolve) => host.ring.ring.leave(true, resolve));
    host.hasLeft = true;
    this.crash(host);
  }

  /** Temporary stop: pushes items that would become rare and notifies its neighbours. */
  async stop(host: DataHost): Promise<void> {
    await host.data?.drainOnStop(new AbortController().signal);
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

  /** Closes everything that keeps the process alive. */
  close(): void {
    for (const host of this.running) this.crash(host);
    for (const { disk } of this.hosts) disk.close();
  }

  #launch(host: DataHost): void {
    const { signer, ring } = host;
    const { process, contact } = ring;
    const view = new RingAdapter(ring.ring, shape);
    host.changed = () => view.changed();
    host.restarted = (other) => view.restarted(other);
    const transport = this.memory.transport(signer.host, contact.addresses[0]);
    this.memory.setHealth(signer.host, 'alive');
    host.transport = transport;
    this.relays.started(host);
    const data = buildData({
      storage: host.disk.mount(process),
      view,
      transport,
      membership: host.membership,
      keepOwn: this.#options.keepOwn ?? false,
      clock: this.ring.time.clock(process),
      random: this.random,
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
    host.data = data;
    this.#exchangeOf(host, transport, process).answerIn(data.registry);
    void transport.serve({
      request: async (from, kind, body) => {
        this.#letIn(host, from.host);
        const lie = host.lies ? lyingAnswer(kind, body, 'noise') : null;
        if (lie !== null) return lie;
        return data.registry.request(from, kind, body);
      },
      stream: async (from, kind, incoming) => {
        this.#letIn(host, from.host);
        if (host.lies) return lyingStream(kind, incoming);
        return data.registry.stream(from, kind, incoming);
      },
    });
    if (host.number === 0 && this.hosts.length === 1) {
      ring.ring.found();
      this.#joined(host, data);
    } else this.#join(host, data);
  }

  /** When a removal arrives the host cuts its ties with the removed one, as in src/peer. */
  #exchangeOf(host: DataHost, transport: MemoryTransport, process: Process): MembersExchange {
    const { members } = host.membership;
    const exchange = new MembersExchange(
      {
        transport,
        clock: this.ring.time.clock(process),
        random: this.random,
        hosts: () => host.ring.ring.liveHosts(),
      },
      members,
    );
    const stopListening = members.onChange((removed) => {
      for (const one of removed) host.ring.ring.bar(one);
      host.data?.membersRemoved(removed);
      host.changed();
    });
    for (const one of this.hosts) if (members.isRemoved(one.signer.host)) host.ring.ring.bar(one.signer.host);
    host.exchange?.close();
    host.exchange = exchange;
    exchange.begin();
    this.#stops.set(host, stopListening);
    return exchange;
  }

  /** Refuses the HELLO of a removed host. */
  #letIn(host: DataHost, from: HostId): void {
    if (!host.membership.isRemoved(from)) {
      this.answered?.(host, from);
      return;
    }
    throw new TransportError('refused', 'This member was removed from the network.', 'member-removed');
  }

  /** Whether some host knows of its removal. */
  isRemoved({ signer }: DataHost): boolean {
    return this.hosts.some(({ membership }) => membership.isRemoved(signer.host));
  }

  /** Removal by the first host, the admin. The removed host continues until it is crashed. */
  remove(host: DataHost): void {
    this.hosts[0]!.membership.members.change('remove', host.signer.host);
    host.isMember = false;
    host.hasLeft = true;
  }

  /**
   * Runs until every member knows of the removal, then for a while in which no member may answer the removed host.
   * Throws on an answer, or naming the members that never learned of it.
   */
  async untilAllKnow(removed: DataHost): Promise<void> {
    const { host } = removed.signer;
    const ignorant = () => this.members.filter(({ membership }) => !membership.isRemoved(host));
    const until = this.now + spreadWithin;
    while (ignorant().length > 0 && this.now < until) await this.pass(100);
    if (ignorant().length > 0) {
      const numbers = ignorant().map(({ number }) => number);
      throw new Error(`hosts ${numbers} did not learn within ${spreadWithin} ms that ${removed.number} was removed`);
    }
    const answers: number[] = [];
    this.answered = (at, from) => {
      if (from === host) answers.push(at.number);
    };
    await this.pass(afterwards);
    this.answered = null;
    const listed = this.members.filter(({ ring }) =>
      ring.ring
        .states()
        .some(({ predecessor, successors }) => [predecessor, ...successors].some((one) => one.contact?.host === host)),
    );
    if (answers.length === 0 && listed.length === 0) return;
    throw new Error(
      `${removed.number} was removed: ${answers.length} questions of it were answered, and it is beside ${listed.length} hosts`,
    );
  }

  /** Joins through any members; retried while the process lives. */
  #join(host: DataHost, data: Data): void {
    const { ring } = host;
    const { process } = ring;
    const again = () => {
      this.ring.time.after(tryAgainMilliseconds, () => process.run(() => this.#join(host, data)));
    };
    const through = this.members.filter((other) => other !== host).map((other) => other.ring.contact);
    if (through.length === 0) again();
    else ring.ring.join(through.slice(0, 3), (failure) => (failure === null ? this.#joined(host, data) : again()));
  }

  #joined(host: DataHost, data: Data): void {
    host.isMember = true;
    if (this.#options.repairs && !host.lies) data.begin();
  }
}
