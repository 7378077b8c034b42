/**
 * A machine of its own for each host, in network namespaces: most on a public network, some behind a router each that
 * lets in nothing, so that no other host can dial them. A partition leaves a machine its loopback alone.
 */
import { type Namespace, Namespaces, peerPort, type Switch } from '../interop/namespaces.ts';

export interface Machine {
  /** Before a command that is to run there. */
  readonly enter: readonly string[];
  /** Of its peer's API, reached from here. */
  readonly api: string;
  /** Where others dial it; null where no one can. */
  readonly address: string | null;
}

interface Site extends Machine {
  readonly namespace: Namespace;
}

const publicAddress = (number: number): string => `203.0.113.${number}`;
const outsideOfHome = (number: number): string => `203.0.113.${100 + number}`;
const insideOfHome = { router: '192.168.1.1', host: '192.168.1.2' } as const;
/** Of each kind. */
const maxMachines = 99;

export class Machines implements AsyncDisposable {
  readonly #namespaces: Namespaces;
  readonly #public: Switch;
  readonly #sites = new Map<number, Site>();
  #isCut = new Set<Site>();

  private constructor(namespaces: Namespaces, outside: Switch) {
    this.#namespaces = namespaces;
    this.#public = outside;
  }

  static async open(): Promise<Machines> {
    const namespaces = await Namespaces.open();
    return new Machines(namespaces, await namespaces.switch('public'));
  }

  /** For the host of that number. */
  async add(number: number, isHidden: boolean): Promise<Machine> {
    if (number > maxMachines) throw new Error(`there is room for ${maxMachines} machines`);
    const namespace = await this.#namespaces.host(`host-${number}`);
    if (isHidden) {
      const home = await this.#namespaces.switch(`home-${number}`);
      const inside = { network: home, place: { address: `${insideOfHome.router}/24` } };
      const outside = { network: this.#public, place: { address: `${outsideOfHome(number)}/24` } };
      await this.#namespaces.router(`router-${number}`, { inside, outside });
      await home.plug(namespace, { address: `${insideOfHome.host}/24`, gateway: insideOfHome.router });
    } else await this.#public.plug(namespace, { address: `${publicAddress(number)}/24` });
    const api = `127.0.0.1:${await namespace.forward()}`;
    const address = isHidden ? null : `${publicAddress(number)}:${peerPort}`;
    const site = { namespace, enter: namespace.enter, api, address };
    this.#sites.set(number, site);
    return site;
  }

  /** From now on nothing passes to and from these, and nothing is refused. */
  async cut(numbers: Iterable<number>): Promise<void> {
    for (const number of numbers) {
      const site = this.#sites.get(number);
      if (site === undefined || this.#isCut.has(site)) continue;
      this.#isCut.add(site);
      await site.namespace.exec(['nft', '-f', '-'], cutOff);
    }
  }

  async heal(): Promise<void> {
    const cut = this.#isCut;
    this.#isCut = new Set();
    for (const { namespace } of cut) await namespace.exec(['nft', 'delete', 'table', 'inet', 'cut']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces[Symbol.asyncDispose]();
  }
}

const cutOff = `table inet cut {
  chain arriving { type filter hook input priority -10; iifname != "lo" drop; }
  chain leaving { type filter hook output priority -10; oifname != "lo" drop; }
}`;
