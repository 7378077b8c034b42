/**
 * A TCP proxy in front of each peer, and partitions between them. The peers advertise their proxies, so every connection
 * between two peers passes here. Across a partition nothing passes and nothing is refused, as with an unplugged cable;
 * bytes sent before arrive after healing, unless a side has given up.
 *
 * While its peer is down a proxy does not listen: connections are refused, as after the death of a process.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { portOutsideEphemeral } from './free-port.ts';

/** The caller; null if unknown, and such a connection is never cut. */
export type CallerOf = (port: number) => Promise<number | null>;

interface Link {
  caller: number | null;
  readonly callee: number;
  readonly outer: Socket;
  inner: Socket | null;
  flowing: boolean;
}

export class CutProxies implements AsyncDisposable {
  readonly #callerOf: CallerOf;
  readonly #links = new Set<Link>();
  readonly #servers = new Map<number, Server>();
  readonly #ports = new Map<number, number>();
  /** Numbers of the partitioned peers; empty without a partition. */
  #apart: ReadonlySet<number> = new Set();

  constructor(callerOf: CallerOf) {
    this.#callerOf = callerOf;
  }

  /** The port that the peer advertises, constant over its life. */
  async portOf(peer: number): Promise<number> {
    const known = this.#ports.get(peer);
    if (known !== undefined) return known;
    const port = await portOutsideEphemeral();
    this.#ports.set(peer, port);
    return port;
  }

  /** Forwards connections to `target` from now on. */
  async open(peer: number, target: number): Promise<void> {
    await this.close(peer);
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (outer) => {
      void this.#accept(peer, target, outer);
    });
    server.listen(await this.portOf(peer), '127.0.0.1');
    await once(server, 'listening');
    this.#servers.set(peer, server);
  }

  /** The peer is down: refuses connections and breaks open ones. */
  async close(peer: number): Promise<void> {
    const server = this.#servers.get(peer);
    if (server === undefined) return;
    this.#servers.delete(peer);
    for (const link of this.#links) {
      if (link.callee === peer) end(link);
    }
    server.close();
    await once(server, 'close');
  }

  cut(apart: Iterable<number>): void {
    this.#apart = new Set(apart);
    for (const link of this.#links) this.#settle(link);
  }

  heal(): void {
    this.cut([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((peer) => this.close(peer)));
  }

  async #accept(callee: number, target: number, outer: Socket): Promise<void> {
    outer.on('error', ignoreBroken);
    outer.setNoDelay(true);
    const link: Link = { caller: null, callee, outer, inner: null, flowing: false };
    this.#links.add(link);
    outer.once('close', () => {
      this.#links.delete(link);
      link.inner?.destroy();
    });
    if (outer.remotePort !== undefined) link.caller = await this.#callerOf(outer.remotePort);
    if (outer.destroyed) return;
    link.inner = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true }).setNoDelay(true).pause();
    link.inner.on('error', ignoreBroken);
    // Across a partition the callee's death is not seen; the link ends at healing.
    link.inner.once('close', () => {
      if (!this.#isCut(link)) end(link);
    });
    this.#settle(link);
  }

  #settle(link: Link): void {
    const { outer, inner } = link;
    if (inner === null || this.#isCut(link) !== link.flowing) return;
    link.flowing = !link.flowing;
    if (!link.flowing) {
      outer.unpipe(inner).pause();
      inner.unpipe(outer).pause();
    } else if (outer.destroyed || inner.destroyed) {
      end(link);
    } else {
      outer.pipe(inner);
      inner.pipe(outer);
    }
  }

  #isCut({ caller, callee }: Link): boolean {
    return caller !== null && this.#apart.has(caller) !== this.#apart.has(callee);
  }
}

function end({ outer, inner }: Link): void {
  outer.destroy();
  inner?.destroy();
}

/** Breaking connections is intended here; their `close` event does the rest. */
function ignoreBroken(): void {
  return;
}
