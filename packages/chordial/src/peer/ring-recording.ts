/** How the ring changed in the last minutes as this peer saw it: members that came and went, to be shown again. */
import type { Clock, MemberPointer, Milliseconds, RingId, Timer } from '@chordial/ring';

/** What is older is forgotten. */
const recordedMilliseconds: Milliseconds = 300_000;
/** Larger rings are not recorded: to compare them each time would take too long. */
const maxRecordedMembers = 4096;
/** Members that came or went, of all changes together: the oldest changes are forgotten first. */
const maxRecordedMoves = 16_384;
/** Also what changes far away, of which this peer is not told. */
const lookMilliseconds: Milliseconds = 1000;

export interface RingChange {
  /** Milliseconds since 1970. */
  readonly time: Milliseconds;
  readonly came: readonly MemberPointer[];
  readonly went: readonly MemberPointer[];
}

export interface Recorded {
  /** From when on it is complete, milliseconds since 1970. */
  readonly from: Milliseconds;
  /** Then. */
  readonly members: readonly MemberPointer[];
  /** Oldest first. */
  readonly changes: readonly RingChange[];
  /** The ring has too many members. */
  readonly isTooLarge: boolean;
}

interface Ports {
  readonly clock: Clock;
  /** Cheap, unlike the members themselves. */
  readonly count: () => number;
  readonly members: () => readonly MemberPointer[];
}

type Members = Map<RingId, MemberPointer>;

export class RingRecording {
  readonly #ports: Ports;
  #first: Members;
  #from: Milliseconds;
  #now: Members;
  #changes: RingChange[] = [];
  #moves = 0;
  #isTooLarge = false;
  #timer: Timer;

  constructor(ports: Ports) {
    this.#ports = ports;
    this.#from = ports.clock.wallTime();
    this.#first = new Map();
    this.#now = new Map();
    this.#look();
    this.#begin();
    this.#timer = this.#again();
  }

  shown(): Recorded {
    this.#look();
    return {
      from: this.#from,
      members: [...this.#first.values()],
      changes: [...this.#changes],
      isTooLarge: this.#isTooLarge,
    };
  }

  close(): void {
    this.#timer.cancel();
  }

  #again(): Timer {
    return this.#ports.clock.after(lookMilliseconds, () => {
      this.#look();
      this.#timer = this.#again();
    });
  }

  #look(): void {
    const { clock, count, members } = this.#ports;
    const isTooLarge = count() > maxRecordedMembers;
    if (isTooLarge || this.#isTooLarge) {
      this.#isTooLarge = isTooLarge;
      this.#now = new Map(isTooLarge ? [] : members().map((member) => [member.id, member]));
      this.#begin();
      return;
    }
    const time = clock.wallTime();
    const present: Members = new Map(members().map((member) => [member.id, member]));
    const came = [...present.values()].filter(({ id, contact }) => this.#now.get(id)?.contact.host !== contact.host);
    const went = [...this.#now.values()].filter(({ id, contact }) => present.get(id)?.contact.host !== contact.host);
    this.#now = present;
    if (came.length + went.length > 0) {
      this.#changes.push({ time, came, went });
      this.#moves += came.length + went.length;
    }
    this.#forget(time - recordedMilliseconds);
  }

  /** From here on, with the members of now. */
  #begin(): void {
    this.#from = this.#ports.clock.wallTime();
    this.#first = new Map(this.#now);
    this.#changes = [];
    this.#moves = 0;
  }

  #forget(before: Milliseconds): void {
    let [next] = this.#changes;
    while (next !== undefined && (next.time <= before || this.#moves > maxRecordedMoves)) {
      for (const { id } of next.went) this.#first.delete(id);
      for (const member of next.came) this.#first.set(member.id, member);
      this.#moves -= next.came.length + next.went.length;
      this.#from = next.time;
      this.#changes.shift();
      [next] = this.#changes;
    }
    this.#from = Math.max(this.#from, before);
  }
}
