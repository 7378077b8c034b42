import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId, MemberPointer, MemberState } from '@chordial/ring';
import { distinctZones } from '../records/zone-order.ts';
import { keyRangeOfArc } from '../storage/key-range.ts';
import { InSyncRanges } from './in-sync-ranges.ts';
import type { OwnArc } from './own-arcs.ts';

const bits = 8;
const asked = 2;
const dead = new Set<HostId>();

function member(id: string, host: string): MemberPointer {
  return { id, index: 0, contact: { host, addresses: [] } } as unknown as MemberPointer;
}

const plain = member('40', 'self');
const me = { ...plain, contact: { ...plain.contact, zone: 's' } };
const usual = { predecessor: member('20', 'b'), successors: ['b', 'self', 'c', 'd'].map(at) };

function at(host: string, index: number): MemberPointer {
  return member((0x50 + index).toString(16), host);
}

/** What the round sees of the same state. */
function arcOf({ predecessor, successors }: Pick<MemberState, 'predecessor' | 'successors'>): OwnArc {
  const hosts = new Map(successors.flatMap(({ contact }) => (contact === null ? [] : [[contact.host, contact]])));
  const others = [...hosts.values()].filter(({ host }) => host !== me.contact.host && !dead.has(host));
  return { range: keyRangeOfArc(predecessor.id, me.id, bits) as OwnArc['range'], others: others as readonly Contact[] };
}

function settledIn(first: Pick<MemberState, 'predecessor' | 'successors'>) {
  let state = { me, epoch: 0, ...first } as MemberState;
  const shape = { bits, successors: 4 };
  const settled = new InSyncRanges({
    self: me.contact,
    shape,
    states: () => [state],
    isDead: (host) => dead.has(host),
  });
  const becomes = (next: Partial<MemberState>): void => {
    state = { ...state, ...next };
    settled.look();
  };
  return { settled, becomes };
}

test('an arc that was alike everywhere is settled, and stays so when hosts further on change', () => {
  const { settled, becomes } = settledIn(usual);
  const alike = settled.compare(arcOf(usual), asked);
  assert.equal(settled.has(arcOf(usual), asked), false);
  alike();
  assert.equal(settled.has(arcOf(usual), asked), true);
  becomes({ successors: ['b', 'self', 'c', 'e'].map(at) });
  assert.equal(settled.has(arcOf({ ...usual, successors: ['b', 'self', 'c', 'e'].map(at) }), asked), true);
});

test('an arc of another range, with other places or with more of them is not settled', () => {
  const { settled } = settledIn(usual);
  settled.compare(arcOf(usual), asked)();
  assert.equal(settled.has(arcOf({ ...usual, predecessor: member('30', 'b') }), asked), false);
  assert.equal(settled.has(arcOf({ ...usual, successors: ['c', 'b', 'd'].map(at) }), asked), false);
  assert.equal(settled.has(arcOf(usual), asked + 1), false);
});

test('with zones an arc stays settled while the same hosts are its places, and no longer', () => {
  const zoned = (zones: string) =>
    ['b', 'self', 'c', 'd'].map(at).map((pointer, index): MemberPointer => {
      return { ...pointer, contact: { ...pointer.contact, zone: zones[index]! } };
    });
  const distinct = (successors: readonly MemberPointer[]) => {
    const arc = arcOf({ ...usual, successors });
    return { ...arc, others: distinctZones([me.contact, ...arc.others]).slice(1) };
  };
  for (const [before, after, isKept] of [
    ['xsxy', 'xsxy', true],
    ['xsxy', 'xszz', false],
    ['xsxy', 'xsxx', false],
    ['xsxy', 'ysxy', false],
    ['ssxy', 'ssyx', true],
    ['xsxx', 'xsxx', true],
    ['xsxx', 'xsxy', false],
    ['xsyz', 'xsyx', true],
  ] as const) {
    const { settled, becomes } = settledIn({ ...usual, successors: zoned(before) });
    settled.compare(distinct(zoned(before)), asked)();
    becomes({ successors: zoned(after) });
    becomes({ successors: zoned(before) });
    assert.equal(settled.has(distinct(zoned(before)), asked), isKept, `${before} and ${after}`);
  }
});

test('a place that is another one for an instant unsettles the arc, even when all is as before at the next round', () => {
  for (const passing of [{ successors: ['c', 'd'].map(at) }, { predecessor: member('30', 'b') }]) {
    const { settled, becomes } = settledIn(usual);
    settled.compare(arcOf(usual), asked)();
    becomes(passing);
    becomes(usual);
    assert.equal(settled.has(arcOf(usual), asked), false);
  }
});

test('the same goes for a host that is dead for an instant, and for a change while the arc is compared', () => {
  const { settled, becomes } = settledIn(usual);
  const alike = settled.compare(arcOf(usual), asked);
  dead.add('c' as HostId);
  becomes({});
  dead.clear();
  becomes({});
  alike();
  assert.equal(settled.has(arcOf(usual), asked), false);
});
