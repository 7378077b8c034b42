/**
 * How a member keeps its place (Zave 2017, §III), as a reducer: (state, event) → (state, effects). It knows no clock,
 * no chance and no network; an effect says in data what the host is to do, and what comes of it returns as an event.
 *
 * Single writer: operations run one after the other; at most one asks another member at a time. While a query of mine
 * that may change my successors is in flight, GET_STATE is answered PENDING (the busy rule: without it the atomic
 * steps of the proof do not hold). Lookups read the last committed state and are never held up.
 *
 * One event is one step: it reads one answer, commits at most once, and then may ask. `hasWork` says when the member
 * is idle and something waits; the event `turn` then begins the next operation.
 */

import { between, type RingId } from './identifier.ts';
import { type JoinStep, joinBehind } from './join.ts';
import { type MemberState, withContact } from './member-state.ts';
import type { StateAnswer } from './messages.ts';
import { type Contact, isMember, type MemberPointer } from './pointer.ts';
import { rectify, withPredecessor } from './rectify.ts';
import { adoptSuccessor, betterSuccessor, dropHead, isBetterSuccessor } from './stabilize.ts';
import { brokenRule, type RingShape, sameList } from './successor-list.ts';

/** A member that keeps answering PENDING is taken as `unknown` (never dead) after this many tries. */
export const maxPendingRetries = 20;
/** NOTIFYs waiting at one member; the oldest gives way. */
export const maxQueuedNotices = 16;
/** Candidates from wake-ups, the cache and merging waiting at one member. */
export const maxQueuedCandidates = 16;

export interface MaintenanceRules {
  readonly shape: RingShape;
  /** In a teaching ring few members are a ring too; elsewhere an exhausted list means being isolated. */
  readonly smallRings: boolean;
  /** True but in one mutant of the simulator. */
  readonly busyRule: boolean;
}

export interface Maintenance {
  readonly me: MemberPointer;
  readonly rules: MaintenanceRules;
  /** Committed; null while it is no member. */
  readonly state: MemberState | null;
  /** A stopped member takes part no more. */
  readonly stopped: boolean;
  readonly operation: Operation | null;
  /** A stabilize round is due. */
  readonly stabilizeWanted: boolean;
  /** Since the last round: a host that names many candidates must not keep me from my next one. */
  readonly triedCandidate: boolean;
  /** The last notifier turned away because the predecessor seemed alive; reconsidered when that one dies. */
  readonly turnedAway: MemberPointer | null;
  readonly notices: readonly MemberPointer[];
  /** Members that may lie between me and my successor, waiting to be asked. */
  readonly candidates: readonly MemberPointer[];
}

/** What asking for a member's state came to. `unknown` is never taken for death. */
export type Snapshot =
  | { readonly kind: 'member'; readonly state: MemberState }
  /** It is busy itself: ask again shortly. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown' };

export type MemberEvent =
  /** Begins with a state known to be ideal: a founder's own members. */
  | { readonly kind: 'begin'; readonly state: MemberState }
  /** Begins with what JOIN came to; see `joinStep`. */
  | { readonly kind: 'joined'; readonly state: MemberState }
  /** Stops taking part: every later question is answered NOT_MEMBER. */
  | { readonly kind: 'stop' }
  /** A round is due, or a neighbour said that something changed. */
  | { readonly kind: 'stabilize' }
  | { readonly kind: 'notified'; readonly by: MemberPointer }
  /** A member that may lie between me and my successor: tried as STAB2 would. */
  | { readonly kind: 'candidate'; readonly candidate: MemberPointer }
  /** A host is reached elsewhere from now on. No place changes, so no one need be told. */
  | { readonly kind: 'moved'; readonly contact: Contact }
  | { readonly kind: 'predecessor-gone' }
  /** The member is idle and has work: see `hasWork`. */
  | { readonly kind: 'turn'; readonly now: number }
  /** To the effect `read`: what asking `of` came to. Late, or for a second time, it changes nothing. */
  | { readonly kind: 'answered'; readonly of: RingId; readonly snapshot: Snapshot }
  /** To the effects `retry`, `choose` and `notify`. */
  | { readonly kind: 'retry' }
  | { readonly kind: 'chosen'; readonly member: MemberPointer | null }
  | { readonly kind: 'acknowledged' };

export type MemberEffect =
  | { readonly kind: 'commit'; readonly before: MemberState | null; readonly after: MemberState | null }
  /** My list is the tail of my predecessor's: tell it to stabilize. */
  | { readonly kind: 'wake-predecessor' }
  /** GET_STATE of a member, with the notice that it is my successor: `gone` at once when the host knows it to be. */
  | { readonly kind: 'read'; readonly of: MemberPointer; readonly notifies: boolean }
  /** The answer was PENDING: a moment later, `retry`. */
  | { readonly kind: 'retry' }
  /** The first if it lives, else the nearest live member behind me that the host knows, else the other if it lives. */
  | { readonly kind: 'choose'; readonly first: MemberPointer | null; readonly last: MemberPointer | null }
  | { readonly kind: 'notify'; readonly to: MemberPointer }
  /** Stabilize now: `candidate` may lie between you and your successor. Not sent to a member that is gone. */
  | { readonly kind: 'wake'; readonly to: MemberPointer; readonly candidate: MemberPointer }
  /** A stabilize round ended. */
  | { readonly kind: 'stabilized' }
  /** Set the timer of the next round: later when nothing changed, and when the last took long. */
  | { readonly kind: 'rest'; readonly quiet: boolean; readonly since: number }
  /** No live successor is left: the member must join again. */
  | { readonly kind: 'isolated' };

/** A stabilize round, or a candidate that is tried without one. */
interface Round {
  readonly since: number;
  /** The successor when it began; null in no round. */
  readonly headBefore: RingId | null;
}

/**
 * What is in progress: a question whose answer becomes my list, the word of the host on whom to ask, the notice that ends
 * a change of successor, or the question whether my predecessor lives.
 */
type Operation =
  | {
      readonly kind: 'read';
      /** STAB1 asks the head, STAB2 one that is better; a fallback is asked when no entry of the list is left. */
      readonly asked: 'head' | 'better' | 'fallback' | 'candidate';
      readonly of: MemberPointer;
      readonly round: Round;
      readonly triesLeft: number;
      /** Nothing is in flight: it answered PENDING, and is asked again shortly. */
      readonly waits: boolean;
    }
  | { readonly kind: 'choose'; readonly asked: 'better' | 'fallback'; readonly round: Round }
  | { readonly kind: 'notify'; readonly round: Round }
  | { readonly kind: 'check-predecessor'; readonly predecessor: MemberPointer; readonly notifier: MemberPointer };

export interface Step {
  readonly next: Maintenance;
  /** In the order in which they are to be done. */
  readonly effects: readonly MemberEffect[];
}

export function outside(me: MemberPointer, rules: MaintenanceRules): Maintenance {
  return {
    me,
    rules,
    state: null,
    stopped: false,
    operation: null,
    stabilizeWanted: false,
    triedCandidate: false,
    turnedAway: null,
    notices: [],
    candidates: [],
  };
}

/** A query of mine that may change my successors is in flight. */
export function isBusy({ operation }: Maintenance): boolean {
  return operation?.kind === 'read' && !operation.waits;
}

/** GET_STATE: one snapshot, or PENDING while a query of mine is in flight. */
export function stateAnswer(maintenance: Maintenance): StateAnswer {
  const { state, rules } = maintenance;
  if (state === null) return { status: 'not-member' };
  return isBusy(maintenance) && rules.busyRule ? { status: 'pending' } : { status: 'member', state };
}

/** One step of JOIN, from the answer of the member before my place; the host does the walking. */
export function joinStep({ me, rules, state, stopped }: Maintenance, snapshot: Snapshot): JoinStep | null {
  return stopped || state !== null || snapshot.kind !== 'member' ? null : joinBehind(me, snapshot.state, rules.shape);
}

export function hasWork({ state, operation, stabilizeWanted, notices, candidates }: Maintenance): boolean {
  return state !== null && operation === null && (stabilizeWanted || notices.length > 0 || candidates.length > 0);
}

export function react(before: Maintenance, event: MemberEvent): Step {
  const effects: MemberEffect[] = [];
  const next = reduce(before, event, effects);
  return { next, effects };
}

/** Of a `Maintenance` whose member takes part. */
interface Active extends Maintenance {
  readonly state: MemberState;
}

function isActive(maintenance: Maintenance): maintenance is Active {
  return maintenance.state !== null;
}

function reduce(before: Maintenance, event: MemberEvent, effects: MemberEffect[]): Maintenance {
  if (event.kind === 'stop') return { ...left(before, effects), stopped: true };
  if (!isActive(before)) {
    if (before.stopped || (event.kind !== 'begin' && event.kind !== 'joined')) return before;
    const begun = commit(before, event.state, effects);
    if (event.kind === 'begin') return begun;
    // The predecessor learns of me by stabilizing: asked to do it now, not in its next round.
    effects.push({ kind: 'wake', to: event.state.predecessor, candidate: before.me });
    return { ...begun, stabilizeWanted: true };
  }
  const { operation } = before;
  switch (event.kind) {
    case 'stabilize':
      return before.stabilizeWanted ? before : { ...before, stabilizeWanted: true };
    case 'notified':
      return noticed(before, event.by, effects);
    case 'candidate':
      return considered(before, event.candidate);
    case 'moved':
      return moved(before, event.contact, effects);
    case 'predecessor-gone':
      return before.turnedAway === null ? before : noticed(before, before.turnedAway, effects);
    case 'turn':
      return operation === null ? turn(before, event.now, effects) : before;
    case 'answered':
      if (operation?.kind === 'check-predecessor' && operation.predecessor.id === event.of)
        return checked(before, operation, event.snapshot, effects);
      if (operation?.kind !== 'read' || operation.waits || operation.of.id !== event.of) return before;
      return answered(before, operation, event.snapshot, effects);
    case 'retry':
      if (operation?.kind !== 'read' || !operation.waits) return before;
      return read(before, { ...operation, triesLeft: operation.triesLeft - 1, waits: false }, effects);
    case 'chosen':
      return operation?.kind === 'choose' ? chosen(before, operation, event.member, effects) : before;
    case 'acknowledged':
      return operation?.kind === 'notify' ? ended(before, operation.round, true, effects) : before;
    default:
      return before;
  }
}

// WHAT WAITS

function noticed(before: Active, by: MemberPointer, effects: MemberEffect[]): Maintenance {
  const { me, operation, notices } = before;
  if (by.id === me.id) return before;
  if (operation === null && notices.length === 0) return rectified(before, by, effects);
  const others = notices.filter(({ id }) => id !== by.id).slice(1 - maxQueuedNotices);
  return { ...before, notices: [...others, by] };
}

/** The one that has waited longest gives way when there are too many. */
function considered(before: Active, candidate: MemberPointer): Maintenance {
  const { state, candidates } = before;
  if (!isBetterSuccessor(state, candidate) || candidates.some(({ id }) => id === candidate.id)) return before;
  return { ...before, candidates: [...candidates.slice(1 - maxQueuedCandidates), candidate] };
}

function turn(before: Active, now: number, effects: MemberEffect[]): Maintenance {
  const { state, stabilizeWanted, triedCandidate, notices, candidates } = before;
  const notice = notices[0];
  if (notice !== undefined) return rectified({ ...before, notices: notices.slice(1) }, notice, effects);
  if (candidates.length > 0 && !(stabilizeWanted && triedCandidate)) {
    // The nearest behind me: once it is my successor the others need not be asked.
    const of = candidates.reduce((best, one) => (between(state.me.id, one.id, best.id) ? one : best));
    const others = { ...before, candidates: candidates.filter((one) => one !== of), triedCandidate: true };
    if (!isBetterSuccessor(state, of)) return others;
    return read(others, question('candidate', of, { since: now, headBefore: null }), effects);
  }
  if (!stabilizeWanted) return before;
  const round = { since: now, headBefore: state.successors[0]!.id };
  return askHead({ ...before, stabilizeWanted: false, triedCandidate: false }, round, effects);
}

// STABILIZE

type Read = Extract<Operation, { kind: 'read' }>;

function question(asked: Read['asked'], of: MemberPointer, round: Round): Read {
  return { kind: 'read', asked, of, round, triesLeft: maxPendingRetries, waits: false };
}

function read(before: Active, operation: Read, effects: MemberEffect[]): Maintenance {
  // The question of STAB1 carries the notice that ends a round.
  effects.push({ kind: 'read', of: operation.of, notifies: operation.asked === 'head' });
  return { ...before, operation };
}

/**
 * STAB1. When no one is left in the list, more neighbours died at once than it holds. The nearest live member that this
 * host still knows of (a sibling, a cached member, the predecessor) takes the place.
 */
function askHead(before: Active, round: Round, effects: MemberEffect[]): Maintenance {
  const { state, me } = before;
  const head = state.successors[0];
  if (isMember(head)) return read(before, question('head', head, round), effects);
  effects.push({ kind: 'choose', first: null, last: state.predecessor.id === me.id ? null : state.predecessor });
  return { ...before, operation: { kind: 'choose', asked: 'fallback', round } };
}

function answered(before: Active, operation: Read, snapshot: Snapshot, effects: MemberEffect[]): Maintenance {
  const { state, rules } = before;
  const { asked, of, round, triesLeft } = operation;
  if (snapshot.kind === 'pending' && triesLeft > 0) {
    // Nothing answered is in flight: while it waits this member answers others, so two that ask each other at once
    // cannot block each other.
    effects.push({ kind: 'retry' });
    return { ...before, operation: { ...operation, waits: true } };
  }
  if (snapshot.kind === 'member') {
    // A candidate may have been overtaken while it was asked.
    if (asked === 'candidate' && !isBetterSuccessor(state, of)) return { ...before, operation: null };
    const after = adoptSuccessor(state, snapshot.state, rules.shape);
    if (snapshot.state.me.id !== of.id || brokenRule(after, rules.shape) !== null)
      return answered(before, operation, { kind: 'unknown' }, effects);
    const adopted = commit(before, after, effects);
    return asked === 'head' ? askBetter(adopted, round, snapshot.state, effects) : notify(adopted, round, effects);
  }
  if (asked === 'candidate') return { ...before, operation: null };
  if (snapshot.kind === 'gone' && asked === 'head') {
    return askHead(commit(before, dropHead(state, rules.shape), effects), round, effects);
  }
  if (snapshot.kind === 'gone' && asked === 'fallback') return askHead(before, round, effects);
  return ended(before, round, asked === 'better', effects);
}

/** STAB2: a live candidate nearer than the successor becomes the successor and is notified; the old one has been. */
function askBetter(before: Active, round: Round, answer: MemberState, effects: MemberEffect[]): Maintenance {
  effects.push({ kind: 'choose', first: betterSuccessor(before.state, answer), last: null });
  return { ...before, operation: { kind: 'choose', asked: 'better', round } };
}

function chosen(
  before: Active,
  { asked, round }: Extract<Operation, { kind: 'choose' }>,
  member: MemberPointer | null,
  effects: MemberEffect[],
): Maintenance {
  if (member !== null && isBetterSuccessor(before.state, member))
    return read(before, question(asked, member, round), effects);
  return asked === 'better' ? ended(before, round, true, effects) : exhausted(before, round, effects);
}

/** With no one to ask a teaching peer is alone and any other is isolated. Never oneself: that would be a second ring. */
function exhausted(before: Active, round: Round, effects: MemberEffect[]): Maintenance {
  const { state, me, rules } = before;
  if (rules.smallRings) {
    const alone = state.predecessor.id === me.id ? before : commit(before, withPredecessor(state, me), effects);
    return ended(alone, round, true, effects);
  }
  const isolated = left(before, effects);
  effects.push({ kind: 'isolated' });
  return isolated;
}

function notify(before: Active, round: Round, effects: MemberEffect[]): Maintenance {
  const head = before.state.successors[0];
  if (!isMember(head)) return ended(before, round, true, effects);
  effects.push({ kind: 'notify', to: head });
  return { ...before, operation: { kind: 'notify', round } };
}

function ended(before: Active, round: Round, heard: boolean, effects: MemberEffect[]): Maintenance {
  const { since, headBefore } = round;
  if (headBefore !== null) effects.push({ kind: 'stabilized' });
  // A change further down came to me by a wake-up, and so will the next one: asking more often would only find it told.
  // Each member that joins changes s lists but only one head, so counting those kept most of a ring at its quickest pace.
  effects.push({ kind: 'rest', quiet: heard && before.state.successors[0]?.id === headBefore, since });
  return { ...before, operation: null };
}

// RECTIFY

function rectified(before: Active, notifier: MemberPointer, effects: MemberEffect[]): Maintenance {
  const { state } = before;
  const { predecessor } = state;
  const outcome = rectify(state, notifier);
  if (outcome.kind === 'keep') return before;
  if (outcome.kind === 'check-predecessor') {
    effects.push({ kind: 'read', of: predecessor, notifies: false });
    return { ...before, operation: { kind: 'check-predecessor', predecessor, notifier } };
  }
  const adopted = commit(before, outcome.state, effects);
  tellBetween(adopted, predecessor, notifier, effects);
  // A lone teaching peer finds its first successor this way; to others a new predecessor tells nothing of their own.
  return isMember(state.successors[0]) ? adopted : { ...adopted, stabilizeWanted: true };
}

function checked(
  before: Active,
  { predecessor, notifier }: Extract<Operation, { kind: 'check-predecessor' }>,
  snapshot: Snapshot,
  effects: MemberEffect[],
): Maintenance {
  const { state } = before;
  const idle: Active = { ...before, operation: null };
  if (snapshot.kind === 'gone' && state.predecessor.id === predecessor.id) {
    return commit({ ...idle, turnedAway: null }, withPredecessor(state, notifier), effects);
  }
  if (state.predecessor.id === notifier.id) return idle;
  tellBetween(idle, notifier, state.predecessor, effects);
  return { ...idle, turnedAway: notifier };
}

/** `behind` takes me for its successor, and `nearer` stands between us: told now, not in its next round. */
function tellBetween({ me }: Maintenance, behind: MemberPointer, nearer: MemberPointer, effects: MemberEffect[]): void {
  if (behind.id !== me.id) effects.push({ kind: 'wake', to: behind, candidate: nearer });
}

// STATE

function commit<M extends Maintenance>(before: M, after: MemberState, effects: MemberEffect[]): M & Active {
  const { me, state, rules } = before;
  if (state === after) return { ...before, state };
  const broken = brokenRule(after, rules.shape);
  if (broken !== null) throw new Error(`ring member ${me.id} refuses a state: ${broken}`);
  effects.push({ kind: 'commit', before: state, after });
  if (state !== null) {
    // A new predecessor may have read my list before it last changed.
    const newPredecessor = state.predecessor.id !== after.predecessor.id;
    if (newPredecessor || !sameList(state.successors, after.successors)) effects.push({ kind: 'wake-predecessor' });
  }
  return { ...before, state: after };
}

function left({ me, rules, state }: Maintenance, effects: MemberEffect[]): Maintenance {
  if (state !== null) effects.push({ kind: 'commit', before: state, after: null });
  return outside(me, rules);
}

function moved(before: Active, contact: Contact, effects: MemberEffect[]): Maintenance {
  const { state, notices, turnedAway } = before;
  const isOld = (pointer: MemberPointer) => pointer.contact.host === contact.host && pointer.contact !== contact;
  const fresh = (pointer: MemberPointer): MemberPointer => (isOld(pointer) ? { ...pointer, contact } : pointer);
  const after = withContact(state, contact);
  if (after !== state) effects.push({ kind: 'commit', before: state, after });
  else if (!notices.some(isOld) && (turnedAway === null || !isOld(turnedAway))) return before;
  return { ...before, state: after, notices: notices.map(fresh), turnedAway: turnedAway && fresh(turnedAway) };
}
