/**
 * What this host does as a relay for hidden ones: it keeps their registrations, passes calls on to them, and copies the bytes
 * of tunnels. It sees ids, addresses and ciphertext. Everything is bounded per host and in all; a relay that is full refuses.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Clock, HostId, Milliseconds, Timer } from '@chordial/ring';
import { SharedRate } from '../flow/shared-rate.ts';
import { TokenBucket } from '../flow/token-bucket.ts';
import { formatAddress, isDialable } from './addresses.ts';
import { BoundedCache } from './bounded-cache.ts';
import { handshakeMilliseconds, handshakeRate } from './connection-limits.ts';
import { isHostId } from './host-id.ts';
import { type BackAsk, type Call, encodeBeat, encodeCall, isTokenText, newToken, tokenText } from './relay-messages.ts';
import { tooMany } from './request-slots.ts';
import { TransportError } from './transport.ts';

/** Hidden hosts registered here. */
export const maxRegistered = 64;
/** Tunnels in all, those that wait for their other end too. */
export const maxTunnels = 128;
/** Tunnels that a host has opened. */
export const maxTunnelsPerHost = 8;
/** Tunnels that lead to a hidden host. */
export const maxTunnelsToHost = 32;
/** A tunnel on which nothing moves. */
export const idleTunnelMilliseconds = 300_000;
/** The same where others want its place. */
export const spareTunnelMilliseconds = 30_000;
/** A hidden host beats more often. */
export const silentRegistrationMilliseconds = 15_000;
/** A hidden host that does not read its calls. */
export const maxUnreadCallBytes = 64 * 1024;
export const defaultRelayBytesPerSecond = 10_000_000;
const maxRememberedAskers = 1024;
const sweepMilliseconds = 5000;

export interface RelayOptions {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** In all, both ways together; 0 relays nothing. */
  readonly bytesPerSecond: number;
  /** Whether others can dial this host, as far as is known; a hidden host that asks has just dialled it from that address. */
  canRelayFor(remoteAddress: string): boolean;
  /** Whether it is known that others cannot. */
  isHidden(): boolean;
}

interface Registered {
  readonly stream: ServerHttp2Stream;
  call(call: Call): void;
  heardAt: Milliseconds;
}

interface Tunnel {
  readonly from: HostId;
  readonly to: HostId;
  readonly stream: ServerHttp2Stream;
  readonly timer: Timer;
  movedAt: Milliseconds;
  isOpen: boolean;
}

export interface RelayCounts {
  readonly registered: number;
  readonly tunnels: number;
  /** Since the start. */
  readonly bytes: number;
}

export class Relays {
  readonly #options: RelayOptions;
  readonly #rate: SharedRate<'relayed'>;
  #isOff: boolean;
  readonly #registered = new Map<HostId, Registered>();
  /** By token: until its other end has come, and then as long as it is open. */
  readonly #tunnels = new Map<string, Tunnel>();
  readonly #allowances = new BoundedCache<HostId, TokenBucket>(maxRememberedAskers);
  #bytes = 0;
  #sweeper: Timer | null = null;

  constructor(options: RelayOptions) {
    this.#options = options;
    const { clock, bytesPerSecond } = options;
    this.#isOff = bytesPerSecond === 0;
    this.#rate = new SharedRate(clock, { relayed: 1 }, Math.max(1, bytesPerSecond));
  }

  /** 0: nothing new is relayed, and tunnels that are open go on as before. */
  set bytesPerSecond(bytes: number) {
    this.#isOff = bytes === 0;
    if (bytes > 0) this.#rate.perSecond = bytes;
  }

  get counts(): RelayCounts {
    return { registered: this.#registered.size, tunnels: this.#tunnels.size, bytes: this.#bytes };
  }

  /** Whether connections of that host are in use here. */
  isBusy(host: HostId): boolean {
    return this.#registered.has(host) || this.#count(({ from, to }) => from === host || to === host) > 0;
  }

  close(): void {
    this.#sweeper?.cancel();
    for (const { stream } of [...this.#registered.values(), ...this.#tunnels.values()]) end(stream);
  }

  /** A hidden host; a later registration replaces the one before. Throws a TransportError `refused`. */
  register(stream: ServerHttp2Stream, host: HostId, remoteAddress: string): void {
    if (this.#isOff || !this.#options.canRelayFor(remoteAddress))
      throw new TransportError('refused', 'This peer relays for no one.', 'not-found');
    const before = this.#registered.get(host);
    if (before === undefined && this.#registered.size >= maxRegistered) throw tooMany();
    if (before !== undefined) end(before.stream);
    let lastId = 0;
    const registered: Registered = {
      stream,
      heardAt: this.#options.clock.now(),
      call: (call) => write(stream, encodeCall(++lastId, call)),
    };
    this.#registered.set(host, registered);
    stream.setTimeout(0);
    stream.respond({ ':status': constants.HTTP_STATUS_OK });
    stream.on('data', () => {
      registered.heardAt = this.#options.clock.now();
      write(stream, encodeBeat(++lastId));
    });
    stream.once('end', () => end(stream));
    stream.once('close', () => {
      if (this.#registered.get(host) === registered) this.#registered.delete(host);
    });
    this.#sweeper ??= this.#options.clock.after(sweepMilliseconds, () => this.#sweep());
  }

  /** Throws a TransportError `refused`. */
  back(from: HostId, remoteAddress: string, { to, port, purpose, token }: BackAsk): void {
    this.#pay(from);
    const at = formatAddress({ host: remoteAddress, port });
    // An address of a link has no meaning on other ones.
    if (!isDialable(at))
      throw new TransportError('refused', 'You cannot be dialled where you are seen.', 'bad-request');
    this.#hidden(to).call({ token, back: { from, at, purpose } });
  }

  /** To this host itself, where the hidden one dialled it. Throws a TransportError `refused`. */
  backToSelf(self: HostId, to: HostId, purpose: BackAsk['purpose'], token: Uint8Array): void {
    this.#hidden(to).call({ token, back: { from: self, at: null, purpose } });
  }

  /** One end of a tunnel. Throws a TransportError `refused`. */
  connect(stream: ServerHttp2Stream, from: HostId, authority: string): void {
    if (isTokenText(authority)) this.#join(stream, from, authority);
    else if (isHostId(authority)) this.#open(stream, from, authority);
    else throw notHere();
  }

  #open(stream: ServerHttp2Stream, from: HostId, to: HostId): void {
    const { clock } = this.#options;
    this.#pay(from);
    const hidden = this.#hidden(to);
    if (from === to) throw notHere();
    if (this.#count((tunnel) => tunnel.from === from) >= maxTunnelsPerHost) throw tooMany();
    this.#makeRoom(from, maxTunnelsToHost, (tunnel) => tunnel.to === to);
    this.#makeRoom(from, maxTunnels, () => true);
    const token = newToken();
    const text = tokenText(token);
    const timer = clock.after(handshakeMilliseconds, () => end(stream));
    this.#tunnels.set(text, { from, to, stream, timer, movedAt: clock.now(), isOpen: false });
    stream.setTimeout(0);
    stream.once('close', () => {
      timer.cancel();
      this.#tunnels.delete(text);
    });
    hidden.call({ token, back: null });
  }

  #join(stream: ServerHttp2Stream, host: HostId, token: string): void {
    const tunnel = this.#tunnels.get(token);
    if (tunnel === undefined || tunnel.isOpen || tunnel.to !== host) throw notHere();
    tunnel.isOpen = true;
    tunnel.timer.cancel();
    stream.setTimeout(0);
    const ends = [tunnel.stream, stream] as const;
    for (const [one, other] of [ends, [stream, tunnel.stream]] as const) {
      one.once('close', () => end(other));
      if (one.destroyed || one.closed) {
        end(other);
        return;
      }
      one.respond({ ':status': constants.HTTP_STATUS_OK });
      this.#copy(tunnel, one, other);
    }
  }

  /** With backpressure: what was read is written at once, and the next is read when it has left and the rate allows. */
  #copy(tunnel: Tunnel, from: ServerHttp2Stream, to: ServerHttp2Stream): void {
    const isWanted = (): boolean => !from.destroyed && !to.destroyed;
    from.on('data', (piece: Buffer) => {
      this.#bytes += piece.length;
      tunnel.movedAt = this.#options.clock.now();
      const paid = this.#rate.pass('relayed', piece.length, isWanted);
      const left = isWanted() && to.write(piece) ? null : new Promise<void>((resolve) => to.once('drain', resolve));
      if (paid === null && left === null) return;
      from.pause();
      void Promise.all([paid, left]).then(() => from.resume());
    });
    from.once('end', () => to.end());
  }

  #hidden(host: HostId): Registered {
    const registered = this.#registered.get(host);
    if (registered === undefined) throw notHere();
    return registered;
  }

  /** Each call makes a hidden host dial: an asker has so many. */
  #pay(asker: HostId): void {
    const known = this.#allowances.get(asker);
    const allowance = known ?? new TokenBucket(handshakeRate, () => this.#options.clock.now());
    if (known === undefined) this.#allowances.set(asker, allowance);
    if (allowance.left < 1) throw tooMany();
    allowance.take();
  }

  /** At the cost of those who have two more there than the one who comes, or of a tunnel that others can spare. */
  #makeRoom(from: HostId, most: number, is: (tunnel: Tunnel) => boolean): void {
    const among = [...this.#tunnels].filter(([, tunnel]) => is(tunnel));
    if (among.length < most) return;
    const now = this.#options.clock.now();
    const count = (host: HostId): number => among.filter(([, tunnel]) => tunnel.from === host).length;
    const share = count(from) + 2;
    const spare = among.filter(
      ([, tunnel]) => count(tunnel.from) >= share || now - tunnel.movedAt > spareTunnelMilliseconds,
    );
    const [leaving] = spare.sort(([, a], [, b]) => a.movedAt - b.movedAt);
    if (leaving === undefined) throw tooMany();
    const [token, { stream }] = leaving;
    this.#tunnels.delete(token);
    end(stream);
  }

  #count(is: (tunnel: Tunnel) => boolean): number {
    let count = 0;
    for (const tunnel of this.#tunnels.values()) if (is(tunnel)) count += 1;
    return count;
  }

  #sweep(): void {
    const { clock } = this.#options;
    const now = clock.now();
    const isOver = this.#options.isHidden();
    for (const { stream, heardAt } of this.#registered.values()) {
      if (isOver || now - heardAt > silentRegistrationMilliseconds) end(stream);
    }
    for (const { stream, movedAt } of this.#tunnels.values()) {
      if (now - movedAt > idleTunnelMilliseconds) end(stream);
    }
    this.#sweeper = clock.after(sweepMilliseconds, () => this.#sweep());
  }
}

function write(stream: ServerHttp2Stream, frame: Buffer): void {
  if (stream.closed || stream.destroyed || stream.writableEnded) return;
  stream.write(frame);
  if (stream.writableLength > maxUnreadCallBytes) end(stream);
}

function end(stream: ServerHttp2Stream): void {
  if (!stream.closed && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
}

function notHere(): TransportError {
  return new TransportError('refused', 'That peer is not registered here.', 'not-found');
}
