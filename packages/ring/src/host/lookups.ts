/** The lookups of one host: what it knows itself about a key, and asking others for it. */

import type { RingId } from '../protocol/identifier.ts';
import type { FindAnswer } from '../protocol/messages.ts';
import type { Contact, MemberPointer } from '../protocol/pointer.ts';
import type { KnownMembers } from './known-members.ts';
import { type Found, lookup } from './lookup.ts';
import type { Questions } from './questions.ts';
import type { HostPorts, RingHostOptions } from './ring-host-options.ts';
import { find } from './router.ts';

const defaultGuesses = 4;

export class Lookups {
  readonly #options: RingHostOptions;
  readonly #ports: HostPorts;
  readonly #known: KnownMembers;
  readonly #questions: Questions;

  constructor(options: RingHostOptions, ports: HostPorts, known: KnownMembers, questions: Questions) {
    this.#options = options;
    this.#ports = ports;
    this.#known = known;
    this.#questions = questions;
  }

  /** FIND, from what this host knows. */
  find(key: RingId, forOther: boolean): FindAnswer {
    const { own, detector } = this.#ports;
    const known = this.#known;
    return find(key, {
      self: this.#options.self.host,
      forOther,
      bits: this.#options.shape.bits,
      own: () => own.joined,
      cache: known.cache,
      guesses: this.#options.guesses ?? defaultGuesses,
      isGone: (pointer) => known.isGone(pointer),
      roundTrip: this.#options.proximity ? (pointer) => detector.roundTrip(pointer.contact.host) : null,
    });
  }

  /** Through what this host knows, and through the given hosts when that is nothing. */
  lookup(key: RingId, through: readonly Contact[], done: (found: Found | null) => void): void {
    this.#begin(through, true, key, done);
  }

  /** As if this host knew no one but that one. */
  lookupFrom(contact: Contact, key: RingId, done: (found: Found | null) => void): void {
    this.#begin([contact], false, key, done);
  }

  #begin(seeds: readonly Contact[], useLocal: boolean, key: RingId, done: (found: Found | null) => void): void {
    const { clock, detector } = this.#ports;
    const [known, questions] = [this.#known, this.#questions];
    const { timers, self, parallelAsks } = this.#options;
    lookup(
      key,
      {
        clock,
        timers,
        self: useLocal ? self.host : null,
        parallel: parallelAsks,
        seeds,
        local: () => (useLocal ? this.find(key, false) : { owned: null, guesses: [], closer: [] }),
        isDown: (host) => detector.isDown(host) || !known.mayBeMember(host),
        timeout: (host) => detector.timeout(host),
        staleSelf: (contact, before) => this.#wake(contact, before),
        failed: (contact, failure) => {
          if (failure === 'refused' || contact.host === self.host) return;
          // No one but others has ever spoken of it: names that lead nowhere cost anybody nothing to make up.
          if (failure === 'unreachable' && !detector.wasHeard(contact.host)) known.forgetHost(contact.host);
          detector.suspect(contact);
        },
        ask: (contact, wanted, answered) => {
          const deadline = questions.deadline(contact.host);
          questions.ask(contact, { kind: 'find', ask: { keys: [wanted] }, deadline }, (result) => {
            if (this.#ports.isClosed()) return;
            if (!result.ok) return answered(result.failure);
            const found = result.answer.found[0];
            if (found === undefined) return answered('refused');
            // The owner itself confirms: who answers for another host is not believed.
            const owner = found.owned?.owner.contact.host ?? contact.host;
            if (owner !== contact.host || !known.mayBeMember(owner)) return answered('refused');
            known.learnFound(found);
            answered(found);
          });
        },
      },
      done,
    );
  }

  /** Both the host that still believes in my previous life and the member before it should stabilize. */
  #wake(contact: Contact, before: MemberPointer | null): void {
    const questions = this.#questions;
    const deadline = this.#options.timers.maxTimeout;
    questions.ask(contact, { kind: 'wake', ask: { members: [], candidates: [] }, deadline }, () => {});
    if (before === null || before.contact.host === contact.host) return;
    const ask = { members: [before.id], candidates: [] };
    questions.ask(before.contact, { kind: 'wake', ask, deadline }, () => {});
  }
}
