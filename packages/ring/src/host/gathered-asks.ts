/**
 * Questions of several members to one host that arise at the same moment go in one message, and come back in one answer:
 * a message costs its host a hundred times what one more entry in it costs. Nothing waits for it: what is asked in one
 * turn of the event loop leaves at its end, and since answers come together too, what follows from them is gathered again.
 */
import { maxListEntries, type RingAnswers, type RingAsks, type RingMessageKind } from '../protocol/messages.ts';
import type { Contact } from '../protocol/pointer.ts';
import type { AskResult, Clock, RingNetwork, RingQuestion } from './ports.ts';

/** Kinds whose asks are lists and whose answers are positional or nothing, given at once. */
export type GatheredKind = 'getState' | 'find' | 'notify' | 'wake';

interface Waiting<K extends RingMessageKind> {
  readonly question: RingQuestion<K>;
  readonly done: (result: AskResult<K>) => void;
}

interface Form<K extends GatheredKind> {
  /** Entries of the message that this ask takes. */
  entries(ask: RingAsks[K]): number;
  merge(asks: readonly RingAsks[K][]): RingAsks[K];
  /** The part of the answer that belongs to `count` entries from `start` on. */
  part(answer: RingAnswers[K], start: number, count: number): RingAnswers[K];
}

const forms: { readonly [K in GatheredKind]: Form<K> } = {
  getState: {
    entries: ({ members }) => members.length,
    // At most one notice beside each member asked about.
    merge: (asks) => ({
      members: asks.flatMap(({ members }) => members),
      notices: asks.flatMap(({ notices }) => notices),
    }),
    part: ({ states }, start, count) => ({ states: states.slice(start, start + count) }),
  },
  find: {
    entries: ({ keys }) => keys.length,
    merge: (asks) => ({ keys: asks.flatMap(({ keys }) => keys) }),
    part: ({ found }, start, count) => ({ found: found.slice(start, start + count) }),
  },
  notify: {
    entries: ({ notices }) => notices.length,
    merge: (asks) => ({ notices: asks.flatMap(({ notices }) => notices) }),
    part: (answer) => answer,
  },
  wake: {
    entries: ({ members, candidates }) => Math.max(members.length, candidates.length),
    // Each woken member takes of the candidates what lies before its successor, so they may hear of all.
    merge: (asks) => ({
      members: [...new Set(asks.flatMap(({ members }) => members))],
      candidates: [...new Set(asks.flatMap(({ candidates }) => candidates))],
    }),
    part: (answer) => answer,
  },
};

export function isGathered(kind: RingMessageKind): kind is GatheredKind {
  return Object.hasOwn(forms, kind);
}

export class GatheredAsks {
  readonly #clock: Clock;
  readonly #network: RingNetwork;
  readonly #waiting = new Map<Contact, { [K in GatheredKind]?: Waiting<K>[] }>();
  #isLeaving = false;

  constructor(clock: Clock, network: RingNetwork) {
    this.#clock = clock;
    this.#network = network;
  }

  /** As RingNetwork.ask. */
  ask<K extends GatheredKind>(to: Contact, question: RingQuestion<K>, done: (result: AskResult<K>) => void): void {
    const { kind } = question;
    const known = this.#waiting.get(to) ?? {};
    this.#waiting.set(to, known);
    const list: Waiting<K>[] = known[kind] ?? [];
    list.push({ question, done });
    Object.assign(known, { [kind]: list });
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#clock.after(0, () => this.#leave());
  }

  #leave(): void {
    this.#isLeaving = false;
    const leaving = [...this.#waiting];
    this.#waiting.clear();
    for (const [to, { getState, find, notify, wake }] of leaving) {
      this.#send(to, 'getState', getState);
      this.#send(to, 'find', find);
      this.#send(to, 'notify', notify);
      this.#send(to, 'wake', wake);
    }
  }

  #send<K extends GatheredKind>(to: Contact, kind: K, waiting: readonly Waiting<K>[] = []): void {
    const { entries } = forms[kind] as Form<K>;
    let together: Waiting<K>[] = [];
    let length = 0;
    for (const one of waiting) {
      const more = entries(one.question.ask);
      if (together.length > 0 && length + more > maxListEntries) {
        this.#sendOne(to, kind, together);
        together = [];
        length = 0;
      }
      together.push(one);
      length += more;
    }
    if (together.length > 0) this.#sendOne(to, kind, together);
  }

  #sendOne<K extends GatheredKind>(to: Contact, kind: K, together: readonly Waiting<K>[]): void {
    const { entries, merge, part } = forms[kind] as Form<K>;
    const [only] = together;
    if (only !== undefined && together.length === 1) {
      this.#network.ask(to, only.question, only.done);
      return;
    }
    const deadline = Math.max(...together.map(({ question }) => question.deadline));
    const ask = merge(together.map(({ question }) => question.ask));
    this.#network.ask(to, { kind, ask, deadline }, (result) => {
      let start = 0;
      for (const one of together) {
        const count = entries(one.question.ask);
        one.done(result.ok ? { ok: true, answer: part(result.answer, start, count) } : result);
        start += count;
      }
    });
  }
}
