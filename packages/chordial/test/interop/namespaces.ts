/**
 * Networks of Linux network namespaces, in which real peers run as on machines of their own: hosts, switches, routers
 * that translate addresses. Everything lives in namespaces of this process, the switches too, so that no interface of
 * the machine itself is touched; what a killed process left behind is removed at the next start.
 *
 *     await using network = await Namespaces.open();
 *     const lan = await network.switch('lan');
 *     const host = await network.host('first');
 *     await lan.plug(host, { address: '10.1.0.2/24' });
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { runCommand } from '../end-to-end/command.ts';
import type { NetworkFixture, PeerOptions } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { portOutsideEphemeral } from '../torture/free-port.ts';

const runFolder = '/run/netns';
const namePattern = /^chordial-(\d+)-(\d+)-/;
let opened = 0;
const commandMilliseconds = 20_000;
/** Of every peer: each has a machine of its own. */
export const peerPort = 4848;
const forwarder = path.join(import.meta.dirname, 'forward.ts');

/** Where an interface stands in its network. */
export interface Place {
  /** With the length of the prefix: `10.1.0.2/24`. */
  readonly address: string;
  /** The router that leads to all other networks. */
  readonly gateway?: string;
}

export interface Neighbour {
  readonly host: Namespace;
  readonly link: Interface;
}

export class Namespaces implements AsyncDisposable {
  readonly #all: Namespace[] = [];
  readonly #folder: string;
  /** Others of this process may have machines of the same names. */
  readonly #prefix = `${ownPrefix()}${++opened}-`;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Namespaces> {
    await sweep();
    return new Namespaces(await mkdtemp(path.join(os.tmpdir(), `${ownPrefix()}sockets-`)));
  }

  /** A machine without any interface but loopback. */
  async host(name: string): Promise<Namespace> {
    const namespace = new Namespace(`${this.#prefix}${name}`, this.#folder);
    this.#all.push(namespace);
    await run(['ip', 'netns', 'add', namespace.name]);
    await namespace.ip('link', 'set', 'lo', 'up');
    return namespace;
  }

  async switch(name: string): Promise<Switch> {
    const namespace = await this.host(name);
    await namespace.ip('link', 'add', 'bridge', 'type', 'bridge');
    await namespace.ip('link', 'set', 'bridge', 'up');
    return new Switch(namespace);
  }

  /** Machines on one switch, the first at 10.1.0.1/24, each with its interface there. */
  async neighbours<const Names extends readonly string[]>(...names: Names) {
    const cable = await this.switch('switch');
    const found: Neighbour[] = [];
    for (const name of names) {
      const host = await this.host(name);
      found.push({ host, link: await cable.plug(host, { address: `10.1.0.${found.length + 1}/24` }) });
    }
    return found as { readonly [Index in keyof Names]: Neighbour };
  }

  /**
   * A router between two networks that gives everything from inside its own address, as a home's does: what is not an
   * answer is refused outside. Behind another one it makes a carrier's NAT.
   */
  async router(name: string, ways: { readonly inside: Way; readonly outside: Way }): Promise<Namespace> {
    const router = await this.host(name);
    const inside = await ways.inside.network.plug(router, ways.inside.place);
    const outside = await ways.outside.network.plug(router, ways.outside.place);
    await router.exec(['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    await router.exec(['nft', '-f', '-'], masquerade(inside.name, outside.name));
    return router;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of this.#all) await namespace[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Way {
  readonly network: Switch;
  readonly place: Place;
}

function masquerade(inside: string, outside: string): string {
  return `table ip nat {
    chain leaving { type nat hook postrouting priority srcnat; oifname "${outside}" masquerade; }
  }
  table ip filter {
    chain passing {
      type filter hook forward priority filter; policy drop;
      iifname "${inside}" accept
      ct state established,related accept
      ct status dnat accept
    }
  }`;
}

export class Namespace implements AsyncDisposable {
  readonly name: string;
  /** Before a command that is to run inside. */
  readonly enter: readonly string[];
  readonly #folder: string;
  readonly #forwards: Forward[] = [];
  #interfaces = 0;

  constructor(name: string, folder: string) {
    this.name = name;
    this.enter = ['ip', 'netns', 'exec', name];
    this.#folder = folder;
  }

  /** The standard output of a command that must succeed. */
  exec(command: readonly string[], input = ''): Promise<string> {
    return run([...this.enter, ...command], input);
  }

  ip(...args: readonly string[]): Promise<string> {
    return run(['ip', '-netns', this.name, ...args]);
  }

  /** Multicast packets neither leave nor arrive, as on many wireless networks. */
  async blockMulticast(): Promise<void> {
    const rules = `table inet quiet {
      chain arriving { type filter hook input priority 0; meta pkttype multicast udp dport 1-65535 drop; }
      chain leaving { type filter hook output priority 0; ip daddr 224.0.0.0/4 drop; ip6 daddr ff00::/8 udp dport 1-65535 drop; }
    }`;
    await this.exec(['nft', '-f', '-'], rules);
  }

  /** This part of the packets that arrive is lost, 0 to 1. */
  async lose(part: number): Promise<void> {
    const rules = `table inet loss {
      chain arriving { type filter hook input priority 0; iifname != "lo" numgen random mod 1000 < ${Math.round(part * 1000)} drop; }
    }`;
    await this.exec(['nft', '-f', '-'], rules);
  }

  /**
   * A port that is free outside and leads to the same port of loopback in here, so that this process reaches what
   * listens there.
   */
  async forward(): Promise<number> {
    const port = await portOutsideEphemeral();
    const socket = path.join(this.#folder, `${port}`);
    this.#forwards.push(await Forward.open(this.enter, socket, port));
    return port;
  }

  /** A peer in here that listens on all its addresses; its API is reached from outside. */
  async startPeer(network: NetworkFixture, options: PeerOptions = {}): Promise<PeerProcess> {
    const api = `127.0.0.1:${await this.forward()}`;
    return network.start({ listen: `0.0.0.0:${peerPort}`, api, enter: this.enter, ...options });
  }

  /** The name of the next interface. */
  nextInterface(): string {
    return `eth${this.#interfaces++}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const forward of this.#forwards) await forward[Symbol.asyncDispose]();
    await remove(this.name);
  }
}

export class Switch {
  readonly #namespace: Namespace;

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
  }

  /** A cable from here to a new interface of the host. */
  async plug(host: Namespace, place: Place): Promise<Interface> {
    const [near, name] = [this.#namespace.nextInterface(), host.nextInterface()];
    const other = ['peer', 'name', name, 'netns', host.name];
    await this.#namespace.ip('link', 'add', near, 'type', 'veth', ...other);
    await this.#namespace.ip('link', 'set', near, 'master', 'bridge', 'up');
    const plugged = new Interface(host, name);
    await plugged.up(place);
    return plugged;
  }
}

export class Interface {
  readonly name: string;
  readonly #host: Namespace;

  constructor(host: Namespace, name: string) {
    this.#host = host;
    this.name = name;
  }

  async up(place: Place): Promise<void> {
    await this.#host.ip('link', 'set', this.name, 'up');
    await this.move(place);
  }

  /** Its link is down and its address gone, as without a cable. */
  async down(): Promise<void> {
    await this.#host.ip('address', 'flush', 'dev', this.name);
    await this.#host.ip('link', 'set', this.name, 'down');
  }

  /** Another address in place of its own, as with a new lease. */
  async move({ address, gateway }: Place): Promise<void> {
    await this.#host.ip('address', 'flush', 'dev', this.name);
    await this.#host.ip('address', 'add', address, 'dev', this.name);
    if (gateway !== undefined) await this.#host.ip('route', 'replace', 'default', 'via', gateway);
  }
}

/** Connections to a port out here are continued by a process in there, which ends with this one. */
class Forward implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(child: ChildProcess, server: Server) {
    this.#child = child;
    this.#server = server;
  }

  static async open(enter: readonly string[], socket: string, port: number): Promise<Forward> {
    const [program = '', ...rest] = [...enter, process.execPath, forwarder, socket, String(port)];
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error(`nothing forwards port ${port} to ${enter.join(' ')}`))),
    ]);
    const forward = new Forward(
      child,
      createServer((outer) => forward.#join(outer, connect(socket))),
    );
    forward.#server.listen(port, '127.0.0.1');
    await once(forward.#server, 'listening');
    return forward;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  #join(outer: Socket, inner: Socket): void {
    this.#open.add(outer);
    outer.pipe(inner).pipe(outer);
    outer
      .on('error', () => inner.destroy())
      .once('close', () => {
        this.#open.delete(outer);
        inner.destroy();
      });
    inner.on('error', () => outer.destroy()).once('close', () => outer.destroy());
  }
}

function ownPrefix(): string {
  return `chordial-${process.pid}-${startOf(process.pid)}-`;
}

/** Removes the namespaces of processes that are gone, with whatever runs inside; returns their names. */
export async function sweep(): Promise<readonly string[]> {
  const left = leftIn(runFolder);
  for (const name of left) await remove(name);
  for (const name of leftIn(os.tmpdir())) rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
  return left;
}

function leftIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => isLeft(name)) : [];
}

function isLeft(name: string): boolean {
  const [, pid, start] = namePattern.exec(name) ?? [];
  return pid !== undefined && startOf(Number(pid)) !== start;
}

/** When the process started, in ticks since the machine did: another process with its number has another. Null if there is none. */
function startOf(pid: number): string | null {
  try {
    const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (?=[^)]*$)/);
    return rest.split(' ')[19] ?? null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

async function remove(name: string): Promise<void> {
  const isThere = () => existsSync(path.join(runFolder, name));
  if (!isThere()) return;
  try {
    for (const pid of (await run(['ip', 'netns', 'pids', name])).split(/\s+/).filter((one) => one !== '')) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await run(['ip', 'netns', 'delete', name]);
  } catch (error) {
    // Another process sweeps at the same time.
    if (isThere()) throw error;
  }
}

async function run(command: readonly string[], input = ''): Promise<string> {
  const { exit, text, stderr } = await runCommand(command, { input, deadlineMilliseconds: commandMilliseconds });
  if (exit !== 0) throw new Error(`${command.join(' ')} ended with ${exit}: ${stderr.trim() || text.trim()}`);
  return text;
}
