/** Continuous puts, replacements, removals and reads at all hosts. */
import { setTimeout as wait } from 'node:timers/promises';
import { fileBytes, sizeOf } from './file-bytes.ts';
import { putFile, removeFile } from './file-requests.ts';
import type { TortureHost } from './host.ts';
import { pick, type TrackedFile, type Version } from './oracle.ts';
import { readPatiently } from './patient-read.ts';
import { count } from './tally.ts';
import type { Torture } from './torture.ts';

export interface Load {
  readonly writers: number;
  readonly readers: number;
  /** Pause between operations of a worker, to keep the machine busy but not overloaded. */
  readonly paceMilliseconds: number;
}

const replaceBelow = 0.1;
const removeBelow = 0.22;
/** More would only make full replication slower. */
const maxFiles = 3000;
const readPatienceMilliseconds = 60_000;

export class Workload {
  readonly #torture: Torture;
  readonly #load: Load;
  readonly #prefix: string;
  readonly #loops: Promise<void>[] = [];
  #isStopped = false;
  #writesHeld: PromiseWithResolvers<void> | null = null;
  #writing = 0;
  #written: (() => void) | null = null;
  #names = 0;

  /** `prefix` of new names, since two loads of one network must not share names. */
  constructor(torture: Torture, load: Load, prefix = 'file') {
    this.#torture = torture;
    this.#load = load;
    this.#prefix = prefix;
    const each = (number: number, work: () => Promise<void>) => {
      for (let index = 0; index < number; index++) this.#loops.push(this.#loop(work));
    };
    each(load.writers, () => this.#write());
    each(load.readers, () => this.#read());
  }

  /** Resolves when no write is in progress; none starts until `allowWrites`. */
  async holdWrites(): Promise<void> {
    this.#writesHeld ??= Promise.withResolvers();
    if (this.#writing === 0) return;
    await new Promise<void>((resolve) => {
      this.#written = resolve;
    });
  }

  allowWrites(): void {
    this.#writesHeld?.resolve();
    this.#writesHeld = null;
  }

  /** Resolves when all operations have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.allowWrites();
    await Promise.all(this.#loops);
  }

  /** Puts a new file at this host; returns whether it was acknowledged. */
  async putNew(host: TortureHost, size: number): Promise<boolean> {
    const { oracle } = this.#torture;
    const name = `${this.#prefix} ${++this.#names}.bin`;
    const version = { seed: `${name} 1`, size };
    return this.#put(host, name, version, (publisher, isFull) => {
      const file = oracle.kept(name, version, { publisher, host: host.number }, isFull);
      file.isBeyondCut = this.#torture.apart.has(host);
    });
  }

  async #loop(work: () => Promise<void>): Promise<void> {
    const { signal, log } = this.#torture;
    while (!this.#isStopped && !signal.aborted) {
      await work().catch((error: Error) => log.step(`the harness itself failed: ${error.stack}`));
      await wait(this.#load.paceMilliseconds);
    }
  }

  async #write(): Promise<void> {
    if (this.#writesHeld !== null) return this.#writesHeld.promise;
    this.#writing += 1;
    try {
      await this.#writeSomething();
    } finally {
      this.#writing -= 1;
      if (this.#writing === 0) this.#written?.();
    }
  }

  async #writeSomething(): Promise<void> {
    const { network, random, oracle } = this.#torture;
    const host = pick(network.up, random);
    if (host === null) return;
    const chance = random.next();
    const own = pick(
      oracle.in('kept').filter((file) => file.host === host.number),
      random,
    );
    if (own !== null && (chance < replaceBelow || oracle.in('kept').length >= maxFiles)) {
      await this.#replace(host, own);
    } else if (own !== null && chance < removeBelow) await this.#remove(host, own);
    else await this.putNew(host, sizeOf(random.next()));
  }

  async #put(
    host: TortureHost,
    name: string,
    version: Version,
    acknowledged: (publisher: string, isFull: boolean) => void,
  ): Promise<boolean> {
    const { tally, log, fullCopies } = this.#torture;
    const put = await putFile(host, name, fileBytes(version.seed, version.size) as Uint8Array<ArrayBuffer>);
    if (!put.ok) {
      count(tally.failedPuts, put.code);
      log.detail(`put of ${name} (${version.size}) at ${host.name} failed: ${put.code}: ${put.detail}`);
      return false;
    }
    tally.acknowledged += 1;
    if (put.value.copies < 2) tally.acknowledgedWithOneCopy += 1;
    acknowledged(put.value.publisher, put.value.copies >= fullCopies);
    log.detail(`put of ${name} (${version.size}) at ${host.name}: ${put.value.copies} copies`);
    return true;
  }

  async #replace(host: TortureHost, file: TrackedFile): Promise<void> {
    const { oracle, tally } = this.#torture;
    const version = {
      seed: `${file.name} ${file.former.length + file.possible.length + 2}`,
      size: sizeOf(this.#torture.random.next()),
    };
    file.possible.push(version);
    file.isBeyondCut ||= this.#torture.apart.has(host);
    await this.#put(host, file.name, version, (_, isFull) => {
      tally.replaced += 1;
      oracle.replaced(file, version, isFull);
    });
  }

  async #remove(host: TortureHost, file: TrackedFile): Promise<void> {
    const { tally, log } = this.#torture;
    file.state = 'changing';
    file.isBeyondCut ||= this.#torture.apart.has(host);
    const answer = await removeFile(host, file.name);
    log.detail(`removal of ${file.name} at ${host.name}: ${answer.ok ? 'done' : `${answer.code}: ${answer.detail}`}`);
    if (answer.ok) {
      file.state = 'removed';
      tally.removed += 1;
    } else count(tally.failedRemoves, answer.code);
  }

  async #read(): Promise<void> {
    const { oracle, random, log } = this.#torture;
    const file = oracle.anyReadable(random);
    if (file === null) return;
    if (await readPatiently(this.#torture, file, readPatienceMilliseconds)) return;
    log.step(`${file.name} could not be read for ${readPatienceMilliseconds / 1000} s`);
  }
}
