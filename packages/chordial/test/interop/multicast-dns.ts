/** Other programs of multicast DNS as second opinions: avahi beside a peer, and zeroconf for Python on a machine of its own. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { NodeStatus } from '../../src/client/answers.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until } from '../fixtures/until.ts';
import type { Namespace } from './namespaces.ts';

/** An instance as another program resolved it. */
export interface Resolved {
  readonly label: string;
  readonly interface?: string;
  readonly address: string;
  readonly port: number;
  readonly texts: readonly string[];
}

const busConfiguration = (socket: string) => `<busconfig>
  <listen>unix:path=${socket}</listen><auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>`;

/** The avahi daemon of a machine, with a message bus of its own. */
export class Avahi implements AsyncDisposable {
  readonly #namespace: Namespace;
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'chordial-avahi-'));
  readonly #children: ChildProcess[] = [];

  private constructor(namespace: Namespace) {
    this.#namespace = namespace;
  }

  static async start(namespace: Namespace): Promise<Avahi> {
    const avahi = new Avahi(namespace);
    const configuration = path.join(avahi.#folder, 'bus.conf');
    writeFileSync(configuration, busConfiguration(avahi.#socket));
    avahi.#run(['dbus-daemon', '--nofork', '--nopidfile', `--config-file=${configuration}`]);
    await until('the message bus listens', () => avahi.#query(['--browse-domains']).then(() => true));
    // Each has a folder for its socket and its number; those of the machine are not touched.
    const daemon =
      'mount -t tmpfs tmpfs /run/avahi-daemon && exec avahi-daemon --no-drop-root --no-chroot --no-rlimits';
    avahi.#run(['sh', '-c', `mkdir -p /run/avahi-daemon && ${daemon}`]);
    await until('avahi answers', async () => (await avahi.#query(['--all'])) !== null);
    return avahi;
  }

  /** What `avahi-browse` resolves now. */
  async browse(): Promise<readonly Resolved[]> {
    const lines = ((await this.#query(['-rpt', '_chordial._tcp'])) ?? '').split('\n');
    return lines.flatMap((line) => {
      const [kind, at, , label, , , , address, port, texts = ''] = line.split(';');
      if (kind !== '=') return [];
      const strings = texts.split(' ').map((text) => text.replaceAll('"', ''));
      return [{ label: label!, interface: at!, address: address!, port: Number(port), texts: strings.sort() }];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.reverse()) await ended(child);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #socket(): string {
    return path.join(this.#folder, 'bus');
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${this.#socket}` };
  }

  #run(command: readonly string[]): void {
    const [program = '', ...rest] = [...this.#namespace.enter, ...command];
    this.#children.push(spawn(program, rest, { stdio: 'ignore', env: this.#environment }));
  }

  /** Null when avahi does not answer. */
  async #query(args: readonly string[]): Promise<string | null> {
    const bus = `DBUS_SYSTEM_BUS_ADDRESS=unix:path=${this.#socket}`;
    return this.#namespace.exec(['env', bus, 'avahi-browse', '-pt', ...args]).catch(() => null);
  }
}

const zeroconf = `
import json, socket, sys
from zeroconf import ServiceBrowser, ServiceInfo, Zeroconf
kind = '_chordial._tcp.local.'
zc = Zeroconf()
def tell(**what):
    print(json.dumps(what), flush=True)
class Listener:
    def add_service(self, zc, kind, name):
        info = zc.get_service_info(kind, name, 10000)
        if info is None:
            return tell(unresolved=name)
        texts = sorted(f'{key.decode()}={value.decode()}' for key, value in info.properties.items())
        label = name[:-len(kind) - 1]
        tell(added=dict(label=label, address=info.parsed_addresses()[0], port=info.port, texts=texts))
    def update_service(self, zc, kind, name):
        pass
    def remove_service(self, zc, kind, name):
        tell(removed=name[:-len(kind) - 1])
ServiceBrowser(zc, kind, Listener())
for line in sys.stdin:
    label, address, port, *texts = line.split()
    info = ServiceInfo(kind, f'{label}.{kind}', port=int(port), addresses=[socket.inet_aton(address)], server=f'{label}-other.local.', properties=dict(text.split('=') for text in texts))
    # As one that does not ask whether the name is taken.
    zc.register_service(info, cooperating_responders=True)
zc.close()
`;

/** zeroconf for Python: what it has resolved and lost, in order. */
export class PythonZeroconf implements AsyncDisposable {
  readonly added: Resolved[] = [];
  readonly removed: string[] = [];
  readonly #child: ChildProcess;

  constructor(namespace: Namespace) {
    const [program = '', ...rest] = [...namespace.enter, '/usr/bin/python3', '-c', zeroconf];
    this.#child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface(this.#child.stdout!).on('line', (line) => {
      const { added, removed } = JSON.parse(line) as { readonly added?: Resolved; readonly removed?: string };
      if (added !== undefined) this.added.push(added);
      if (removed !== undefined) this.removed.push(removed);
    });
  }

  /** Takes a name without asking. */
  claim(label: string, address: string, port: number, ...texts: readonly string[]): void {
    this.#child.stdin?.write(`${[label, address, port, ...texts].join(' ')}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return ended(this.#child);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

type Nearby = NonNullable<NodeStatus['lan']>;

/** What a peer itself hears. */
export async function nearby(peer: PeerProcess): Promise<Nearby> {
  const { lan } = await peer.json<NodeStatus>('/api/v1/node?fingers=none');
  assert.ok(lan !== null);
  return lan;
}

export async function heardAt(peer: PeerProcess): Promise<readonly string[]> {
  const { networks } = await nearby(peer);
  return networks.flatMap(({ addresses }) => addresses).sort();
}
