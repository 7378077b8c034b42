/**
 * The iterative lookup: ask ever closer members until the owner itself confirms that it owns the key.
 * The asker sees all progress (recursive lookups would hide it), asks each host at most once per round, several in
 * parallel while it approaches, one when a list already names the owner, and one more when that one is slow.
 */
import { between, inOwnedArc, type RingId } from '../protocol/identifier.ts';
import type { FindAnswer, OwnerAnswer } from '../protocol/messages.ts';
import { type Contact, type HostId, isMember, type MemberPointer } from '../protocol/pointer.ts';
import type { AskFailure, Clock, Milliseconds, Timer } from './ports.ts';
import { sortPreceding } from './router.ts';
import { maxLookupAsks, type RingTimers } from './timers.ts';

export interface Found extends OwnerAnswer {
  /** Hosts that answered, the owner's included; 0 when this host owns the key. */
  readonly hops: number;
  /** Hosts that did not answer, or could not be reached. */
  readonly timeouts: number;
  readonly took: Milliseconds;
  /** Who was asked, in order; at most `maxLookupAsks`. */
  readonly asked: readonly Asked[];
}

/** One ask of a lookup. */
export interface Asked {
  readonly contact: Contact;
  /** The place for which its host was asked; null for one to begin with. */
  readonly place: RingId | null;
  /** Since the lookup began. */
  readonly at: Milliseconds;
  /** Until it answered, or the ask failed; null when the lookup ended before. */
  readonly took: Milliseconds | null;
  /** `owner`: it confirmed that it owns the key; `closer`: it named others. */
  readonly answer: 'owner' | 'closer' | AskFailure | null;
}

export interface LookupPorts {
  readonly clock: Clock;
  readonly timers: RingTimers;
  /** Never asked: its knowledge is `local` already. Null when the lookup may lead back to this host. */
  readonly self: HostId | null;
  /** Asks in flight at once (α). */
  readonly parallel: number;
  /** What this host knows itself; asked again when a round came to nothing. */
  local(key: RingId): FindAnswer;
  ask(contact: Contact, key: RingId, done: (result: FindAnswer | AskFailure) => void): void;
  isDown(host: HostId): boolean;
  /** How long an answer of this host may take before it is late. */
  timeout(host: HostId): Milliseconds;
  failed(contact: Contact, failure: AskFailure): void;
  /**
   * The asked host still believes in a previous life of this host at the key, `before` is the member that precedes it:
   * both should stabilize, or the place stays blocked until they happen to.
   */
  staleSelf(contact: Contact, before: MemberPointer | null): void;
  /** Asked when nothing better is known: the hosts to join through, or the only one when another ring is looked at. */
  readonly seeds: readonly Contact[];
}

const guessesInARow = 3;
/** So many members whose lists cover the key were asked in one round: those further back know no better, time does. */
const namedEnough = 3;
/** A round that came to nothing (the ring is changing) is tried again after this long. */
const roundPause: Milliseconds = 100;

export function lookup(key: RingId, ports: LookupPorts, done: (found: Found | null) => void): void {
  new Lookup(key, ports, done).begin();
}

class Lookup {
  readonly #key: RingId;
  readonly #ports: LookupPorts;
  readonly #done: (found: Found | null) => void;
  readonly #began: Milliseconds;
  #guesses: MemberPointer[] = [];
  #closer: MemberPointer[] = [];
  #seeds: Contact[] = [];
  #asked = new Set<HostId>();
  #inFlight = 0;
  /** In flight and not silent for so long that another is asked beside them. */
  #pressing = 0;
  #guessInFlight = false;
  /** Answers in a row since the last ask that was no guess: a chain of stale guesses must not be followed for long. */
  #wrongGuesses = 0;
  /** Answers of this round that named who should own the key. */
  #named = 0;
  /** Those named, nearest first: asked again in the next round, when the ring may have healed around a dead owner. */
  #everNamed: MemberPointer[] = [];
  #asks = 0;
  #hops = 0;
  #timeouts = 0;
  readonly #told: Asked[] = [];
  #finished = false;
  readonly #hedges = new Set<Timer>();
  #round: Timer | null = null;
  readonly #budget: Timer;

  constructor(key: RingId, ports: LookupPorts, done: (found: Found | null) => void) {
    this.#key = key;
    this.#ports = ports;
    this.#done = done;
    this.#began = ports.clock.now();
    this.#budget = ports.clock.after(ports.timers.lookupBudget, () => this.#finish(null));
  }

  begin(): void {
    const local = this.#ports.local(this.#key);
    if (local.owned !== null) {
      this.#finish(local.owned);
      return;
    }
    this.#learn(local);
    this.#seeds = [...this.#ports.seeds];
    this.#step();
  }

  #learn(answer: FindAnswer): void {
    for (const guess of answer.guesses) add(this.#guesses, guess);
    for (const pointer of answer.closer) add(this.#closer, pointer);
    const key = this.#key;
    this.#guesses.sort((a, b) =>
      a.id === b.id ? 0 : a.id === key || (b.id !== key && between(key, a.id, b.id)) ? -1 : 1,
    );
    sortPreceding(this.#closer, key);
  }

  #step(): void {
    while (!this.#finished && this.#asks < maxLookupAsks) {
      if (this.#guessInFlight) break;
      const guess = this.#wrongGuesses < guessesInARow || this.#closer.length === 0 ? this.#take(this.#guesses) : null;
      if (guess !== null) {
        this.#guessInFlight = true;
        this.#ask(guess, () => {
          this.#guessInFlight = false;
        });
        break;
      }
      if (this.#pressing >= this.#ports.parallel || this.#named >= namedEnough) break;
      this.#wrongGuesses = 0;
      const next = this.#take(this.#closer) ?? this.#takeSeed();
      if (next === null) break;
      this.#ask(next, () => {});
    }
    if (this.#inFlight === 0 && !this.#finished) this.#nextRound();
  }

  /** Nothing is left to ask although the budget is not used up: the ring may have healed meanwhile. */
  #nextRound(): void {
    if (this.#asks >= maxLookupAsks) {
      this.#finish(null);
      return;
    }
    this.#round ??= this.#ports.clock.after(roundPause, () => {
      this.#round = null;
      if (this.#finished) return;
      this.#asked = new Set();
      this.#named = 0;
      this.#wrongGuesses = 0;
      this.#guesses = this.#everNamed;
      this.#everNamed = [];
      this.begin();
    });
  }

  #take(list: MemberPointer[]): MemberPointer | null {
    for (;;) {
      const pointer = list.shift();
      if (pointer === undefined) return null;
      const { host } = pointer.contact;
      if (host !== this.#ports.self && !this.#asked.has(host) && !this.#ports.isDown(host)) return pointer;
    }
  }

  #takeSeed(): { readonly contact: Contact } | null {
    for (;;) {
      const seed = this.#seeds.shift();
      if (seed === undefined) return null;
      if (!this.#asked.has(seed.host)) return { contact: seed };
    }
  }

  /** `released` is called once, when it answered or has been silent for long: another may then be asked. */
  #ask({ contact, id = null }: { readonly contact: Contact; readonly id?: RingId | null }, released: () => void): void {
    this.#asked.add(contact.host);
    const place = this.#told.length;
    const at = this.#ports.clock.now() - this.#began;
    this.#told.push({ contact, place: id, at, took: null, answer: null });
    this.#inFlight++;
    this.#pressing++;
    this.#asks++;
    let isPressing = true;
    const release = () => {
      if (!isPressing) return;
      isPressing = false;
      this.#pressing--;
      this.#hedges.delete(hedge);
      hedge.cancel();
      released();
    };
    const patience = Math.max(this.#ports.timers.lookupHedge, this.#ports.timeout(contact.host));
    const hedge = this.#ports.clock.after(patience, () => {
      release();
      this.#step();
    });
    this.#hedges.add(hedge);
    this.#ports.ask(contact, this.#key, (result) => {
      this.#inFlight--;
      if (this.#finished) return;
      release();
      const answer = typeof result === 'string' ? result : result.owned === null ? 'closer' : 'owner';
      const took = this.#ports.clock.now() - this.#began - at;
      this.#told[place] = { contact, place: id, at, took, answer };
      if (typeof result === 'string') {
        if (result !== 'refused') this.#timeouts++;
        this.#ports.failed(contact, result);
      } else {
        this.#hops++;
        const owned = result.owned;
        if (
          owned !== null &&
          isMember(owned.predecessor) &&
          inOwnedArc(owned.predecessor.id, this.#key, owned.owner.id)
        ) {
          return this.#finish(owned);
        }
        this.#wrongGuesses++;
        if (result.guesses.length > 0) this.#named++;
        for (const guess of result.guesses) add(this.#everNamed, guess);
        this.#learn(result);
        const staleSelf = result.guesses.some((g) => g.id === this.#key && g.contact.host === this.#ports.self);
        if (staleSelf) this.#ports.staleSelf(contact, this.#closer[0] ?? null);
      }
      this.#step();
    });
  }

  #finish(owned: OwnerAnswer | null): void {
    if (this.#finished) return;
    this.#finished = true;
    for (const hedge of this.#hedges) hedge.cancel();
    this.#round?.cancel();
    this.#budget.cancel();
    const took = this.#ports.clock.now() - this.#began;
    const counts = { hops: this.#hops, timeouts: this.#timeouts };
    this.#done(owned === null ? null : { ...owned, ...counts, took, asked: [...this.#told] });
  }
}

function add(list: MemberPointer[], pointer: MemberPointer): void {
  if (!list.some((p) => p.id === pointer.id)) list.push(pointer);
}
