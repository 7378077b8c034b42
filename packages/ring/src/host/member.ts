/**
 * One member of the ring: the thin driver around join, stabilize and rectify.
 *
 * Single writer: operations run one after the other; at most one asks another member at a time. While a query of mine
 * that may change my successors is in flight, GET_STATE is answered PENDING (the busy rule: without it the atomic
 * steps of the proof do not hold). Lookups read the last committed state and are never held up.
 * A crash here loses nothing: the state is rebuilt by joining again.
 */

import { type JoinStep, joinBehind } from '../protocol/join.ts';
import { type MemberState, withContact } from '../protocol/member-state.ts';
import type { StateAnswer } from '../protocol/messages.ts';
import { type Contact, isMember, type MemberPointer } from '../protocol/pointer.ts';
import { rectify, withPredecessor } from '../protocol/rectify.ts';
import { adoptSuccessor, betterSuccessor, dropHead, isBetterSuccessor } from '../protocol/stabilize.ts';
import { brokenRule, sameList } from '../protocol/successor-list.ts';
import { Candidates } from './candidates.ts';
import type { MemberPorts, Snapshot } from './member-ports.ts';
import type { Milliseconds } from './ports.ts';
import { PredecessorPokes } from './predecessor-pokes.ts';
import { StabilizePace } from './stabilize-pace.ts';
import { maxPendingRetries, maxQueuedNotices } from './timers.ts';

export class Member {
  readonly me: MemberPointer;
  readonly #ports: MemberPorts;
  #state: MemberState | null = null;
  /** A query of mine that may change my successors is in flight. */
  #busy = false;
  /** An operation is running (asking or waiting). */
  #running = false;
  #stabilizeWanted = false;
  #notices: MemberPointer[] = [];
  readonly #candidates: Candidates;
  /** Since the last stabilise round: a host that names many candidates must not keep me from my next one. */
  #triedCandidate = false;
  /** The last notifier turned away because the predecessor seemed alive; reconsidered when that one dies. */
  #turnedAway: MemberPointer | null = null;
  readonly #pace: StabilizePace;
  readonly #pokes: PredecessorPokes;
  #stopped = false;

  constructor(me: MemberPointer, ports: MemberPorts) {
    this.me = me;
    this.#ports = ports;
    this.#candidates = new Candidates(me.id);
    this.#pokes = new PredecessorPokes(ports, () => this.#state);
    this.#pace = new StabilizePace(ports, () => this.wantStabilize());
  }

  get state(): MemberState | null {
    return this.#state;
  }

  /** A query of mine that may change my successors is in flight. */
  get isBusy(): boolean {
    return this.#busy;
  }

  /** GET_STATE: one snapshot, or PENDING while a query of mine is in flight. */
  answerState(): StateAnswer {
    if (this.#state === null) return { status: 'not-member' };
    return this.#busy && this.#ports.busyRule ? { status: 'pending' } : { status: 'member', state: this.#state };
  }

  /** Begins with a state known to be ideal: a founder's own members. */
  begin(state: MemberState): void {
    this.#commit(state);
    this.#pace.begin();
  }

  /** Begins in the middle of a life in which nothing has changed for long. */
  beginSettled(state: MemberState): void {
    this.#commit(state);
    this.#pace.beginSettled();
  }

  /** One step of JOIN behind p; the host does the walking. */
  tryJoin(p: MemberPointer, done: (step: JoinStep | null) => void): void {
    this.#ports.readState(p, null, (snapshot) => {
      if (this.#stopped || this.#state !== null || snapshot.kind !== 'member') return done(null);
      const step = joinBehind(this.me, snapshot.state, this.#ports.shape);
      if (step.kind === 'joined') {
        this.#commit(step.state);
        this.wantStabilize();
        // The predecessor learns of me by stabilising: asked to do it now, not in its next round.
        this.#ports.poke(step.state.predecessor, [this.me], () => {});
      }
      done(step);
    });
  }

  /** Stops taking part: every later question is answered NOT_MEMBER. */
  leave(): void {
    this.#pace.stop();
    this.#pokes.stop();
    const before = this.#state;
    this.#state = null;
    this.#busy = false;
    this.#notices = [];
    this.#candidates.clear();
    this.#turnedAway = null;
    if (before !== null) this.#ports.committed(this.me, before, this.#state);
  }

  stop(): void {
    this.#stopped = true;
    this.leave();
  }

  wantStabilize(): void {
    if (this.#state === null) return;
    this.#stabilizeWanted = true;
    this.#next();
  }

  notified(from: MemberPointer): void {
    if (this.#state === null || from.id === this.me.id) return;
    this.#notices = this.#notices.filter((n) => n.id !== from.id);
    this.#notices.push(from);
    if (this.#notices.length > maxQueuedNotices) this.#notices.shift();
    this.#next();
  }

  /** A member that may lie between me and my successor: tried as STAB2 would. */
  considerSuccessor(candidate: MemberPointer): void {
    const state = this.#state;
    if (state === null || !isBetterSuccessor(state, candidate)) return;
    this.#candidates.add(candidate);
    this.#next();
  }

  /** A host has moved: a member that stands on it is reached there from now on. No place changes, so no one need be told. */
  hostMoved(contact: Contact): void {
    const before = this.#state;
    if (before === null) return;
    const fresh = (pointer: MemberPointer) =>
      pointer.contact.host === contact.host ? { ...pointer, contact } : pointer;
    this.#notices = this.#notices.map(fresh);
    if (this.#turnedAway !== null) this.#turnedAway = fresh(this.#turnedAway);
    const after = withContact(before, contact);
    if (after === before) return;
    this.#state = after;
    this.#ports.committed(this.me, before, this.#state);
  }

  /** A host died or left: a member that stands on it must be replaced at once. */
  hostGone(): void {
    const state = this.#state;
    if (state === null) return;
    const head = state.successors[0];
    if (isMember(head) && this.#ports.isGone(head)) this.wantStabilize();
    if (this.#ports.isGone(state.predecessor) && this.#turnedAway !== null) this.notified(this.#turnedAway);
  }

  #next(): void {
    if (this.#running || this.#stopped || this.#state === null) return;
    const notice = this.#notices.shift();
    if (notice !== undefined) {
      this.#rectify(this.#state, notice);
      return;
    }
    const candidate = this.#stabilizeWanted && this.#triedCandidate ? null : this.#candidates.takeNearest();
    if (candidate !== null) {
      this.#triedCandidate = true;
      this.#tryCandidate(this.#state, candidate);
      return;
    }
    if (this.#stabilizeWanted) {
      this.#stabilizeWanted = false;
      this.#triedCandidate = false;
      this.#stabilize();
    }
  }

  #finish(): void {
    this.#running = false;
    this.#next();
  }

  // STABILIZE

  #stabilize(): void {
    const headBefore = this.#state?.successors[0]?.id;
    const began = this.#ports.clock.now();
    this.#running = true;
    this.#askHead((answered) => {
      // A change further down came to me by a POKE, and so will the next one: asking more often would only find it told.
      // Each member that joins changes s lists but only one head, so counting those kept most of a ring at its quickest pace.
      const quiet = answered && this.#state !== null && this.#state.successors[0]?.id === headBefore;
      this.#ports.stabilized(this.me);
      this.#rest(quiet, this.#ports.clock.now() - began);
      this.#finish();
    });
  }

  /** STAB1: drop dead heads until one answers, take over its list. The question carries the notice that ends a round. */
  #askHead(done: (answered: boolean) => void): void {
    let state = this.#state;
    let head = state?.successors[0];
    while (state !== null && isMember(head) && this.#ports.isGone(head)) {
      this.#commit(dropHead(state, this.#ports.shape));
      state = this.#state;
      head = state?.successors[0];
    }
    if (state === null) {
      done(false);
      return;
    }
    if (!isMember(head)) {
      this.#exhausted(state, done);
      return;
    }
    this.#read(head, this.me, (snapshot) => {
      if (this.#state === null) return done(false);
      if (snapshot.kind === 'gone') {
        this.#commit(dropHead(this.#state, this.#ports.shape));
        return this.#askHead(done);
      }
      if (snapshot.kind !== 'member') return done(false);
      this.#commit(adoptSuccessor(this.#state, snapshot.state, this.#ports.shape));
      this.#askBetter(snapshot.state, done);
    });
  }

  /** STAB2: a live candidate nearer than the successor becomes the successor and is notified; the old one has been. */
  #askBetter(answer: MemberState, done: (answered: boolean) => void): void {
    const state = this.#state;
    if (state === null) {
      done(false);
      return;
    }
    const candidate = this.#bestCandidate(state, answer);
    if (candidate === null) {
      done(true);
      return;
    }
    this.#read(candidate, null, (snapshot) => {
      if (snapshot.kind !== 'member' || this.#state === null) return done(true);
      this.#commit(adoptSuccessor(this.#state, snapshot.state, this.#ports.shape));
      this.#notifySuccessor(done);
    });
  }

  #bestCandidate(state: MemberState, answer: MemberState): MemberPointer | null {
    const offered = betterSuccessor(state, answer);
    if (offered !== null && !this.#ports.isGone(offered)) return offered;
    const nearest = this.#ports.nearestAfter(this.me.id);
    return nearest !== null && isBetterSuccessor(state, nearest) ? nearest : null;
  }

  #tryCandidate(state: MemberState, candidate: MemberPointer): void {
    if (!isBetterSuccessor(state, candidate) || this.#ports.isGone(candidate)) {
      this.#next();
      return;
    }
    this.#running = true;
    const began = this.#ports.clock.now();
    this.#read(candidate, null, (snapshot) => {
      const now = this.#state;
      if (snapshot.kind !== 'member' || now === null || !isBetterSuccessor(now, candidate)) return this.#finish();
      this.#commit(adoptSuccessor(now, snapshot.state, this.#ports.shape));
      this.#notifySuccessor(() => {
        this.#rest(false, this.#ports.clock.now() - began);
        this.#finish();
      });
    });
  }

  #notifySuccessor(done: (answered: boolean) => void): void {
    const head = this.#state?.successors[0];
    if (!isMember(head)) {
      done(true);
      return;
    }
    this.#ports.notify(head, this.me, () => done(true));
  }

  /**
   * No one is left in the list: more neighbours died at once than it holds. The nearest live member that this host
   * still knows of (a sibling, a cached member, the predecessor) takes the place; with none, a teaching peer is alone
   * and any other is isolated. Never oneself: that would be a second ring.
   */
  #exhausted(state: MemberState, done: (answered: boolean) => void): void {
    const { predecessor } = state;
    const fallback = predecessor.id === this.me.id || this.#ports.isGone(predecessor) ? null : predecessor;
    const candidate = this.#ports.nearestAfter(this.me.id) ?? fallback;
    if (candidate === null) {
      this.#nobodyLeft(state, done);
      return;
    }
    this.#read(candidate, null, (snapshot) => {
      if (this.#state === null) return done(false);
      if (snapshot.kind === 'gone') return this.#askHead(done);
      if (snapshot.kind !== 'member') return done(false);
      this.#commit(adoptSuccessor(this.#state, snapshot.state, this.#ports.shape));
      this.#notifySuccessor(done);
    });
  }

  #nobodyLeft(state: MemberState, done: (answered: boolean) => void): void {
    if (this.#ports.smallRings) {
      if (state.predecessor.id !== this.me.id) this.#commit(withPredecessor(state, this.me));
      done(true);
      return;
    }
    this.leave();
    done(false);
    this.#ports.isolated(this.me);
  }

  /**
   * Reads a state under the busy rule. After PENDING nothing answered is in flight, so while waiting to ask again this
   * member answers others: two members that ask each other at once cannot block each other.
   */
  #read(
    member: MemberPointer,
    notifier: MemberPointer | null,
    done: (snapshot: Snapshot) => void,
    retries = maxPendingRetries,
  ): void {
    this.#busy = true;
    const { clock, random, timers } = this.#ports;
    this.#ports.readState(member, notifier, (snapshot) => {
      this.#busy = false;
      if (this.#stopped || this.#state === null) return done({ kind: 'unknown' });
      if (snapshot.kind !== 'pending') return done(snapshot);
      if (retries === 0) return done({ kind: 'unknown' });
      clock.after(timers.pendingRetry * (0.5 + random.next()), () => this.#read(member, notifier, done, retries - 1));
    });
  }

  // RECTIFY

  #rectify(state: MemberState, notifier: MemberPointer): void {
    const outcome = rectify(state, notifier);
    if (outcome.kind === 'adopt') {
      this.#commit(outcome.state);
      this.#tellWhoStandsBetween(state.predecessor, notifier);
      // A lone teaching peer finds its first successor this way; to others a new predecessor tells nothing of their own.
      if (!isMember(state.successors[0])) this.#stabilizeWanted = true;
      this.#next();
      return;
    }
    if (outcome.kind === 'keep') {
      this.#next();
      return;
    }
    this.#running = true;
    this.#predecessorGone(state.predecessor, (gone) => {
      const now = this.#state;
      if (now !== null && gone && now.predecessor.id === state.predecessor.id) {
        this.#turnedAway = null;
        this.#commit(withPredecessor(now, notifier));
      } else if (now !== null && now.predecessor.id !== notifier.id) {
        this.#turnedAway = notifier;
        this.#tellWhoStandsBetween(notifier, now.predecessor);
      }
      this.#finish();
    });
  }

  /** `behind` takes me for its successor, and `nearer` stands between us: told now, not in its next round. */
  #tellWhoStandsBetween(behind: MemberPointer, nearer: MemberPointer): void {
    if (behind.id === this.me.id || this.#ports.isGone(behind)) return;
    this.#ports.poke(behind, [nearer], () => {});
  }

  #predecessorGone(predecessor: MemberPointer, done: (gone: boolean) => void): void {
    if (this.#ports.isGone(predecessor)) {
      done(true);
      return;
    }
    this.#ports.readState(predecessor, null, (snapshot) => done(snapshot.kind === 'gone'));
  }

  // COMMIT AND PACE

  #commit(next: MemberState): void {
    const before = this.#state;
    if (next === before) return;
    const broken = brokenRule(next, this.#ports.shape);
    if (broken !== null) throw new Error(`ring member ${this.me.id} refuses a state: ${broken}`);
    this.#state = next;
    this.#ports.committed(this.me, before, this.#state);
    if (before === null) return;
    // A new predecessor may have read my list before it last changed.
    const newPredecessor = before.predecessor.id !== next.predecessor.id;
    if (newPredecessor || !sameList(before.successors, next.successors)) this.#pokes.changed();
  }

  #rest(quiet: boolean, took: Milliseconds): void {
    if (this.#state !== null && !this.#stopped) this.#pace.next(quiet, took);
  }
}
