/** Logs steps with their time since the start; the file is kept only if the run fails. */
import { appendFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export class StepLog {
  readonly file: string;
  readonly #started = performance.now();
  readonly #echo: boolean;

  /** `echo`: on standard error too. */
  constructor(name: string, echo: boolean) {
    this.file = path.join(os.tmpdir(), `chordial-${name}-${process.pid}.log`);
    this.#echo = echo;
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** To the file and optionally to standard error. */
  step(text: string): void {
    this.detail(text);
    if (this.#echo) console.error(`${this.seconds.toFixed(1).padStart(7)} s  ${text}`);
  }

  /** Only to the file. Synchronous, so that the last step before a crash is there. */
  detail(text: string): void {
    appendFileSync(this.file, `${this.seconds.toFixed(3).padStart(9)}  ${text}\n`);
  }

  remove(): void {
    rmSync(this.file, { force: true });
  }
}
