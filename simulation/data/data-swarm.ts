/**
 * One seed, one history of a whole network with data: files are put, read and removed while hosts crash in the middle of
 * things, lose their disks, join, leave, stand still, are cut off, and their disks fail.
 *
 * Held throughout: never wrong bytes; what was acknowledged can be read while at most r − 1 hosts are out; and when the
 * trouble is over the ring is ideal and everything acknowledged has all its copies again.
 */
import { ChordialError } from '../../src/errors.ts';
import type { Milliseconds } from '../../src/ring/ports.ts';
import { type AcknowledgedFile, contentOf, DataOracle } from './data-oracle.ts';
import { type DataFault, type DataPlan, dataPlan } from './data-plan.ts';
import { copyRule, type DataHost, DataSimulation } from './data-simulation.ts';

export interface DataSwarmResult {
  readonly seed: number;
  /** What went wrong, or null. */
  readonly failure: string | null;
  readonly puts: number;
  readonly failedPuts: number;
  readonly reads: number;
  /** Virtual milliseconds of the slowest return to full copies. */
  readonly slowestRepair: Milliseconds;
  readonly steps: number;
  readonly digest: string;
}

/** Of virtual time. */
const wholeWithin: Milliseconds = 180_000;
const putPatience: Milliseconds = 30_000;
/** Deaths are found out and the ring mended meanwhile, then a read must succeed. */
const readPatience: Milliseconds = 20_000;
const putsPerStep = 3;
const readsPerStep = 3;
/** A put goes on so long, at most, before the fault strikes. */
const longestHeadStart: Milliseconds = 200;
const troubleLasts: Milliseconds = 8000;

/** `repairs` false is the mutant that tests catch. */
export async function runDataSwarm(
  seed: number,
  log: (line: string) => void = () => {},
  repairs = true,
): Promise<DataSwarmResult> {
  const swarm = new DataSwarm(seed, log, repairs);
  try {
    return await swarm.run();
  } finally {
    swarm.close();
  }
}

class DataSwarm {
  readonly #seed: number;
  readonly #plan: DataPlan;
  readonly #sim: DataSimulation;
  readonly #oracle = new DataOracle();
  readonly #log: (line: string) => void;
  readonly #apart = new Set<DataHost>();
  #failedPuts = 0;
  #reads = 0;
  #names = 0;
  #slowestRepair = 0;

  constructor(seed: number, log: (line: string) => void, repairs: boolean) {
    this.#seed = seed;
    this.#plan = dataPlan(seed);
    this.#sim = new DataSimulation({ seed, faults: this.#plan.network, repairs });
    this.#log = (line) => log(`${(this.#sim.now / 1000).toFixed(3)} ${line}`);
  }

  close(): void {
    this.#sim.close();
  }

  async run(): Promise<DataSwarmResult> {
    let failure: string | null = null;
    try {
      await this.#begin();
      for (let step = 0; step < this.#plan.steps; step++) await this.#step();
      await this.#readEverything();
    } catch (error) {
      failure = error instanceof Violation ? error.message : ((error as Error).stack ?? String(error));
    }
    const { time, trace } = this.#sim.ring;
    return {
      seed: this.#seed,
      failure,
      puts: this.#oracle.files.length,
      failedPuts: this.#failedPuts,
      reads: this.#reads,
      slowestRepair: this.#slowestRepair,
      steps: time.steps,
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
    for (let index = 0; index < putsPerStep; index++) await this.#sim.waitFor(this.#put(), putPatience);
    await this.#untilWhole('the first puts');
  }

  async #step(): Promise<void> {
    const fault = this.#pick(this.#plan.faults) ?? 'crash';
    // One death may come amid puts that have two copies; two only strike what has all of them.
    const amid = fault === 'pair' ? [] : Array.from({ length: putsPerStep }, () => this.#put());
    if (this.#chance(0.3)) amid.push(this.#remove());
    await this.#sim.pass(this.#plan.random.next() * longestHeadStart);
    const undo = await this.#strike(fault);
    await this.#sim.waitFor(Promise.all(amid), putPatience);
    for (let index = 0; index < readsPerStep; index++) await this.#read(this.#pick(this.#oracle.kept));
    await this.#sim.pass(this.#plan.random.next() * troubleLasts);
    await undo();
    await this.#untilWhole(fault);
  }

  /** Resolves with what ends the trouble. */
  async #strike(fault: DataFault): Promise<() => Promise<void>> {
    const sim = this.#sim;
    const victim = this.#pick(sim.members.length > copyRule.replicas ? sim.members : []);
    if (victim === undefined || fault === 'join') {
      this.#log('join');
      sim.add();
      return async () => {};
    }
    this.#log(`${fault} ${victim.number}`);
    switch (fault) {
      case 'crash':
        sim.crash(victim);
        return async () => sim.restart(victim);
      case 'wipe':
        sim.wipe(victim);
        return async () => void sim.add();
      case 'rot':
        sim.crash(victim);
        this.#log(`${await victim.disk.rot(0.5)} blocks rot`);
        return async () => sim.restart(victim);
      case 'pair': {
        const other = this.#pick(sim.members.filter((host) => host !== victim && sim.members.length > 4));
        const returns = [victim, ...(other === undefined ? [] : [other])].map((host) => this.#out(host));
        return async () => {
          for (const comeBack of returns) comeBack();
        };
      }
      case 'leave':
        // A leave that cannot hand everything over is refused, and may be asked for again.
        await sim.waitFor(
          sim.leave(victim).catch((error: Error) => this.#log(`no leave: ${error.message}`)),
          wholeWithin,
        );
        return async () => {};
      case 'freeze':
        sim.freeze(victim);
        this.#apart.add(victim);
        return async () => this.#calm(() => sim.thaw(victim));
      case 'cut':
        sim.cut([victim]);
        this.#apart.add(victim);
        return async () => this.#calm(() => sim.heal());
      case 'failing-writes':
        victim.disk.trouble.failingWrites = 0.3;
        return async () => this.#calm(() => (victim.disk.trouble.failingWrites = 0));
      case 'wrong-reads':
        victim.disk.trouble.wrongReads = 0.3;
        return async () => this.#calm(() => (victim.disk.trouble.wrongReads = 0));
    }
  }

  /** Down, with its disk lost at times; what brings it, or another in its place, back. */
  #out(host: DataHost): () => void {
    this.#log(`down ${host.number}`);
    if (this.#chance(0.5)) {
      this.#sim.crash(host);
      return () => this.#sim.restart(host);
    }
    this.#sim.wipe(host);
    return () => void this.#sim.add();
  }

  #calm(end: () => void): void {
    end();
    this.#apart.clear();
  }

  async #put(): Promise<void> {
    const host = this.#pick(this.#sim.members);
    if (host?.path === undefined || host.path === null) return;
    const name = `file ${this.#names++}`;
    const bytes = contentOf(name, this.#plan.random);
    const put = host.path.files.put(name, oneChunk(bytes));
    const done = put.then(
      ({ copies }) => {
        this.#log(`put ${name} at ${host.number}: ${copies} copies`);
        this.#oracle.acknowledged(name, host, bytes, copies);
      },
      (error: Error) => {
        this.#failedPuts += 1;
        this.#log(`put ${name} at ${host.number} failed: ${error.message}`);
      },
    );
    await done;
  }

  async #remove(): Promise<void> {
    const file = this.#pick(this.#oracle.kept.filter(({ publisher }) => publisher.isMember));
    if (file?.publisher.path === undefined || file.publisher.path === null) return;
    file.isGone = true;
    const removed = file.publisher.path.files.remove(file.name);
    await removed.then(
      () => {
        file.isRemoved = true;
        this.#log(`removed ${file.name}`);
      },
      (error: Error) => this.#log(`removal of ${file.name} failed: ${error.message}`),
    );
  }

  /** By a patient reader on the side where the data is. */
  async #read(file: AcknowledgedFile | undefined, at?: DataHost): Promise<void> {
    if (file === undefined || this.#isBeyondCut(file)) return;
    this.#reads += 1;
    const until = this.#sim.now + readPatience;
    let last = 'nobody could be asked';
    while (this.#sim.now < until) {
      const host = at ?? this.#pick(this.#sim.members.filter((member) => !this.#apart.has(member)));
      if (host?.path !== undefined && host.path !== null) {
        const got = await this.#sim.waitFor(readOnce(host, file), until - this.#sim.now);
        if (file.isGone) return;
        if (got instanceof Uint8Array) {
          if (Buffer.compare(got, file.bytes) === 0) return;
          throw new Violation(`${file.name} was read with wrong bytes at host ${host.number}`);
        }
        last = got === undefined ? 'no answer' : `${got.code}: ${got.message}`;
      }
      await this.#sim.pass(200);
    }
    if (!file.isGone) throw new Violation(`${file.name} (${file.copies} copies) could not be read: ${last}`);
  }

  /** Put by a host that is cut off: the others cannot know of it yet. */
  #isBeyondCut({ publisher }: AcknowledgedFile): boolean {
    return this.#apart.has(publisher);
  }

  async #readEverything(): Promise<void> {
    for (const file of this.#oracle.kept) await this.#read(file);
    for (const file of this.#oracle.files.filter(({ isRemoved }) => isRemoved)) {
      const host = this.#pick(this.#sim.members);
      if (host === undefined) continue;
      const got = await this.#sim.waitFor(readOnce(host, file), readPatience);
      if (got instanceof Uint8Array) throw new Violation(`${file.name} was removed and can be read again`);
    }
  }

  /** One ideal ring, and of everything acknowledged all copies. */
  async #untilWhole(after: string): Promise<void> {
    const began = this.#sim.now;
    let lacking = '';
    while (this.#sim.now - began < wholeWithin) {
      lacking = this.#sim.ring.inconsistency() ?? (await this.#lackingCopies()) ?? '';
      if (lacking === '') {
        this.#slowestRepair = Math.max(this.#slowestRepair, this.#sim.now - began);
        this.#log(`whole after ${Math.round(this.#sim.now - began)} ms`);
        return;
      }
      await this.#sim.pass(250);
    }
    throw new Violation(`not whole ${wholeWithin / 1000} s after ${after}: ${lacking}`);
  }

  async #lackingCopies(): Promise<string | null> {
    const members = this.#sim.members;
    if (members.length < this.#sim.running.length) return 'a host has not joined';
    const wanted = Math.min(copyRule.replicas, members.length);
    for (const file of this.#oracle.kept) {
      const { blocks, records } = await this.#oracle.copiesOf(file, members);
      if (blocks < wanted || records < wanted) {
        return `${file.name} has ${blocks} copies of its block and ${records} of its record, not ${wanted}`;
      }
    }
    return null;
  }

  #chance(probability: number): boolean {
    return this.#plan.random.next() < probability;
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[Math.floor(this.#plan.random.next() * values.length)];
  }
}

class Violation extends Error {}

/** The bytes, or why there are none. */
async function readOnce(host: DataHost, file: AcknowledgedFile): Promise<Uint8Array | ChordialError> {
  try {
    const { path } = host;
    if (path === null) return new ChordialError('not-a-member', `Host ${host.number} is down.`);
    const { cid } = await path.files.resolve({ name: file.name, publisher: file.publisher.signer.host });
    const pieces: Uint8Array[] = [];
    for await (const piece of path.files.read(cid)) pieces.push(Uint8Array.from(piece));
    return new Uint8Array(Buffer.concat(pieces));
  } catch (error) {
    if (error instanceof ChordialError) return error;
    throw error;
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
