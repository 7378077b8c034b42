/** The environment of a demonstration: none of its processes or files remain, whatever happens. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { formatDuration } from '../peer/quantities.ts';
import { DemoNetwork, demonstrationEnded } from './demo-network.ts';
import { pageLinkOf } from './open.ts';
import { say, sayJson } from './output.ts';

/** Half of a start is waiting for others; more at once slow each other down on two processors. */
const parallelStarts = 2;

export class DemoStage {
  readonly folder: string;
  readonly network: DemoNetwork;
  readonly isJson: boolean;
  readonly #interrupted = new AbortController();
  readonly #onSignal = () => this.#interrupted.abort();

  private constructor(folder: string, isJson: boolean) {
    this.folder = folder;
    this.isJson = isJson;
    this.network = new DemoNetwork(folder);
  }

  static async open(json: boolean): Promise<DemoStage> {
    const stage = new DemoStage(await mkdtemp(path.join(os.tmpdir(), 'chordial-demo-')), json);
    process.on('SIGINT', stage.#onSignal).on('SIGTERM', stage.#onSignal);
    return stage;
  }

  /** Aborted by Ctrl-C. */
  get signal(): AbortSignal {
    return this.#interrupted.signal;
  }

  /** The first alone, the others two at a time. `start` receives the index. */
  async startAll(count: number, start: (place: number) => Promise<void>): Promise<void> {
    await start(0);
    let next = 1;
    const startNext = async () => {
      while (next < count) await start(next++);
    };
    // Not Promise.all: no peer may still be starting when the folder is removed.
    const lanes = await Promise.allSettled(Array.from({ length: parallelStarts }, startNext));
    for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
  }

  /** Time at which a step begins. Throws `interrupted`. */
  begin(): number {
    if (this.signal.aborted) throw demonstrationEnded();
    return performance.now();
  }

  /** Reports a step that succeeded; `begun` is null for one that took no time. */
  tell(text: string, begun: number | null, detail: object = {}): void {
    const milliseconds = begun === null ? null : Math.round(performance.now() - begun);
    if (this.isJson) sayJson({ event: 'step', text, milliseconds, ...detail });
    else say(milliseconds === null ? text : `${formatDuration(milliseconds).padStart(8)}  ${text}`);
  }

  async tellPage(howToEnd: string): Promise<void> {
    const [peer] = this.network.alive;
    if (peer === undefined) return;
    const page = await pageLinkOf(peer.client);
    if (this.isJson) sayJson({ event: 'page', url: page });
    else say(`The network stays up. Its page: ${page}   (${howToEnd})`);
  }

  async untilInterrupted(): Promise<void> {
    if (this.signal.aborted) return;
    await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.removeListener('SIGINT', this.#onSignal).removeListener('SIGTERM', this.#onSignal);
    await this.network.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
