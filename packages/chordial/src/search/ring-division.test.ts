import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MemberPointer, type RingId, ringId } from '@chordial/ring';
import fc from 'fast-check';
import { divide } from './ring-division.ts';
import type { Part } from './search-messages.ts';

const bits = 16;

/** Every member knows the next two and some others, as chance has it. */
function reachedFrom(members: readonly MemberPointer[], known: (member: RingId) => readonly MemberPointer[]): string[] {
  const reached: string[] = [];
  const open: Part[] = [{ member: members[0]!.id, end: members[0]!.id }];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    reached.push(part.member);
    for (const { parts } of divide(part, known(part.member))) open.push(...parts);
  }
  return reached.sort();
}

test('A16 a broadcast reaches every member exactly once, whatever its members know besides their successors', () => {
  const places = fc.uniqueArray(fc.integer({ min: 0, max: 2 ** bits - 1 }), { minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(places, fc.integer({ min: 1, max: 40 }), fc.infiniteStream(fc.boolean()), (ids, hosts, chance) => {
      const sorted = [...ids].sort((a, b) => a - b);
      const members = sorted.map((id, place) => ({
        id: ringId(id, bits),
        index: 0,
        contact: { host: `host${place % hosts}`, addresses: [] },
      })) as unknown as readonly MemberPointer[];
      const known = (member: RingId) => {
        const at = members.findIndex(({ id }) => id === member);
        const next = [1, 2].map((step) => members[(at + step) % members.length]!);
        return members.filter((one) => next.includes(one) || chance.next().value === true);
      };
      assert.deepEqual(
        reachedFrom(members, known),
        members.map(({ id }) => id as string),
      );
    }),
  );
});
