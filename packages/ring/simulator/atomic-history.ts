/** Runs a history on the atomic model and checks every property after every step. */
import type { RingId } from '../src/protocol/identifier.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import {
  applyEffect,
  effectOf,
  type GlobalState,
  type Operations,
  productionOperations,
  type Step,
  statesById,
} from './atomic-model.ts';
import { violationsOf } from './invariant.ts';
import { lostPrincipals, principalsOf } from './principals.ts';
import { viewOf } from './ring-view.ts';

export interface History {
  readonly states: Map<RingId, MemberState>;
  /** The first step after which a property was broken (0: before the first), and the property. */
  readonly broken: { readonly step: number; readonly what: string } | null;
  /** Steps that were enabled when their turn came. */
  readonly taken: number;
}

export function runHistory(
  initial: readonly MemberState[],
  steps: Iterable<(states: GlobalState) => Step>,
  shape: RingShape,
  operations: Operations = productionOperations,
): History {
  const states = statesById(initial);
  let principals = principalsOf(viewOf(states.values()));
  let what = brokenProperty(states, shape);
  if (what !== null) return { states, broken: { step: 0, what }, taken: 0 };
  let count = 0;
  let taken = 0;
  for (const next of steps) {
    count++;
    const step = next(states);
    const effect = effectOf(states, step, shape, operations);
    if (effect === null || effect.state === states.get(effect.member)) continue;
    taken++;
    applyEffect(states, effect);
    const after = principalsOf(viewOf(states.values()));
    const failed = new Set(effect.state === null ? [effect.member] : []);
    const lost = lostPrincipals(principals, after, failed);
    what = lost.length > 0 ? `LossOfPrincipal: ${lost.join(' ')}` : brokenProperty(states, shape);
    if (what !== null) return { states, broken: { step: count, what: `${what} after ${JSON.stringify(step)}` }, taken };
    principals = after;
  }
  return { states, broken: null, taken };
}

function brokenProperty(states: GlobalState, shape: RingShape): string | null {
  const violation = violationsOf(viewOf(states.values()), shape.successors)[0];
  return violation === undefined ? null : `${violation.property}: ${violation.detail}`;
}
