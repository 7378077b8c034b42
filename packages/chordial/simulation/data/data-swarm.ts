/**
 * One seed, one history of a whole network with data: files are put, replaced, read and removed while hosts crash, lose
 * their disks, join, leave, freeze, are partitioned, their disks fail or fill up, and messages are lost, duplicated and
 * reordered.
 *
 * Checked throughout: never wrong bytes; a file acknowledged with c copies is readable while fewer than c hosts are out.
 * After each fault the ring becomes ideal and every acknowledged file has all its copies. At the end every item is at
 * exactly its places, and after another day no unclaimed item takes space.
 */

import type { Milliseconds } from '@chordial/ring';
import { seededRandom } from '@chordial/ring/testing';
import { blockKey } from '../../src/content/cid.ts';
import { cut, DataOracle, type PublishedName } from './data-oracle.ts';
import { type DataPlan, dataPlan } from './data-plan.ts';
import { copyRule, type DataHost, DataSimulation } from './data-simulation.ts';
import { FaultInjector } from './faults.ts';
import { follow } from './follow.ts';
import { Holdings, hasRoom } from './holdings.ts';
import { Operations } from './operations.ts';
import { Reading } from './reading.ts';
import { SimulatedLinks } from './simulated-links.ts';
import { Violation } from './violation.ts';

export interface DataSwarmResult {
  readonly seed: number;
  /** The failure, or null. */
  readonly failure: string | null;
  /** Steps of the plan that were started, and their total. */
  readonly step: number;
  readonly plannedSteps: number;
  readonly puts: number;
  readonly failedPuts: number;
  readonly reads: number;
  /** Virtual milliseconds of the slowest recovery of all copies. */
  readonly slowestRepair: Milliseconds;
  /** Events until the end, or until the failure was noticed. */
  readonly events: number;
  readonly digest: string;
}

export interface DataSwarmOptions {
  readonly log?: (line: string) => void;
  /** false: the mutant that a test must catch. */
  readonly repairs?: boolean;
  /** Replaces those of the plan, in a network that loses and duplicates messages. */
  readonly faults?: DataPlan['faults'];
  /** Runs only this many steps of the plan. */
  readonly steps?: number;
  /** Logs where items with this key prefix are, whenever that changes. */
  readonly watch?: string;
}

/** Of virtual time. */
const wholeWithin: Milliseconds = 180_000;
const exactWithin: Milliseconds = 200_000;
const freedWithin: Milliseconds = 300_000;
const operationPatience: Milliseconds = 30_000;
const lookEvery: Milliseconds = 250;
const lookRarely: Milliseconds = 2000;
const operationsPerStep = 3;
const linksPerStep = 2;
const seedsWithLinks = [0, 3, 6, 7];
const readsPerStep = 3;
/** Longest time of operations before the fault. */
const longestHeadStart: Milliseconds = 200;
const troubleLasts: Milliseconds = 8000;
/** Two are longer than a put may take to commit; after one, every expiry has been noticed. */
const maxOfADay: Milliseconds = 20 * 3600 * 1000;
const expiryNoticedWithin: Milliseconds = 15_000;

export async function runDataSwarm(seed: number, options: DataSwarmOptions = {}): Promise<DataSwarmResult> {
  const swarm = new DataSwarm(seed, options);
  try {
    return await swarm.run();
  } finally {
    swarm.close();
  }
}

class DataSwarm {
  readonly #seed: number;
  readonly #plan: DataPlan;
  readonly #steps: number;
  readonly #sim: DataSimulation;
  readonly #oracle = new DataOracle();
  readonly #holdings: Holdings;
  readonly #operations: Operations;
  readonly #faults: FaultInjector;
  readonly #reading: Reading;
  /** Null where none are made: seeds of findings keep their histories. */
  readonly #links: SimulatedLinks | null;
  readonly #log: (line: string) => void;
  #step = 0;
  #slowestRepair = 0;

  constructor(seed: number, { log = () => {}, repairs = true, steps, watch, faults: only }: DataSwarmOptions) {
    this.#seed = seed;
    const plan = dataPlan(seed);
    const lossy = { ...plan.network, loss: 0.02, duplication: 0.05 };
    this.#plan = only === undefined ? plan : { ...plan, faults: only, network: lossy };
    this.#steps = Math.min(steps ?? this.#plan.steps, this.#plan.steps);
    this.#log = (line) => log(`${(this.#sim.now / 1000).toFixed(3)} ${line}`);
    const { network: faults, quotas, admission, keepOwn, zoneOf, isHidden } = this.#plan;
    const told = (host: number, text: string) => this.#log(`    ${host}: ${text}`);
    this.#sim = new DataSimulation({ seed, faults, repairs, quotas, cut, told, admission, keepOwn, zoneOf, isHidden });
    this.#holdings = new Holdings(this.#sim);
    if (watch !== undefined) this.#sim.watch = follow(this.#sim, this.#holdings, watch, this.#log);
    this.#operations = new Operations(this.#sim, this.#oracle, this.#plan, this.#log);
    this.#faults = new FaultInjector(this.#sim, this.#oracle, this.#plan, this.#log);
    this.#links = seedsWithLinks.includes(seed % 10)
      ? new SimulatedLinks(this.#sim, seededRandom(seed ^ 0x11_4b), this.#log)
      : null;
    this.#oracle.alsoLost = (host) => this.#links?.lost(host);
    this.#reading = new Reading(this.#sim, this.#oracle, this.#faults, this.#plan.random);
  }

  close(): void {
    this.#sim.close();
  }

  async run(): Promise<DataSwarmResult> {
    let failure: string | null = null;
    try {
      await this.#begin();
      for (; this.#step < this.#steps; this.#step++) await this.#trouble();
      await this.#end();
    } catch (error) {
      failure = error instanceof Violation ? error.message : ((error as Error).stack ?? String(error));
    }
    const { time, trace } = this.#sim.ring;
    return {
      seed: this.#seed,
      failure,
      step: this.#step,
      plannedSteps: this.#plan.steps,
      puts: this.#operations.acknowledged,
      failedPuts: this.#operations.failed,
      reads: this.#reading.reads,
      slowestRepair: this.#slowestRepair,
      events: time.steps,
      digest: trace?.digest() ?? '',
    };
  }

  async #begin(): Promise<void> {
    this.#sim.add();
    await this.#sim.pass(500);
    while (this.#sim.hosts.length < this.#plan.hosts) {
      this.#sim.add();
      await this.#sim.pass(500);
    }
    await this.#untilWhole('the beginning');
    for (let index = 0; index < operationsPerStep; index++)
      await this.#sim.waitFor(this.#operations.put(), operationPatience);
    await this.#sim.waitFor(Promise.all(this.#someLinks()), operationPatience);
    await this.#untilWhole('the first puts');
  }

  async #trouble(): Promise<void> {
    const fault = this.#pick(this.#plan.faults) ?? 'crash';
    const amid = [...Array.from({ length: operationsPerStep }, () => this.#operations.any()), ...this.#someLinks()];
    await this.#sim.pass(this.#plan.random.next() * longestHeadStart);
    const undo = await this.#faults.strike(fault);
    await this.#sim.waitFor(Promise.all(amid), operationPatience);
    for (let index = 0; index < readsPerStep; index++) {
      const published = this.#pick(this.#oracle.names);
      if (published !== undefined) await this.#reading.amidTrouble(published);
    }
    await this.#sim.pass(this.#plan.random.next() * troubleLasts);
    await undo();
    await this.#untilWhole(fault);
  }

  /** All faults have ended: every item must reach its places. */
  async #end(): Promise<void> {
    this.#sim.ring.network.faults = { ...this.#plan.network, loss: 0, duplication: 0 };
    await this.#until('all at its places', exactWithin, lookRarely, () => this.#holdings.misplaced(this.#standing()));
    for (const published of this.#oracle.names) await this.#reading.inQuiet(published);
    await this.#links?.check();
    if (!this.#plan.collects) return;
    this.#sim.ring.time.wallAhead += maxOfADay;
    await this.#sim.pass(expiryNoticedWithin);
    this.#sim.ring.time.wallAhead += maxOfADay;
    for (const host of this.#sim.members) {
      this.#sim.crash(host);
      this.#sim.restart(host);
      await this.#untilWhole('a restart');
    }
    await this.#until('free of what no one claims', freedWithin, lookRarely, () => this.#unclaimed());
    for (const published of this.#oracle.names) await this.#reading.inQuiet(published);
    await this.#links?.check();
  }

  #someLinks(): readonly Promise<void>[] {
    return this.#links === null ? [] : Array.from({ length: linksPerStep }, async () => this.#links?.any());
  }

  async #untilWhole(after: string): Promise<void> {
    const began = this.#sim.now;
    await this.#until(`whole after ${after}`, wholeWithin, lookEvery, () => this.#lacking());
    this.#slowestRepair = Math.max(this.#slowestRepair, this.#sim.now - began);
    // From here on as many hosts may be lost as there are copies.
    for (const { attempts } of this.#oracle.names)
      for (const attempt of attempts) {
        if (attempt.isInFlight || attempt.copies === 0 || attempt.lost.size >= attempt.copies) continue;
        attempt.lost.clear();
        attempt.copies = this.#wanted(attempt.replicas);
      }
    this.#links?.recovered();
  }

  async #until(state: string, within: Milliseconds, every: Milliseconds, lacking: () => string | null): Promise<void> {
    const began = this.#sim.now;
    for (;;) {
      const reason = this.#sim.ring.inconsistency() ?? this.#absent() ?? lacking();
      if (reason === null) break;
      if (this.#sim.now - began >= within) throw new Violation(`not ${state} within ${within / 1000} s: ${reason}`);
      await this.#sim.pass(every);
    }
    this.#log(`${state} after ${Math.round(this.#sim.now - began)} ms`);
  }

  #absent(): string | null {
    return this.#sim.members.length < this.#sim.running.length ? 'a host has not joined' : null;
  }

  /** Whether some block or the name of a promised file, or the end of a removed one, has too few copies. */
  #lacking(): string | null {
    const { members } = this.#sim;
    for (const published of this.#oracle.names) {
      const { promised } = this.#oracle.expected(published, this.#sim.ring.time.wallTime);
      const { name, publisher } = published;
      const isPromised = promised !== null && promised.lost.size < promised.copies;
      if (!isPromised && !isRemoved(published)) continue;
      const records = this.#holdings.recordHolders(name, publisher, members).length;
      if (records < Math.min(copyRule.replicas, members.length))
        return `${name} has ${records} copies of its newest record`;
      if (!isPromised) continue;
      for (const cid of promised.content?.cids ?? []) {
        const holders = this.#holdings.holders(cid, members).length;
        if (holders < this.#wanted(promised.replicas))
          return `${name} has ${holders} copies of ${blockKey(cid).slice(0, 12)}`;
      }
    }
    return this.#links?.lacking(this.#holdings) ?? null;
  }

  #unclaimed(): string | null {
    const standing = this.#standing();
    for (const [key, hosts] of this.#holdings.allBlocks())
      if (!standing.has(key))
        return `block ${key.slice(0, 12)} is still at host ${hosts[0]?.number}: ${claimsThere(key, hosts[0])}`;
    return null;
  }

  /** Wanted copies of the blocks of all valid puts, by key. */
  #standing(): ReadonlyMap<string, number> {
    const wall = this.#sim.ring.time.wallTime;
    const wanted = new Map<string, number>();
    for (const published of this.#oracle.names) {
      const { contents } = this.#oracle.expected(published, wall);
      for (const { content, replicas } of published.attempts) {
        if (content === null || !contents.includes(content)) continue;
        for (const cid of content.cids) {
          const key = blockKey(cid);
          wanted.set(key, Math.max(replicas, wanted.get(key) ?? 0));
        }
      }
    }
    return wanted;
  }

  /** Copies of a block that always fit: hosts with a quota may be full. */
  #wanted(replicas: number): number {
    return Math.min(replicas, this.#sim.members.filter(hasRoom).length);
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[Math.floor(this.#plan.random.next() * values.length)];
  }
}

function isRemoved({ attempts }: PublishedName): boolean {
  const last = attempts.at(-1);
  return last?.content === null && last.acknowledged !== Number.POSITIVE_INFINITY;
}

/** For the report. */
function claimsThere(key: string, host: DataHost | undefined): string {
  const claims = host?.disk.claims.of(key) ?? [];
  const puts = claims.flatMap(({ publisher, name }) => host?.disk.claims.byName(publisher, name) ?? []);
  return JSON.stringify(puts.map(({ publisher: _, ...put }) => put));
}
