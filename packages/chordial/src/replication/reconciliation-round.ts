/**
 * One round: this host's arcs, or those not in sync, are compared with the other places of each, and differences are
 * transferred, rarest first. Records go before blocks, since blocks cannot be found without them, and they are small.
 * Nothing is deleted here.
 *
 * It may be interrupted at any time and restarted: what was transferred is no longer a difference.
 */

import type { Contact, HostId, Random } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { countZones } from '../records/zone-order.ts';
import { type BlockSet, copiesOfSet } from '../storage/item-index.ts';
import {
  type BlockDifference,
  type Carrying,
  type ComparedArc,
  type Comparison,
  compareArcs,
  isBlock,
} from './arc-comparison.ts';
import type { InSyncRanges } from './in-sync-ranges.ts';
import type { ItemTransfers, SmallItemKind } from './items/item-kind.ts';
import { smallKinds } from './items/kinds.ts';
import { type OwnArc, ownArcs } from './own-arcs.ts';
import type { RareBlock } from './repair-progress.ts';
import { SyncClient } from './sync-client.ts';
import { maxMissedTold, type ToldRange } from './sync-messages.ts';
import type { SyncPorts } from './sync-ports.ts';

/** Concurrent block transfers; their bytes are bounded separately. */
const maxCarryings = 32;
/** Hosts after the places that are asked to take what a place has no room for. */
const maxSubstitutes = 4;
/** Blocks with too few copies that are told. */
const maxRareTold = 256;

export interface RoundOutcome {
  /** Replicas of blocks made, here or elsewhere, and records sent or received. */
  readonly blocks: number;
  readonly records: number;
  /** All arcs are confirmed, here and at their places. */
  readonly complete: boolean;
  /** Copies of blocks of the compared arcs that belong into the zone of another one, for lack of others. */
  readonly inSharedZones: number;
  /** Copies of anything that are still to be made, at least. */
  readonly lacking: number;
  readonly rare: readonly RareBlock[];
  /** Something was received or left over that other places may lack: another round is due at once. */
  readonly again: boolean;
}

export interface Grace {
  /** Blocks with w replicas are left alone: a host that is away may return, or the limit is `stop`. */
  readonly isOn: boolean;
  /** So are those with fewer: this host has just started, and other holders may not be visible yet. */
  readonly isFindingOthers: boolean;
  /** Keys of blocks that had fewer than w replicas: they are brought up to the full number, which may take several rounds. */
  readonly urgent: Set<string>;
  /** Hosts that are away and may know what no one here does. */
  missed(): readonly HostId[];
}

export interface RoundScope {
  readonly settled: InSyncRanges;
  /** Arcs in sync as well. */
  readonly everything: boolean;
}

export class ReconciliationRound {
  readonly #ports: SyncPorts;
  readonly #transfers: ItemTransfers;
  readonly #scope: RoundScope;
  readonly #signal: AbortSignal;
  readonly #grace: Grace;
  #blocks = 0;
  #records = 0;
  #pulled = false;
  #compared: readonly ComparedArc[] | null = null;
  readonly #rare = new Map<string, RareBlock>();

  constructor(transfers: ItemTransfers, scope: RoundScope, grace: Grace) {
    const { ports, signal } = transfers;
    this.#ports = ports;
    this.#transfers = transfers;
    this.#scope = scope;
    this.#grace = grace;
    this.#signal = signal;
  }

  /** Copies to be made, at least; null before the comparison. */
  get lacking(): number | null {
    if (this.#compared === null) return null;
    let copies = 0;
    for (const { lackedHere, lackedAt } of this.#compared) {
      copies += Math.max(0, lackedHere);
      for (const lacked of lackedAt.values()) copies += Math.max(0, lacked);
    }
    return copies;
  }

  async run(): Promise<RoundOutcome> {
    const { view, index, replicas } = this.#ports;
    const wanted = Math.max(replicas, ...index.sets().map((set) => copiesOfSet(set, replicas)));
    const { settled } = this.#scope;
    const arcs = (await ownArcs(view, wanted)).filter((arc) => this.#isDue(arc, wanted - 1));
    const settle = new Map(arcs.map((arc) => [arc.range.upTo, settled.compare(arc, wanted - 1)]));
    const comparison = await compareArcs(arcs, this.#ports, this.#signal);
    this.#compared = comparison.arcs;
    const complete = await this.#confirm(comparison.arcs);
    for (const arc of comparison.arcs) if (wasAlike(arc)) settle.get(arc.range.upTo)?.();
    if (comparison.carryings.length === 0) return this.#outcome(comparison, complete);
    await this.#carryRecords(comparison.carryings);
    await this.#carryClaims(comparison.carryings);
    await this.#carryBlocks(comparison.carryings);
    return this.#outcome(comparison, await this.#confirm(comparison.arcs));
  }

  /** Whether the arc is compared in this round. An unconfirmed arc is not in sync. */
  #isDue(arc: OwnArc, asked: number): boolean {
    const { settled, everything } = this.#scope;
    return everything || !settled.has(arc, asked) || !this.#ports.confirmed.coversAll(arc.range);
  }

  #outcome({ arcs, cut }: Comparison, complete: boolean): RoundOutcome {
    // The rest is compared after something else has been transferred, or the same would be left out again.
    const again = !this.#signal.aborted && ((cut && this.#blocks + this.#records > 0) || this.#pulled);
    return {
      ...{ blocks: this.#blocks, records: this.#records, complete, again },
      inSharedZones: this.#inSharedZones(arcs),
      lacking: this.lacking ?? 0,
      rare: [...this.#rare.values()],
    };
  }

  #inSharedZones(arcs: readonly OwnArc[]): number {
    const { index, view, replicas } = this.#ports;
    let copies = 0;
    for (const set of index.sets().filter(({ kind }) => kind === 'blocks'))
      for (const { range, others } of arcs) {
        const places = [view.self, ...others.slice(0, copiesOfSet(set, replicas) - 1)];
        const sharing = places.length - countZones(places);
        if (sharing > 0) copies += sharing * index.fingerprint(set, range).count;
      }
    return copies;
  }

  /** Confirms what is equal by now, here and at the other places. True when that is everything. */
  async #confirm(arcs: readonly ComparedArc[]): Promise<boolean> {
    let complete = true;
    const byHost = new Map<HostId, { host: Contact; arcs: ComparedArc[]; ranges: ToldRange[] }>();
    for (const arc of arcs) {
      if (arc.incomplete || !arc.sure || arc.lackedHere > 0) {
        complete = false;
        continue;
      }
      const missed = this.#missedIn(arc);
      this.#ports.confirmed.confirm(arc.range, missed);
      if ([...arc.lackedAt.values()].some((items) => items > 0)) complete = false;
      for (const host of arc.places) {
        if ((arc.lackedAt.get(host.host) ?? 0) === 0) {
          const told = byHost.get(host.host) ?? { host, arcs: [], ranges: [] };
          told.arcs.push(arc);
          told.ranges.push({ ...arc.range, missed });
          byHost.set(host.host, told);
        }
      }
    }
    const client = new SyncClient(this.#ports.transport, this.#signal);
    await Promise.all(
      [...byHost.values()].map(async ({ host, arcs: alike, ranges }) => {
        try {
          await client.confirm(host, ranges);
        } catch (error) {
          complete = false;
          for (const arc of alike) arc.sureAt.delete(host.host);
          this.#ports.report?.('no-answer', host, (error as Error).message);
        }
      }),
    );
    return complete;
  }

  /** Hosts that may know more of the arc: none where a host that is here knows all of it, or one of its places must be here. */
  #missedIn({ range, isVouchedFor }: ComparedArc): readonly HostId[] {
    const { confirmed, replicas } = this.#ports;
    const missed = isVouchedFor || confirmed.standing(range) === 'sure' ? [] : this.#grace.missed();
    return missed.length < replicas ? [] : missed.slice(-maxMissedTold);
  }

  async #carryRecords(carryings: readonly Carrying[]): Promise<void> {
    const byHost = new Map<HostId, Carrying[]>();
    for (const carrying of carryings) {
      if (isBlock(carrying.difference)) continue;
      const list = byHost.get(carrying.host.host) ?? [];
      list.push(carrying);
      byHost.set(carrying.host.host, list);
    }
    // All receiving first: what one host had, the others may lack.
    await Promise.all([...byHost.values()].map((list) => this.#pullRecords(list)));
    await Promise.all([...byHost.values()].map((list) => this.#pushRecords(list)));
  }

  async #pullRecords(list: readonly Carrying[]): Promise<void> {
    const wanted = list.filter(({ difference }) => difference.lacks !== 'there');
    for (const { kind, some, keys } of byKind(wanted)) {
      if (this.#signal.aborted) return;
      const got = await kind.pullAll(this.#transfers, some[0]!.host, keys);
      if (got === null) continue;
      this.#records += got;
      this.#pulled ||= got > 0;
      for (const carrying of some) settleHere(carrying);
    }
  }

  async #pushRecords(list: readonly Carrying[]): Promise<void> {
    const lacked = list.filter(({ difference }) => difference.lacks !== 'here');
    for (const { kind, some, keys } of byKind(lacked)) {
      if (this.#signal.aborted) return;
      const given = await kind.pushAll(this.#transfers, some[0]!.host, keys);
      if (given === null) continue;
      this.#records += given;
      for (const carrying of some) settleThere(carrying);
    }
  }

  async #carryClaims(carryings: readonly Carrying[]): Promise<void> {
    const byHost = new Map<HostId, { host: Contact; cids: CID[] }>();
    for (const { host, difference } of carryings) {
      if (!isBlock(difference) || difference.lacks !== 'neither') continue;
      const asked = byHost.get(host.host) ?? { host, cids: [] };
      asked.cids.push(difference.cid);
      byHost.set(host.host, asked);
    }
    const { blocks } = this.#ports;
    await Promise.all(
      [...byHost.values()].map(async ({ host, cids }) => {
        const before = cids.map((cid) => blocks.claimsOf(cid).length);
        await this.#transfers.blocks.exchangeClaims(host, cids, this.#signal);
        // What one place knew, the others may lack.
        this.#pulled ||= cids.some((cid, place) => blocks.claimsOf(cid).length > (before[place] ?? 0));
      }),
    );
  }

  async #carryBlocks(carryings: readonly Carrying[]): Promise<void> {
    const lacked = rarestFirst(carryings, this.#ports.random);
    for (const one of lacked) this.#noteRare(one);
    const due = lacked.filter((one) => this.#isBlockDue(one))[Symbol.iterator]();
    // Several workers on one list, which is started in order.
    const work = async (): Promise<void> => {
      for (const { ways, lackedHere } of due) {
        if (this.#signal.aborted) return;
        if (lackedHere) await this.#pullBlock(ways);
        else await this.#pushBlocks(ways);
      }
    };
    await Promise.all(Array.from({ length: maxCarryings }, work));
  }

  /** Where a host was silent, it may hold a copy that is not counted. */
  #noteRare({ ways, copies }: Due): void {
    const { arc, difference } = ways[0]!;
    if (!isBlock(difference) || arc.silent || copies >= this.#ports.writeQuorum) return;
    if (this.#rare.size < maxRareTold) this.#rare.set(difference.key, { cid: difference.cid, copies });
  }

  #copied(key: string): void {
    this.#blocks += 1;
    const rare = this.#rare.get(key);
    if (rare === undefined) return;
    const copies = rare.copies + 1;
    if (copies >= this.#ports.writeQuorum) this.#rare.delete(key);
    else this.#rare.set(key, { ...rare, copies });
  }

  #isBlockDue({ ways, copies }: Due): boolean {
    const { isOn, isFindingOthers, urgent } = this.#grace;
    const { arc, difference } = ways[0]!;
    // A silent place may hold it: it answers in the next round, or is found dead.
    const isKnown = !arc.silent && !isFindingOthers;
    if (isKnown && copies < this.#ports.writeQuorum) urgent.add(difference.key);
    return !isOn || urgent.has(difference.key);
  }

  /** From the first of these hosts that sends it. */
  async #pullBlock(ways: readonly Carrying[]): Promise<void> {
    for (const { host, difference } of ways) {
      if (!isBlock(difference)) continue;
      const outcome = await this.#transfers.blocks.pull(host, difference.cid, this.#signal);
      if (outcome === 'failed') continue;
      // Without room it stays where it is, and is requested again in a later round.
      for (const way of ways) settleHere(way);
      if (outcome === 'full') await this.#passOn(ways, host, difference);
      if (outcome !== 'moved') return;
      this.#pulled = true;
      this.#copied(difference.key);
      return;
    }
  }

  async #pushBlocks(ways: readonly Carrying[]): Promise<void> {
    const full: Contact[] = [];
    for (const way of ways) {
      const { host, difference } = way;
      if (!isBlock(difference)) continue;
      const outcome = await this.#transfers.blocks.push(host, difference.cid, this.#signal);
      if (outcome === 'failed') continue;
      settleThere(way);
      if (outcome === 'moved') this.#copied(difference.key);
      if (outcome === 'full') full.push(host);
    }
    if (full.length > 0) await this.#pushElsewhere(ways[0]!, full);
  }

  /** Full places: for each the next host takes the block, and the place is told which. It moves back when there is room. */
  async #pushElsewhere({ arc, difference }: Carrying, full: readonly Contact[]): Promise<void> {
    if (!isBlock(difference)) return;
    const substitutes = substitutesIn(arc, difference.set)[Symbol.iterator]();
    for (const place of full) {
      for (let next = substitutes.next(); !next.done; next = substitutes.next()) {
        if ((await this.#transfers.blocks.push(next.value, difference.cid, this.#signal)) !== 'moved') continue;
        this.#ports.pointers?.tell(place, next.value, difference.cid);
        break;
      }
    }
  }

  /**
   * This host is full, so no other host would notice that places lack the block as well: it is sent from its holder to
   * them, and to the next hosts, until the wanted number is reached.
   */
  async #passOn(ways: readonly Carrying[], source: Contact, difference: BlockDifference): Promise<void> {
    const { arc } = ways[0]!;
    const { pointers } = this.#ports;
    const { cid, set } = difference;
    const holders = new Set(ways.map(({ host }) => host.host));
    const places = arc.others.slice(0, set.copies - 1).filter(({ host }) => !holders.has(host));
    const substitute = pointers?.liveHolder(cid) ?? null;
    const lacking = Math.min(set.copies, arc.others.length) - holders.size;
    // The pointer may also lead to one of the places.
    if (lacking <= (substitute !== null && !holders.has(substitute) ? 1 : 0)) return;
    const targets = [...places, ...substitutesIn(arc, set)];
    const given = await this.#transfers.blocks.passOn(source, cid, { targets, wanted: lacking }, this.#signal);
    const [first] = given.filter((host) => !places.includes(host));
    if (first !== undefined) pointers?.tell(this.#ports.view.self, first, cid);
  }
}

/** Both here and at every place, each of which was confirmed before. */
function wasAlike({ incomplete, sure, differed, places, sureAt }: ComparedArc): boolean {
  return !incomplete && sure && !differed && places.every(({ host }) => sureAt.has(host));
}

function substitutesIn(arc: ComparedArc, { copies }: BlockSet): readonly Contact[] {
  return arc.others.slice(copies - 1, copies - 1 + maxSubstitutes);
}

interface OfKind {
  readonly kind: SmallItemKind;
  readonly some: readonly Carrying[];
  readonly keys: readonly string[];
}

function byKind(list: readonly Carrying[]): readonly OfKind[] {
  return smallKinds.flatMap(([name, kind]) => {
    const some = list.filter(({ difference }) => difference.set.kind === name);
    return some.length === 0 ? [] : [{ kind, some, keys: some.map(({ difference }) => difference.key) }];
  });
}

function settleHere({ arc, difference }: Carrying): void {
  if (difference.lacks === 'here') arc.lackedHere -= 1;
}

function settleThere({ arc, host, difference }: Carrying): void {
  if (difference.lacks === 'there') arc.lackedAt.set(host.host, (arc.lackedAt.get(host.host) ?? 0) - 1);
}

interface Due {
  /** The hosts that have it, or those that lack it. */
  readonly ways: readonly Carrying[];
  readonly lackedHere: boolean;
  /** Number of its places that hold it. */
  readonly copies: number;
}

/**
 * Blocks to transfer, those with the fewest replicas at their places first; ties are random, so that an unreadable one
 * does not delay the same others in every round.
 */
function rarestFirst(carryings: readonly Carrying[], random: Random): readonly Due[] {
  const byKey = new Map<string, { readonly set: BlockSet; readonly ways: Carrying[] }>();
  for (const carrying of carryings) {
    const { difference } = carrying;
    if (!isBlock(difference) || difference.lacks === 'neither') continue;
    const due = byKey.get(difference.key) ?? { set: difference.set, ways: [] };
    due.ways.push(carrying);
    byKey.set(difference.key, due);
  }
  return [...byKey.values()]
    .map(({ set, ways }) => {
      const { difference, arc } = ways[0]!;
      const lackedHere = difference.lacks === 'here';
      const places = Math.min(set.copies, arc.others.length + 1);
      return { ways, lackedHere, copies: lackedHere ? ways.length : places - ways.length, lot: random.next() };
    })
    .sort((a, b) => a.copies - b.copies || a.lot - b.lot);
}
