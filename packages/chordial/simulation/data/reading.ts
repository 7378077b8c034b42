/** Readers with an oracle: never wrong bytes, and promised files within their deadline. */

import type { Milliseconds, Random } from '@chordial/ring';
import { ChordialError } from '../../src/errors.ts';
import type { Attempt, Content, DataOracle, Expected, PublishedName } from './data-oracle.ts';
import { copyRule, type DataHost, type DataSimulation } from './data-simulation.ts';
import type { FaultInjector } from './faults.ts';
import { Violation } from './violation.ts';

/** Long enough to detect deaths and repair the ring. */
const readPatience: Milliseconds = 20_000;
const pauseMilliseconds: Milliseconds = 200;

export class Reading {
  readonly #simulation: DataSimulation;
  readonly #oracle: DataOracle;
  readonly #faults: FaultInjector;
  readonly #random: Random;
  reads = 0;

  constructor(simulation: DataSimulation, oracle: DataOracle, faults: FaultInjector, random: Random) {
    this.#simulation = simulation;
    this.#oracle = oracle;
    this.#faults = faults;
    this.#random = random;
  }

  /** During faults: a patient reader must succeed while fewer hosts are out than copies were promised. */
  async amidTrouble(published: PublishedName): Promise<void> {
    const until = this.#simulation.now + readPatience;
    for (let last = 'no one could be asked'; ; ) {
      const reader = this.#pick(this.#simulation.members.filter(({ ring }) => !ring.process.isFrozen));
      const before = this.#now(published);
      if (reader !== undefined) {
        const got = await this.#once(reader, published, until - this.#simulation.now);
        const allowed = [...before.contents, ...this.#now(published).contents];
        if (got instanceof Uint8Array) return this.#check(published, { got, reader }, allowed, true);
        last = got === null ? 'no answer' : `${got.code}: ${got.message}`;
        if (got?.code === 'not-found' && this.#isThere(published, before.promised))
          throw new Violation(`${published.name} is said not to exist at host ${reader.number}`);
        if (!this.#isPromised(published, before.promised, reader)) return;
      }
      if (this.#simulation.now >= until) throw new Violation(`${published.name} could not be read: ${last}`);
      await this.#simulation.pass(pauseMilliseconds);
    }
  }

  /** Without faults: valid files are readable, and removed ones are gone. */
  async inQuiet(published: PublishedName): Promise<void> {
    const until = this.#simulation.now + readPatience;
    for (let last = ''; ; ) {
      const { contents, mayBeAbsent } = this.#now(published);
      const reader = this.#pick(this.#simulation.members);
      const got = reader === undefined ? null : await this.#once(reader, published, readPatience);
      if (got instanceof Uint8Array) return this.#check(published, { got, reader }, contents, false);
      if (got?.code === 'not-found' && (mayBeAbsent || this.#now(published).mayBeAbsent)) return;
      if (this.#isExcused(published)) return;
      last = got === null ? 'no answer' : `${got.code}: ${got.message}`;
      if (this.#simulation.now >= until) throw new Violation(`${published.name} cannot be read in quiet: ${last}`);
      await this.#simulation.pass(pauseMilliseconds);
    }
  }

  #now(published: PublishedName): Expected {
    return this.#oracle.expected(published, this.#simulation.ring.time.wallTime);
  }

  /** Enough disks hold it, whether they can be asked or not, and enough held its name. */
  #isThere(published: PublishedName, promised: Attempt | null): boolean {
    if (promised === null || this.#now(published).promised !== promised) return false;
    return promised.copies >= copyRule.replicas && promised.lost.size < copyRule.replicas;
  }

  /** Fewer hosts are out for this reader than copies were promised. */
  #isPromised(published: PublishedName, promised: Attempt | null, reader: DataHost): boolean {
    if (promised === null || this.#now(published).promised !== promised) return false;
    const out = new Set(promised.lost);
    for (const host of this.#simulation.hosts) {
      const isThere = host.isMember && !host.ring.process.isFrozen && this.#faults.reaches(host, reader);
      // It sometimes serves wrong bytes, an unknown number of times in a row.
      const isTrue = host.disk.trouble.wrongReads === 0;
      if (!(isThere && isTrue) && !host.hasLeft) out.add(host);
    }
    // However many copies its content has, its name has r.
    return out.size < Math.min(promised.copies, copyRule.replicas);
  }

  /** At some time more hosts were lost than the promise covers. */
  #isExcused({ attempts }: PublishedName): boolean {
    return attempts.some(({ lost, copies, content }) => content !== null && lost.size > 0 && lost.size >= copies);
  }

  #check(
    published: PublishedName,
    { got, reader }: { readonly got: Uint8Array; readonly reader: DataHost | undefined },
    allowed: readonly Content[],
    mayBeOld: boolean,
  ): void {
    const isOneOf = (contents: readonly Content[]) => contents.some(({ bytes }) => Buffer.compare(bytes, got) === 0);
    if (isOneOf(allowed)) return;
    const where = `${published.name} was read at host ${reader?.number}`;
    if (!isOneOf(this.#oracle.everything(published))) throw new Violation(`${where} with wrong bytes`);
    if (!mayBeOld && !this.#isExcused(published)) throw new Violation(`${where} as it was before`);
  }

  /** The bytes, the reason why there are none, or null without an answer in time. */
  async #once(
    host: DataHost,
    published: PublishedName,
    patience: Milliseconds,
  ): Promise<Uint8Array | ChordialError | null> {
    this.reads += 1;
    const got = await this.#simulation.waitFor(readAt(host, published), patience);
    return got ?? null;
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[Math.floor(this.#random.next() * values.length)];
  }
}

async function readAt(
  { data, number }: DataHost,
  { name, publisher }: PublishedName,
): Promise<Uint8Array | ChordialError> {
  try {
    if (data === null) return new ChordialError('not-a-member', `Host ${number} is down.`);
    const { cid } = await data.files.resolve({ name, publisher: publisher.signer.host });
    const pieces: Uint8Array[] = [];
    for await (const piece of data.files.read(cid)) pieces.push(Uint8Array.from(piece));
    return new Uint8Array(Buffer.concat(pieces));
  } catch (error) {
    if (error instanceof ChordialError) return error;
    throw error;
  }
}
