/**
 * Search by flooding (Gnutella 0.4): every peer has a few random neighbours, a query is forwarded to all neighbours until its TTL
 * expires, and hits return along the path of the query.
 */
import type { Random } from '@chordial/ring';

export interface Flood {
  /** Peers that the query reached, the asker included. */
  readonly reached: ReadonlySet<number>;
  /** Queries sent; `duplicates` went to peers that already had it. */
  readonly messages: number;
  readonly duplicates: number;
  /** Distance of each reached peer from the asker. */
  readonly depthOf: ReadonlyMap<number, number>;
  /** Messages received by each peer. */
  readonly received: ReadonlyMap<number, number>;
}

/** Neighbours of each peer: `degree` on average, at least half as many. */
export function randomGraph(peers: number, degree: number, random: Random): readonly ReadonlySet<number>[] {
  const graph = Array.from({ length: peers }, () => new Set<number>());
  const max = Math.min(Math.ceil(degree / 2), peers - 1);
  for (let peer = 0; peer < peers; peer++) {
    for (let made = 0; made < max; ) {
      const other = Math.floor(random.next() * peers);
      if (other === peer) continue;
      graph[peer]!.add(other);
      graph[other]!.add(peer);
      made += 1;
    }
  }
  return graph;
}

/** @param isLive dead peers receive nothing, though their neighbours still send to them. */
export function flood(
  graph: readonly ReadonlySet<number>[],
  asker: number,
  ttl: number,
  isLive: (peer: number) => boolean,
): Flood {
  const depthOf = new Map([[asker, 0]]);
  const received = new Map<number, number>();
  let [messages, duplicates] = [0, 0];
  let front: { readonly peer: number; readonly from: number }[] = [{ peer: asker, from: -1 }];
  for (let depth = 1; depth <= ttl && front.length > 0; depth++) {
    const next: typeof front = [];
    for (const { peer, from } of front) {
      for (const other of graph[peer]!) {
        if (other === from) continue;
        messages += 1;
        if (!isLive(other)) continue;
        received.set(other, (received.get(other) ?? 0) + 1);
        if (depthOf.has(other)) duplicates += 1;
        else {
          depthOf.set(other, depth);
          next.push({ peer: other, from: peer });
        }
      }
    }
    front = next;
  }
  return { reached: new Set(depthOf.keys()), messages, duplicates, depthOf, received };
}
