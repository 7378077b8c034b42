/** User operations: put, replace, share content, set lifetimes and remove; the oracle records the acknowledged ones. */
import { blockKey } from '../../src/content/cid.ts';
import { type Attempt, type Content, contentOf, type DataOracle, oneChunk, type PublishedName } from './data-oracle.ts';
import type { DataPlan } from './data-plan.ts';
import type { DataHost, DataSimulation } from './data-simulation.ts';

const replicasAskedFor = [1, 2, 5];
const shortestLifetimeMilliseconds = 20_000;
const longestLifetimeMilliseconds = 90_000;

export class Operations {
  readonly #simulation: DataSimulation;
  readonly #oracle: DataOracle;
  readonly #random: DataPlan['random'];
  readonly #log: (line: string) => void;
  /** Names with an operation in progress in a live process. */
  readonly #busy = new Map<PublishedName, DataHost['data']>();
  #contents = 0;
  #names = 0;
  acknowledged = 0;
  failed = 0;

  constructor(simulation: DataSimulation, oracle: DataOracle, plan: DataPlan, log: (line: string) => void) {
    this.#simulation = simulation;
    this.#oracle = oracle;
    this.#random = plan.random;
    this.#log = log;
  }

  /** Runs one; resolves when it succeeded or failed, never if its peer ends first. */
  async any(): Promise<void> {
    const lot = this.#random.next();
    if (lot < 0.5) return this.put();
    if (lot < 0.65) return this.#replace();
    if (lot < 0.8) return this.#remove();
    if (lot < 0.9) return this.put(await this.#content(), this.#lifetime());
    return this.put(this.#pick(this.#current()) ?? (await this.#content()));
  }

  async put(content?: Content, timeToLive: number | null = null): Promise<void> {
    const bytes = content ?? (await this.#content());
    const publisher = this.#pick(this.#simulation.members);
    if (publisher === undefined) return;
    const name = `file ${this.#names++}`;
    await this.#putAs({ name, publisher, attempts: [] }, bytes, timeToLive);
  }

  async #replace(): Promise<void> {
    // The name is chosen last, so that no other operation starts on it meanwhile.
    const content = await this.#content();
    const published = this.#pick(this.#free());
    if (published !== undefined) await this.#putAs(published, content, null);
  }

  async #putAs(published: PublishedName, content: Content, timeToLive: number | null): Promise<void> {
    const { name, publisher } = published;
    const replicas = this.#random.next() < 0.15 ? (this.#pick(replicasAskedFor) ?? 3) : 3;
    const attempt = this.#oracle.begin(published, { content, timeToLive, replicas });
    const options = { replicas, ...(timeToLive === null ? {} : { timeToLive }) };
    await this.#under(published, attempt, `put ${name} at ${publisher.number}`, async () => {
      const { copies } = await publisher.data!.files.put(name, oneChunk(content.bytes), options);
      attempt.copies = copies;
      return `${copies} copies, ${content.cids.length} blocks`;
    });
  }

  async #remove(): Promise<void> {
    const published = this.#pick(this.#free());
    if (published === undefined) return;
    const attempt = this.#oracle.begin(published, { content: null, timeToLive: null, replicas: 3 });
    await this.#under(published, attempt, `remove ${published.name} at ${published.publisher.number}`, async () => {
      await published.publisher.data!.files.remove(published.name);
      return 'done';
    });
  }

  async #under(published: PublishedName, attempt: Attempt, what: string, work: () => Promise<string>): Promise<void> {
    const { data } = published.publisher;
    this.#busy.set(published, data);
    try {
      const done = await work();
      // A removed publisher is alone on a ring of its own: what it stores there, no other host learns.
      if (this.#simulation.isRemoved(published.publisher)) {
        this.#log(`${what}: ${done}, removed meanwhile`);
        return;
      }
      attempt.acknowledged = this.#simulation.ring.time.wallTime;
      for (const host of this.#simulation.hosts) if (isDoubtful(host, attempt)) attempt.lost.add(host);
      this.acknowledged += 1;
      this.#log(`${what}: ${done}`);
    } catch (error) {
      this.failed += 1;
      this.#log(`${what} failed: ${(error as Error).message}`);
    } finally {
      attempt.isInFlight = false;
      if (this.#busy.get(published) === data) this.#busy.delete(published);
    }
  }

  /** Names whose publisher is up. */
  #free(): readonly PublishedName[] {
    return this.#oracle.names.filter((published) => {
      const { publisher, attempts } = published;
      if (!publisher.isMember || publisher.data === null || attempts.at(-1)?.content === null) return false;
      // Operations of an ended process will not take effect any more.
      return !this.#busy.has(published) || this.#busy.get(published) !== publisher.data;
    });
  }

  #current(): readonly Content[] {
    const wall = this.#simulation.ring.time.wallTime;
    return this.#oracle.names.flatMap((published) => this.#oracle.expected(published, wall).contents);
  }

  #content(): Promise<Content> {
    return contentOf(`content ${this.#contents++}`, this.#random);
  }

  #lifetime(): number {
    const spread = longestLifetimeMilliseconds - shortestLifetimeMilliseconds;
    return Math.floor(shortestLifetimeMilliseconds + spread * this.#random.next());
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[Math.floor(this.#random.next() * values.length)];
  }
}

/** Its disk misreads, or held a corrupted block of it: a copy there does not count. */
function isDoubtful({ disk }: DataHost, { content }: Attempt): boolean {
  return disk.trouble.wrongReads > 0 || (content?.cids ?? []).some((cid) => disk.rotten.has(blockKey(cid)));
}
