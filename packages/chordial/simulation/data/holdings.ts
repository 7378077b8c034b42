/** Where things lie, seen from outside: the disks are looked at directly, and the live members sorted. */

import { ringIdOfHash } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { blockKey } from '../../src/content/cid.ts';
import { placedNameKey } from '../../src/content/name.ts';
import { copyRule, type DataHost, type DataSimulation, ringBits } from './data-simulation.ts';

/** Of one host's disk, all at once. */
interface Held {
  /** By key: the copies that claims here wish of the block. */
  readonly blocks: ReadonlyMap<string, number>;
  /** By record key and identity: the digest. */
  readonly records: ReadonlyMap<string, string>;
}

export class Holdings {
  readonly #simulation: DataSimulation;

  constructor(simulation: DataSimulation) {
    this.#simulation = simulation;
  }

  /** The first so many distinct hosts from the owner of the key on. */
  placesOf(key: string, wanted: number): readonly DataHost[] {
    const members = this.#simulation.members.flatMap((host) => host.ring.members.map(({ id }) => ({ id, host })));
    members.sort((a, b) => (a.id < b.id ? -1 : 1));
    const position = ringIdOfHash(key, ringBits);
    const first = Math.max(
      0,
      members.findIndex(({ id }) => id >= position),
    );
    const hosts = new Set<DataHost>();
    for (let step = 0; step < members.length && hosts.size < wanted; step++)
      hosts.add(members[(first + step) % members.length]!.host);
    return [...hosts];
  }

  /** Disks of these hosts that hold the block whole. */
  holders(cid: CID, hosts: readonly DataHost[]): readonly DataHost[] {
    const key = blockKey(cid);
    return hosts.filter(({ disk }) => disk.holds(key));
  }

  recordHolders(name: string, publisher: DataHost, hosts: readonly DataHost[]): readonly DataHost[] {
    const key = placedNameKey(name, ringBits, false);
    return hosts.filter(({ disk }) => disk.findRecord(key, publisher.signer.host) !== null);
  }

  /**
   * Why not everything that lies on any disk lies at exactly its places, or null. Hosts with a quota may lack what others
   * then hold in their stead; a publisher keeps its own records besides.
   * @param standing by key how many copies the puts that stand want of each block. Of others, and for a put that wanted
   * more, a host that was cut off may keep copies until it looks at their names again, hours later: whether they go at
   * all is another check.
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

/** @param others hosts with room that could hold it as well. */
function badly(lacking: readonly DataHost[], extra: readonly DataHost[], others: readonly DataHost[]): string | null {
  const inexcusable = lacking.filter(hasRoom);
  if (inexcusable.length > 0) return `is not at its places ${numbers(inexcusable)}`;
  // A host in the stead of each without room; at first sometimes one more.
  if (extra.length < lacking.length && others.length > 0) return `has no substitute for ${numbers(lacking)}`;
  // What a host with a quota took in the stead of another it may keep for long: rounds about what has no room come first.
  const surplus = extra.filter(hasRoom);
  return lacking.length === 0 && surplus.length > 0 ? `is also at hosts ${numbers(surplus)}` : null;
}

function heldBy({ disk }: DataHost): Held {
  const blocks = new Map<string, number>();
  const records = new Map<string, string>();
  for (const { set, key, digest } of disk.items()) {
    // Cache counts as no copy, neither where one is lacking nor where one is too many.
    if (disk.index.isCached(set, key)) continue;
    if (set.kind !== 'blocks') records.set(key, digest);
    // What nothing claims is unclaimed and freed in place.
    else if (!disk.rotten.has(key) && disk.claims.isClaimed(key)) blocks.set(key, set.copies);
  }
  return { blocks, records };
}

function numbers(hosts: readonly DataHost[]): string {
  return hosts.map(({ number }) => number).join(', ');
}
