import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, member, shape, shown, stateOf } from '../../test/ring-examples.ts';
import { aloneState } from './join.ts';
import { adoptSuccessor, betterSuccessor, dropHead, isBetterSuccessor } from './stabilize.ts';
import { brokenRule } from './successor-list.ts';

/** 2 → 5 → 9 → 12 → 2, s = 3. */
const two = stateOf(2, 12, [5, 9, 12]);

test('A11 stabilize copies the list of its successor behind the successor [R13]', () => {
  const state = adoptSuccessor(two, stateOf(5, 2, [7, 9, 12]), shape);
  assert.deepEqual(shown(state.successors), [5, 7, 9]);
  assert.equal(state.epoch, 2);
  assert.equal(state.predecessor.id, at(12));
});

test('A11 C1 stabilize in an ideal ring commits nothing: the same object comes back [R16]', () => {
  const answer = stateOf(5, 2, [9, 12, 2]);
  assert.equal(adoptSuccessor(two, answer, shape), two);
  assert.equal(betterSuccessor(two, answer), null);
});

test('A11 a dead head is dropped and no one is skipped or repeated; the next answer fills the list again [R14]', () => {
  const dropped = dropHead(two, shape);
  assert.deepEqual(shown(dropped.successors), [9, 12, '13']);
  assert.equal(dropped.epoch, 2);
  const filled = adoptSuccessor(dropped, stateOf(9, 5, [12, 2, 5]), shape);
  assert.deepEqual(shown(filled.successors), [9, 12, '13']);
  const larger = adoptSuccessor(dropped, stateOf(9, 5, [12, 14, 2]), shape);
  assert.deepEqual(shown(larger.successors), [9, 12, 14]);
});

test('C1 the whole list may die but one: three heads dropped in turn leave padding only at the tail [R14]', () => {
  let state = two;
  for (const expected of [
    [9, 12, '13'],
    [12, '13', '14'],
    ['13', '14', '15'],
  ]) {
    state = dropHead(state, shape);
    assert.deepEqual(shown(state.successors), expected);
    assert.equal(brokenRule(state, shape), null);
  }
});

test("A11 the successor's predecessor is a candidate only when it lies between [R15]", () => {
  assert.equal(betterSuccessor(two, stateOf(5, 3, [9, 12, 2]))?.id, at(3));
  assert.equal(betterSuccessor(two, stateOf(5, 2, [9, 12, 2])), null);
  assert.equal(betterSuccessor(two, stateOf(5, 12, [9, 12, 2])), null);
  assert.equal(betterSuccessor(two, stateOf(5, 5, [9, 12, 2])), null);
});

test('A11 a candidate is adopted by its own answer, with its own list behind it [R15]', () => {
  const state = adoptSuccessor(two, stateOf(3, 2, [5, 9, 12]), shape);
  assert.deepEqual(shown(state.successors), [3, 5, 9]);
});

test('C1 across zero a candidate is judged by the arc, not by the size of its number [R15]', () => {
  const twelve = stateOf(12, 9, [2, 5, 9]);
  assert.ok(isBetterSuccessor(twelve, member(15)));
  assert.ok(isBetterSuccessor(twelve, member(1)));
  assert.ok(!isBetterSuccessor(twelve, member(3)));
  assert.ok(!isBetterSuccessor(twelve, member(12)));
});

test('A11 a member that has no successor left takes any other member as candidate, never itself', () => {
  const isolated = stateOf(2, 12, ['3', '4', '5']);
  assert.ok(isBetterSuccessor(isolated, member(12)));
  assert.ok(!isBetterSuccessor(isolated, member(2)));
});

test('C1 teaching ring: a lone founder closes the ring with its first joiner', () => {
  const founder = { ...aloneState(member(4), shape), predecessor: member(9) };
  const joiner = stateOf(9, 4, [4, '5', '6']);
  assert.ok(isBetterSuccessor(founder, founder.predecessor));
  const closed = adoptSuccessor(founder, joiner, shape);
  assert.deepEqual(shown(closed.successors), [9, '10', '11']);
  assert.equal(adoptSuccessor(joiner, closed, shape), joiner);
});

test('C1 teaching ring: of two members the survivor is left with padding, of three with the other survivor', () => {
  assert.deepEqual(shown(dropHead(stateOf(4, 9, [9, '10', '11']), shape).successors), ['10', '11', '12']);
  assert.deepEqual(shown(dropHead(stateOf(4, 13, [9, 13, '14']), shape).successors), [13, '14', '15']);
});
