/** A host of the network under test: its data folder, its proxy, and its current process, if any. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { launcher } from '../end-to-end/command.ts';
import { PeerProcess } from '../end-to-end/peer-process.ts';
import { peerPort } from '../interop/namespaces.ts';
import { portOutsideEphemeral } from './free-port.ts';
import type { Machine } from './machines.ts';
import type { TightDisk } from './tight-disk.ts';

export type HostState = 'up' | 'paused' | 'away' | 'gone';

/** What a host needs of its network. */
export interface HostSurroundings {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** No partitions: hosts connect without proxies, which cost CPU. */
  readonly isDirect: boolean;
  open(host: number, port: number): Promise<void>;
  close(host: number): Promise<void>;
  portOf(host: number): Promise<number>;
  watch(peer: PeerProcess): void;
}

export interface HostOptions {
  readonly flags: readonly string[];
  readonly disk: TightDisk | null;
  /** Its own; null where all hosts are on this one. */
  readonly machine: Machine | null;
}

/** A start during faults waits for the ring to recover. */
const readyMilliseconds = 60_000;
const leaveMilliseconds = 120_000;

export class TortureHost {
  readonly number: number;
  readonly dataFolder: string;
  /** Its disk is small, so it may refuse bytes. */
  readonly isTight: boolean;
  state: HostState = 'away';
  readonly #around: HostSurroundings;
  readonly #options: HostOptions;
  #process: PeerProcess | null = null;
  /** Constant across restarts. */
  #port: number | null = null;

  constructor(number: number, around: HostSurroundings, options: HostOptions) {
    this.number = number;
    this.dataFolder = path.join(around.folder, `host-${number}`);
    this.isTight = options.disk !== null || options.flags.includes('--quota');
    this.#around = around;
    this.#options = options;
  }

  get name(): string {
    return `host ${this.number}`;
  }

  /** Throws before the first start; that of the last process while it is down. */
  get process(): PeerProcess {
    if (this.#process === null) throw new Error(`${this.name} was never started`);
    return this.#process;
  }

  get pid(): number | null {
    return this.#process?.running === true ? this.#process.pid : null;
  }

  get isUp(): boolean {
    return this.state === 'up';
  }

  /** Resolves when it is a member. `join`: addresses of members; none for the founder and for restarts. */
  async start(join: readonly string[]): Promise<void> {
    await mkdir(this.dataFolder, { recursive: true });
    const { disk, machine } = this.#options;
    const flags = [...(await this.#whereToListen()), '--api', machine?.api ?? '127.0.0.1:0'];
    const joins = join.flatMap((one) => ['--join', one]);
    const enter = [...(machine?.enter ?? []), ...(disk?.enter ?? [])];
    const launch = {
      command: [
        ...enter,
        launcher,
        'start',
        '--json',
        '--data',
        this.dataFolder,
        ...flags,
        ...joins,
        ...this.#options.flags,
      ],
      dataFolder: this.dataFolder,
      environment: this.#around.environment,
      readyMilliseconds,
    };
    await PeerProcess.launch(launch, (peer) => {
      this.#process = peer;
      this.#around.watch(peer);
    });
    this.state = 'up';
  }

  async #whereToListen(): Promise<readonly string[]> {
    if (this.#options.machine !== null)
      return ['--listen', `0.0.0.0:${peerPort}`, '--lan', 'off', '--port-mapping', 'off'];
    if (this.#around.isDirect) return ['--listen', await this.address()];
    const inside = await portOutsideEphemeral();
    await this.#around.open(this.number, inside);
    return ['--listen', `127.0.0.1:${inside}`, '--advertise', await this.address()];
  }

  /** Whether no other host can dial it. */
  get isHidden(): boolean {
    return this.#options.machine?.address === null;
  }

  /** HOST:PORT for other peers, usually its proxy. Throws for a hidden one. */
  async address(): Promise<string> {
    const { machine } = this.#options;
    if (machine !== null) {
      if (machine.address === null) throw new Error(`${this.name} is hidden`);
      return machine.address;
    }
    if (this.#around.isDirect) {
      this.#port ??= await portOutsideEphemeral();
      return `127.0.0.1:${this.#port}`;
    }
    return `127.0.0.1:${await this.#around.portOf(this.number)}`;
  }

  async kill(): Promise<void> {
    this.state = 'away';
    if (this.#process !== null) await this.#process.kill9();
    await this.#around.close(this.number);
  }

  /** Like Ctrl-C. Rejects unless it exits cleanly. */
  async stop(): Promise<void> {
    this.state = 'away';
    const { code, signal } = await this.process.stop();
    await this.#around.close(this.number);
    if (code !== 0)
      throw new Error(`${this.name} ended with ${code ?? signal} after SIGINT: ${this.process.describe()}`);
  }

  /** Leaves for good. Rejects if it refuses or fails; it is then still a member. */
  async leave(): Promise<void> {
    const signal = AbortSignal.timeout(leaveMilliseconds);
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}', signal };
    this.state = 'paused';
    try {
      const response = await this.process.request('/api/v1/node/leave', init);
      if (!response.ok) throw new Error(`${this.name} refused to leave: ${response.status} ${await response.text()}`);
    } catch (error) {
      this.state = 'up';
      throw error;
    }
    this.state = 'gone';
    await this.process.exited;
    await this.#around.close(this.number);
  }

  pause(): void {
    this.state = 'paused';
    process.kill(this.process.pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.process.running) process.kill(this.process.pid, 'SIGCONT');
    this.state = 'up';
  }

  /** Loses its disk: it never returns. */
  async wipe(): Promise<void> {
    await this.kill();
    this.state = 'gone';
    await this.#options.disk?.[Symbol.asyncDispose]();
    await rm(this.dataFolder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.kill9();
    await this.#options.disk?.[Symbol.asyncDispose]();
  }
}
