/**
 * Keeps the fingers of all own members exact: all of them on joining, then the next far one in a stabilize round, ever more
 * rarely while each is found where it was.
 */
import type { Lookups } from './lookups.ts';
import type { Member } from './member.ts';
import type { Milliseconds } from './ports.ts';
import type { HostPorts, RingHostOptions } from './ring-host-options.ts';

/** Fingers that a member looks up while a quiet one pauses once: its rounds are many more while its neighbours change. */
const fingersPerQuietPause = 5;
/** While nothing changes a finger is looked up so much more rarely at most. */
const slowest = 10;

export class FingerUpkeep {
  readonly #ports: HostPorts;
  readonly #lookups: Lookups;
  readonly #bits: number;
  /** A member that stabilizes more often, since its neighbours change, looks up no more fingers for that. */
  readonly #minPause: Milliseconds;
  readonly #refreshing = new Set<Member>();
  /** Where each member's round of its far fingers goes on: the few distinct ones are then all new after as many rounds. */
  readonly #next = new Map<Member, number>();
  readonly #refreshedAt = new Map<Member, Milliseconds>();
  /** In least pauses; 1 unless given. */
  readonly #pauses = new Map<Member, number>();

  constructor({ shape, timers }: RingHostOptions, ports: HostPorts, lookups: Lookups) {
    this.#ports = ports;
    this.#lookups = lookups;
    this.#bits = shape.bits;
    this.#minPause = timers.stabilizeMaximum / fingersPerQuietPause;
  }

  refreshOne(member: Member): void {
    if (this.#refreshing.has(member) || member.state === null) return;
    const { own, clock } = this.#ports;
    const [bits, minPause] = [this.#bits, this.#minPause];
    const now = clock.now();
    const since = now - (this.#refreshedAt.get(member) ?? Number.NEGATIVE_INFINITY);
    if (since < minPause) return;
    const fingers = own.fingersOf(member);
    const first = fingers.firstFar(member.state);
    if (first >= bits) return;
    const pauses = fingers.hasGap(first) ? 1 : (this.#pauses.get(member) ?? 1);
    if (since < pauses * minPause) return;
    this.#refreshedAt.set(member, now);
    const next = this.#next.get(member) ?? first;
    const power = next < first || next >= bits ? first : next;
    const before = fingers.exact(power);
    this.#refreshing.add(member);
    this.#lookup(member, power, (following) => {
      this.#refreshing.delete(member);
      this.#next.set(member, following ?? first);
      const isSame = following !== null && fingers.exact(power)?.id === before?.id;
      this.#pauses.set(member, isSame ? Math.min(2 * pauses, slowest) : 1);
    });
  }

  /** One pass over all far fingers: each lookup proves all that start before the owner found. */
  refreshAll(member: Member, from = 0): void {
    if (member.state === null || this.#ports.isClosed()) return;
    const power = Math.max(from, this.#ports.own.fingersOf(member).firstFar(member.state));
    if (power >= this.#bits) return;
    this.#lookup(member, power, (next) => {
      if (next !== null) this.refreshAll(member, next);
    });
  }

  #lookup(member: Member, power: number, done: (next: number | null) => void): void {
    const fingers = this.#ports.own.fingersOf(member);
    this.#lookups.lookup(fingers.start(power), [], (found) =>
      done(found === null ? null : fingers.learnExact(power, found.owner)),
    );
  }
}
