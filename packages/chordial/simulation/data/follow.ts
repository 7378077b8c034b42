/** Logs where the items of a key are after each event that changes it, to debug a failing seed. */
import { copiesOfSet, type ItemSet } from '../../src/storage/item-index.ts';
import { copyRule, type DataHost, type DataSimulation } from './data-simulation.ts';
import type { Holdings } from './holdings.ts';

/** @param prefix first digits of a key. */
export function follow(
  simulation: DataSimulation,
  holdings: Holdings,
  prefix: string,
  log: (line: string) => void,
): () => void {
  const told = new Map<string, string>();
  const tell = (who: string, what: string): void => {
    if ((told.get(who) ?? '') !== what) log(`    = ${who}: ${what}`);
    told.set(who, what);
  };
  return () => {
    for (const host of simulation.hosts) {
      const items = host.hasLeft ? [] : host.disk.items().filter(({ key }) => key.startsWith(prefix));
      for (const { set, key } of items) {
        const wanted = copiesOfSet(set, copyRule.replicas);
        const places = holdings.placesOf(key.slice(0, 64), wanted).map(({ number }) => number);
        tell(`places of ${key.slice(0, 12)}`, places.join(', '));
      }
      tell(`host ${host.number}`, items.map((item) => described(host, item)).join('; '));
    }
  };
}

function described({ disk }: DataHost, { set, key, digest }: { set: ItemSet; key: string; digest: string }): string {
  const claims = set.kind === 'blocks' ? disk.claims.of(key) : [];
  const shown = claims.map(({ name, sequence, replicas }) => `${name} (${sequence % 1e9}, ${replicas} copies)`);
  return [`${key.slice(0, 12)} ${digest.slice(0, 6)}`, ...shown].join(', ');
}
