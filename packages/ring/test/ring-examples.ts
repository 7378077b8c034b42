/** Members and lists of a ring with 16 places and s = 3, written as numbers, for tests to read like the papers. */
import { type RingId, ringId } from '../src/protocol/identifier.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import { type HostId, isMember, type MemberPointer, type Pointer } from '../src/protocol/pointer.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';

export const shape: RingShape = { bits: 4, successors: 3 };

export const at = (value: number): RingId => ringId(value, shape.bits);

export const member = (value: number): MemberPointer => ({
  id: at(value),
  contact: { host: `host ${value}` as HostId, addresses: [] },
  index: 0,
});

export const padding = (value: number): Pointer => ({ id: at(value), contact: null, index: 0 });

/** `successors`: members as numbers, padding as text ('7'). */
export function stateOf(me: number, predecessor: number, successors: readonly (number | string)[]): MemberState {
  return {
    me: member(me),
    predecessor: member(predecessor),
    successors: successors.map((entry) => (typeof entry === 'number' ? member(entry) : padding(Number(entry)))),
    epoch: 1,
  };
}

/** The reverse: members as numbers, padding as text. */
export function shown(list: readonly Pointer[]): readonly (number | string)[] {
  return list.map((entry) => {
    const value = Number.parseInt(entry.id, 16);
    return isMember(entry) ? value : String(value);
  });
}
