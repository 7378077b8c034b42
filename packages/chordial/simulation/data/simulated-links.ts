/** Links made and taken back amid the faults: one that was acknowledged is read everywhere, one that was taken back never again. */
import type { Random } from '@chordial/ring';
import { CID } from 'multiformats/cid';
import { type LinkId, linkSubject } from '../../src/links/link-address.ts';
import { linkKey } from '../../src/records/record-keys.ts';
import { copyRule, type DataHost, type DataSimulation } from './data-simulation.ts';
import type { Holdings } from './holdings.ts';
import { Violation } from './violation.ts';

interface MadeLink {
  readonly id: LinkId;
  readonly maker: DataHost;
  /** Hosts whose disks were lost since it was made, or since the last recovery. */
  readonly lost: Set<DataHost>;
  state: 'there' | 'ending' | 'gone' | 'excused';
}

const emptyFile = CID.parse('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');
const patience = 20_000;
const pauseMilliseconds = 200;

export class SimulatedLinks {
  readonly #simulation: DataSimulation;
  readonly #random: Random;
  readonly #log: (line: string) => void;
  readonly #links: MadeLink[] = [];

  constructor(simulation: DataSimulation, random: Random, log: (line: string) => void) {
    this.#simulation = simulation;
    this.#random = random;
    this.#log = log;
  }

  /** Makes one or takes one back; resolves when that succeeded or failed. */
  async any(): Promise<void> {
    const there = this.#links.filter(({ state, maker }) => state === 'there' && maker.isMember && maker.data !== null);
    const link = this.#random.next() < 0.5 ? this.#pick(there) : undefined;
    if (link === undefined) await this.#make();
    else await this.#takeBack(link);
  }

  /** A disk is lost or no longer trusted. */
  lost(host: DataHost): void {
    for (const link of this.#links) {
      link.lost.add(host);
      if (link.lost.size >= copyRule.writeQuorum) link.state = 'excused';
    }
  }

  /** From here on as many disks may be lost as there are copies, less one. */
  recovered(): void {
    for (const { lost } of this.#links) lost.clear();
  }

  /** What has too few copies of its record, if any. */
  lacking(holdings: Holdings): string | null {
    const { members } = this.#simulation;
    for (const { id, maker, state } of this.#links) {
      if (state === 'excused' || state === 'ending' || this.#simulation.isRemoved(maker)) continue;
      const records = holdings.holdersAt(linkKey(linkSubject(id)), maker, members).length;
      if (records < Math.min(copyRule.replicas, members.length))
        return `link ${id} has ${records} copies of its record`;
    }
    return null;
  }

  /** Without faults. */
  async check(): Promise<void> {
    for (const link of this.#links) {
      if (link.state === 'excused' || link.state === 'ending' || this.#simulation.isRemoved(link.maker)) continue;
      await this.#checkOne(link);
    }
  }

  async #checkOne({ id, maker, state }: MadeLink): Promise<void> {
    const until = this.#simulation.now + patience;
    for (;;) {
      const reader = this.#pick(this.#simulation.members);
      const read = await this.#simulation.waitFor(readAt(reader, id), patience);
      if (state === 'gone' && read != null)
        throw new Violation(`link ${id} of ${maker.number} has risen at ${reader?.number}`);
      if (read !== undefined && (read === null) === (state === 'gone')) return;
      if (this.#simulation.now >= until)
        throw new Violation(`link ${id} of ${maker.number} is ${state} and reads ${read}`);
      await this.#simulation.pass(pauseMilliseconds);
    }
  }

  async #make(): Promise<void> {
    const maker = this.#pick(this.#simulation.members);
    if (maker?.data == null) return;
    const timeToLive = 366 * 86_400_000;
    const wish = { type: 'file', name: 'linked', cid: emptyFile, size: 0, timeToLive } as const;
    // A disk that is lost meanwhile may have been one of its places.
    const lost = new Set<DataHost>();
    const noted: MadeLink = { id: '' as LinkId, maker, lost, state: 'there' };
    try {
      const { id } = await maker.data.links.createLink(wish);
      this.#log(`link ${id} of ${maker.number}`);
      this.#links.push({ ...noted, id });
    } catch (error) {
      this.#log(`link of ${maker.number} failed: ${(error as Error).message}`);
    }
  }

  async #takeBack(link: MadeLink): Promise<void> {
    link.state = 'ending';
    link.lost.clear();
    try {
      await link.maker.data?.links.removeLink(link.id);
      if (link.state === 'ending') link.state = 'gone';
      this.#log(`link ${link.id} of ${link.maker.number} taken back`);
    } catch (error) {
      this.#log(`link ${link.id} not taken back: ${(error as Error).message}`);
    }
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[Math.floor(this.#random.next() * values.length)];
  }
}

/** Undefined without an answer. */
async function readAt(reader: DataHost | undefined, id: LinkId): Promise<unknown> {
  return reader?.data?.links.readLink(id).catch(() => undefined);
}
