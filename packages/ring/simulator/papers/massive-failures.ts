/** ToN 2003, Table II: a fraction of the nodes fails at once, and lookups run before any repair. */

import { type Asked, ask, mean } from '../asking.ts';
import type { RingSimulation } from '../ring-simulation.ts';
import { addSettled } from '../settled-ring.ts';
import { massiveFailures, sources } from './published.ts';
import { atMost, bound, type PaperRow, type PaperTable, within } from './row.ts';
import { papersRing, withoutRepair } from './settings.ts';

const peers = 1000;
const successors = 20;
const pathTolerance = 0.05;
const timeoutTolerance = 0.15;
const millisecondsPerLookup = 1;
/** The choice of failed nodes changes path lengths by a few percent, so several rings share the lookups of a row. */
const rings = 4;

export function massiveFailuresTable(
  seed: number,
  lookups: number,
  parts: readonly number[] = massiveFailures.map(({ failed }) => failed),
): PaperTable {
  const began = performance.now();
  const rows: PaperRow[] = [];
  for (const { failed, path, timeouts } of massiveFailures.filter((row) => parts.includes(row.failed))) {
    const all = Array.from({ length: rings }, (_, ring) => amidFailures(seed * rings + ring, failed, lookups / rings));
    const paths = all.flatMap(({ hops }) => hops);
    const total = (of: 'timeouts' | 'failures') => all.reduce((sum, asked) => sum + asked[of], 0);
    const of = `${Math.round(100 * failed)} % failed`;
    rows.push(within(`${of}: mean path`, mean(paths), path, pathTolerance));
    rows.push(atMost(`${of}: timeouts per lookup`, total('timeouts') / lookups, timeouts, timeoutTolerance));
    rows.push(bound(`${of}: failed lookups`, total('failures'), 0, 0));
  }
  return {
    title: `Lookups amid massive failures (N = ${peers}, s = ${successors}, no repair)`,
    source: sources.table2,
    settings: [
      'v = 1, exact fingers, one ask at a time; crashed hosts refuse connections, which counts as a time-out.',
      'Owners by the oracle: as in the paper a lookup ends at the first live node that follows the key; without repair',
      'ours would not confirm what a dead node owned.',
      `${lookups} lookups a row, in ${rings} rings.`,
    ],
    rows,
    realSeconds: (performance.now() - began) / 1000,
  };
}

function amidFailures(seed: number, failed: number, lookups: number): Asked {
  const ring = papersRing({ seed, successors, guesses: successors, ownersKnow: true, timers: withoutRepair });
  addSettled(ring, peers);
  crashPart(ring, failed);
  return ask(ring, Math.ceil(lookups), lookups * millisecondsPerLookup);
}

function crashPart(ring: RingSimulation, part: number): void {
  const hosts = [...ring.hosts];
  for (let crashed = 0; crashed < part * ring.hosts.length; crashed++) {
    const [host] = hosts.splice(Math.floor(ring.random.next() * hosts.length), 1);
    if (host !== undefined) ring.crash(host);
  }
}
