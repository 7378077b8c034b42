/** miniupnpd, the program of most home routers for UPnP, NAT-PMP and PCP, on a router made of a namespace. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { until } from '../fixtures/until.ts';
import type { Namespace } from './namespaces.ts';

export interface MiniupnpdOptions {
  readonly upnp?: boolean;
  /** NAT-PMP and PCP. */
  readonly natPmp?: boolean;
  /** Describes itself as the older device. */
  readonly isVersion1?: boolean;
}

const httpPort = 5000;

/** The chains into which it puts its rules, hung into the hooks. */
const chains = `table inet filter {
    chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
    chain miniupnpd { }
    chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump prerouting_miniupnpd; }
    chain prerouting_miniupnpd { }
    chain postrouting { type nat hook postrouting priority srcnat; policy accept; jump postrouting_miniupnpd; }
    chain postrouting_miniupnpd { }
  }`;

export class Miniupnpd implements AsyncDisposable {
  readonly #router: Namespace;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(router: Namespace, child: ChildProcess, folder: string) {
    this.#router = router;
    this.#child = child;
    this.#folder = folder;
  }

  /** On a router of `Namespaces.router`: inside eth0, outside eth1. */
  static async start(router: Namespace, { upnp = true, natPmp = true, isVersion1 = false }: MiniupnpdOptions = {}) {
    await router.exec(['nft', '-f', '-'], chains);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-miniupnpd-'));
    const yes = (is: boolean): string => (is ? 'yes' : 'no');
    const settings = [
      'ext_ifname=eth1',
      'listening_ip=eth0',
      `http_port=${httpPort}`,
      `enable_natpmp=${yes(natPmp)}`,
      `enable_upnp=${yes(upnp)}`,
      'secure_mode=yes',
      `force_igd_desc_v1=${yes(isVersion1)}`,
      'upnp_table_name=filter',
      'upnp_nat_table_name=filter',
      'upnp_forward_chain=miniupnpd',
      'upnp_nat_chain=prerouting_miniupnpd',
      'upnp_nat_postrouting_chain=postrouting_miniupnpd',
      'uuid=d4b5fde7-907a-44e6-bbdb-4936764fe3e8',
      '',
    ];
    const file = path.join(folder, 'miniupnpd.conf');
    await writeFile(file, settings.join('\n'));
    const [program = '', ...rest] = [...router.enter, 'miniupnpd', '-d', '-f', file, '-P', path.join(folder, 'pid')];
    const child = spawn(program, rest, { stdio: process.env['MINIUPNPD_LOG'] === undefined ? 'ignore' : 'inherit' });
    const started = new Miniupnpd(router, child, folder);
    await until('miniupnpd listens', async () => {
      const sockets = await router.exec(['ss', '-lnut']);
      return sockets.includes(upnp ? `:${httpPort} ` : ':5351 ');
    });
    return started;
  }

  /** The rules of the router, as nftables has them. */
  rules(): Promise<string> {
    return this.#router.exec(['nft', 'list', 'ruleset']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
