/**
 * The doors of members, where people who are no members come in: that of this peer, and those of others, which say so
 * when they are asked (`door.where {}` → `{door}`).
 */
import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import { draw } from '../flow/draw.ts';
import { isLoopback, isLoopbackAddress } from '../network/addresses.ts';
import type { AskingPorts } from '../network/members-exchange.ts';
import { TransportError } from '../network/transport.ts';
import { Message, type Registry } from '../wire/message.ts';
import { hex, list, map, nullable, text, textThat, tuple } from '../wire/schema.ts';
import type { ServiceName } from './settings.ts';

export interface OwnDoor {
  /** HOST:PORT as bound. */
  readonly address: string;
  /** What links begin with. */
  readonly url: string;
  readonly services: readonly string[];
  /** Null without TLS of its own. */
  readonly tls: {
    /** ISO 8601, of the certificate in use. */
    readonly expires: string;
    /** SHA-256 of it, hexadecimal. */
    readonly fingerprint: string;
    /** Why the files cannot be used now; null while they can. */
    readonly fault: string | null;
  } | null;
  /** In progress. */
  readonly requests: number;
  readonly connections: number;
}

/** Of a member, as it says. */
export interface FoundDoor {
  /** Whose door; null for that of this peer. */
  readonly contact: Contact | null;
  readonly url: string;
  readonly services: readonly string[];
  /** SHA-256 of its certificate, hexadecimal; null without TLS of its own. */
  readonly fingerprint: string | null;
}

const maxUrlCharacters = 270;
const maxServices = 8;
const maxServiceCharacters = 16;
const askConcurrency = 16;
/** Members asked in all, while none has a door. */
const maxAsked = 128;
const deadlineMilliseconds: Milliseconds = 3000;
const keptMilliseconds: Milliseconds = 300_000;

export const doorMessages = {
  where: new Message(
    'door.where',
    map({}),
    map({
      door: nullable(
        tuple({
          url: textThat(isDoorUrl, 'is no URL of a door'),
          services: list(text(maxServiceCharacters), maxServices),
          fingerprint: nullable(hex(32)),
        }),
      ),
    }),
  ),
};

/** An origin of http or https as it is written in links. */
export function isDoorUrl(wire: unknown): wire is string {
  if (typeof wire !== 'string' || wire.length > maxUrlCharacters || !/^https?:\/\/[!-~]+$/.test(wire)) return false;
  return URL.parse(wire)?.origin === wire;
}

export class Doors {
  readonly #ports: AskingPorts;
  readonly #own: () => OwnDoor | null;
  #found: readonly FoundDoor[] = [];
  #until: Milliseconds = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;

  constructor(ports: AskingPorts, own: () => OwnDoor | null) {
    this.#ports = ports;
    this.#own = own;
  }

  /** Null while this peer has none. */
  get own(): OwnDoor | null {
    return this.#own();
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    return registry.on(doorMessages.where, () => {
      const own = this.own;
      if (own === null || !isDoorUrl(own.url)) return { door: null };
      return { door: { url: own.url, services: own.services, fingerprint: own.tls?.fingerprint ?? null } };
    });
  }

  /** The own one first, then those that others reach by TLS; empty where none of the members asked has one. */
  async find(service: ServiceName): Promise<readonly FoundDoor[]> {
    const { own } = this;
    if (this.#ports.clock.now() >= this.#until) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = null;
      });
      await this.#looking;
    }
    const ofSelf: FoundDoor[] =
      own === null
        ? []
        : [{ contact: null, url: own.url, services: own.services, fingerprint: own.tls?.fingerprint ?? null }];
    return [...ofSelf, ...this.#found].filter(({ services }) => services.includes(service));
  }

  /** That of this member, as it says now; null where it has none or does not answer. */
  async at(host: HostId): Promise<FoundDoor | null> {
    const contact = this.#ports.hosts().find((one) => one.host === host);
    return contact === undefined ? null : this.#ask(contact);
  }

  /** Sixteen at a time, until some have one. */
  async #look(): Promise<void> {
    const { random, hosts, clock } = this.#ports;
    const asked = draw(random, hosts(), maxAsked);
    let found: readonly FoundDoor[] = [];
    for (let at = 0; at < asked.length && found.length === 0; at += askConcurrency) {
      const answers = asked.slice(at, at + askConcurrency).map((host) => this.#ask(host));
      found = (await Promise.all(answers)).filter((one) => one !== null);
    }
    this.#found = found.toSorted((a, b) => rank(a) - rank(b));
    // Where there is none, the next one who asks may be luckier.
    if (found.length > 0) this.#until = clock.now() + keptMilliseconds;
  }

  async #ask(contact: Contact): Promise<FoundDoor | null> {
    try {
      const { door } = await doorMessages.where.ask(
        this.#ports.transport,
        contact,
        {},
        { deadline: deadlineMilliseconds },
      );
      if (door === null) return null;
      // A URL on loopback means the machine of the one who reads it: of use only to those on the same.
      const isHere = contact.addresses.some(isLoopbackAddress);
      const { hostname } = new URL(door.url);
      const isOnLoopback = hostname === 'localhost' || isLoopback(hostname.replace(/^\[|\]$/g, ''));
      return isOnLoopback && !isHere ? null : { contact, ...door };
    } catch (error) {
      if (error instanceof TransportError) return null;
      throw error;
    }
  }
}

function rank({ url }: FoundDoor): number {
  return url.startsWith('https:') ? 0 : 1;
}
