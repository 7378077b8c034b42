/**
 * Codes of this peer, and those that it is asked for: a sender gives its code to a few members, its guardians, and says in
 * a record of the number who they are; a door or the peer of a receiver passes the messages of an exchange on to the
 * first of them that answers.
 */
import type { Clock, Contact, HostId, Milliseconds, Random } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { draw } from '../flow/draw.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { Transport } from '../network/transport.ts';
import { TransportError } from '../wire/transport-error.ts';
import { type Code, drawWords, maxNumber } from './code.ts';
import { codeMessages, maxGuardians, maxTargetBytes } from './code-messages.ts';
import type { CodeRecord, CodeRecords } from './code-records.ts';
import type { Guarded, Told } from './exchange.ts';
import { type Guardian, noSuchCodeText } from './guardian.ts';
import { type KeptCodes, maxCodeMilliseconds, maxCodesPerSender } from './kept-codes.ts';

const deadline: Milliseconds = 5000;
/** Between guardians, while a receiver waits. */
export const countDeadline: Milliseconds = 1500;
/** Senders with one number that a receiver is led to, one after the other. */
export const maxSendersOfNumber = 4;
const rememberedMilliseconds: Milliseconds = 2000;
const maxRemembered = 1024;
/** Drawn from 1 to 9, then to 99, then to 999: short numbers while they are free. */
const drawsPerLength = 4;
const roundsOfGuardians = 3;

export interface CodeWish {
  readonly target: Uint8Array;
  readonly timeToLive: Milliseconds;
  readonly times: number | null;
}

export interface MadeCode extends Code {
  /** Milliseconds since 1970. */
  readonly expiry: number;
  /** The sender among them. */
  readonly guardians: readonly HostId[];
}

/** Which of several to ask: of the senders with the number, and of the guardians of that one's code. */
export interface Turn {
  readonly sender: number;
  readonly guardian: number;
}

export interface Begun extends Guarded {
  readonly exchange: Uint8Array;
  readonly point: Uint8Array;
  /** The one that answered. */
  readonly turn: Turn;
}

export interface CodePorts {
  readonly self: HostId;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Pick<Transport, 'request'>;
  /** Live hosts, this one included. */
  readonly hosts: () => readonly Contact[];
  /** Whether its certificate lets it keep what is others'. */
  readonly mayHold: (host: HostId) => boolean;
  readonly records: Pick<CodeRecords, 'read' | 'write' | 'end'>;
  readonly kept: KeptCodes;
  readonly guardian: Guardian;
}

interface Remembered {
  readonly records: Promise<readonly CodeRecord[]>;
  readonly at: number;
}

export class Codes {
  readonly #ports: CodePorts;
  readonly #remembered = new BoundedCache<number, Remembered>(maxRemembered);

  constructor(ports: CodePorts) {
    this.#ports = ports;
  }

  /**
   * Durable when it resolves: with the guardians, and on the write quorum. Rejects with `bad-usage`, `quota-full` or
   * `too-few-copies`.
   */
  async make({ target, timeToLive, times }: CodeWish): Promise<MadeCode> {
    const { self, clock, kept, random, records } = this.#ports;
    if (target.length > maxTargetBytes) throw new ChordialError('too-large', 'A code leads to at most 2 KiB.');
    if (timeToLive > maxCodeMilliseconds || timeToLive < 1)
      throw new ChordialError('bad-usage', 'A code lasts at most 30 days. Give less with --expires.');
    kept.dropExpired();
    if (kept.numbersOf(self).length >= maxCodesPerSender)
      throw new ChordialError(
        'quota-full',
        `This peer has ${maxCodesPerSender} codes, which is as many as it may. Wait for one to expire.`,
      );
    const expiry = clock.wallTime() + timeToLive;
    const words = drawWords(() => random.next());
    const taken = new Set<number>();
    for (;;) {
      const number = await this.#freeNumber(taken);
      taken.add(number);
      const guardians = await this.#give({ number, words, target, expiry, times });
      try {
        await records.write(number, guardians, expiry);
        this.#remembered.delete(number);
        // Of two senders that took it at once, the later one takes another.
        const [first] = await records.read(number);
        const isShared = first !== undefined && first.publisher !== self && taken.size < drawsPerLength;
        if (!isShared) return { number, words, expiry, guardians };
        await this.end(number, guardians);
      } catch (error) {
        await this.end(number, guardians);
        throw error;
      }
    }
  }

  /** Takes a code back, as far as its guardians answer; at the others it leads nowhere, since no record names them. */
  async end(number: number, guardians: readonly HostId[]): Promise<void> {
    const { records, kept, self, transport } = this.#ports;
    kept.burn(self, number);
    this.#remembered.delete(number);
    const others = guardians.flatMap((host) => (host === self ? [] : (this.#contactOf(host) ?? [])));
    await Promise.allSettled([
      records.end(number),
      ...others.map((host) => codeMessages.burn.ask(transport, host, { number }, { deadline })),
    ]);
  }

  /** Takes back those of this peer that lead there. */
  async endLeadingTo(isThere: (target: Uint8Array) => boolean): Promise<void> {
    const { kept, self } = this.#ports;
    for (const number of kept.numbersOf(self)) {
      const code = kept.known(self, number)?.kept;
      if (code !== undefined && isThere(code.target)) await this.end(number, code.guardians);
    }
  }

  /** The first guardian that answers, from this turn on. Rejects with `not-found`, `busy` or `no-live-source`. */
  async begin(
    number: number,
    asked: { readonly session: Uint8Array; readonly point: Uint8Array },
    turn: Turn,
  ): Promise<Begun> {
    const senders = (await this.#read(number)).slice(0, maxSendersOfNumber);
    let isSilent = false;
    for (let sender = turn.sender; sender < senders.length; sender++) {
      const { publisher, guardians } = senders[sender]!;
      const from = sender === turn.sender ? turn.guardian : 0;
      for (let guardian = from; guardian < guardians.length; guardian++) {
        const host = guardians[guardian]!;
        const answer = await this.#ask(host, (contact) => this.#answer(contact, { publisher, number, ...asked }));
        if (answer === 'silent') isSilent = true;
        if (typeof answer !== 'string') return { publisher, guardian: host, ...answer, turn: { sender, guardian } };
      }
    }
    if (!isSilent) throw new ChordialError('not-found', noSuchCodeText);
    throw new ChordialError(
      'no-live-source',
      'None of the members that keep this code can be reached at this moment. Try again later: the code still holds.',
    );
  }

  /** Null: the words are wrong. Rejects with `not-found`, also for an exchange that took too long, and with `no-live-source`. */
  async confirm(
    guardian: HostId,
    { exchange, confirmation }: { readonly exchange: Uint8Array; readonly confirmation: Uint8Array },
  ): Promise<Told | null> {
    const { guardian: own, self, transport } = this.#ports;
    const told = await this.#ask(guardian, async (contact) =>
      contact.host === self
        ? { told: await own.confirm(self, { exchange, confirmation }) }
        : codeMessages.confirm.ask(transport, contact, { exchange, confirmation }, { deadline }),
    );
    if (told === 'absent') throw new ChordialError('not-found', noSuchCodeText);
    if (told !== 'silent') return told.told;
    throw new ChordialError('no-live-source', 'The member that keeps this code has stopped to answer. Try again.');
  }

  /** A number that no one has, or few; not one of those tried. */
  async #freeNumber(tried: ReadonlySet<number>): Promise<number> {
    const { random, records, kept, self } = this.#ports;
    const own = kept.numbersOf(self);
    let shared: number | null = null;
    for (let most = 9; most <= maxNumber; most = most * 10 + 9) {
      for (let draws = 0; draws < drawsPerLength; draws++) {
        const number = 1 + Math.floor(random.next() * most);
        if (own.includes(number) || tried.has(number)) continue;
        const others = await records.read(number);
        if (others.length === 0) return number;
        if (others.length < maxSendersOfNumber) shared = number;
      }
    }
    if (shared !== null) return shared;
    throw new ChordialError('quota-full', 'The numbers of codes are taken. Send a link with "chordial link" instead.');
  }

  /** Its guardians: this peer, and members that have taken the code. */
  async #give(code: Omit<Parameters<KeptCodes['keep']>[1], 'guardians'>): Promise<readonly HostId[]> {
    const { self, hosts, mayHold, random, kept, transport } = this.#ports;
    const able = hosts().filter(({ host }) => host !== self && mayHold(host));
    const candidates = [...draw(random, able, able.length)];
    let chosen = candidates.splice(0, maxGuardians - 1);
    for (let round = 0; ; round++) {
      const guardians = [self, ...chosen.map(({ host }) => host)];
      const took = await Promise.all(
        chosen.map((contact) =>
          codeMessages.keep.ask(transport, contact, { ...code, guardians }, { deadline }).then(
            () => true,
            (error: unknown) => {
              if (error instanceof TransportError) return false;
              throw error;
            },
          ),
        ),
      );
      const willing = chosen.filter((_, at) => took[at]);
      // Each has to know the others, with whom it counts: those that stayed are told of those that came.
      if (willing.length === chosen.length || round === roundsOfGuardians) {
        const all = [self, ...willing.map(({ host }) => host)];
        await kept.keep(self, { ...code, guardians: all });
        return all;
      }
      chosen = [...willing, ...candidates.splice(0, chosen.length - willing.length)];
    }
  }

  async #answer(contact: Contact, question: Parameters<Guardian['answer']>[1]) {
    const { guardian, self, transport } = this.#ports;
    return contact.host === self
      ? guardian.answer(self, question)
      : codeMessages.answer.ask(transport, contact, question, { deadline });
  }

  /** `absent`: it keeps no such code. `silent`: it cannot be asked now. */
  async #ask<T>(host: HostId, ask: (contact: Contact) => Promise<T>): Promise<T | 'absent' | 'silent'> {
    const contact = this.#contactOf(host);
    if (contact === null) return 'silent';
    try {
      return await ask(contact);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (error.code === 'busy') throw new ChordialError('busy', error.message, { cause: error });
      return error.code === 'not-found' ? 'absent' : 'silent';
    }
  }

  #contactOf(host: HostId): Contact | null {
    return this.#ports.hosts().find((contact) => contact.host === host) ?? null;
  }

  #read(number: number): Promise<readonly CodeRecord[]> {
    const now = this.#ports.clock.now();
    const known = this.#remembered.get(number);
    if (known !== undefined && now - known.at < rememberedMilliseconds) return known.records;
    const remembered = { records: this.#ports.records.read(number), at: now };
    this.#remembered.set(number, remembered);
    // A failure is not remembered.
    remembered.records.catch(() => {
      if (this.#remembered.get(number) === remembered) this.#remembered.delete(number);
    });
    return remembered.records;
  }
}
