/** One-hop lookups with the membership cache under churn, and the cost of membership events per peer. */
import { ask, mean, someMember } from '../asking.ts';
import { poisson } from '../poisson.ts';
import { calm, RingSimulation } from '../ring-simulation.ts';
import { addSettled } from '../settled-ring.ts';
import { bound, type PaperTable, shown } from './row.ts';
import { papersBits } from './settings.ts';

export interface CacheScale {
  readonly hosts: number;
  /** Mean minutes of membership. */
  readonly membership: number;
  /** Virtual minutes of churn before and during the lookups. */
  readonly warmUp: number;
  readonly measured: number;
}

const fullScale: CacheScale = { hosts: 10_000, membership: 60, warmUp: 1.5, measured: 2 };
const successors = 16;
const parallelAsks = 3;
const maxHops = 1.2;
const maxBytes = 250;

export function cacheTable(seed: number, lookups: number, scale: CacheScale = fullScale): PaperTable {
  const began = performance.now();
  const { hosts, membership, warmUp, measured } = scale;
  const ring = new RingSimulation({
    seed,
    bits: papersBits,
    successors,
    virtualNodes: 1,
    smallRings: true,
    faults: calm,
    cacheCapacity: 2 * hosts,
    parallelAsks,
  });
  addSettled(ring, hosts);
  const end = ring.time.now + (warmUp + measured) * 60_000;
  const perSecond = hosts / (membership * 60);
  poisson(ring, perSecond, end, () => ring.join(ring.add(), someMember(ring)));
  poisson(ring, perSecond, end, () => ring.crash(someMember(ring)));
  ring.time.runUntil(ring.time.now + warmUp * 60_000);
  const before = { ...ring.network.payload };
  const from = ring.time.now;
  const asked = ask(ring, lookups, measured * 60_000);
  const perPeer = (kind: 'events' | 'snapshot') =>
    ((ring.network.payload[kind] - before[kind]) / hosts / (ring.time.now - from)) * 1000;
  const stale = staleness(ring);
  return {
    title: `Lookups with the membership cache (${hosts} hosts, mean membership ${membership} min)`,
    source: 'targets of the project',
    settings: [
      'One member a host (events are told once a host, however many members it has), the production ring with its cache,',
      `failure detector and α = ${parallelAsks}; it begins settled, then hosts join and crash: ${warmUp} min before and ${measured} min of lookups.`,
      `${lookups} lookups. Bytes are those of the messages' bodies, sent by a peer a second; every peer has one IPv4 address.`,
    ],
    rows: [
      bound('mean hops', mean(asked.hops), maxHops),
      bound('membership events, bytes per peer and second', perPeer('events'), maxBytes),
      shown('membership snapshots for newcomers, bytes per peer and second', perPeer('snapshot')),
      bound('lookups without an answer', asked.failures - asked.wrongOwners, 0),
      shown('lookups whose host crashed before the answer', asked.abandoned),
      shown('answered by an owner that a newcomer was just following', asked.wrongOwners),
      shown('timeouts per lookup', asked.timeouts / lookups),
      shown('cached members that are gone, part', stale.gone),
      shown('members that caches lack, part', stale.missing),
    ],
    realSeconds: (performance.now() - began) / 1000,
  };
}

const hostsLookedAt = 200;

/** In the caches of some hosts: the share of entries that are gone, and of members that are missing. */
function staleness(ring: RingSimulation): { readonly gone: number; readonly missing: number } {
  const live = ring.live();
  const members = new Set(live.flatMap(({ ring: host }) => host.states().map(({ me }) => me.id)));
  let [gone, missing, looked] = [0, 0, 0];
  for (let i = 0; i < hostsLookedAt; i++) {
    const { ring: host } = someMember(ring);
    const known = host.knownMembers();
    const right = known.filter(({ id }) => members.has(id)).length;
    gone += known.length - right;
    missing += members.size - 1 - right;
    looked += members.size;
  }
  return { gone: gone / looked, missing: missing / looked };
}
