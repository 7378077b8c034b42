/**
 * One host on the ring: its members (virtual nodes), the failure detector they share, the routing knowledge they pool,
 * and the answers to every ring message. Owns no socket, clock or random number: see RingHostPorts.
 *
 *   begin with found() or join(); ask with lookup(); end with leave() or close().
 *
 * After a crash everything here is rebuilt: the members join again with the same ids.
 */
import { FailureDetector, type Liveness, type Watched } from './failure-detector.ts';
import type { RingEvent } from './events.ts';
import { Fingers } from './fingers.ts';
import { between, type RingId } from './identifier.ts';
import { aloneState, idealRing } from './join.ts';
import { joinMember } from './join-walk.ts';
import { type Found, lookup } from './lookup.ts';
import { Member, type Snapshot } from './member.ts';
import { MemberCache } from './member-cache.ts';
import type { MemberState } from './member-state.ts';
import type { FindAnswer, MembershipEvent, RingAnswers, RingAsks, RingHandler, RingMessageKind } from './messages.ts';
import { News } from './news.ts';
import { type Contact, type HostId, isMember, type MemberPointer, type Pointer } from './pointer.ts';
import type { AskResult, Clock, Milliseconds, Random, RingNetwork } from './ports.ts';
import { Reunion } from './reunion.ts';
import { find, type OwnMember } from './router.ts';
import type { RingShape } from './successor-list.ts';
import { maximumConcurrentJoins, type RingTimers } from './timers.ts';

export interface RingHostOptions {
  readonly self: Contact;
  /** The members that this host has; fixed for its life. */
  readonly members: readonly MemberPointer[];
  /** Grows with each start: milliseconds since 1970. */
  readonly incarnation: number;
  readonly shape: RingShape;
  /** A teaching ring: fewer than s + 1 members are a ring too. */
  readonly smallRings: boolean;
  readonly timers: RingTimers;
  /** Entries of the membership cache; 0 switches it off (the papers' settings). */
  readonly cacheCapacity: number;
  /** α of lookups. */
  readonly parallelAsks: number;
  readonly proximity: boolean;
  readonly spreadNews: boolean;
  readonly observe: (event: RingEvent) => void;
}

export interface RingHostPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: RingNetwork;
}

export type JoinFailure = 'taken' | 'failed';

/** A GET_STATE waits this many round-trip time-outs: silence is judged by the failure detector, not by one answer. */
const stateDeadlineFactor = 4;
/** A departing host waits this long for its neighbours to acknowledge, in milliseconds. */
const leaveDeadline = 1000;
const maximumProbesPerAsk = 4;

export class RingHost implements RingHandler {
  readonly #options: RingHostOptions;
  readonly #ports: RingHostPorts;
  readonly #members: readonly Member[];
  readonly #fingers = new Map<Member, Fingers>();
  readonly #byId = new Map<RingId, Member>();
  readonly #cache: MemberCache;
  readonly #detector: FailureDetector;
  readonly #news: News;
  readonly #reunion: Reunion;
  /** Members that said NOT_MEMBER or LEAVE, until when that is believed. */
  readonly #gone = new Map<RingId, Milliseconds>();
  readonly #downSince = new Map<HostId, { contact: Contact; since: Milliseconds }>();
  /** Hosts to join through when a member is stranded; remembered from earlier lives too. */
  #bootstrap: readonly Contact[] = [];
  #own: readonly OwnMember[] = [];
  #incarnation: number;
  #rewatch = false;
  #refreshing = false;
  #closed = false;

  constructor(options: RingHostOptions, ports: RingHostPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#incarnation = options.incarnation;
    this.#cache = new MemberCache(options.cacheCapacity);
    const { clock, random } = ports;
    const { timers } = options;
    this.#detector = new FailureDetector({
      clock,
      random,
      network: ports.network,
      timers,
      changed: (contact, liveness) => this.#hostChanged(contact, liveness),
    });
    this.#news = new News({
      clock,
      random,
      self: options.self.host,
      audience: () => this.liveHosts(),
      send: (to, events) => this.#ask(to, 'news', { events }, timers.maximumTimeout, (r) => this.#heardNews(r)),
    });
    this.#reunion = new Reunion({
      clock,
      random,
      timers,
      own: () => this.#own.map((m) => m.state.me),
      down: () => [...this.#downSince.values()],
      live: () => this.liveHosts(),
      probe: (contact) => this.#probe(contact),
      lookupFrom: (contact, key, done) => this.#lookupFrom([contact], false, key, done),
      candidate: (member, found) => this.#meetOtherRing(member, found),
      otherRing: (contact) => this.#foundOtherRing(contact),
    });
    const memberPorts = {
      clock,
      random,
      timers,
      shape: options.shape,
      smallRings: options.smallRings,
      readState: (of: MemberPointer, done: (snapshot: Snapshot) => void) => this.#readState(of, done),
      isGone: (pointer: MemberPointer) => this.#isGone(pointer),
      notify: (to: MemberPointer, from: MemberPointer, done: () => void) => {
        const notices = [{ to: to.id, from }];
        this.#ask(to.contact, 'notify', { notices }, timers.maximumTimeout, () => done());
      },
      poke: (to: MemberPointer, candidates: readonly MemberPointer[]) => {
        this.#ask(to.contact, 'poke', { members: [to.id], candidates }, timers.maximumTimeout, () => {});
      },
      nearestAfter: (id: RingId) => this.#nearestAfter(id),
      committed: (member: Member, before: MemberState | null) => this.#committed(member, before),
      stranded: (member: Member) => this.#rejoin(member),
      stabilized: (member: Member) => this.#refreshFinger(member),
    };
    this.#members = options.members.map((me) => new Member(me, memberPorts));
    for (const member of this.#members) {
      this.#byId.set(member.me.id, member);
      this.#fingers.set(member, new Fingers(member.me.id, options.shape.bits));
    }
  }

  // LIFE

  /** Begins a ring of this host's own members, ideal from the first step. */
  found(): void {
    const { members, shape, smallRings } = this.#options;
    const states = smallRings && members.length === 1 ? [aloneState(members[0]!, shape)] : idealRing(members, shape);
    for (const state of states) this.#byId.get(state.me.id)!.begin(state);
    this.#begun();
  }

  /** Joins every member through the given hosts. */
  join(through: readonly Contact[], done: (failure: JoinFailure | null) => void): void {
    this.#bootstrap = through;
    const [first, ...waiting] = this.#members;
    let open = this.#members.length;
    let settled = false;
    const joined = (failure: JoinFailure | null) => {
      if (settled || this.#closed) return;
      if (failure === null && --open > 0) return next();
      settled = true;
      if (failure === null) this.#begun();
      done(failure);
    };
    const next = () => {
      const member = waiting.shift();
      if (member !== undefined) this.#joinOne(member, joined);
    };
    // The first member joins alone: the others then find the ring through it.
    this.#joinOne(first!, (failure) => {
      for (let i = 1; i < maximumConcurrentJoins && failure === null; i++) next();
      joined(failure);
    });
  }

  /** Tells the neighbours and stops taking part; `done` when they know, or after a deadline. */
  leave(forGood: boolean, done: () => void): void {
    const neighbours = new Map<HostId, Contact>();
    for (const { state } of this.#own) {
      for (const p of [state.predecessor, ...state.successors]) if (isMember(p)) neighbours.set(p.contact.host, p.contact);
    }
    for (const contact of this.liveHosts().slice(0, 16)) neighbours.set(contact.host, contact);
    neighbours.delete(this.#options.self.host);
    const members = this.#own.map((m) => m.state.me.id);
    for (const member of this.#members) member.leave();
    const told = [...neighbours.values()].filter((c) => !this.#detector.isDown(c.host)).slice(0, 64);
    let open = told.length;
    if (open === 0) {
      this.#ports.clock.after(0, done);
      return;
    }
    for (const contact of told) {
      this.#ask(contact, 'leave', { forGood, members }, leaveDeadline, () => {
        if (--open === 0) done();
      });
    }
  }

  close(): void {
    this.#closed = true;
    for (const member of this.#members) member.stop();
    this.#detector.close();
    this.#news.close();
    this.#reunion.close();
  }

  #begun(): void {
    this.#reunion.begin();
    this.#options.observe({ kind: 'joined' });
    this.#tell({ type: 'alive', ...this.#ownEvent() });
    for (const member of this.#members) this.#refreshAllFingers(member, 0);
  }

  // VIEW

  get self(): Contact {
    return this.#options.self;
  }

  /** Last committed states of the own members, sorted by id. */
  states(): readonly MemberState[] {
    return this.#own.map((m) => m.state);
  }

  fingers(state: MemberState): readonly { readonly start: RingId; readonly node: MemberPointer | null }[] {
    const member = this.#byId.get(state.me.id);
    const fingers = member && this.#fingers.get(member);
    if (fingers === undefined) return [];
    return Array.from({ length: this.#options.shape.bits }, (_, power) => ({
      start: fingers.start(power),
      node: fingers.get(power, state),
    }));
  }

  watched(): readonly Watched[] {
    return this.#detector.all();
  }

  isDown(host: HostId): boolean {
    return this.#detector.isDown(host);
  }

  /** Hosts believed alive, this one excluded. */
  liveHosts(): readonly Contact[] {
    return this.#detector
      .all()
      .filter((w) => (w.liveness === 'alive' || w.liveness === 'suspected') && w.lastHeard !== null)
      .map((w) => w.contact);
  }

  knownMembers(): readonly MemberPointer[] {
    return this.#cache.all();
  }

  virtualNodesOf(host: HostId): number {
    return this.#news.latest(host)?.virtualNodes ?? this.#cache.membersOf(host);
  }

  heard(contact: Contact): void {
    if (contact.host !== this.#options.self.host && !this.#closed) this.#detector.heard(contact);
  }

  suspect(contact: Contact): void {
    if (contact.host !== this.#options.self.host) this.#detector.suspect(contact);
  }

  /** Hosts known from an earlier life: probed until they answer. */
  remember(contacts: readonly Contact[]): void {
    const since = this.#ports.clock.now();
    for (const contact of contacts) {
      if (contact.host === this.#options.self.host || this.#detector.liveness(contact.host) !== null) continue;
      this.#downSince.set(contact.host, { contact, since });
    }
  }

  stateOf(member: MemberPointer, done: (state: MemberState | null) => void): void {
    this.#readState(member, (snapshot) => done(snapshot.kind === 'member' ? snapshot.state : null));
  }

  lookup(key: RingId, done: (found: Found | null) => void): void {
    this.#lookupFrom([], true, key, done);
  }

  // MESSAGES

  handle<K extends RingMessageKind>(
    from: HostId,
    kind: K,
    ask: RingAsks[K],
    answer: (answer: RingAnswers[K] | null) => void,
  ): void {
    if (this.#closed) return answer(null);
    this.#handlers[kind](from, ask, answer);
  }

  readonly #handlers: {
    [K in RingMessageKind]: (from: HostId, ask: RingAsks[K], answer: (answer: RingAnswers[K] | null) => void) => void;
  } = {
    getState: (_from, { members }, answer) => {
      answer({ states: members.map((id) => this.#byId.get(id)?.answerState() ?? { status: 'not-member' }) });
    },
    notify: (from, { notices }, answer) => {
      for (const { to, from: notifier } of notices) {
        // A host speaks for its own members only.
        if (notifier.contact.host !== from) continue;
        this.#seen(notifier);
        this.#byId.get(to)?.notified(notifier);
      }
      answer({});
    },
    find: (from, { keys }, answer) => {
      const found = keys.map((key) => this.#find(key));
      this.#announceJoinRequest(from, found);
      answer({ found });
    },
    poke: (from, { members, candidates }, answer) => {
      const poked = members.length === 0 ? this.#members : members.map((id) => this.#byId.get(id));
      for (const member of poked) {
        if (member === undefined) continue;
        for (const candidate of candidates) {
          if (candidate.contact.host === from) this.#seen(candidate);
          member.considerSuccessor(candidate);
        }
        member.wantStabilize();
      }
      answer({});
    },
    leave: (from, { forGood, members }, answer) => {
      const until = this.#ports.clock.now() + this.#options.timers.goneFor;
      for (const id of members) if (this.#byId.get(id) === undefined) this.#gone.set(id, until);
      const contact = this.#detector.contactOf(from);
      if (contact !== null) {
        this.#detector.declare(contact, forGood ? 'left' : 'away');
        const incarnation = this.#news.latest(from)?.incarnation ?? 0;
        this.#tell({ type: forGood ? 'left' : 'away', contact, virtualNodes: members.length, incarnation });
      }
      for (const member of this.#members) member.hostGone();
      answer({});
    },
    probe: (_from, { hosts }, answer) => {
      const asked = hosts.slice(0, maximumProbesPerAsk);
      const reached = hosts.map(() => false);
      let open = asked.length;
      if (open === 0) return answer({ reached });
      asked.forEach((contact, i) => {
        this.#ports.network.ping(contact, 2 * this.#options.timers.minimumTimeout, (result) => {
          reached[i] = result === 'alive' || result === 'refused';
          if (--open === 0) answer({ reached });
        });
      });
    },
    news: (_from, { events }, answer) => {
      for (const event of events) this.#consider(event);
      answer({ events: [{ type: this.#own.length > 0 ? 'alive' : 'away', ...this.#ownEvent() }] });
    },
  };

  #ownEvent(): Omit<MembershipEvent, 'type'> {
    const { self, members } = this.#options;
    return { contact: self, virtualNodes: members.length, incarnation: this.#incarnation };
  }

  /** Asks a host; a member on this same host is asked the same way, without the network. */
  #ask<K extends RingMessageKind>(
    to: Contact,
    kind: K,
    ask: RingAsks[K],
    deadline: Milliseconds,
    done: (result: AskResult<K>) => void,
  ): void {
    const { clock, network } = this.#ports;
    const self = this.#options.self.host;
    if (to.host !== self) return network.ask(to, kind, ask, deadline, done);
    clock.after(0, () => {
      this.handle(self, kind, ask, (answer) => done(answer ? { ok: true, answer } : { ok: false, failure: 'refused' }));
    });
  }

  #readState(of: MemberPointer, done: (snapshot: Snapshot) => void): void {
    const deadline = stateDeadlineFactor * this.#detector.timeout(of.contact.host);
    this.#ask(of.contact, 'getState', { members: [of.id] }, deadline, (result) => {
      if (this.#closed) return;
      if (!result.ok) return this.#judgeSilence(of, result.failure === 'refused', done);
      const state = result.answer.states[0];
      if (state === undefined) return done({ kind: 'unknown' });
      if (state.status === 'not-member') {
        this.#markGone(of);
        return done({ kind: 'gone' });
      }
      if (state.status === 'pending') return done({ kind: 'pending' });
      if (state.state.me.id !== of.id) return done({ kind: 'unknown' });
      this.#gone.delete(of.id);
      this.#learn(state.state.me);
      this.#learn(state.state.predecessor);
      for (const entry of state.state.successors) this.#learn(entry);
      done({ kind: 'member', state: state.state });
    });
  }

  #judgeSilence(of: MemberPointer, refused: boolean, done: (snapshot: Snapshot) => void): void {
    if (refused || of.contact.host === this.#options.self.host) return done({ kind: 'unknown' });
    this.#detector.confirm(of.contact, (dead) => done({ kind: dead ? 'gone' : 'unknown' }));
  }

  // ROUTING

  #find(key: RingId): FindAnswer {
    return find(key, {
      self: this.#options.self.host,
      bits: this.#options.shape.bits,
      own: () => this.#own,
      cache: this.#cache,
      isGone: (pointer) => this.#isGone(pointer),
      roundTrip: this.#options.proximity ? (pointer) => this.#detector.roundTrip(pointer.contact.host) : null,
    });
  }

  #lookupFrom(seeds: readonly Contact[], useLocal: boolean, key: RingId, done: (found: Found | null) => void): void {
    const { clock } = this.#ports;
    const { timers, self, parallelAsks } = this.#options;
    lookup(
      key,
      {
        clock,
        timers,
        self: useLocal ? self.host : null,
        parallel: parallelAsks,
        seeds,
        local: () => (useLocal ? this.#find(key) : { owned: null, guesses: [], closer: [] }),
        isDown: (host) => this.#detector.isDown(host),
        haunted: (contact, before) => {
          this.#ask(contact, 'poke', { members: [], candidates: [] }, timers.maximumTimeout, () => {});
          if (before === null || before.contact.host === contact.host) return;
          this.#ask(before.contact, 'poke', { members: [before.id], candidates: [] }, timers.maximumTimeout, () => {});
        },
        failed: (contact, failure) => {
          if (failure !== 'refused') this.suspect(contact);
        },
        ask: (contact, wanted, answered) => {
          const deadline = stateDeadlineFactor * this.#detector.timeout(contact.host);
          this.#ask(contact, 'find', { keys: [wanted] }, deadline, (result) => {
            if (this.#closed) return;
            if (!result.ok) return answered(result.failure);
            const found = result.answer.found[0];
            if (found === undefined) return answered('refused');
            this.#learnFound(found);
            answered(found);
          });
        },
      },
      done,
    );
  }

  #refreshFinger(member: Member): void {
    if (this.#refreshing || member.state === null) return;
    const first = this.#fingers.get(member)!.firstFar(member.state);
    const { bits } = this.#options.shape;
    if (first >= bits) return;
    const power = first + Math.floor(this.#ports.random.next() * (bits - first));
    this.#refreshing = true;
    this.#lookupFinger(member, power, () => {
      this.#refreshing = false;
    });
  }

  /** One pass over all far fingers: each lookup proves all that start before the owner found. */
  #refreshAllFingers(member: Member, from: number): void {
    if (member.state === null || this.#closed) return;
    const power = Math.max(from, this.#fingers.get(member)!.firstFar(member.state));
    if (power >= this.#options.shape.bits) return;
    this.#lookupFinger(member, power, (next) => {
      if (next !== null) this.#refreshAllFingers(member, next);
    });
  }

  #lookupFinger(member: Member, power: number, done: (next: number | null) => void): void {
    const fingers = this.#fingers.get(member)!;
    this.lookup(fingers.start(power), (found) => done(found === null ? null : fingers.learnExact(power, found.owner)));
  }

  // WHAT IS KNOWN OF OTHERS

  #isGone(pointer: Pointer): boolean {
    if (pointer.contact === null) return true;
    if (pointer.contact.host === this.#options.self.host) return this.#byId.get(pointer.id)?.state == null;
    if (this.#detector.isDown(pointer.contact.host)) return true;
    const until = this.#gone.get(pointer.id);
    if (until === undefined) return false;
    if (until > this.#ports.clock.now()) return true;
    this.#gone.delete(pointer.id);
    return false;
  }

  #nearestAfter(id: RingId): MemberPointer | null {
    const sibling = (this.#own.find((m) => m.state.me.id > id) ?? this.#own[0])?.state.me;
    let cached = this.#cache.after(id);
    while (cached !== null && this.#isGone(cached)) {
      this.#cache.removeMember(cached.id);
      cached = this.#cache.after(id);
    }
    if (sibling === undefined || sibling.id === id) return cached;
    return cached !== null && between(id, cached.id, sibling.id) ? cached : sibling;
  }

  #markGone(pointer: MemberPointer): void {
    this.#gone.set(pointer.id, this.#ports.clock.now() + this.#options.timers.goneFor);
    this.#cache.removeMember(pointer.id);
  }

  /** This member just spoke as one. */
  #seen(pointer: MemberPointer): void {
    this.#gone.delete(pointer.id);
    this.#learn(pointer);
  }

  #learn(pointer: Pointer): void {
    if (this.#options.cacheCapacity === 0 || !isMember(pointer)) return;
    if (pointer.contact.host === this.#options.self.host || this.#isGone(pointer)) return;
    if (!this.#cache.insert(pointer)) return;
    if (this.#options.proximity) for (const fingers of this.#fingers.values()) fingers.learnNear(pointer);
    // It may lie between one of mine and its successor: then that one tries it at once.
    const before = this.#own.findLast((m) => m.state.me.id < pointer.id) ?? this.#own[this.#own.length - 1];
    if (before) this.#byId.get(before.state.me.id)?.considerSuccessor(pointer);
  }

  #learnFound(found: FindAnswer): void {
    for (const pointer of found.guesses) this.#learn(pointer);
    for (const pointer of found.closer) this.#learn(pointer);
    if (found.owned === null) return;
    this.#learn(found.owned.owner);
    this.#learn(found.owned.predecessor);
    for (const pointer of found.owned.successors) this.#learn(pointer);
  }

  #hostChanged(contact: Contact, liveness: Liveness): void {
    const { host } = contact;
    if (liveness === 'alive') {
      const wasDown = this.#downSince.delete(host);
      if (wasDown) this.#returned(contact);
    } else {
      if (liveness !== 'left') this.#downSince.set(host, { contact, since: this.#ports.clock.now() });
      this.#cache.removeHost(host);
      for (const fingers of this.#fingers.values()) fingers.forget((p) => this.#isGone(p));
      const incarnation = this.#news.latest(host)?.incarnation ?? 0;
      if (liveness === 'dead') {
        this.#tell({ type: 'dead', contact, virtualNodes: this.virtualNodesOf(host), incarnation });
      }
      for (const member of this.#members) member.hostGone();
    }
    this.#options.observe({ kind: 'host', contact, liveness });
  }

  /** A host that was down speaks again: as an old neighbour, or in a ring of its own. */
  #returned(contact: Contact): void {
    this.#ports.clock.after(this.#options.timers.pokeGap, () => {
      if (!this.#closed && this.#own.length > 0) this.#reunion.check(contact);
    });
  }

  #probe(contact: Contact): void {
    this.#ports.network.ping(contact, this.#options.timers.minimumTimeout * 2, (result) => {
      if (result !== 'alive' || this.#closed) return;
      const known = this.#detector.liveness(contact.host) !== null;
      this.#detector.heard(contact);
      // Remembered from an earlier life and never heard in this one: no change of liveness tells of it.
      if (!known && this.#downSince.delete(contact.host)) this.#returned(contact);
    });
  }

  #meetOtherRing(member: MemberPointer, found: Found): void {
    this.#learn(found.owner);
    for (const pointer of found.successors) this.#learn(pointer);
    this.#byId.get(member.id)?.considerSuccessor(found.owner);
    const { predecessor } = found;
    if (!isMember(predecessor)) return;
    this.#learn(predecessor);
    const ask = { members: [predecessor.id], candidates: [member] };
    this.#ask(predecessor.contact, 'poke', ask, this.#options.timers.maximumTimeout, () => {});
  }

  #foundOtherRing(contact: Contact): void {
    this.#options.observe({ kind: 'other-ring', contact });
    const known = this.#news.latest(contact.host);
    const virtualNodes = known?.virtualNodes ?? 0;
    if (this.#options.spreadNews) {
      this.#news.tell({ type: 'alive', contact, virtualNodes, incarnation: known?.incarnation ?? 0 }, true);
    }
  }

  // NEWS

  #tell(event: MembershipEvent): void {
    if (this.#options.spreadNews) this.#news.tell(event);
  }

  #heardNews(result: AskResult<'news'>): void {
    if (result.ok && !this.#closed) for (const event of result.answer.events) this.#consider(event);
  }

  #consider(event: MembershipEvent): void {
    const { host } = event.contact;
    if (host === this.#options.self.host) {
      // News of my death is exaggerated: a higher incarnation outdates it wherever it has spread (SWIM).
      if (event.type === 'alive' || event.incarnation < this.#incarnation || this.#own.length === 0) return;
      this.#incarnation = event.incarnation + 1;
      this.#tell({ type: 'alive', ...this.#ownEvent() });
      return;
    }
    const stale = event.incarnation < (this.#news.latest(host)?.incarnation ?? 0);
    if (stale || !this.#news.tell(event)) return;
    const liveness = this.#detector.liveness(host);
    if (event.type === 'alive') {
      if (liveness === null || this.#detector.isDown(host)) this.#meet(event.contact);
    } else if (liveness !== null && !this.#detector.isDown(host)) {
      this.#detector.suspect(event.contact);
    }
  }

  /** Hearsay that a host is there: look, and see whether it is in my ring. */
  #meet(contact: Contact): void {
    this.#ports.network.ping(contact, this.#options.timers.minimumTimeout * 2, (result) => {
      if (result !== 'alive' || this.#closed) return;
      const unknown = this.#detector.liveness(contact.host) === null;
      this.#detector.heard(contact);
      if (unknown && this.#own.length > 0) this.#returned(contact);
    });
  }

  // OWN MEMBERS

  #committed(member: Member, before: MemberState | null): void {
    this.#own = this.#members
      .filter((m) => m.state !== null)
      .map((m) => ({ state: m.state!, fingers: this.#fingers.get(m)! }))
      .sort((a, b) => (a.state.me.id < b.state.me.id ? -1 : 1));
    this.#options.observe({ kind: 'committed', before, after: member.state, member: member.me });
    if (this.#rewatch || this.#closed) return;
    this.#rewatch = true;
    this.#ports.clock.after(0, () => {
      this.#rewatch = false;
      if (!this.#closed) this.#watchNeighbours();
    });
  }

  #watchNeighbours(): void {
    const neighbours = new Map<HostId, Contact>();
    for (const { state } of this.#own) {
      const head = state.successors[0];
      if (isMember(head)) neighbours.set(head.contact.host, head.contact);
      neighbours.set(state.predecessor.contact.host, state.predecessor.contact);
    }
    neighbours.delete(this.#options.self.host);
    this.#detector.watch(neighbours);
  }

  #joinOne(member: Member, done: (failure: JoinFailure | null) => void): void {
    const { clock, random } = this.#ports;
    joinMember(
      member,
      {
        clock,
        random,
        self: this.#options.self.host,
        lookup: (key, found) => this.#lookupFrom(this.#seeds(), true, key, found),
        poke: (to) => this.#ask(to.contact, 'poke', { members: [to.id], candidates: [] }, 1000, () => {}),
        isClosed: () => this.#closed,
      },
      done,
    );
  }

  #seeds(): readonly Contact[] {
    if (this.#own.length > 0) return [];
    const live = this.liveHosts();
    return [...this.#bootstrap, ...live.filter((c) => !this.#bootstrap.some((b) => b.host === c.host))].slice(0, 32);
  }

  #rejoin(member: Member): void {
    if (this.#closed) return;
    this.#options.observe({ kind: 'stranded', member: member.me });
    if (this.#own.length === 0 && this.#seeds().length === 0) return this.#foundAgain();
    this.#joinOne(member, (failure) => {
      if (failure !== null) this.#ports.clock.after(this.#options.timers.stabilizeMinimum, () => this.#rejoin(member));
    });
  }

  /** Nobody is left to join through: the own members are a ring again; others found apart are merged with it later. */
  #foundAgain(): void {
    const { members, shape } = this.#options;
    for (const state of idealRing(members, shape)) this.#byId.get(state.me.id)!.begin(state);
  }

  #announceJoinRequest(from: HostId, found: readonly FindAnswer[]): void {
    if (from === this.#options.self.host || this.#own.length === 0 || this.#cache.membersOf(from) > 0) return;
    const contact = this.#detector.contactOf(from);
    const answer = found[0];
    if (contact === null || answer === undefined) return;
    const next = answer.owned === null ? (answer.guesses[0] ?? answer.closer[0] ?? null) : null;
    this.#options.observe({ kind: 'join-request', from: contact, next });
  }
}
