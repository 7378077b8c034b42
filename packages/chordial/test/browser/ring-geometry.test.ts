import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawingOf, maxLabels, partOf } from '../../web/src/ring-geometry.ts';

const hex = (id: number) => id.toString(16).padStart(2, '0');
const classroom = [2, 4, 5, 8, 9, 14, 19].map(hex);

test('A13 the members of the classroom are spaced apart, with every id between its neighbours', () => {
  const { place, isToScale } = drawingOf(classroom, 8);
  assert.equal(isToScale, false);
  const turned = (id: number) => (place(hex(id)) - place(hex(2)) + 1) % 1;
  // Around the whole ring from 2: in order, across zero too.
  const round = Array.from({ length: 256 }, (_, step) => turned((2 + step) % 256));
  for (let step = 1; step < round.length; step++) assert.ok(round[step]! > round[step - 1]!, `${step}`);
  const members = [...classroom.map((id) => (place(id) - place(hex(2)) + 1) % 1), 1];
  for (let next = 1; next < members.length; next++) assert.ok(members[next]! - members[next - 1]! >= 0.1);
});

test('A13 a ring with well-spaced or many members is drawn to scale', () => {
  for (const ids of [['00', '40', '80', 'c0'], ['07'], [], Array.from({ length: maxLabels + 1 }, (_, id) => hex(id))]) {
    const { place, isToScale } = drawingOf(ids, 8);
    assert.equal(isToScale, true);
    assert.equal(place('21'), partOf('21', 8));
  }
});
