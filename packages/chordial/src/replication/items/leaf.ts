import { fetchLeaves, sendLeaves } from '../../records/leaf-exchange.ts';
import { leafSet } from '../../storage/item-index.ts';
import { cellArcOf, placesOfCell, placesOfCellWithoutSelf, withWholeCells } from '../item-places.ts';
import { chunks } from '../sync-client.ts';
import type { SmallItemKind } from './item-kind.ts';
import { movedOf, reportFailure } from './moved.ts';

/** Read into memory at a time: at most 1 MiB. */
const leavesPerPart = 128;

/** Leaves of shares: they never change, and each belongs to a cell of key space, which may meet several arcs. */
export const leafItems: SmallItemKind = {
  places({ placement, view }, key, wanted) {
    return placesOfCell(placement, key.slice(0, 64), view.shape.bits, wanted);
  },

  placesWithoutSelf: placesOfCellWithoutSelf,

  indexedRange(arc) {
    return withWholeCells(arc);
  },

  isAuthoritative(confirmed, key) {
    return confirmed.touches(cellArcOf(key.slice(0, 64)));
  },

  async withdraw({ confirmed }, key) {
    confirmed.withdrawAll(cellArcOf(key.slice(0, 64)));
  },

  async bytes({ shares, clock }, { record }) {
    return record === null ? null : (shares.table.byRow(record, clock.wallTime())?.bytes ?? null);
  },

  isHeld(held) {
    return held !== 'absent';
  },

  isKept() {
    return false;
  },

  async push(transfers, host, { key }) {
    return movedOf(await leafItems.pushAll(transfers, host, [key]));
  },

  async give(transfers, host, item) {
    await leafItems.push(transfers, host, item);
    // Asked again in the next look, when the host itself reports that it has it.
    return 'not-held';
  },

  async drop({ index, shares }, items) {
    const leaves = items.flatMap(({ key }) => index.find(leafSet, key)?.record ?? []);
    await shares.table.removeLeaves(leaves);
    return leaves.length;
  },

  async pullAll({ ports, signal }, host, keys) {
    let kept = 0;
    try {
      for (const some of chunks(keys, leavesPerPart)) {
        const runs = await fetchLeaves(host, some, ports.transport, signal);
        kept += (await ports.shares.keep(host, runs)).filter((result) => result === 'stored').length;
      }
      return kept;
    } catch (error) {
      reportFailure(ports, host, error);
      return null;
    }
  },

  async pushAll({ ports, signal }, host, keys) {
    const { shares, transport, index, clock } = ports;
    let pushed = 0;
    try {
      for (const some of chunks(keys, leavesPerPart)) {
        if (signal.aborted) return null;
        const rows = some.map((key) => index.find(leafSet, key)?.record ?? null);
        const leaves = rows.flatMap((row) => (row === null ? [] : (shares.table.byRow(row, clock.wallTime()) ?? [])));
        if (leaves.length > 0 && !(await sendLeaves(host, leaves, transport, signal))) return null;
        pushed += leaves.length;
      }
      return pushed;
    } catch (error) {
      reportFailure(ports, host, error);
      return null;
    }
  },
};
