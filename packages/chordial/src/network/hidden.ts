/**
 * What a host does that others cannot dial: it stays registered with a few members that relay, and does what they call it to:
 * dials those who ask for it, or opens its end of a tunnel. A relay that ends or falls silent is replaced at once.
 */
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Clock, Contact, HostId, Milliseconds, Random, Timer } from '@chordial/ring';
import { draw } from '../flow/draw.ts';
import { type Rate, TokenBucket } from '../flow/token-bucket.ts';
import { directAddresses, formatRelay, isDialable, isHidden, isLoopbackAddress, maxRelays } from './addresses.ts';
import { BoundedCache } from './bounded-cache.ts';
import { handshakeMilliseconds } from './connection-limits.ts';
import type { PooledRelay } from './connection-pool.ts';
import { BadFrame, decodeQuestion, type FrameSink } from './control-frames.ts';
import { FrameIntake } from './frame-intake.ts';
import { type Call, decodeCall, encodeBeat, maxCallBytes, registerPath } from './relay-messages.ts';
import { TransportError } from './transport.ts';
import { zoneOfAddresses } from './zones.ts';

const lookMilliseconds: Milliseconds = 1000;
const beatMilliseconds: Milliseconds = 750;
/** Beats of so long that a relay leaves unanswered: with a second to reach another, others find this host again within 5 s. */
const silentMilliseconds: Milliseconds = 3000;
/** A member that refused, or could not be reached, is asked again after this. */
const refusedMilliseconds: Milliseconds = 60_000;
const unreachableMilliseconds: Milliseconds = 5000;
const maxRemembered = 1024;
/** Calls of a relay that are answered at the same time. */
export const maxCallsAtOnce = 32;
/** Diallings that led to no one who had asked: a relay could have others flooded by them. */
export const vainCallRate: Rate = { burst: 16, perSecond: 2 };

/** A standing registration. */
export interface RelayLink {
  readonly relay: HostId;
  /** `HOST:PORT` where this host dialled it. */
  readonly dialled: string;
  readonly pooled: PooledRelay;
}

export interface HiddenPorts {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly random: Random;
  /** Whether others cannot dial this host. */
  isHidden(): boolean;
  /** Members that may relay. */
  candidates(): readonly Contact[];
  connect(relay: Contact): Promise<PooledRelay>;
  /** Whether it led to one who had asked. */
  called(call: Call, link: RelayLink): Promise<boolean>;
  /** The addresses below are others. */
  changed(): void;
}

interface Registered extends RelayLink {
  /** As others are told. */
  readonly address: string;
  end(): void;
}

export class Hidden {
  readonly #ports: HiddenPorts;
  readonly #registered = new Map<HostId, Registered>();
  /** With its line. */
  readonly #trying = new Map<HostId, string>();
  #avoidedUntil = new BoundedCache<HostId, Milliseconds>(maxRemembered);
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(ports: HiddenPorts) {
    this.#ports = ports;
  }

  /** `relay:PEERID@HOST:PORT` of each registration. */
  get addresses(): readonly string[] {
    return [...this.#registered.values()].map(({ address }) => address);
  }

  begin(): void {
    this.#timer?.cancel();
    this.look();
    if (!this.#isClosed) this.#timer = this.#ports.clock.after(lookMilliseconds, () => this.begin());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const { end } of this.#registered.values()) end();
  }

  /** The network is another, or was silent: registers again at once, also where that failed before. */
  again(): void {
    const before = [...this.#registered.values()];
    this.#registered.clear();
    this.#avoidedUntil = new BoundedCache(maxRemembered);
    for (const { end } of before) end();
    if (before.length > 0) this.#ports.changed();
    this.look();
  }

  /** Registers where more relays are wanted, and nowhere once others can dial this host. */
  look(): void {
    if (this.#isClosed) return;
    const { clock, random, candidates } = this.#ports;
    if (!this.#ports.isHidden()) {
      for (const { end } of this.#registered.values()) end();
      return;
    }
    const wanted = maxRelays - this.#registered.size - this.#trying.size;
    if (wanted <= 0) return;
    const now = clock.now();
    const possible = candidates().filter(
      (contact) =>
        !isHidden(contact) &&
        contact.addresses.length > 0 &&
        !this.#registered.has(contact.host) &&
        !this.#trying.has(contact.host) &&
        (this.#avoidedUntil.get(contact.host) ?? 0) <= now,
    );
    const taken = [...this.#registered.values()].map(({ dialled }) => lineOf([dialled]));
    for (const contact of relaysAmong(possible, [...taken, ...this.#trying.values()], random).slice(0, wanted))
      void this.#try(contact);
  }

  async #try(contact: Contact): Promise<void> {
    const { host } = contact;
    this.#trying.set(host, lineOf(contact.addresses));
    let avoided = unreachableMilliseconds;
    try {
      const pooled = await this.#ports.connect(contact);
      await this.#register(contact, pooled);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (error.failure === 'refused') avoided = refusedMilliseconds;
    } finally {
      this.#trying.delete(host);
    }
    if (this.#registered.has(host)) return;
    this.#avoidedUntil.set(host, this.#ports.clock.now() + avoided);
    this.look();
  }

  async #register(contact: Contact, pooled: PooledRelay): Promise<void> {
    const { session, socket } = pooled.connection;
    const dialled = `${bracketed(socket.remoteAddress ?? '')}:${socket.remotePort}`;
    if (session.closed || session.destroyed || !isDialable(dialled))
      throw new TransportError('timeout', `${contact.host} closed at once.`);
    const stream = session.request({ ':method': 'POST', ':path': registerPath }, { endStream: false });
    const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
    const failed = (): void => reject(new TransportError('timeout', `${contact.host} did not answer.`));
    const timer = this.#ports.clock.after(handshakeMilliseconds, failed);
    stream.on('error', failed);
    stream.once('close', failed);
    stream.once('response', (headers) => {
      if (headers[':status'] === constants.HTTP_STATUS_OK) resolve();
      else reject(new TransportError('refused', `${contact.host} does not relay.`));
    });
    pooled.inUse += 1;
    stream.once('close', () => {
      pooled.inUse -= 1;
      pooled.lastUsed = performance.now();
    });
    try {
      await opened;
      if (this.#isClosed || !this.#ports.isHidden())
        throw new TransportError('aborted', 'No relay is wanted any more.');
    } catch (error) {
      stream.close(constants.NGHTTP2_CANCEL);
      throw error;
    } finally {
      timer.cancel();
    }
    this.#keep(stream, {
      relay: contact.host,
      dialled,
      pooled,
      address: formatRelay({ relay: contact.host, at: bestOf(contact, dialled) }),
      end: () => stream.close(constants.NGHTTP2_CANCEL),
    });
  }

  #keep(stream: ClientHttp2Stream, registered: Registered): void {
    const { clock, changed } = this.#ports;
    const { relay, end } = registered;
    // Beats are counted, not time: what came while this process stood still has not been read yet.
    let [beats, unanswered] = [0, 0];
    let timer: Timer | null = null;
    const intake = new FrameIntake(callsInto(this.#answering(registered)), end);
    const beat = (): void => {
      if (unanswered * beatMilliseconds >= silentMilliseconds) {
        end();
        return;
      }
      unanswered += 1;
      if (stream.writable) stream.write(encodeBeat(++beats));
      timer = clock.after(beatMilliseconds, beat);
    };
    stream.on('data', (piece: Buffer) => {
      unanswered = 0;
      intake.push(piece);
    });
    stream.once('end', end);
    stream.once('close', () => {
      timer?.cancel();
      intake.close();
      if (this.#registered.get(relay) !== registered) return;
      this.#registered.delete(relay);
      this.#avoidedUntil.set(relay, clock.now() + unreachableMilliseconds);
      changed();
      this.look();
    });
    this.#registered.set(relay, registered);
    beat();
    changed();
  }

  /** What is too much is dropped: those who ask try other ways. */
  #answering(link: RelayLink): (call: Call) => void {
    const { clock, called } = this.#ports;
    const vain = new TokenBucket(vainCallRate, () => clock.now());
    let running = 0;
    return (call) => {
      const leadsElsewhere = call.back !== null && call.back.at !== null;
      if (running >= maxCallsAtOnce || (leadsElsewhere && vain.left < 1)) return;
      running += 1;
      if (leadsElsewhere) vain.take();
      void called(call, link)
        .then((led) => {
          if (led && leadsElsewhere) vain.giveBack();
        })
        .finally(() => {
          running -= 1;
        });
    };
  }
}

/** By chance, but first one of each line that is not taken: one who has it can have many keys there. */
export function relaysAmong(
  possible: readonly Contact[],
  taken: readonly string[],
  random: Random,
): readonly Contact[] {
  const lines = new Set(taken);
  const [first, others]: [Contact[], Contact[]] = [[], []];
  for (const contact of draw(random, possible, possible.length)) {
    const line = lineOf(contact.addresses);
    (lines.has(line) ? others : first).push(contact);
    lines.add(line);
  }
  return [...first, ...others];
}

/** The same for all without a public address. */
function lineOf(addresses: readonly string[]): string {
  return zoneOfAddresses(addresses) ?? '';
}

function callsInto(called: (call: Call) => void): FrameSink {
  return {
    take: (_, rest) => {
      const { kind, body } = decodeQuestion(rest);
      try {
        const call = decodeCall(kind, body);
        if (call !== null) called(call);
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        throw new BadFrame(error.message);
      }
    },
    makeRoom: (bytes) => bytes <= maxCallBytes,
    giveRoom: () => undefined,
    missed: () => {
      throw new BadFrame('A call is too long.');
    },
  };
}

/** Where others dial the relay: what it says of itself, unless that is an address of its own machine alone. */
function bestOf(contact: Contact, dialled: string): string {
  return directAddresses(contact.addresses).find((address) => !isLoopbackAddress(address)) ?? dialled;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
