/**
 * The histories by which Zave refuted published Chord, with lists of two: CCR 2012, Figs 2–8, and TSE 2017, Fig. 3.
 * Rebuilt from the papers: each figure's events and outcome, and its identifiers where they matter; members that only
 * fill the ring are ours.
 */
import { ringId } from '../src/protocol/identifier.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import type { RingProperty } from './invariant.ts';
import type { ChordEvent } from './original-chord.ts';
import type { RepairableClaim } from './original-claims.ts';

export const shape: RingShape = { bits: 6, successors: 2 };
const at = (value: number) => ringId(value, shape.bits);

const join = (member: number, successor: number): ChordEvent => ({
  kind: 'join',
  member: at(member),
  successor: at(successor),
});
const notify = (member: number, notifier: number): ChordEvent => ({
  kind: 'notify',
  member: at(member),
  notifier: at(notifier),
});
const only =
  (kind: 'fail' | 'stabilize' | 'reconcile' | 'update') =>
  (member: number): ChordEvent => ({ kind, member: at(member) });
const fail = only('fail');
const stabilize = only('stabilize');
const reconcile = only('reconcile');
const update = only('update');

/** Only its successor and predecessor learn of a joiner. */
const incorporated = (before: number, joiner: number, after: number): ChordEvent[] => [
  join(joiner, after),
  notify(after, joiner),
  stabilize(before),
];

export interface PublishedHistory {
  readonly figure: string;
  readonly what: string;
  /** Initial members; ours starts as the ideal ring of `oursBegins`, by default the same. */
  readonly begins: readonly number[];
  readonly oursBegins?: readonly number[];
  /** Initial entries of each original member: 1 after joining one by one, 2 once reconciled. */
  readonly knows: 1 | 2;
  readonly events: readonly ChordEvent[];
  readonly breaks: RingProperty | RepairableClaim;
  /** Does published Chord ever repair it? */
  readonly forGood: boolean;
}

export const publishedHistories: readonly PublishedHistory[] = [
  {
    figure: 'CCR 2012 Fig. 2',
    what: '8 and 10 join between 6 and 16, 10 is incorporated first, 8 merges behind it',
    begins: [6, 16, 30],
    knows: 2,
    events: [join(8, 16), ...incorporated(6, 10, 16)],
    breaks: 'OrderedMerges',
    forGood: false,
  },
  {
    figure: 'CCR 2012 Fig. 3',
    what: 'an appendage passes over another one of its tree',
    begins: [6, 16, 30],
    knows: 2,
    events: [join(10, 16), notify(16, 10), join(8, 16), stabilize(8), join(9, 16)],
    breaks: 'OrderedAppendages',
    forGood: false,
  },
  {
    figure: 'CCR 2012 Fig. 4',
    what: 'a list still skips a new ring member, which falls back to an appendage',
    begins: [3, 6, 16, 30],
    knows: 2,
    events: incorporated(6, 10, 16),
    breaks: 'ValidSuccessorList',
    forGood: false,
  },
  {
    figure: 'CCR 2012 Fig. 5',
    what: 'the joiner 7 knows only 9, which fails',
    begins: [5, 9, 12, 20],
    knows: 2,
    events: [join(7, 9), fail(9)],
    breaks: 'ConnectedAppendages',
    forGood: true,
  },
  {
    figure: 'CCR 2012 Fig. 6',
    what: '10 joins between 6 and 12 and fails, 6 adopts it without asking',
    begins: [6, 12, 20],
    knows: 1,
    events: [join(10, 12), notify(12, 10), fail(10), stabilize(6)],
    breaks: 'AtLeastOneRing',
    forGood: true,
  },
  {
    figure: 'CCR 2012 Fig. 7',
    what: 'in an odd ring a joiner in each gap fails, stale second entries are promoted',
    begins: [10, 20, 30],
    knows: 2,
    events: [
      ...incorporated(10, 15, 20),
      ...incorporated(20, 25, 30),
      ...incorporated(30, 5, 10),
      ...[15, 25, 5].map(fail),
      ...[10, 20, 30].map(update),
    ],
    breaks: 'OrderedRing',
    forGood: true,
  },
  {
    figure: 'CCR 2012 Fig. 8',
    what: 'in an even ring a joiner in each gap fails, the ring splits in two',
    begins: [10, 20, 30, 40],
    knows: 2,
    events: [
      ...incorporated(10, 15, 20),
      ...incorporated(20, 25, 30),
      ...incorporated(30, 35, 40),
      ...incorporated(40, 5, 10),
      ...[15, 25, 35, 5].map(fail),
      ...[10, 20, 30, 40].map(update),
    ],
    breaks: 'AtMostOneRing',
    forGood: true,
  },
  {
    figure: 'TSE 2017 Fig. 3',
    what: 'a ring begun with 48 alone: two joiners have 48 in both entries, 48 fails',
    begins: [48],
    oursBegins: [48, 50, 60, 62],
    knows: 2,
    events: [join(10, 48), reconcile(10), join(30, 48), reconcile(30), fail(48)],
    breaks: 'OneLiveSuccessor',
    forGood: true,
  },
];
