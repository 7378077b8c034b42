/** Keeps the fingers of all own members exact: all of them on joining, then one random far finger per stabilise round. */
import type { RingId } from './identifier.ts';
import type { Found } from './lookup.ts';
import type { Member } from './member.ts';
import type { OwnMembers } from './own-members.ts';
import type { Random } from './ports.ts';

export interface FingerUpkeepPorts {
  readonly random: Random;
  readonly bits: number;
  readonly own: OwnMembers;
  lookup(key: RingId, done: (found: Found | null) => void): void;
  isClosed(): boolean;
}

export class FingerUpkeep {
  readonly #ports: FingerUpkeepPorts;
  #refreshing = false;

  constructor(ports: FingerUpkeepPorts) {
    this.#ports = ports;
  }

  refreshOne(member: Member): void {
    if (this.#refreshing || member.state === null) return;
    const { own, random, bits } = this.#ports;
    const first = own.fingersOf(member).firstFar(member.state);
    if (first >= bits) return;
    this.#refreshing = true;
    this.#lookup(member, first + Math.floor(random.next() * (bits - first)), () => {
      this.#refreshing = false;
    });
  }

  /** One pass over all far fingers: each lookup proves all that start before the owner found. */
  refreshAll(member: Member, from = 0): void {
    if (member.state === null || this.#ports.isClosed()) return;
    const power = Math.max(from, this.#ports.own.fingersOf(member).firstFar(member.state));
    if (power >= this.#ports.bits) return;
    this.#lookup(member, power, (next) => {
      if (next !== null) this.refreshAll(member, next);
    });
  }

  #lookup(member: Member, power: number, done: (next: number | null) => void): void {
    const fingers = this.#ports.own.fingersOf(member);
    this.#ports.lookup(fingers.start(power), (found) =>
      done(found === null ? null : fingers.learnExact(power, found.owner)),
    );
  }
}
