/** Seeds that once found a bug (docs/simulator-findings.md). Their histories change with the plan, so longer runs cover more seeds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runDataSwarm } from './data-swarm.ts';

const found: Record<number, string> = {
  6: 'B4 places without room have as many substitutes',
  8: 'B12 an expired record is the same everywhere or nowhere',
  10: 'B4 cache at a host that is a place again counts within minutes',
  17: 'B12 what was cut off or has expired goes for good',
  36: 'B12 a copy that stood in for a full place goes when the place has it',
  52: 'B12 a host that missed the end of a name finds out from those who freed its blocks',
  313: 'B4 beside a place without room others give up what they hold too much of',
  2802: 'B4 a copy that was read wrongly twice in a row, and was the only one, is not thrown away',
  3082: 'B4 a copy that is damaged for good keeps no round from its end',
  4362: 'B4 the fifth place of a block tells an owner that has none of five copies',
  4993: 'B4 what stands in for a full place is offered to the other places until they have it',
  668: 'A7 beside a place without room a name can be said to be absent',
};

for (const [seed, title] of Object.entries(found))
  test(title, async () => {
    assert.equal((await runDataSwarm(Number(seed))).failure, null);
  });
