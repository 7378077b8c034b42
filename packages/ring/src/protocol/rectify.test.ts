import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, member, shape, stateOf } from '../../test/ring-examples.ts';
import { aloneState } from './join.ts';
import { rectify, withPredecessor } from './rectify.ts';

/** 5's predecessor is 12: the arc (12, 5] goes across zero. */
const five = stateOf(5, 12, [9, 12, 2]);

test('A11 a notifier between the predecessor and me becomes the predecessor, at once [R19]', () => {
  for (const notifier of [13, 15, 0, 4]) {
    const verdict = rectify(five, member(notifier));
    if (verdict.kind !== 'adopt') assert.fail(`${notifier}: ${verdict.kind}`);
    assert.equal(verdict.state.predecessor.id, at(notifier));
    assert.equal(verdict.state.epoch, five.epoch + 1);
    assert.equal(verdict.state.successors, five.successors);
  }
});

test('A11 C1 the predecessor itself and my own voice change nothing', () => {
  assert.deepEqual(rectify(five, member(12)), { kind: 'keep' });
  assert.deepEqual(rectify(five, member(5)), { kind: 'keep' });
});

test('A11 anybody further away replaces the predecessor only if that is dead [R20]', () => {
  for (const notifier of [6, 9, 11]) {
    assert.deepEqual(rectify(five, member(notifier)), { kind: 'check-predecessor' });
  }
  const state = withPredecessor(five, member(9));
  assert.equal(state.predecessor.id, at(9));
  assert.equal(state.epoch, five.epoch + 1);
});

test('A11 a lone member takes its first notifier, no matter which it is', () => {
  for (const notifier of [0, 3, 5, 15]) {
    const verdict = rectify(aloneState(member(4), shape), member(notifier));
    assert.equal(verdict.kind, 'adopt');
  }
});

test('A11 for every predecessor and notifier of a 4-bit ring, adoption is exactly the arc between them and me [R19]', () => {
  for (let predecessor = 0; predecessor < 16; predecessor++) {
    for (let notifier = 0; notifier < 16; notifier++) {
      const steps = (from: number): number => (((5 - from) % 16) + 16) % 16 || 16;
      const closer = notifier !== 5 && steps(notifier) < steps(predecessor);
      const { kind } = rectify(stateOf(5, predecessor, [9, 12, 2]), member(notifier));
      const same = notifier === predecessor || notifier === 5;
      assert.equal(kind, same ? 'keep' : closer ? 'adopt' : 'check-predecessor', `${predecessor} ${notifier}`);
    }
  }
});
