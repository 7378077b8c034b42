/**
 * Who may see what a link leads to: records by id, passwords within limits, and tickets, by which a browser that gave the
 * password goes on for an hour.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '@chordial/ring';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChordialError } from '../../errors.ts';
import { Semaphore } from '../../flow/semaphore.ts';
import { TokenBucket } from '../../flow/token-bucket.ts';
import { type LinkId, parseLinkId } from '../../links/link-address.ts';
import type { Link, LinkedContent } from '../../links/link-record.ts';
import { BoundedCache } from '../../network/bounded-cache.ts';
import type { Peer } from '../../peer/peer.ts';
import { nothingHere } from '../answers.ts';
import { Failures } from '../failures.ts';
import {
  guessRatePerLink,
  maxGuessesWaiting,
  maxLinksGuessedAt,
  maxTickets,
  missRate,
  ticketMilliseconds,
  wrongGuessMilliseconds,
} from '../limits.ts';
import type { DoorContext } from '../service.ts';

export interface Visit {
  readonly link: Link;
  /** Null while the password is missing. */
  readonly content: LinkedContent | null;
}

interface Ticket {
  readonly id: LinkId;
  /** Of the record: another one has another password. */
  readonly created: number;
  readonly content: LinkedContent;
  readonly until: number;
}

const cookieName = 'chordial-ticket';
const misses = 'links that are not there';

export class Visits {
  readonly #context: DoorContext;
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #tickets = new BoundedCache<string, Ticket>(maxTickets);
  readonly #guessesAt = new BoundedCache<LinkId, TokenBucket>(maxLinksGuessedAt);
  /** One after another, so that many at once are not compared before the first is counted. */
  readonly #guesses = new Semaphore(1);
  readonly #misses: Failures;
  readonly #tagKey = randomBytes(32);
  #waiting = 0;

  constructor(context: DoorContext, clock: Pick<Clock, 'now' | 'after'>) {
    this.#context = context;
    this.#clock = clock;
    this.#misses = new Failures({ rate: missRate, now: () => clock.now() });
  }

  /** Throws the one answer for what is not there, `wrong-password` for credentials, `too-many-requests`. */
  async enter(request: FastifyRequest, idText: string): Promise<Visit> {
    const link = await this.#find(request, idText);
    if (link.lock === null) return { link, content: link.content };
    const ticket = this.#ticketOf(link, cookieIn(request));
    if (ticket !== null) return { link, content: ticket.content };
    const password = passwordIn(request);
    if (password === null) return { link, content: null };
    const tag = createHmac('sha256', this.#tagKey).update(`${link.id}\0${link.created}\0${password}`).digest('hex');
    const known = this.#ticketOf(link, tag);
    if (known !== null) return { link, content: known.content };
    const content = await this.#open(request, link, password);
    this.#keep(tag, link, content);
    return { link, content };
  }

  /** The password of the form: leaves a ticket with the browser. */
  async unlock(request: FastifyRequest, reply: FastifyReply, link: Link, password: string): Promise<void> {
    const content = await this.#open(request, link, password);
    const ticket = randomBytes(16).toString('base64url');
    this.#keep(ticket, link, content);
    const attributes = [
      `${cookieName}=${ticket}`,
      `Path=/s/${link.id}`,
      `Max-Age=${ticketMilliseconds / 1000}`,
      'HttpOnly',
      'SameSite=Strict',
      ...(this.#context.isSecure() ? ['Secure'] : []),
    ];
    reply.header('Set-Cookie', attributes.join('; '));
  }

  async #find(request: FastifyRequest, idText: string): Promise<Link> {
    this.#misses.check(request, misses);
    const id = parseLinkId(idText);
    const link = id === null ? null : await this.#links.readLink(id);
    if (link !== null) return link;
    this.#misses.count(request, misses);
    throw nothingHere();
  }

  get #links(): Peer['links'] {
    return this.#context.peer().links;
  }

  #ticketOf({ id, created }: Link, text: string | null): Ticket | null {
    const ticket = text === null ? undefined : this.#tickets.get(text);
    const isGood = ticket?.id === id && ticket.created === created && ticket.until > this.#clock.now();
    return isGood ? ticket : null;
  }

  #keep(text: string, { id, created }: Link, content: LinkedContent): void {
    this.#tickets.set(text, { id, created, content, until: this.#clock.now() + ticketMilliseconds });
  }

  async #open(request: FastifyRequest, link: Link, password: string): Promise<LinkedContent> {
    if (this.#waiting >= maxGuessesWaiting)
      throw new ChordialError('busy', 'This door checks too many passwords at once. Try again in a moment.');
    this.#waiting += 1;
    try {
      return await this.#guesses.pass(() => this.#guess(request, link, password));
    } catch (error) {
      const isWrong = error instanceof ChordialError && error.code === 'wrong-password';
      if (isWrong) await new Promise<void>((resume) => this.#clock.after(wrongGuessMilliseconds, resume));
      throw error;
    } finally {
      this.#waiting -= 1;
    }
  }

  async #guess(request: FastifyRequest, link: Link, password: string): Promise<LinkedContent> {
    const { failures } = this.#context;
    const subject = `link ${link.id}`;
    failures.check(request, subject);
    const ofLink = this.#guessesAt.get(link.id) ?? new TokenBucket(guessRatePerLink, () => this.#clock.now());
    if (ofLink.left < 1) {
      throw new ChordialError(
        'too-many-requests',
        'Too many wrong passwords were given for this link. Try again in a minute.',
      );
    }
    try {
      return await this.#links.openLink(link, password);
    } catch (error) {
      failures.count(request, subject);
      ofLink.take();
      this.#guessesAt.set(link.id, ofLink);
      throw error;
    }
  }
}

function cookieIn({ headers }: FastifyRequest): string | null {
  return new RegExp(`(?:^|;\\s*)${cookieName}=([\\w-]{22})(?:;|$)`).exec(headers.cookie ?? '')?.[1] ?? null;
}

/** Basic credentials, whose user is of no interest. */
function passwordIn({ headers }: FastifyRequest): string | null {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ', 2);
  if (!/^basic$/i.test(scheme)) return null;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
