/** What this host answers to each message of the ring. */

import type { FindAnswer, Notice, RingAnswers, RingAsks, RingHandler, RingMessageKind } from '../protocol/messages.ts';
import type { HostId } from '../protocol/pointer.ts';
import type { KnownMembers } from './known-members.ts';
import type { Lookups } from './lookups.ts';
import type { OtherHosts } from './other-hosts.ts';
import type { HostPorts, RingHostOptions } from './ring-host-options.ts';

interface Knowledge {
  readonly known: KnownMembers;
  readonly lookups: Lookups;
  readonly others: OtherHosts;
}

/** Hosts that one PROBE may make this host ping. */
const maxProbesPerAsk = 4;

type Answer<K extends RingMessageKind> = (answer: RingAnswers[K] | null) => void;

export class Answers implements RingHandler {
  readonly #options: RingHostOptions;
  readonly #ports: HostPorts & Knowledge;

  constructor(options: RingHostOptions, ports: HostPorts & Knowledge) {
    this.#options = options;
    this.#ports = ports;
  }

  handle<K extends RingMessageKind>(from: HostId, kind: K, ask: RingAsks[K], answer: Answer<K>): void {
    this.#handlers[kind](from, ask, answer);
  }

  readonly #handlers: {
    readonly [K in RingMessageKind]: (from: HostId, ask: RingAsks[K], answer: Answer<K>) => void;
  } = {
    getState: (from, { members, notices }, answer) => {
      const states = members.map((id) => this.#ports.own.get(id)?.answerState() ?? { status: 'not-member' as const });
      this.#takeNotices(from, notices);
      answer({ states });
    },
    notify: (from, { notices }, answer) => {
      this.#takeNotices(from, notices);
      answer({});
    },
    find: (from, { keys }, answer) => {
      const found = keys.map((key) => this.#ports.lookups.find(key, true));
      this.#announceJoinRequest(from, found);
      answer({ found });
    },
    wake: (from, { members, candidates }, answer) => {
      const { own, known } = this.#ports;
      const woken = members.length === 0 ? own.all : members.map((id) => own.get(id));
      for (const member of woken) {
        if (member === undefined) continue;
        for (const candidate of candidates) {
          if (candidate.contact.host === from) known.seen(candidate);
          member.take({ kind: 'candidate', candidate });
        }
        member.take({ kind: 'stabilize' });
      }
      answer({});
    },
    leave: (from, { forGood, members }, answer) => {
      const { own, known, detector, others } = this.#ports;
      for (const id of members) if (known.isOf(id, from)) known.markGone(id);
      const contact = detector.contactOf(from);
      if (contact !== null) others.departed(contact, forGood ? 'left' : 'away', members.length);
      for (const member of own.all) member.hostGone();
      answer({});
    },
    probe: (_from, { hosts }, answer) => this.#probe(hosts, answer),
    gossip: (_from, { events }, answer) => {
      const { others, own } = this.#ports;
      for (const event of events) others.consider(event);
      answer({ events: [others.selfEvent(own.joined.length > 0 ? 'alive' : 'away')] });
    },
    events: (_from, ask, answer) => {
      this.#ports.others.large.take(ask);
      answer({});
    },
    snapshot: (_from, ask, answer) => answer(this.#ports.others.large.page(ask)),
  };

  #takeNotices(from: HostId, notices: readonly Notice[]): void {
    for (const { to, from: notifier } of notices) {
      // A host speaks for its own members only.
      if (notifier.contact.host !== from || !this.#ports.known.mayBeMember(from)) continue;
      this.#ports.known.seen(notifier);
      this.#ports.own.get(to)?.take({ kind: 'notified', by: notifier });
    }
  }

  #probe(hosts: RingAsks['probe']['hosts'], answer: Answer<'probe'>): void {
    const asked = hosts.slice(0, maxProbesPerAsk);
    const reached = hosts.map(() => false);
    let open = asked.length;
    if (open === 0) {
      answer({ reached });
      return;
    }
    asked.forEach((contact, i) => {
      this.#ports.network.ping(contact, 2 * this.#options.timers.minTimeout, (result) => {
        reached[i] = result === 'alive' || result === 'refused';
        if (--open === 0) answer({ reached });
      });
    });
  }

  #announceJoinRequest(from: HostId, found: readonly FindAnswer[]): void {
    const { own, known, detector } = this.#ports;
    if (from === this.#options.self.host || own.joined.length === 0 || known.cache.knows(from)) return;
    const contact = detector.contactOf(from);
    const answer = found[0];
    if (contact === null || answer === undefined) return;
    const next = answer.owned === null ? (answer.guesses[0] ?? answer.closer[0] ?? null) : null;
    this.#options.observe({ kind: 'join-request', from: contact, next });
  }
}
