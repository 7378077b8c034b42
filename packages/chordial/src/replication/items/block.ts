import { placesOfKey, placesOfKeyWithoutSelf } from '../item-places.ts';
import type { ItemKind } from './item-kind.ts';

/** Blocks: their bytes never change, their claims do. */
export const blockItems: ItemKind = {
  places: placesOfKey,
  placesWithoutSelf: placesOfKeyWithoutSelf,

  indexedRange(arc) {
    return arc;
  },

  isAuthoritative(confirmed, key) {
    return confirmed.covers(key);
  },

  async withdraw(ports, key, wanted) {
    const { confirmed, replicas, view } = ports;
    // With r replicas this host may be a place; of this block fewer are wanted.
    const ofMore = wanted < replicas ? await placesOfKey(ports, key, replicas) : [];
    if (ofMore.some(({ host }) => host === view.self.host)) confirmed.disown(key);
    else confirmed.withdraw(key);
  },

  async bytes({ blocks, leaves }, { cid }) {
    return cid === null ? null : blocks.get(cid, leaves);
  },

  isHeld(held) {
    return held !== 'absent';
  },

  isKept({ blocks, keepsOwn, view }, { cid }) {
    if (cid === null || !keepsOwn()) return false;
    return blocks.claimsOf(cid).some(({ publisher }) => publisher === view.self.host);
  },

  async push({ blocks, signal }, host, { cid }) {
    return cid === null ? 'unclaimed' : blocks.push(host, cid, signal);
  },

  async give(transfers, host, item, held) {
    const { blocks, signal } = transfers;
    if (held === 'other' && item.cid !== null)
      return (await blocks.exchangeClaims(host, [item.cid], signal)) ? 'held' : 'not-held';
    // Asked again in the next look, when the host itself reports that it has it.
    return (await blockItems.push(transfers, host, item)) === 'full' ? 'full' : 'not-held';
  },

  async drop({ blocks }, items) {
    // One claimed again meanwhile is a replica of that put.
    const looked = items.flatMap(({ cid, digest }) => (cid === null ? [] : [{ cid, digest }]));
    return looked.length === 0 ? 0 : blocks.deleteUnchanged(looked);
  },
};
