/** Where items are, seen from outside: reads the disks directly and sorts the live members. */

import { ringIdOfHash } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { blockKey } from '../../src/content/cid.ts';
import { placedNameKey } from '../../src/content/name.ts';
import { copyRule, type DataHost, type DataSimulation, ringBits } from './data-simulation.ts';

/** A snapshot of one host's disk. */
interface Held {
  /** By key: the copies that the claims here ask for. */
  readonly blocks: ReadonlyMap<string, number>;
  /** By record key and identity: the digest. */
  readonly records: ReadonlyMap<string, string>;
}

export class Holdings {
  readonly #simulation: DataSimulation;

  constructor(simulation: DataSimulation) {
    this.#simulation = simulation;
  }

  /** The first host of each zone from the owner of the key on, then the other hosts. */
  placesOf(key: string, wanted: number): readonly DataHost[] {
    const members = this.#simulation.members.flatMap((host) => host.ring.members.map(({ id }) => ({ id, host })));
    members.sort((a, b) => (a.id < b.id ? -1 : 1));
    const position = ringIdOfHash(key, ringBits);
    const first = Math.max(
      0,
      members.findIndex(({ id }) => id >= position),
    );
    const hosts = new Set<DataHost>();
    for (let step = 0; step < members.length; step++) hosts.add(members[(first + step) % members.length]!.host);
    const inOrder = [...hosts];
    const zone = ({ number, ring }: DataHost): string => ring.contact.zone ?? `of ${number}`;
    const isFirst = (host: DataHost) => inOrder.find((other) => zone(other) === zone(host)) === host;
    return [...inOrder.filter(isFirst), ...inOrder.filter((host) => !isFirst(host))].slice(0, wanted);
  }

  /** Those of these hosts whose disks hold the block intact. */
  holders(cid: CID, hosts: readonly DataHost[]): readonly DataHost[] {
    const key = blockKey(cid);
    return hosts.filter(({ disk }) => disk.holds(key));
  }

  /** Those of these hosts that hold the newest record of the name; the same for `holdersAt`. */
  recordHolders(name: string, publisher: DataHost, hosts: readonly DataHost[]): readonly DataHost[] {
    return this.holdersAt(placedNameKey(name, ringBits, false), publisher, hosts);
  }

  holdersAt(key: string, publisher: DataHost, hosts: readonly DataHost[]): readonly DataHost[] {
    const found = hosts.map((host) => ({ host, sequence: host.disk.findRecord(key, publisher.signer.host) ?? 0 }));
    const newest = Math.max(1, ...found.map(({ sequence }) => sequence));
    return found.flatMap(({ host, sequence }) => (sequence === newest ? [host] : []));
  }

  /**
   * The first item that is not at exactly its places, or null. Hosts with a quota may lack items that others then hold for
   * them; a publisher also keeps its own records.
   * @param standing wanted copies per block by valid puts, by key. Of other blocks, and of puts that wanted more, a
   * partitioned host may keep copies until it checks their names again, hours later; another check covers their end.
   */
  misplaced(standing: ReadonlyMap<string, number>): string | null {
    const { members } = this.#simulation;
    const held = new Map(members.map((host) => [host, heldBy(host)]));
    const wanted = new Map<string, number>();
    const newest = new Set<string>();
    for (const { blocks, records } of held.values()) {
      for (const [key, copies] of blocks) wanted.set(key, Math.max(copies, wanted.get(key) ?? 0));
      for (const key of records.keys()) newest.add(key);
    }
    for (const [key, claimed] of wanted) {
      const copies = Math.min(claimed, standing.get(key) ?? 0);
      if (copies === 0) continue;
      const places = this.placesOf(key, copies);
      const lacking = places.filter((host) => held.get(host)?.blocks.has(key) !== true);
      const extra = members.filter((host) => {
        const own = held.get(host)?.blocks.get(key);
        return own !== undefined && !places.includes(host) && !(own > copies && this.placesOf(key, own).includes(host));
      });
      const others = members.filter((host) => hasRoom(host) && !places.includes(host) && !extra.includes(host));
      const fault = badly(lacking, extra, others);
      if (fault !== null) return `block ${key.slice(0, 12)}, of which ${copies} copies are wanted, ${fault}`;
    }
    for (const key of newest) {
      const places = this.placesOf(key.slice(0, 64), copyRule.replicas);
      const digests = new Set(places.map((host) => held.get(host)?.records.get(key)));
      if (digests.size !== 1 || digests.has(undefined))
        return `record ${key.slice(0, 12)} is not the same at all its places`;
      const extra = members.filter((host) => !places.includes(host) && held.get(host)?.records.has(key) === true);
      const others = extra.filter(({ disk, signer }) => disk.findRecord(key.slice(0, 64), signer.host) === null);
      if (others.length > 0) return `record ${key.slice(0, 12)} is also at hosts ${numbers(others)}`;
    }
    return null;
  }

  /** Keys of all blocks on the disks of members. */
  allBlocks(): ReadonlyMap<string, readonly DataHost[]> {
    const all = new Map<string, DataHost[]>();
    for (const host of this.#simulation.members)
      for (const key of heldBy(host).blocks.keys()) all.set(key, [...(all.get(key) ?? []), host]);
    return all;
  }
}

export function hasRoom({ disk }: DataHost): boolean {
  return disk.blocks.quotaBytes === Number.POSITIVE_INFINITY;
}

/** @param others further hosts with space that could hold it. */
function badly(lacking: readonly DataHost[], extra: readonly DataHost[], others: readonly DataHost[]): string | null {
  const inexcusable = lacking.filter(hasRoom);
  if (inexcusable.length > 0) return `is not at its places ${numbers(inexcusable)}`;
  // One substitute per host without space; at first sometimes one more.
  if (extra.length < lacking.length && others.length > 0) return `has no substitute for ${numbers(lacking)}`;
  // A host with a quota may keep substitute copies for long: rounds for items without space come first.
  const surplus = extra.filter(hasRoom);
  return lacking.length === 0 && surplus.length > 0 ? `is also at hosts ${numbers(surplus)}` : null;
}

function heldBy({ disk }: DataHost): Held {
  const blocks = new Map<string, number>();
  const records = new Map<string, string>();
  for (const { set, key, digest } of disk.items()) {
    // Cache never counts as a copy.
    if (disk.index.isCached(set, key)) continue;
    if (set.kind !== 'blocks') records.set(key, digest);
    // Unclaimed blocks are freed in place.
    else if (!disk.rotten.has(key) && disk.claims.isClaimed(key)) blocks.set(key, set.copies);
  }
  return { blocks, records };
}

function numbers(hosts: readonly DataHost[]): string {
  return hosts.map(({ number }) => number).join(', ');
}
