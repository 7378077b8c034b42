/** How this host asks others, and what silence, refusal and answer come to. */

import type { Snapshot } from '../protocol/maintenance.ts';
import type { MemberState } from '../protocol/member-state.ts';
import type { RingAsks, RingHandler, RingMessageKind } from '../protocol/messages.ts';
import type { Contact, HostId, MemberPointer, Pointer } from '../protocol/pointer.ts';
import { GatheredAsks, isGathered } from './gathered-asks.ts';
import type { KnownMembers } from './known-members.ts';
import type { AskResult, Milliseconds, RingQuestion } from './ports.ts';
import type { HostPorts } from './ring-host-options.ts';

/** An answer is awaited for this many round-trip time-outs: silence is judged by the failure detector, not by one answer. */
const deadlineFactor = 4;

export class Questions {
  readonly #self: Contact;
  readonly #ports: HostPorts;
  readonly #known: KnownMembers;
  readonly #handler: RingHandler;
  readonly #gathered: GatheredAsks;

  /** @param handler answers what this host asks itself */
  constructor(self: Contact, ports: HostPorts, known: KnownMembers, handler: RingHandler) {
    this.#self = self;
    this.#ports = ports;
    this.#known = known;
    this.#handler = handler;
    this.#gathered = new GatheredAsks(ports.clock, ports.network);
  }

  deadline(host: HostId): Milliseconds {
    return deadlineFactor * this.#ports.detector.timeout(host);
  }

  /** Asks a host; a member on this same host is asked the same way, without the network. */
  ask<K extends RingMessageKind>(named: Contact, question: RingQuestion<K>, done: Done<K>): void {
    const { kind, ask } = question;
    const { clock, network, detector } = this.#ports;
    const self = this.#self.host;
    const to = detector.whereabouts(named);
    if (to.host !== self) {
      if (isGathered(kind) && !meansAll(kind, ask)) {
        const sent = clock.now();
        // A host that has much to do answers late: it is to be waited for longer, not asked more often and taken for dead.
        const timed: Done<K> = (result) => {
          if (result.ok) detector.measured(to.host, clock.now() - sent);
          done(result);
        };
        this.#gathered.ask(to, question as RingQuestion<typeof kind>, timed as Done<typeof kind>);
      } else network.ask(to, question, done);
      return;
    }
    clock.after(0, () => {
      this.#handler.handle(self, kind, ask, (answer) =>
        done(answer ? { ok: true, answer } : { ok: false, failure: 'refused' }),
      );
    });
  }

  /** GET_STATE of one member, which `notifier` then notifies; null notifies no one. */
  readState(of: MemberPointer, notifier: MemberPointer | null, done: (snapshot: Snapshot) => void): void {
    const { clock } = this.#ports;
    const known = this.#known;
    if (!known.mayBeMember(of.contact.host)) {
      clock.after(0, () => {
        if (!this.#ports.isClosed()) done({ kind: 'gone' });
      });
      return;
    }
    const ask = { members: [of.id], notices: notifier === null ? [] : [{ to: of.id, from: notifier }] };
    const question = { kind: 'getState', ask, deadline: this.deadline(of.contact.host) } as const;
    this.ask(of.contact, question, (result) => {
      if (this.#ports.isClosed()) return;
      if (!result.ok) return this.#judgeSilence(of, result.failure === 'refused', done);
      const state = result.answer.states[0];
      if (state === undefined) return done({ kind: 'unknown' });
      if (state.status === 'not-member') {
        known.markGone(of.id);
        return done({ kind: 'gone' });
      }
      if (state.status === 'pending') return done({ kind: 'pending' });
      // A host speaks for its own members only, and for the one that it was asked about.
      if (state.state.me.id !== of.id || state.state.me.contact.host !== of.contact.host)
        return done({ kind: 'unknown' });
      const fresh = this.#whereTheyAre(state.state);
      known.seen(fresh.me);
      known.learn(fresh.predecessor);
      for (const entry of fresh.successors) known.learn(entry);
      done({ kind: 'member', state: fresh });
    });
  }

  #whereTheyAre(state: MemberState): MemberState {
    const { detector } = this.#ports;
    // Others' word of this host itself may be older than its own.
    const own = this.#self;
    const fresh = <P extends Pointer>(pointer: P): P => {
      if (pointer.contact === null) return pointer;
      detector.checkZone(pointer.contact);
      const contact = pointer.contact.host === own.host ? own : detector.whereabouts(pointer.contact);
      return contact === pointer.contact ? pointer : { ...pointer, contact };
    };
    const { me, predecessor, successors, epoch } = state;
    return { me: fresh(me), predecessor: fresh(predecessor), successors: successors.map(fresh), epoch };
  }

  #judgeSilence(of: MemberPointer, refused: boolean, done: (snapshot: Snapshot) => void): void {
    if (refused || of.contact.host === this.#self.host) {
      done({ kind: 'unknown' });
      return;
    }
    this.#ports.detector.confirm(of.contact, (dead) => done({ kind: dead ? 'gone' : 'unknown' }));
  }
}

type Done<K extends RingMessageKind> = (result: AskResult<K>) => void;

/** A wake-up that names no one is for all members: beside others it would be for those alone. */
function meansAll<K extends RingMessageKind>(kind: K, ask: RingAsks[K]): boolean {
  return kind === 'wake' && (ask as RingAsks['wake']).members.length === 0;
}
