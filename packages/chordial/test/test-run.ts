/** One run of stages of tests: what came of them, told in the same form by the gate and by the suites beside it. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { endLeftovers, markChildren } from './leftovers.ts';
import { root, slowestOf, type TestResult } from './results.ts';
import type { Stage } from './stages.ts';
import { type Counts, filesOf, noCounts, runFiles } from './test-files.ts';

const shownSlowest = 20;

export class TestRun {
  readonly #what: string;
  readonly #mark = randomUUID();
  readonly #interruption = new AbortController();
  readonly #started = performance.now();
  readonly #total: Counts = { ...noCounts };
  readonly #results: TestResult[] = [];
  readonly #faults: string[] = [];
  #ranTests = false;

  /** @param what is passed in the end, in the last lines */
  constructor(what: string) {
    this.#what = what;
    process.once('SIGINT', () => this.#interruption.abort());
    process.once('SIGTERM', () => this.#interruption.abort());
    markChildren(this.#mark);
    // Every fixture has a home of its own, so without this each would compile all sources again: half of what starting a peer costs.
    process.env['NODE_COMPILE_CACHE'] ??= path.join(root, 'node_modules/.cache/chordial');
  }

  get results(): readonly TestResult[] {
    return this.#results;
  }

  get isInterrupted(): boolean {
    return this.#interruption.signal.aborted;
  }

  get isPassed(): boolean {
    return this.#faults.length === 0;
  }

  fail(fault: string): void {
    this.#faults.push(fault);
  }

  /** Every stage runs even when one before it failed; none after an interruption. */
  async stage(name: string, work: () => Promise<void>): Promise<void> {
    if (this.isInterrupted) return;
    console.log(`\n── ${name} ──`);
    const started = performance.now();
    const before = this.#faults.length;
    await work();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`── ${name}: ${this.#faults.length === before ? 'passed' : 'FAILED'} in ${seconds} s ──`);
  }

  async tests(stage: Stage): Promise<void> {
    this.#ranTests = true;
    const files = filesOf(stage);
    if (files.length === 0) return this.fail(`${stage.name}: no test file matches ${stage.files.join(' ')}`);
    const outcome = await runFiles(files, stage, this.#interruption.signal);
    this.#results.push(...outcome.results);
    for (const key of Object.keys(this.#total) as (keyof Counts)[]) this.#total[key] += outcome.counts[key];
    this.#faults.push(...outcome.faults.map((fault) => `${stage.name}: ${fault}`));
  }

  async command(name: string, command: readonly string[]): Promise<void> {
    const [program = '', ...rest] = command;
    const child = spawn(path.join(root, 'node_modules/.bin', program), rest, { cwd: root, stdio: 'inherit' });
    const exit = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(String(code ?? signal)));
    });
    if (exit !== '0') this.fail(`${name}: ${command.join(' ')} ended with ${exit}`);
  }

  /** Ends what was left running. */
  async settle(): Promise<void> {
    if (this.isInterrupted) this.fail('interrupted');
    for (const { pid, command } of await endLeftovers(this.#mark))
      this.fail(`left a process behind (killed): ${pid} ${command}`);
    if (this.#ranTests && this.#total.tests === 0) this.fail('no test ran');
  }

  /** Prints the result and ends the process with it. */
  end(): never {
    if (this.#results.length > 0) console.log('\nThe slowest tests, in seconds:');
    for (const { milliseconds, file, title } of slowestOf(this.#results, shownSlowest)) {
      console.log(`${(milliseconds / 1000).toFixed(1).padStart(6)}  ${file}: ${title}`);
    }
    console.log('');
    for (const result of this.#results) {
      if (result.outcome === 'pass') continue;
      console.log(`${result.outcome}: ${result.file}: ${result.title}`);
      if (result.reason !== undefined) console.log(result.reason.replace(/^/gm, '    '));
    }
    for (const fault of this.#faults) console.log(`FAULT ${fault}`);
    console.log(`The ${this.#what} is ${this.isPassed ? '' : 'NOT '}passed.`);
    for (const [name, count] of Object.entries(this.#total)) console.log(`# ${name} ${count}`);
    console.log(`# duration_ms ${Math.round(performance.now() - this.#started)}`);
    process.exit(this.isPassed ? 0 : 1);
  }
}
