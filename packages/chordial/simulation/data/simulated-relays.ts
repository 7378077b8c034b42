/**
 * Hosts behind routers, as src/network/hidden.ts keeps them reachable: each stays registered with up to three hosts that can
 * be dialled, and replaces one whose connection ended at once, and a silent one after a while. No relay leads over a relay.
 */
import type { HostId, Milliseconds, Random } from '@chordial/ring';
import { maxRelays } from '../../src/network/addresses.ts';

const lookMilliseconds: Milliseconds = 1000;
const silentMilliseconds: Milliseconds = 4500;

interface RelayedHost {
  readonly number: number;
  readonly signer: { readonly host: HostId };
  readonly ring: { readonly process: { readonly isRunning: boolean } };
}

interface RelayedNetwork<Host> {
  readonly running: readonly Host[];
  readonly random: Random;
  readonly memory: { delivers(from: HostId, to: HostId): boolean };
  readonly ring: {
    readonly time: { readonly now: Milliseconds; after(delay: Milliseconds, run: () => void): unknown };
  };
}

interface Registered<Host> {
  readonly relay: Host;
  /** Since when it leads nowhere; null while it does. */
  silentSince: Milliseconds | null;
}

export class SimulatedRelays<Host extends RelayedHost> {
  readonly #network: RelayedNetwork<Host>;
  readonly #hides: (number: number) => boolean;
  readonly #hidden = new Map<HostId, Host>();
  readonly #registered = new Map<HostId, readonly Registered<Host>[]>();

  constructor(network: RelayedNetwork<Host>, hides: (number: number) => boolean) {
    this.#network = network;
    this.#hides = hides;
  }

  /** A host has started. */
  started(host: Host): void {
    if (!this.#hides(host.number)) return;
    const isFirst = this.#hidden.size === 0;
    this.#hidden.set(host.signer.host, host);
    this.#registered.set(host.signer.host, []);
    this.#register(host);
    if (isFirst) this.#lookLater();
  }

  /** Where a hidden host is registered now; empty for others. */
  of({ signer }: Host): readonly Host[] {
    return (this.#registered.get(signer.host) ?? []).map(({ relay }) => relay);
  }

  leads(from: HostId, to: HostId): boolean {
    const host = this.#hidden.get(to);
    if (host === undefined) return true;
    const { memory } = this.#network;
    return (this.#registered.get(to) ?? []).some(({ relay }) => {
      const id = relay.signer.host;
      return this.#works(relay, host) && (id === from || memory.delivers(from, id));
    });
  }

  #lookLater(): void {
    this.#network.ring.time.after(lookMilliseconds, () => {
      for (const host of this.#hidden.values()) if (host.ring.process.isRunning) this.#register(host);
      this.#lookLater();
    });
  }

  #register(host: Host): void {
    const { random, running, ring } = this.#network;
    const now = ring.time.now;
    const kept = (this.#registered.get(host.signer.host) ?? []).filter((one) => {
      one.silentSince = this.#works(one.relay, host) ? null : (one.silentSince ?? now);
      const patience = one.relay.ring.process.isRunning ? silentMilliseconds : 0;
      return one.silentSince === null || now - one.silentSince < patience;
    });
    const possible = running.filter(
      (relay) =>
        !this.#hides(relay.number) &&
        this.#works(relay, host) &&
        kept.every((registered) => registered.relay !== relay),
    );
    while (kept.length < maxRelays && possible.length > 0) {
      const [relay] = possible.splice(Math.floor(random.next() * possible.length), 1);
      if (relay !== undefined) kept.push({ relay, silentSince: null });
    }
    this.#registered.set(host.signer.host, kept);
  }

  #works(relay: Host, host: Host): boolean {
    return relay.ring.process.isRunning && this.#network.memory.delivers(relay.signer.host, host.signer.host);
  }
}
