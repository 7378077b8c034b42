import type { Contact } from '@chordial/ring';
import { copiesOfSet, type ItemSet } from '../../storage/item-index.ts';
import { blockItems } from './block.ts';
import type { ItemKind, PlacePorts, SmallItemKind } from './item-kind.ts';
import { leafItems } from './leaf.ts';
import { recordItems } from './record.ts';

const kinds: Readonly<Record<ItemSet['kind'], ItemKind>> = {
  blocks: blockItems,
  records: recordItems,
  leaves: leafItems,
};

/** In the order in which they are transferred: blocks cannot be found without them. */
export const smallKinds: readonly (readonly [ItemSet['kind'], SmallItemKind])[] = [
  ['records', recordItems],
  ['leaves', leafItems],
];

export function kindOf({ kind }: ItemSet): ItemKind {
  return kinds[kind];
}

/** The places of an item, the owner's first. */
export function placesOfItem(ports: PlacePorts, set: ItemSet, key: string): Promise<readonly Contact[]> {
  return kindOf(set).places(ports, key, copiesOfSet(set, ports.replicas));
}
