/**
 * A message-level model between the atomic model and whole hosts: production members (src/protocol/maintenance.ts, driven by
 * src/host/member.ts), each alone on its host, under the assumptions of the proof: no message is lost, and every
 * death becomes known with certainty after a delay.
 *
 * An atomic step of the proof (read one member, write oneself) takes two messages here. It happens when the question is
 * answered: from then on the asker counts as having adopted the answer, although it receives it later.
 * `view` shows these abstract states; the busy rule keeps others from reading the older, committed one meanwhile.
 */

import { Member } from '../src/host/member.ts';
import type { Random } from '../src/host/ports.ts';
import { defaultTimers } from '../src/host/timers.ts';
import type { RingId } from '../src/protocol/identifier.ts';
import { idealRing, joinBehind } from '../src/protocol/join.ts';
import type { Snapshot } from '../src/protocol/maintenance.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import type { StateAnswer } from '../src/protocol/messages.ts';
import type { HostId, MemberPointer } from '../src/protocol/pointer.ts';
import { adoptSuccessor } from '../src/protocol/stabilize.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { Process } from '../src/testing/process.ts';
import { seededRandom, VirtualTime } from '../src/testing/virtual-time.ts';
import { type RingView, viewOf } from './ring-view.ts';

export interface MemberRingOptions {
  readonly seed: number;
  readonly shape: RingShape;
  /** False for the LAX mutant. */
  readonly busyRule: boolean;
}

interface Peer {
  readonly member: Member;
  readonly process: Process;
  /** With an answer in flight: the state that the member commits on receiving it. */
  abstract: MemberState | null;
  /** Virtual time at which its death is known to all. */
  deadAt: number;
}

/** One way; a wide range reorders messages. */
const maxDelay = 60;
const deathKnownAfter = 150;

export class MemberRing {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly peers = new Map<RingId, Peer>();
  readonly #options: MemberRingOptions;
  /** Called after each change of an abstract state. */
  changed: () => void = () => {};

  constructor(options: MemberRingOptions, founders: readonly RingId[]) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    for (const state of idealRing(founders.map(pointerTo), options.shape)) {
      this.#add(state.me).member.begin(state);
    }
  }

  /** Live members as the proof sees them. */
  view(): RingView {
    const states = [...this.peers.values()]
      .filter((peer) => peer.process.isRunning)
      .map((peer) => peer.abstract ?? peer.member.state)
      .filter((state) => state !== null);
    return viewOf(states);
  }

  /** Joins after its current predecessor; false if there is none to try. */
  join(id: RingId): void {
    const { member } = this.#add(pointerTo(id));
    const before = this.#liveBefore(id);
    if (before !== null) member.tryJoin(before, () => {});
  }

  fail(id: RingId): void {
    const peer = this.peers.get(id)!;
    peer.process.end();
    peer.member.take({ kind: 'stop' });
    peer.abstract = null;
    peer.deadAt = this.time.now + deathKnownAfter;
  }

  #liveBefore(id: RingId): MemberPointer | null {
    const { members } = this.view();
    return (members.findLast((state) => state.me.id < id) ?? members.at(-1))?.me ?? null;
  }

  #add(me: MemberPointer): Peer {
    const process = new Process();
    const isGone = (pointer: MemberPointer) => {
      const peer = this.peers.get(pointer.id);
      return peer === undefined || (!peer.process.isRunning && this.time.now >= peer.deadAt);
    };
    const member = new Member(me, {
      clock: this.time.clock(process),
      random: this.random,
      timers: { ...defaultTimers, stabilizeMaximum: 1000, stabilizeGrid: 500 },
      gridStart: this.time.now - 500 * this.random.next(),
      rules: { shape: this.#options.shape, smallRings: false, busyRule: this.#options.busyRule },
      isGone,
      readState: (of, notifier, done) => this.#read(peer, of, notifier, done),
      notify: (to, from, done) => {
        this.#travel(() => this.#liveMember(to)?.take({ kind: 'notified', by: from }));
        this.#travel(() => process.run(done));
      },
      wake: (to, candidates, done) => {
        this.#travel(() => {
          const woken = this.#liveMember(to);
          for (const candidate of candidates) woken?.take({ kind: 'candidate', candidate });
          woken?.take({ kind: 'stabilize' });
        });
        this.#travel(() => process.run(() => done(true)));
      },
      nearestAfter: () => null,
      tell: (_me, { kind }) => {
        if (kind !== 'commit') return;
        peer.abstract = null;
        this.changed();
      },
    });
    const peer: Peer = { member, process, abstract: null, deadAt: Number.POSITIVE_INFINITY };
    this.peers.set(me.id, peer);
    return peer;
  }

  #read(asker: Peer, of: MemberPointer, notifier: MemberPointer | null, done: (snapshot: Snapshot) => void): void {
    // Reading to check the predecessor changes no successor; every other read is adopted.
    const isRead = asker.member.state === null || asker.member.isBusy;
    this.#travel(() => {
      const asked = this.peers.get(of.id);
      if (asked === undefined || !asked.process.isRunning) {
        const wait = Math.max(0, (asked?.deadAt ?? 0) - this.time.now);
        this.time.after(wait, () => asker.process.run(() => done({ kind: 'gone' })));
        return;
      }
      const answer = asked.member.answerState();
      if (isRead && answer.status === 'member') this.#takeOver(asker, answer.state);
      if (notifier !== null) asked.member.take({ kind: 'notified', by: notifier });
      this.#travel(() => {
        asker.process.run(() => {
          done(snapshotOf(answer));
          asker.abstract = null;
        });
      });
    });
  }

  /** The atomic step of the proof happens now; the asker receives the answer later. */
  #takeOver(asker: Peer, answer: MemberState): void {
    const { state, me } = asker.member;
    const { shape } = this.#options;
    if (!asker.process.isRunning) return;
    if (state !== null) asker.abstract = adoptSuccessor(state, answer, shape);
    else {
      const step = joinBehind(me, answer, shape);
      if (step.kind === 'joined') asker.abstract = step.state;
    }
    this.changed();
  }

  #liveMember(pointer: MemberPointer): Member | undefined {
    const peer = this.peers.get(pointer.id);
    return peer?.process.isRunning ? peer.member : undefined;
  }

  #travel(arrive: () => void): void {
    this.time.after(1 + (maxDelay - 1) * this.random.next(), arrive);
  }
}

function pointerTo(id: RingId): MemberPointer {
  return { id, contact: { host: `host-${id}` as HostId, addresses: [] }, index: 0 };
}

function snapshotOf(answer: StateAnswer): Snapshot {
  if (answer.status === 'member') return { kind: 'member', state: answer.state };
  return { kind: answer.status === 'pending' ? 'pending' : 'gone' };
}
