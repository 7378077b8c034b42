/**
 * `chordial simulate`: builds a network of N peers on the production ring code, lets it settle, and measures lookups,
 * at rest or under churn, beside what the papers expect.
 *
 * Without the cache the settings are the papers': exact fingers, one ask at a time, no proximity.
 */

import {
  addSettled,
  calm,
  type Measured,
  measuredText,
  quantile,
  RingSimulation,
  randomKey,
  someMember,
} from '@chordial/ring/simulator';
import { ChordialError } from '../src/errors.ts';

export interface SimulateOptions {
  readonly peers: number;
  readonly seed: number;
  /** Joins plus crashes per second of virtual time, half of each; 0. */
  readonly churn?: number;
  /** 1. */
  readonly virtualNodes?: number;
  /** s; 16. */
  readonly successors?: number;
  /** m; 64. */
  readonly bits?: number;
  /** Probability that a message is lost; 0. */
  readonly loss?: number;
  /** Lookups measured; 2000. */
  readonly lookups?: number;
  /** Virtual minutes over which they are spread; 1. */
  readonly minutes?: number;
  /** Membership cache, gossip and parallel asks, the default of peers; false. */
  readonly cache?: boolean;
  readonly json?: boolean;
}

/** Milliseconds between the first joins; later peers join `joinGap` apart, or 5 % of the ring per second. */
const slowJoinGap = 500;
const slowJoins = 20;
const joinGap = 20;
const joinsPerSecond = 0.05;
/** Larger networks start settled; smaller ones show that peers can join one by one. */
const maxThatJoin = 1000;
/** Limits of virtual time in milliseconds: for settling, and for looking up fingers afterwards. */
const maxSettling = 300_000;
const fingerTime = 60_000;
const lastAnswers = 5000;
const maxPeers = 100_000;

/** Prints a table, or one line of JSON. Throws `bad-usage`. */
export function runSimulation(options: SimulateOptions, print: (text: string) => void): Measured {
  const measured = measure(options);
  print(options.json ? JSON.stringify(measured) : measuredText(measured));
  return measured;
}

export function measure(options: SimulateOptions): Measured {
  check(options);
  const { peers, seed, churn = 0, virtualNodes = 1, successors = 16, bits = 64, loss = 0, cache = false } = options;
  const { lookups = 2000, minutes = 1 } = options;
  const began = performance.now();
  const simulation = new RingSimulation({
    seed,
    bits,
    successors,
    virtualNodes,
    smallRings: virtualNodes <= successors,
    faults: calm,
    cacheCapacity: cache ? 2 * peers * virtualNodes : 0,
    parallelAsks: cache ? 3 : 1,
  });
  const { time, network, random } = simulation;
  const joins = peers * virtualNodes <= maxThatJoin;
  if (joins) build(simulation, peers);
  else addSettled(simulation, peers);
  const settledAfter = joins ? simulation.settle(maxSettling, 100) : 0;
  if (joins) time.runUntil(time.now + fingerTime);

  network.faults = { ...network.faults, loss };
  const sentBefore = { ...network.sent };
  const from = time.now;
  const end = from + minutes * 60_000;
  if (churn > 0) churnUntil(simulation, churn, end);
  const hops: number[] = [];
  let [timeouts, failures, wrongOwners] = [0, 0, 0];
  for (let i = 0; i < lookups; i++) {
    time.runUntil(from + ((end - from) * (i + 1)) / lookups);
    const key = randomKey(simulation);
    someMember(simulation).ring.lookup(key, (found) => {
      if (found === null) {
        failures++;
        return;
      }
      hops.push(found.hops);
      timeouts += found.timeouts;
      if (found.owner.id !== simulation.ownerOf(key).id) wrongOwners++;
    });
  }
  time.runUntil(end);
  const seconds = (end - from) / 1000;
  const messages = Object.entries(network.sent).map(
    ([kind, count]) => [kind, (count - (sentBefore[kind] ?? 0)) / peers / seconds] as const,
  );
  time.runUntil(end + lastAnswers);
  hops.sort((a, b) => a - b);
  const members = peers * virtualNodes;
  return {
    peers,
    virtualNodes,
    successors,
    seed,
    churn,
    loss,
    cache,
    joined: joins,
    settledAfter,
    hops: {
      mean: hops.reduce((sum, count) => sum + count, 0) / Math.max(1, hops.length),
      p50: quantile(hops, 0.5),
      p99: quantile(hops, 0.99),
    },
    halfLog: Math.log2(members) / 2,
    formula: Math.log2(members) / 2 - Math.log2(successors) / 2 + 1,
    lookups,
    timeoutsPerLookup: timeouts / Math.max(1, lookups),
    failures,
    wrongOwners,
    messages: Object.fromEntries(messages.sort((a, b) => b[1] - a[1])),
    virtualSeconds: time.now / 1000,
    realSeconds: (performance.now() - began) / 1000,
  };

  function build(ring: RingSimulation, count: number): void {
    ring.found();
    for (let i = 1; i < count; i++) {
      ring.join(ring.add(), someMember(ring));
      time.runUntil(time.now + (i < slowJoins ? slowJoinGap : Math.min(joinGap, 1000 / (joinsPerSecond * i))));
    }
  }

  /** Joins and crashes in turn, at exponential intervals. */
  function churnUntil(ring: RingSimulation, perSecond: number, until: number, joinNext = true): void {
    time.after((-Math.log(1 - random.next()) * 1000) / perSecond, () => {
      if (time.now >= until) return;
      if (joinNext) ring.join(ring.add(), someMember(ring));
      else ring.crash(someMember(ring));
      churnUntil(ring, perSecond, until, !joinNext);
    });
  }
}

function check({
  peers,
  churn = 0,
  virtualNodes = 1,
  successors = 16,
  bits = 64,
  loss = 0,
  lookups = 0,
}: SimulateOptions) {
  const refuse = (what: string) => {
    throw new ChordialError('bad-usage', `The simulator cannot run with ${what}.`);
  };
  const whole = (value: number, min: number, max: number) => Number.isInteger(value) && value >= min && value <= max;
  if (!whole(peers, 1, maxPeers)) refuse(`${peers} peers: give a whole number from 1 to ${maxPeers}`);
  if (!whole(virtualNodes, 1, 64)) refuse(`${virtualNodes} virtual nodes: give 1 to 64`);
  if (!whole(successors, 1, 64)) refuse(`${successors} successors: give 1 to 64`);
  if (!whole(bits, 3, 256)) refuse(`${bits} bits: give 3 to 256`);
  if (2 ** bits < 4 * peers * virtualNodes) refuse(`${bits} bits: too few places for ${peers * virtualNodes} members`);
  if (!whole(lookups, 0, 10_000_000)) refuse(`${lookups} lookups: give 0 to 10000000`);
  if (!(churn >= 0 && churn <= 1000)) refuse(`a churn of ${churn}: give 0 to 1000 events per second`);
  if (!(loss >= 0 && loss < 1)) refuse(`a loss of ${loss}: give a probability below 1`);
}
