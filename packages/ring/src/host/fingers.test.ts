import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RingId } from '../protocol/identifier.ts';
import { idealRing } from '../protocol/join.ts';
import type { MemberPointer } from '../protocol/pointer.ts';
import { memberAt } from '../testing/virtual-clock.ts';
import { Fingers } from './fingers.ts';

const bits = 8;
const shape = { bits, successors: 3 };
const idOf = (place: number) => place.toString(16).padStart(2, '0') as RingId;

/** The dumb model: the first member at or after the key in the sorted list. */
function ownerOf(members: readonly MemberPointer[], key: RingId): MemberPointer {
  return members.find((m) => m.id >= key) ?? members[0]!;
}

const rings = fc
  .uniqueArray(fc.integer({ min: 0, max: 2 ** bits - 1 }), { minLength: 2, maxLength: 24 })
  .map((places) => places.sort((a, b) => a - b).map((place) => memberAt(idOf(place))));

test('A10 one pass of lookups makes every finger the successor of its start [R30]', () => {
  fc.assert(
    fc.property(rings, (members) => {
      for (const state of idealRing(members, shape)) {
        const fingers = new Fingers(state.me.id, bits);
        let power = fingers.firstFar(state);
        while (power < bits) power = fingers.learnExact(power, ownerOf(members, fingers.start(power)));
        const table = fingers.table(state);
        assert.equal(table.length, bits);
        for (const [i, { start, node }] of table.entries()) {
          assert.equal(start, fingers.start(i));
          assert.equal(node?.id, ownerOf(members, start).id, `finger ${i} of ${state.me.id}`);
        }
      }
    }),
  );
});

test('A10 a pass asks for less than every finger: one lookup proves the empty intervals that follow [R30]', () => {
  const members = [memberAt('00'), memberAt('10'), memberAt('20'), memberAt('30'), memberAt('f0')];
  const state = idealRing(members, shape)[0]!;
  const fingers = new Fingers(state.me.id, bits);
  let asked = 0;
  for (let power = fingers.firstFar(state); power < bits; asked++) {
    power = fingers.learnExact(power, ownerOf(members, fingers.start(power)));
  }
  assert.equal(asked, 1);
});

test('A10 what precedes a key never reaches or passes it', () => {
  fc.assert(
    fc.property(rings, fc.integer({ min: 0, max: 2 ** bits - 1 }), (members, place) => {
      const [me] = members;
      const fingers = new Fingers(me!.id, bits);
      for (let power = 0; power < bits; power++) fingers.learnExact(power, ownerOf(members, fingers.start(power)));
      const offset = (id: RingId) => (Number.parseInt(id, 16) - Number.parseInt(me!.id, 16) + 256) % 256;
      const key = idOf(place);
      for (const { id } of fingers.preceding(key)) {
        assert.ok(offset(id) > 0 && (key === me!.id || offset(id) < offset(key)), `${id} for ${key} of ${me!.id}`);
      }
    }),
  );
});

test('A10 fingers that are gone are forgotten, near ones too', () => {
  const fingers = new Fingers('00' as RingId, bits);
  const [gone, kept] = [memberAt('90'), memberAt('95')];
  fingers.learnExact(7, gone);
  fingers.learnNear(gone);
  fingers.learnNear(kept);
  fingers.forget((pointer) => pointer.id === gone.id);
  assert.deepEqual(fingers.preceding('ff' as RingId), []);
  assert.equal(fingers.nearest(memberAt('98'), 'ff' as RingId, () => 1).id, kept.id === '95' ? '98' : '');
  assert.equal(fingers.nearest(memberAt('98'), 'ff' as RingId, ({ id }) => (id === '95' ? 1 : 9)).id, '95');
});
