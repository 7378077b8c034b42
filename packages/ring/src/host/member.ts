/**
 * One member of the ring: the driver of its maintenance. The reducer in protocol/maintenance.ts decides; here its
 * effects are done, and what comes of them is handed back as events. A crash here loses nothing: the state is rebuilt
 * by joining again.
 */

import type { JoinStep } from '../protocol/join.ts';
import {
  hasWork,
  isBusy,
  joinStep,
  type Maintenance,
  type MemberEffect,
  type MemberEvent,
  outside,
  react,
  type Snapshot,
  stateAnswer,
} from '../protocol/maintenance.ts';
import type { MemberState } from '../protocol/member-state.ts';
import type { StateAnswer } from '../protocol/messages.ts';
import { isMember, type MemberPointer } from '../protocol/pointer.ts';
import type { MemberHost } from './member-host.ts';
import type { Timer } from './ports.ts';
import { PredecessorWakeups } from './predecessor-wakeups.ts';
import { StabilizePace } from './stabilize-pace.ts';

export class Member {
  readonly me: MemberPointer;
  readonly #host: MemberHost;
  readonly #pace: StabilizePace;
  readonly #wakeups: PredecessorWakeups;
  #maintenance: Maintenance;
  #retry: Timer | null = null;

  constructor(me: MemberPointer, host: MemberHost) {
    this.me = me;
    this.#host = host;
    this.#maintenance = outside(me, host.rules);
    this.#wakeups = new PredecessorWakeups(host, () => this.state);
    this.#pace = new StabilizePace(host, () => this.take({ kind: 'stabilize' }));
  }

  get state(): MemberState | null {
    return this.#maintenance.state;
  }

  get isBusy(): boolean {
    return isBusy(this.#maintenance);
  }

  answerState(): StateAnswer {
    return stateAnswer(this.#maintenance);
  }

  /** Begins with a state known to be ideal: a founder's own members. */
  begin(state: MemberState): void {
    this.take({ kind: 'begin', state });
    this.#pace.begin();
  }

  /** Begins in the middle of a life in which nothing has changed for long. */
  beginSettled(state: MemberState): void {
    this.take({ kind: 'begin', state });
    this.#pace.beginSettled();
  }

  /** One step of JOIN behind p; the host does the walking. */
  tryJoin(p: MemberPointer, done: (step: JoinStep | null) => void): void {
    this.#host.readState(p, null, (snapshot) => {
      const step = joinStep(this.#maintenance, snapshot);
      if (step?.kind === 'joined') this.take({ kind: 'joined', state: step.state });
      done(step);
    });
  }

  /** A host died or left: a member that stands on it must be replaced at once. */
  hostGone(): void {
    const { state } = this;
    if (state === null) return;
    const head = state.successors[0];
    if (isMember(head) && this.#host.isGone(head)) this.take({ kind: 'stabilize' });
    if (this.#host.isGone(state.predecessor)) this.take({ kind: 'predecessor-gone' });
  }

  /** What happened; when it is idle then and something waits, it goes on with that. */
  take(event: MemberEvent): void {
    this.#step(event);
    while (hasWork(this.#maintenance)) this.#step({ kind: 'turn', now: this.#host.clock.now() });
  }

  #step(event: MemberEvent): void {
    const { next, effects } = react(this.#maintenance, event);
    this.#maintenance = next;
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: MemberEffect): void {
    const host = this.#host;
    switch (effect.kind) {
      case 'commit':
        if (effect.after === null) this.#clearTimers();
        host.tell(this.me, effect);
        break;
      case 'stabilized':
      case 'isolated':
        host.tell(this.me, effect);
        break;
      case 'wake-predecessor':
        this.#wakeups.changed();
        break;
      case 'wake':
        if (!host.isGone(effect.to)) host.wake(effect.to, [effect.candidate], () => {});
        break;
      case 'read':
        this.#read(effect.of, effect.notifies ? this.me : null);
        break;
      case 'retry': {
        const { clock, random, timers } = host;
        this.#retry = clock.after(timers.pendingRetry * (0.5 + random.next()), () => this.take({ kind: 'retry' }));
        break;
      }
      case 'choose':
        this.take({ kind: 'chosen', member: this.#choose(effect.first, effect.last) });
        break;
      case 'notify':
        host.notify(effect.to, this.me, () => this.take({ kind: 'acknowledged' }));
        break;
      case 'rest':
        this.#pace.next(effect.quiet, host.clock.now() - effect.since);
        break;
    }
  }

  #read(of: MemberPointer, notifier: MemberPointer | null): void {
    const answered = (snapshot: Snapshot) => this.take({ kind: 'answered', of: of.id, snapshot });
    if (this.#host.isGone(of)) answered({ kind: 'gone' });
    else this.#host.readState(of, notifier, answered);
  }

  #choose(first: MemberPointer | null, last: MemberPointer | null): MemberPointer | null {
    if (first !== null && !this.#host.isGone(first)) return first;
    return this.#host.nearestAfter(this.me.id) ?? (last === null || this.#host.isGone(last) ? null : last);
  }

  #clearTimers(): void {
    this.#pace.stop();
    this.#wakeups.stop();
    this.#retry?.cancel();
  }
}
