/**
 * One host on the ring: its members (virtual nodes), the failure detector they share, the routing knowledge they pool,
 * and the answers to every ring message. Owns no socket, clock or random number: see RingHostPorts.
 *
 *   begin with found() or join(); ask with lookup(); end with leave() or close().
 *
 * After a crash everything here is rebuilt: the members join again with the same ids.
 * This file wires the parts together; own-members, known-members and other-hosts hold what the host knows,
 * questions, answers and lookups are how it speaks, joining and finger-upkeep what it does by itself.
 */

import type { RingId } from '../protocol/identifier.ts';
import { idealRing } from '../protocol/join.ts';
import type { MemberState } from '../protocol/member-state.ts';
import type { RingAnswers, RingAsks, RingHandler, RingMessageKind } from '../protocol/messages.ts';
import { type Contact, type HostId, isMember, type MemberPointer } from '../protocol/pointer.ts';
import { Answers } from './answers.ts';
import { ClientNode } from './client-node.ts';
import { FailureDetector, type Watched, type Watching } from './failure-detector.ts';
import { FingerUpkeep } from './finger-upkeep.ts';
import { Joining } from './joining.ts';
import { KnownMembers } from './known-members.ts';
import type { Found } from './lookup.ts';
import { Lookups } from './lookups.ts';
import type { MemberHost, MemberNews } from './member-host.ts';
import { OtherHosts } from './other-hosts.ts';
import { OwnMembers } from './own-members.ts';
import type { Milliseconds } from './ports.ts';
import { Questions } from './questions.ts';
import type { HostPorts, JoinFailure, RingHostOptions, RingHostPorts } from './ring-host-options.ts';

export type { JoinFailure, RingHostOptions, RingHostPorts } from './ring-host-options.ts';

/** A departing host waits this long for its neighbours to acknowledge. */
const leaveDeadline: Milliseconds = 1000;
/** Hosts told of a departure, and how many of them are no neighbours. */
const maxToldOfLeave = 64;
const maxOthersToldOfLeave = 16;
/** Where the lookups of a host without members begin. */
const nearMembersAsked = 4;
const maxSeeds = 32;
/** Of each host. With one, a silent host was found only after 5 s in a ring of 24. */
const membersWatchedClosely = 2;

export class RingHost implements RingHandler {
  readonly #options: RingHostOptions;
  readonly #ports: RingHostPorts;
  readonly #own: OwnMembers;
  readonly #detector: FailureDetector;
  readonly #known: KnownMembers;
  readonly #questions: Questions;
  readonly #lookups: Lookups;
  readonly #others: OtherHosts;
  readonly #answers: Answers;
  readonly #joining: Joining;
  readonly #fingerUpkeep: FingerUpkeep;
  readonly #clientNode: ClientNode;
  #rewatch = false;
  /** Those with places after so many changes. */
  #placed: { readonly changes: number; readonly hosts: readonly Contact[] } | null = null;
  /** A join in progress must not bring back a host that has said it goes. */
  #leaving = false;
  #closed = false;

  constructor(options: RingHostOptions, ports: RingHostPorts) {
    this.#options = options;
    this.#ports = ports;
    const { clock, random, network } = ports;
    const { timers, shape } = options;
    this.#detector = new FailureDetector({
      self: options.self.host,
      clock,
      random,
      network,
      timers,
      changed: (contact, liveness) => this.#others.changed(contact, liveness),
      moved: (contact) => this.#moved(contact),
    });
    this.#own = new OwnMembers(options.members, shape.bits, this.#memberHost());
    const shared: HostPorts = {
      ...ports,
      detector: this.#detector,
      own: this.#own,
      live: () => this.liveHosts(),
      placed: () => this.hostsWithPlaces(),
      isClosed: () => this.#closed,
    };
    const whileHere: HostPorts = { ...shared, isClosed: () => this.#closed || this.#leaving };
    const known = new KnownMembers(options, shared);
    const questions = new Questions(options.self, shared, known, this);
    const lookups = new Lookups(options, shared, known, questions);
    this.#known = known;
    this.#questions = questions;
    this.#lookups = lookups;
    this.#others = new OtherHosts(options, { ...shared, known, questions, lookups });
    this.#answers = new Answers(options, { ...shared, known, lookups, others: this.#others });
    this.#joining = new Joining(options, whileHere, lookups, (to) => this.#wake(to, [], () => {}));
    this.#clientNode = new ClientNode(options, whileHere, this);
    this.#fingerUpkeep = new FingerUpkeep(options, shared, lookups);
  }

  #memberHost(): MemberHost {
    const { clock, random } = this.#ports;
    const { timers, shape, smallRings } = this.#options;
    return {
      clock,
      random,
      timers,
      gridStart: timers.stabilizeGrid === 0 ? 0 : clock.now() - timers.stabilizeGrid * random.next(),
      rules: { shape, smallRings, busyRule: true },
      readState: (of, notifier, done) => this.#questions.readState(of, notifier, done),
      isGone: (pointer) => this.#known.isGone(pointer),
      notify: (to, from, done) => {
        const ask = { notices: [{ to: to.id, from }] };
        this.#questions.ask(to.contact, { kind: 'notify', ask, deadline: timers.maxTimeout }, () => done());
      },
      wake: (to, candidates, done) => this.#wake(to, candidates, done),
      nearestAfter: (id) => this.#known.nearestAfter(id),
      tell: (me, news) => this.#told(me, news),
    };
  }

  // LIFE

  /** Begins a ring of this host's own members, ideal from the first step. Throws where they are too few for the proof to hold. */
  found(): void {
    const { members, shape, smallRings } = this.#options;
    if (!smallRings && members.length <= shape.successors)
      throw new Error(`a founder needs ${shape.successors + 1} members and has ${members.length}; see smallRings`);
    this.#own.begin(idealRing(members, shape));
    this.#begun();
  }

  /**
   * Takes up the life of a host in a ring that settled long ago: `states` of the own members, `ownerOf` for their
   * fingers, and all members by id for the cache. For the simulator, where thousands that join one by one would take hours.
   */
  beginSettled(
    states: readonly MemberState[],
    ownerOf: (start: RingId) => MemberPointer,
    cached: readonly MemberPointer[],
  ): void {
    this.#known.cache.load(cached);
    this.#own.beginSettled(states, ownerOf);
    this.#options.observe({ kind: 'joined' });
    this.#others.lookForLost();
    this.#others.large.beginSettled();
  }

  /** Joins every member through the given hosts; without members it only gets to know the ring. */
  join(through: readonly Contact[], done: (failure: JoinFailure | null) => void): void {
    this.#others.lookForLost();
    if (this.isClient) {
      this.#clientNode.begin(through, (connected) => {
        if (connected) this.#begun();
        done(connected ? null : 'failed');
      });
      return;
    }
    this.#joining.joinAll(through, (failure) => {
      if (failure === null) this.#begun();
      done(failure);
    });
  }

  /** Tells the neighbours and stops taking part; `done` when they know, or after a deadline. */
  leave(forGood: boolean, done: () => void): void {
    const told = this.#toldOfLeave();
    const members = this.states().map((state) => state.me.id);
    this.#leaving = true;
    for (const member of this.#own.all) member.take({ kind: 'stop' });
    this.#clientNode.close();
    this.#others.close();
    let open = told.length;
    if (open === 0) {
      this.#ports.clock.after(0, done);
      return;
    }
    for (const contact of told) {
      this.#questions.ask(contact, { kind: 'leave', ask: { forGood, members }, deadline: leaveDeadline }, () => {
        if (--open === 0) done();
      });
    }
  }

  /** Stops at once and tells no one: every question from now on is refused, and no callback is called any more. */
  close(): void {
    this.#closed = true;
    for (const member of this.#own.all) member.take({ kind: 'stop' });
    this.#detector.close();
    this.#clientNode.close();
    this.#others.close();
  }

  #begun(): void {
    this.#options.observe({ kind: 'joined' });
    this.#others.lookForLost();
    this.#others.announce();
    for (const member of this.#own.all) this.#fingerUpkeep.refreshAll(member);
  }

  #toldOfLeave(): readonly Contact[] {
    const told = new Map<HostId, Contact>();
    for (const { predecessor, successors } of this.states()) {
      for (const p of [predecessor, ...successors]) if (isMember(p)) told.set(p.contact.host, p.contact);
    }
    for (const contact of this.liveHosts().slice(0, maxOthersToldOfLeave)) told.set(contact.host, contact);
    told.delete(this.self.host);
    return [...told.values()].filter((contact) => !this.isDown(contact.host)).slice(0, maxToldOfLeave);
  }

  // VIEW

  get self(): Contact {
    return this.#options.self;
  }

  /** Whether this host has no members: a client of the ring. */
  get isClient(): boolean {
    return this.#options.members.length === 0;
  }

  /** Last committed states of the own members, sorted by id. */
  states(): readonly MemberState[] {
    return this.#own.joined.map((m) => m.state);
  }

  /** The finger table of one of the own members: one entry a bit, `node` null while it is not known; empty for others' members. */
  fingers(state: MemberState): readonly { readonly start: RingId; readonly node: MemberPointer | null }[] {
    const member = this.#own.get(state.me.id);
    return member === undefined ? [] : this.#own.fingersOf(member).table(state);
  }

  /** Every host known of, and whether it lives. */
  watched(): readonly Watched[] {
    return this.#detector.all();
  }

  /** Believed dead, away or gone for good. */
  isDown(host: HostId): boolean {
    return this.#detector.isDown(host);
  }

  /** Hosts believed alive, this one excluded, and those that say that they have no members. */
  liveHosts(): readonly Contact[] {
    return this.#detector
      .all()
      .filter((w) => (w.liveness === 'alive' || w.liveness === 'suspected') && w.lastHeard !== null)
      .filter((w) => !this.#others.isClient(w.contact.host))
      .map((w) => w.contact);
  }

  /**
   * Those of which places are known here. A greeting alone adds no host to them: identities cost nothing, and anyone who
   * counted on such hosts would ask them in vain.
   */
  hostsWithPlaces(): readonly Contact[] {
    const changes = this.#detector.changes + this.#others.changes + this.#known.cache.hostChanges + this.#own.changes;
    // Every reader asks, and for a long time the answer is the same.
    if (this.#placed?.changes !== changes)
      this.#placed = { changes, hosts: this.liveHosts().filter(({ host }) => this.#others.hasPlaces(host)) };
    return this.#placed.hosts;
  }

  /** Distinct live hosts of the members that follow the key, nearest first, as far as is known here. */
  hostsAfter(key: RingId, most?: number): readonly Contact[] {
    return this.#known.hostsAfter(key, most);
  }

  /** Whether a member of it is in a list of successors or a predecessor here. */
  isNeighbour(host: HostId): boolean {
    return this.states().some(({ predecessor, successors }) =>
      [predecessor, ...successors].some((node) => isMember(node) && node.contact.host === host),
    );
  }

  /** Every member that is believed alive, in ring order: own ones, their neighbours and fingers, and those heard of. */
  members(): readonly MemberPointer[] {
    const states = this.states();
    const neighbours = states.flatMap(({ predecessor, successors }) => [predecessor, ...successors].filter(isMember));
    const fingers = this.#own.joined.flatMap((own) => own.fingers.distinct);
    const found = new Map([...this.knownMembers(), ...fingers, ...neighbours].map((member) => [member.id, member]));
    for (const [id, member] of found) if (this.#known.isGone(member)) found.delete(id);
    for (const { me } of states) found.set(me.id, me);
    return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The membership cache alone, in ring order. */
  knownMembers(): readonly MemberPointer[] {
    return this.#known.cache.all();
  }

  /** Members of another host by what is known here; 0 when nothing is. */
  virtualNodesOf(host: HostId): number {
    return this.#others.virtualNodesOf(host);
  }

  // SPEAKING

  /** Any authenticated packet from the host: it lives. */
  heard(contact: Contact): void {
    if (contact.host !== this.self.host && !this.#closed) this.#detector.heard(contact);
  }

  /** The host was removed from the network: it is gone for good, and nothing that is heard of it counts. */
  bar(host: HostId): void {
    if (host === this.self.host || this.#closed) return;
    this.#detector.bar(host);
    this.#others.bar(host);
  }

  /** By their certificates, known now, these have no places: pointers to them are dropped. True when there were some. */
  dropPlaces(hosts: readonly HostId[]): boolean {
    const dropped = hosts.filter((host) => this.#known.cache.knows(host) || this.isNeighbour(host));
    for (const host of dropped) this.#known.forgetHost(host);
    if (dropped.length > 0) for (const member of this.#own.all) member.hostGone();
    return dropped.length > 0;
  }

  /** This host is reached at other addresses from now on; others are told. */
  selfMoved(): void {
    if (!this.#closed) this.#others.announceMove();
  }

  /** The option of that name; true without it. */
  mayBeMember(host: HostId): boolean {
    return this.#known.mayBeMember(host);
  }

  /** Something found the host silent: it is checked now, not at the next ping. */
  suspect(contact: Contact): void {
    if (contact.host !== this.self.host) this.#detector.suspect(contact);
  }

  /**
   * This host slept, or its addresses have changed: nothing that it believes of others is newer than that, and what they
   * believe of it is wrong. Both are settled at once instead of at the next round of each.
   */
  resume(): void {
    if (this.#closed || this.#leaving) return;
    this.#detector.resume();
    this.#others.resume();
    for (const member of this.#own.all) if (member.state !== null) member.take({ kind: 'stabilize' });
  }

  /** Hosts known from an earlier life: probed until they answer. */
  remember(contacts: readonly Contact[]): void {
    this.#others.remember(contacts);
  }

  /** GET_STATE: `done` once, with null when the member gave no state (silent, busy, or no member any more). */
  stateOf(member: MemberPointer, done: (state: MemberState | null) => void): void {
    this.#questions.readState(member, null, (snapshot) => done(snapshot.kind === 'member' ? snapshot.state : null));
  }

  /** `done` once, within the budget of a lookup: the owner, as it said itself, or null. Not called after `close`. */
  lookup(key: RingId, done: (found: Found | null) => void): void {
    this.#lookups.lookup(key, this.isClient ? this.#seedsOfClient(key) : [], done);
  }

  /** The one it has heard of nearest before the key, then everybody else. */
  #seedsOfClient(key: RingId): readonly Contact[] {
    const near = this.#known.cache.before(key, nearMembersAsked).map(({ contact }) => contact);
    const seeds = new Map([...near, ...this.liveHosts()].map((contact) => [contact.host, contact]));
    return [...seeds.values()].filter(({ host }) => !this.isDown(host)).slice(0, maxSeeds);
  }

  /** A question of another host, decoded, its sender authenticated. */
  handle<K extends RingMessageKind>(
    from: HostId,
    kind: K,
    ask: RingAsks[K],
    answer: (answer: RingAnswers[K] | null) => void,
  ): void {
    if (this.#closed) {
      answer(null);
      return;
    }
    this.#answers.handle(from, kind, ask, answer);
  }

  #wake(to: MemberPointer, candidates: readonly MemberPointer[], done: (arrived: boolean) => void): void {
    const ask = { members: [to.id], candidates };
    const deadline = this.#options.timers.maxTimeout;
    this.#questions.ask(to.contact, { kind: 'wake', ask, deadline }, (result) => {
      if (!this.#closed) done(result.ok);
    });
  }

  #moved(contact: Contact): void {
    for (const member of this.#own.all) member.take({ kind: 'moved', contact });
    for (const member of this.#known.cache.membersAt(contact.host)) this.#known.cache.insert({ ...member, contact });
  }

  // NEWS OF MEMBERS

  #told(me: MemberPointer, news: MemberNews): void {
    if (news.kind === 'commit') this.#committed(me, news.before, news.after);
    else if (news.kind === 'isolated') this.#joining.rejoin(this.#own.get(me.id)!);
    else this.#fingerUpkeep.refreshOne(this.#own.get(me.id)!);
  }

  #committed(member: MemberPointer, before: MemberState | null, after: MemberState | null): void {
    this.#own.recount();
    this.#options.observe({ kind: 'committed', before, after, member });
    const head = before?.successors[0];
    if (isMember(head) && after !== null && after.successors[0]?.id !== head.id && !this.#closed) {
      this.#others.large.reportDeparture(head);
    }
    if (this.#rewatch || this.#closed) return;
    this.#rewatch = true;
    this.#ports.clock.after(0, () => {
      this.#rewatch = false;
      if (!this.#closed) this.#watchNeighbours();
    });
  }

  /**
   * Close are the hosts at the other end of an edge of the ring of which one end is among its host's first members: however
   * many hosts there are, each is watched by a few, and watches a few. Both ends see it alike.
   */
  #watchNeighbours(): void {
    const neighbours = new Map<HostId, { readonly contact: Contact; readonly watching: Watching }>();
    const watch = (me: MemberPointer, other: MemberPointer): void => {
      const { contact } = other;
      const isClose = Math.min(me.index, other.index) < membersWatchedClosely;
      if (isClose || !neighbours.has(contact.host)) {
        neighbours.set(contact.host, { contact, watching: isClose ? 'close' : 'far' });
      }
    };
    for (const { me, successors, predecessor } of this.states()) {
      const head = successors[0];
      if (isMember(head)) watch(me, head);
      watch(me, predecessor);
    }
    neighbours.delete(this.self.host);
    this.#detector.watch(neighbours);
  }
}
