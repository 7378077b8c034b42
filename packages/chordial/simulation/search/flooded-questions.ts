/** The broadcast questions, flooded over a random graph of the same peers. */

import { encodeBody } from '../../src/network/wire-body.ts';
import { hits as hitsOnTheWire } from '../../src/search/hit-codec.ts';
import { encodeAs } from '../../src/wire/schema.ts';
import type { AskedQuestion } from './asked-question.ts';
import { flood, randomGraph } from './flooding.ts';
import { type SearchRow, searchRow } from './search-measured.ts';
import { newCost, type SearchSimulation } from './search-simulation.ts';

const degree = 6;
const minTtl = 4;
const maxTtl = 7;
/** Gnutella 0.4: a header of 23 bytes, two of speed, and the text with its NUL. */
const queryBytes = 26;

/** Peers that joined later are not in the graph, and links to crashed ones are not replaced. */
export function flooded(simulation: SearchSimulation, questions: readonly AskedQuestion[], peers: number): SearchRow[] {
  const graph = randomGraph(peers, degree, simulation.ring.random);
  return Array.from({ length: maxTtl - minTtl + 1 }, (_, place) => {
    const ttl = minTtl + place;
    const cost = newCost();
    const results = questions.map((question) => floodOne(simulation, question, { graph, ttl }, cost));
    const run = { queries: questions.length, results, took: [], cost };
    return searchRow(`part of a name, flooded: degree ${degree}, TTL ${ttl}`, run, peers);
  });
}

function floodOne(
  simulation: SearchSimulation,
  { asker, text, answers, isThere }: AskedQuestion,
  { graph, ttl }: { readonly graph: readonly ReadonlySet<number>[]; readonly ttl: number },
  cost: ReturnType<typeof newCost>,
) {
  const { hosts } = simulation.ring;
  const from = simulation.numberOf(asker) % graph.length;
  const isLive = (peer: number) => peer === from || hosts[peer]!.process.isRunning;
  const { reached, messages, duplicates, depthOf, received } = flood(graph, from, ttl, isLive);
  cost.messages += messages;
  cost.bytes += messages * (queryBytes + text.length);
  cost.duplicates += duplicates;
  for (const [peer, count] of received) cost.received.set(peer, (cost.received.get(peer) ?? 0) + count);
  const byPeer = Map.groupBy(
    answers.filter(({ peer }) => reached.has(peer)),
    ({ peer }) => peer,
  );
  for (const [peer, hits] of byPeer) {
    cost.messages += depthOf.get(peer)!;
    cost.bytes += depthOf.get(peer)! * encodeBody(encodeAs(hitsOnTheWire, hits)).length;
  }
  const owed = answers.filter(isThere);
  return { owed: owed.length, found: owed.filter(({ peer }) => reached.has(peer)).length, wrong: 0 };
}
