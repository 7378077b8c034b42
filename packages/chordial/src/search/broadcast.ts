/**
 * A query to every peer (spec/4, Ring broadcast): it descends a tree over the ring, each host scans its own files once
 * and sends hits directly to the asker, and the answers that return up the tree count the hosts that searched.
 *
 * The asker signs its query and is reached where the ring knows it, never at an address in a query: otherwise every
 * peer could be made to dial arbitrary addresses. An asker that is not a known member receives its hits up the tree.
 */

import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { HalfTime } from '../flow/half-time.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { TransportError } from '../network/transport.ts';
import type { Registry } from '../wire/message.ts';
import { Malformed } from '../wire/transport-error.ts';
import { type Expressions, maxNameConcurrency } from './expressions.ts';
import { type Hit, hitKey } from './hit.ts';
import { Matching, matchingTurns } from './matching.ts';
import { type Pattern, parsePattern } from './pattern.ts';
import { divide, gapBehind, type Handed } from './ring-division.ts';
import {
  type BroadcastQuestion,
  maxParts,
  type Part,
  type Reached,
  searchMessages,
  signedQuestion,
} from './search-messages.ts';
import type { SearchPorts } from './search-ports.ts';

type Ports = Pick<
  SearchPorts,
  'view' | 'networkId' | 'sign' | 'verify' | 'places' | 'transport' | 'clock' | 'members' | 'isDead' | 'files'
>;

/** For the list of recent queries. */
export interface QueryTold {
  readonly id: string;
  readonly query: string;
  readonly role: 'answered' | 'forwarded';
  readonly hash: string | null;
  readonly responses: number;
}

export interface Asked {
  readonly id: string;
  readonly pattern: string;
  readonly hops: number;
  readonly maxHits: number;
  readonly milliseconds: Milliseconds;
}

/** A query reaches a host once, however many members it has. */
const maxSeen = 4096;
const hitsPerMessage = 200;
/** Part of the remaining time that each level reserves for answering. */
const answerMilliseconds = 100;
const minLeftMilliseconds = 150;
const deliveryMilliseconds = 3000;
/** New broadcasts per asker and forwarding host in an interval; each costs every peer. */
const maxPerAsker = 30;
/** Total for one forwarding host: an asker's name proves nothing, and a host can make up more. */
const maxPerHost = 300;
const askerWindowMilliseconds = 10_000;
/** Bytes of patterns from one forwarding host in an interval: each is parsed, and kept while in use. */
const maxPatternBytes = 256 * 1024;
/** CPU time of expressions per asker and forwarding host in an interval; beyond it the asker must wait. */
const maxExpressionMillisecondsPerAsker = 1000;
/** Broadcasts being searched. */
const maxLooking = 64;
const maxAskers = 4096;
/** Accepted age of a query in either direction, so that it cannot be replayed indefinitely; clocks may be wrong. */
const maxAgeMilliseconds = 86_400_000;

interface Open {
  readonly take: (hits: readonly Hit[]) => boolean;
}

export class Broadcast {
  readonly #ports: Ports;
  readonly #expressions: Pick<Expressions, 'check' | 'match'>;
  readonly #told: (what: QueryTold) => void;
  readonly #seen = new BoundedCache<string, true>(maxSeen);
  readonly #open = new Map<string, Open>();
  /**
   * Queries of askers that are not known members, with the host that forwarded each; `left`: hits that the asker still
   * wants.
   */
  readonly #relayed = new BoundedCache<string, { readonly to: Contact; left: number }>(maxSeen);
  /** Usage in the current interval: queries by asker and forwarding host, and other limits. */
  readonly #spent = new BoundedCache<string, { since: Milliseconds; amount: number }>(maxAskers);
  readonly #turns: HalfTime;
  /** Expressions are matched on another thread: a query of words does not wait for one that is dear. */
  readonly #expressionTurns: HalfTime;
  #looking = 0;

  /** Parsed once for searching and logging. */
  #lastPattern: { readonly text: string; readonly pattern: Pattern } | null = null;

  constructor(
    ports: Ports,
    expressions: Pick<Expressions, 'check' | 'match'>,
    told: (what: QueryTold) => void = () => undefined,
  ) {
    this.#ports = ports;
    this.#expressions = expressions;
    this.#told = told;
    this.#turns = matchingTurns(ports.clock);
    this.#expressionTurns = matchingTurns(ports.clock);
  }

  /**
   * Hits go to `found` as they arrive, each once. Resolves when all have answered or the time is over. Throws
   * `bad-request`.
   */
  async ask(
    { id, pattern, hops, maxHits, milliseconds }: Asked,
    found: (hits: readonly Hit[]) => void,
  ): Promise<Reached> {
    const parsed = parsePattern(pattern);
    if (parsed.kind === 'expression') await this.#expressions.check(parsed.source);
    const given = new Set<string>();
    const take = (hits: readonly Hit[]): boolean => {
      const fresh = hits.filter((hit) => given.size < maxHits && !given.has(hitKey(hit)) && given.add(hitKey(hit)));
      if (fresh.length > 0) found(fresh);
      return given.size < maxHits;
    };
    this.#open.set(id, { take });
    try {
      const { view, sign, networkId, clock } = this.#ports;
      const question = { id, pattern, most: maxHits, asker: view.self.host, time: clock.wallTime() };
      const signature = sign(signedQuestion(networkId, question));
      return await this.#begin({ ...question, signature, parts: [], hops, left: milliseconds });
    } finally {
      this.#open.delete(id);
    }
  }

  // REQUESTS OF OTHERS

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    return registry
      .on(searchMessages.ask, (question, from) => this.asked(from, question))
      .on(searchMessages.hits, async ({ id, hits }) => ({ more: await this.#found(id, hits) }));
  }

  /** `search.ask` */
  async asked(from: Contact, question: BroadcastQuestion): Promise<Reached> {
    const digits = Math.ceil(this.#ports.places.bits / 4);
    if (question.parts.some(({ member, end }) => member.length !== digits || end.length !== digits))
      throw new Malformed('has identifiers of another ring');
    this.#checkAsker(from.host, question);
    return this.#carryOut(question, from);
  }

  /** `search.hits`: whether more are wanted. */
  async #found(id: string, hits: readonly Hit[]): Promise<boolean> {
    const open = this.#open.get(id);
    if (open !== undefined) return open.take(hits);
    const relay = this.#relayed.get(id);
    if (relay === undefined || relay.left <= 0) return false;
    relay.left -= hits.length;
    return this.#send(relay.to, id, hits);
  }

  /** A client has no place of its own: it hands the whole ring to the first member that it knows. */
  async #begin(question: BroadcastQuestion): Promise<Reached> {
    const members = this.#ports.members();
    const own = members.find(({ contact }) => contact.host === question.asker);
    const first = own ?? members[0];
    if (first === undefined) return noneReached;
    const parts = [{ member: first.id, end: first.id }];
    if (own !== undefined) return this.#carryOut({ ...question, parts }, null);
    return this.#handOrGoAround({ host: first.contact, parts }, question, new Set());
  }

  /** @param from the host that forwarded it; null when asked here */
  async #carryOut(question: BroadcastQuestion, from: Contact | null): Promise<Reached> {
    const isNew = this.#seen.get(question.id) === undefined;
    this.#remember(question.id);
    if (isNew && from !== null && this.#knownAsker(question) === null) this.#relay(question, from);
    const below = this.#spread(question);
    const here = isNew ? this.#look(question, from) : noneReached;
    return sum(await Promise.all([below, here]));
  }

  /** Forwards the parts. What is between own members is divided here without a message. */
  async #spread(question: BroadcastQuestion, failed: ReadonlySet<HostId> = new Set()): Promise<Reached> {
    const { isDead } = this.#ports;
    const self = this.#ports.view.self.host;
    const members = this.#ports.members().filter(({ contact }) => !failed.has(contact.host) && !isDead(contact.host));
    const open = [...question.parts];
    const byHost = new Map<HostId, { host: Contact; parts: Part[] }>();
    const hand = ({ host, parts }: Handed): void => {
      const known = byHost.get(host.host) ?? { host, parts: [] };
      known.parts.push(...parts);
      byHost.set(host.host, known);
    };
    for (let part = open.pop(); part !== undefined; part = open.pop()) {
      for (const handed of divide(part, members)) {
        if (handed.host.host === self) open.push(...handed.parts);
        else hand(handed);
      }
      const gap = gapBehind(part, members, self);
      if (gap !== null) hand(gap);
    }
    const messages = [...byHost.values()].flatMap(({ host, parts }) => inMessages(host, parts));
    if (messages.length > 0 && (question.hops === 0 || question.left < minLeftMilliseconds)) {
      return { answered: 0, missed: messages.length };
    }
    if (messages.length > 0) this.#tell('forwarded', question, messages.length);
    const next = { ...question, hops: question.hops - 1, left: question.left - answerMilliseconds };
    return sum(await Promise.all(messages.map((message) => this.#handOrGoAround(message, next, failed))));
  }

  /** A host that does not answer is skipped, and its part goes to those after it. */
  async #handOrGoAround(handed: Handed, question: BroadcastQuestion, failed: ReadonlySet<HostId>): Promise<Reached> {
    const began = this.#ports.clock.now();
    try {
      return await this.#hand(handed, question);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const left = question.left - (this.#ports.clock.now() - began);
      const around = { ...question, parts: handed.parts, left: Math.floor(left) };
      const reached =
        left < minLeftMilliseconds ? noneReached : await this.#spread(around, new Set([...failed, handed.host.host]));
      return { answered: reached.answered, missed: reached.missed + 1 };
    }
  }

  async #hand({ host, parts }: Handed, question: BroadcastQuestion): Promise<Reached> {
    const options = { deadline: question.left };
    return searchMessages.ask.ask(this.#ports.transport, host, { ...question, parts }, options);
  }

  /** Scans the own files and sends what fits. A host that could not scan all of them counts as missed. */
  async #look(question: BroadcastQuestion, from: Contact | null): Promise<Reached> {
    const pattern = this.#patternOf(question);
    const turns = pattern.kind === 'expression' ? this.#expressionTurns : this.#turns;
    const matching = new Matching(turns, this.#ports.clock);
    const waiting: Hit[] = [];
    let responses = 0;
    let isWanted = true;
    this.#looking += 1;
    try {
      for await (const files of this.#ports.files()) {
        waiting.push(...(await this.#matching(pattern, files, matching)));
        while (isWanted && waiting.length >= hitsPerMessage) {
          isWanted = await this.#deliver(question, from, exactFirst(pattern, waiting.splice(0, hitsPerMessage)));
          responses += hitsPerMessage;
        }
        if (!isWanted || matching.isOver) break;
      }
    } catch (error) {
      // An invalid expression is refused by the asker's own peer; from others it comes from a peer that did not check.
      if (!(error instanceof ChordialError)) throw error;
      return { answered: 0, missed: 1 };
    } finally {
      this.#looking -= 1;
      if (pattern.kind === 'expression' && from !== null)
        this.#spend(`ms ${from.host} ${question.asker}`, matching.took);
    }
    if (isWanted && waiting.length > 0) {
      await this.#deliver(question, from, exactFirst(pattern, waiting.slice(0, hitsPerMessage)));
      responses += waiting.length;
    }
    this.#tell('answered', question, responses);
    return matching.isOver ? { answered: 0, missed: 1 } : { answered: 1, missed: 0 };
  }

  #matching(pattern: Pattern, files: readonly Hit[], matching: Matching): Promise<readonly Hit[]> {
    if (pattern.kind !== 'expression') return matching.filter(files, (file) => pattern.matches(file));
    const { source } = pattern;
    return matching.filterElsewhere(files, maxNameConcurrency, (some) =>
      this.#expressions.match(
        source,
        some.map(({ name }) => name),
      ),
    );
  }

  /** False when the asker wants no more, or does not answer. */
  async #deliver(question: BroadcastQuestion, from: Contact | null, hits: readonly Hit[]): Promise<boolean> {
    const { id, asker } = question;
    if (asker === this.#ports.view.self.host) return this.#open.get(id)?.take(hits) ?? false;
    const to = this.#knownAsker(question) ?? from;
    return to !== null && this.#send(to, id, hits);
  }

  async #send(to: Contact, id: string, hits: readonly Hit[]): Promise<boolean> {
    try {
      const options = { deadline: deliveryMilliseconds };
      return (await searchMessages.hits.ask(this.#ports.transport, to, { id, hits }, options)).more;
    } catch (error) {
      if (error instanceof TransportError) return false;
      throw error;
    }
  }

  /** The asker's address according to the ring. */
  #knownAsker({ asker }: BroadcastQuestion): Contact | null {
    return this.#ports.members().find(({ contact }) => contact.host === asker)?.contact ?? null;
  }

  #relay({ id, most }: BroadcastQuestion, to: Contact): void {
    this.#relayed.set(id, { to, left: most });
  }

  #tell(role: QueryTold['role'], question: BroadcastQuestion, responses: number): void {
    const { id, pattern } = question;
    const { kind } = this.#patternOf(question);
    const hash = kind === 'sha256' || kind === 'cid' ? pattern.trim() : null;
    this.#told({ id, query: pattern, role, hash, responses });
  }

  #patternOf({ pattern: text }: BroadcastQuestion): Pattern {
    if (this.#lastPattern?.text !== text) this.#lastPattern = { text, pattern: readPattern(text) };
    return this.#lastPattern.pattern;
  }

  #remember(id: string): void {
    this.#seen.set(id, true);
  }

  /** The forwarding host is accountable as well: a member can make up any number of names. */
  #checkAsker(from: HostId, question: BroadcastQuestion): void {
    const { id, asker, pattern, time, signature } = question;
    if (this.#seen.get(id) !== undefined) return;
    this.#take(from, 1, { most: maxPerHost, has: `${from} has forwarded ${maxPerHost} queries` });
    const { networkId, verify, clock } = this.#ports;
    const isOfAsker = verify(asker, signedQuestion(networkId, question), signature);
    if (!isOfAsker || Math.abs(clock.wallTime() - time) > maxAgeMilliseconds)
      throw new TransportError('refused', `The question is not one that ${asker} asks now.`, 'bad-request');
    const has = `${asker} has sent ${maxPerAsker} queries through ${from}`;
    this.#take(`${from} ${asker}`, 1, { most: maxPerAsker, has });
    const bytes = Buffer.byteLength(pattern);
    const patterns = `${from} has forwarded ${maxPatternBytes} bytes of patterns`;
    this.#take(`bytes ${from}`, bytes, { most: maxPatternBytes, has: patterns });
    const expressions = `${asker} has used ${maxExpressionMillisecondsPerAsker} ms for its expressions`;
    this.#take(`ms ${from} ${asker}`, 0, { most: maxExpressionMillisecondsPerAsker, has: expressions });
    if (this.#looking < maxLooking) return;
    throw new TransportError('refused', `${maxLooking} broadcasts are in progress; ask later.`, 'busy');
  }

  #take(what: string, amount: number, { most, has }: { readonly most: number; readonly has: string }): void {
    if (this.#spend(what, amount) <= most) return;
    const message = `${has} in ${askerWindowMilliseconds / 1000} s, which is the limit.`;
    throw new TransportError('refused', message, 'busy');
  }

  /** Usage in the current interval, this included. */
  #spend(what: string, amount: number): number {
    const now = this.#ports.clock.now();
    const known = this.#spent.get(what);
    const spent =
      known === undefined || known.since + askerWindowMilliseconds < now ? { since: now, amount: 0 } : known;
    spent.amount += amount;
    this.#spent.set(what, spent);
    return spent.amount;
  }
}

/** Per message; hits of other hosts are passed on as they arrive. */
function exactFirst(pattern: Pattern, hits: readonly Hit[]): readonly Hit[] {
  if (pattern.kind === 'expression') return hits;
  const isExact = new Map(hits.map((hit) => [hit, pattern.isExact(hit.name)]));
  return hits.toSorted((a, b) => Number(isExact.get(b)) - Number(isExact.get(a)));
}

const noneReached: Reached = { answered: 0, missed: 0 };

function sum(all: readonly Reached[]): Reached {
  return all.reduce((a, b) => ({ answered: a.answered + b.answered, missed: a.missed + b.missed }), noneReached);
}

function inMessages(host: Contact, parts: readonly Part[]): readonly Handed[] {
  const messages: Handed[] = [];
  for (let at = 0; at < parts.length; at += maxParts) messages.push({ host, parts: parts.slice(at, at + maxParts) });
  return messages;
}

/** An unparsable pattern is refused like any malformed message. */
function readPattern(text: string): Pattern {
  try {
    return parsePattern(text);
  } catch (error) {
    throw new TransportError('refused', (error as Error).message, 'bad-request');
  }
}
