/** Continuous searches for existing files at random peers; the hits must contain the file. */
import { setTimeout as wait } from 'node:timers/promises';
import { search } from '../../end-to-end/search-requests.ts';
import { pick } from '../oracle.ts';
import type { Torture } from '../torture.ts';

const pauseMilliseconds = 100;

export class Searchers {
  readonly #torture: Torture;
  readonly #loop: Promise<void>;
  /** Only these, since recent puts may not be indexed yet. */
  readonly #names: ReadonlySet<string>;
  #isStopped = false;
  succeeded = 0;
  failed = 0;

  constructor(torture: Torture) {
    this.#torture = torture;
    this.#names = new Set(torture.oracle.files.keys());
    this.#loop = this.#search();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop;
  }

  async #search(): Promise<void> {
    const { oracle, random, readers, log } = this.#torture;
    while (!this.#isStopped) {
      await wait(pauseMilliseconds);
      const file = pick(
        oracle.in('kept').filter(({ name, former }) => this.#names.has(name) && former.length === 0),
        random,
      );
      const host = pick(readers, random);
      if (file === null || host === null) continue;
      const isThere = await search(host.process, file.name).then(
        ({ hits, state, problem }) => {
          const isAmong = hits.some(
            ({ name, holders }) => name === file.name && holders.some(({ publisher }) => publisher === file.publisher),
          );
          if (!isAmong)
            log.detail(
              `${file.name} at ${host.name}: not among ${hits.length} hits, ${state} ${problem?.detail ?? ''}`,
            );
          return isAmong;
        },
        (error: Error) => {
          log.detail(`search for ${file.name} at ${host.name}: ${error.message}`);
          return false;
        },
      );
      if (isThere) this.succeeded += 1;
      else if (file.state === 'kept' && file.former.length === 0 && file.possible.length === 0) {
        this.failed += 1;
      }
    }
  }
}
