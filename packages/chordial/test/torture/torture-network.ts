/** All hosts of the network under test. Their processes end with this one, and their folder is removed. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { environmentAt } from '../end-to-end/command.ts';
import { ringFaults } from '../end-to-end/ring-view.ts';
import { Watchdog } from '../end-to-end/watchdog.ts';
import { CutProxies } from './cut-proxy.ts';
import { type HostSurroundings, TortureHost } from './host.ts';
import { Machines } from './machines.ts';
import { ownerOfPort } from './socket-owner.ts';
import { TightDisk } from './tight-disk.ts';

export interface AddOptions {
  /** Bytes of its disk; shared with the others by default. */
  readonly diskBytes?: number;
  readonly flags?: readonly string[];
}

export interface NetworkOptions {
  /** Without partitions. */
  readonly isDirect?: boolean;
  /** So many hosts no other one can dial; with any, each host has a machine of its own, which takes root. */
  readonly hidden?: number;
}

/** Members given to a joiner, since one of them may die. */
const joinAddresses = 3;
/** A hidden host joins through those that can be dialled, of which some may be out. */
const fewestPublic = 4;

export class TortureNetwork implements AsyncDisposable {
  readonly hosts: TortureHost[] = [];
  readonly #proxies = new CutProxies((port) => this.#callerOf(port));
  readonly folder: string;
  readonly #wereMembers = new Set<TortureHost>();
  readonly #watchdog: Watchdog;
  readonly #environment: NodeJS.ProcessEnv;

  readonly #isDirect: boolean;
  readonly #hidden: number;
  readonly #machines: Machines | null;
  #created: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, { isDirect = false, hidden = 0 }: NetworkOptions, machines: Machines | null) {
    this.folder = folder;
    this.#isDirect = isDirect;
    this.#hidden = hidden;
    this.#machines = machines;
    this.#watchdog = new Watchdog(folder);
    this.#environment = environmentAt(path.join(folder, 'home'));
  }

  static async open(options: NetworkOptions = {}): Promise<TortureNetwork> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-torture-'));
    const machines = options.hidden === undefined || options.hidden === 0 ? null : await Machines.open();
    const network = new TortureNetwork(folder, options, machines);
    await mkdir(path.join(network.folder, 'home'));
    return network;
  }

  /** Where its peers leave invites for each other. */
  get runtimeFolder(): string {
    return path.join(this.folder, 'home', '.local', 'state', 'chordial', 'run');
  }

  /** Currently serving hosts. */
  get up(): readonly TortureHost[] {
    return this.hosts.filter((host) => host.isUp);
  }

  /** Members in the view of others: a paused one may resume at any time. */
  get running(): readonly TortureHost[] {
    return this.hosts.filter((host) => host.pid !== null && host.state !== 'gone');
  }

  get away(): readonly TortureHost[] {
    return this.hosts.filter((host) => host.state === 'away');
  }

  /** Starts a new host; the first founds the network. */
  async add(options: AddOptions = {}): Promise<TortureHost> {
    // One after the other: each takes the next number.
    const created = this.#created.then(() => this.#create(options));
    this.#created = created.catch(() => undefined);
    const host = await created;
    await this.start(host);
    return host;
  }

  /** Started again or for the first time. */
  async start(host: TortureHost): Promise<void> {
    const members = this.up.filter((other) => other !== host && !other.isHidden).slice(-joinAddresses);
    // A returning host knows its network; addresses would make it unrealistically fast.
    const isNew = !this.#wereMembers.has(host);
    await host.start(isNew ? await Promise.all(members.map((member) => member.address())) : []);
    this.#wereMembers.add(host);
  }

  /** One line per pointer that is wrong among the running hosts; empty when the ring is ideal. */
  async ringFaults(): Promise<readonly string[]> {
    return ringFaults(this.running.map((host) => host.process));
  }

  /** Nothing passes between these hosts and the others until `heal`. */
  async cut(hosts: readonly TortureHost[]): Promise<void> {
    const numbers = hosts.map(({ number }) => number);
    if (this.#machines === null) this.#proxies.cut(numbers);
    else await this.#machines.cut(numbers);
  }

  async heal(): Promise<void> {
    this.#proxies.heal();
    await this.#machines?.heal();
  }

  /** Registers another process to end with this one. */
  watch(pid: number): void {
    this.#watchdog.watch(pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hosts.map((host) => host[Symbol.asyncDispose]()));
    await this.#proxies[Symbol.asyncDispose]();
    await this.#machines?.[Symbol.asyncDispose]();
    await this.#watchdog[Symbol.asyncDispose]();
  }

  async #create({ diskBytes, flags = [] }: AddOptions): Promise<TortureHost> {
    const number = this.hosts.length + 1;
    let disk: TightDisk | null = null;
    let quota: readonly string[] = [];
    if (diskBytes !== undefined) {
      const folder = path.join(this.folder, `host-${number}`);
      await mkdir(folder);
      disk = await TightDisk.mount(folder, diskBytes);
      // On a disk that fills up the quota must not be reached first.
      quota = ['--quota', disk === null ? String(diskBytes) : '1G'];
    }
    const isHidden = this.#wantsHidden();
    // A network of members would take an invite for each host, of which this one has no say.
    const founding = this.#machines !== null && number === 1 ? ['--open'] : [];
    const host = new TortureHost(number, this.#surroundings, {
      flags: [...founding, ...flags, ...quota],
      disk,
      machine: (await this.#machines?.add(number, isHidden)) ?? null,
    });
    this.hosts.push(host);
    return host;
  }

  #wantsHidden(): boolean {
    const there = this.hosts.filter(({ state }) => state !== 'gone');
    const hidden = there.filter((host) => host.isHidden).length;
    return hidden < this.#hidden && there.length - hidden >= fewestPublic;
  }

  get #surroundings(): HostSurroundings {
    return {
      folder: this.folder,
      environment: this.#environment,
      isDirect: this.#isDirect,
      open: (host, port) => this.#proxies.open(host, port),
      close: (host) => this.#proxies.close(host),
      portOf: (host) => this.#proxies.portOf(host),
      watch: (peer) => {
        this.#watchdog.watch(peer.pid);
        void peer.exited.then(() => this.#watchdog.forget(peer.pid));
      },
    };
  }

  async #callerOf(port: number): Promise<number | null> {
    const pids = this.hosts.flatMap(({ pid }) => pid ?? []);
    const pid = await ownerOfPort(port, pids);
    return this.hosts.find((host) => host.pid === pid)?.number ?? null;
  }
}
