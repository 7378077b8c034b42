/** Distribution of keys over nodes by the production rules for ids, with one member per host and with several. */
import { hash } from 'node:crypto';
import {
  atMost,
  load,
  type PaperRow,
  type PaperTable,
  papersBits,
  shown,
  sources,
  within,
} from '@chordial/ring/simulator';
import { memberId } from '../../src/network/host-id.ts';

const hosts = 10_000;
/** SIGCOMM Figure 8, and Figure 9 with virtual nodes. */
const keys = 500_000;
const keysWithMembers = 1_000_000;
const tolerance = 0.1;
/** The maximum of 10^4 draws varies: 9.2 ± 1.3 times the mean. */
const greatestTolerance = 0.3;
/** Random variation of percentiles at 100 keys per host. */
const percentileSlack = 0.03;
const defaultMembers = 20;

export interface Balance {
  /** Multiples of the mean. */
  readonly first: number;
  readonly ninetyNinth: number;
  readonly max: number;
}

export function loadTable(seed: number): PaperTable {
  const began = performance.now();
  const one = balance(seed, 1);
  const twenty = balance(seed, defaultMembers, hosts, keysWithMembers);
  const rows: PaperRow[] = [
    within('1 member a host: max', one.max, load.oneMember.max, greatestTolerance),
    within('1 member a host: 99th percentile', one.ninetyNinth, load.oneMember.ninetyNinth, tolerance),
    shown('1 member a host: 1st percentile', one.first, 0),
    atMost(
      `${defaultMembers} members (default): 99th percentile`,
      twenty.ninetyNinth,
      load.twentyMembers.ninetyNinth,
      percentileSlack,
    ),
    {
      ...within(`${defaultMembers} members (default): 1st percentile`, twenty.first, load.twentyMembers.first, 0),
      target: 'at least theirs',
      verdict: twenty.first >= load.twentyMembers.first ? 'holds' : 'falls short',
    },
    shown(`${defaultMembers} members (default): most`, twenty.max),
  ];
  return {
    title: `Keys a host as multiples of the mean (${hosts} hosts)`,
    source: sources.load,
    settings: [
      `${keys} keys with one member a host, ${keysWithMembers} with ${defaultMembers}, as in the figures.`,
      'Ids of members and keys by the rules that peers use; no messages are involved.',
    ],
    rows,
    realSeconds: (performance.now() - began) / 1000,
  };
}

export function balance(seed: number, members: number, hostCount = hosts, keyCount = keys): Balance {
  const places: { readonly id: bigint; readonly host: number }[] = [];
  for (let host = 0; host < hostCount; host++) {
    const key = hash('sha256', `host ${seed} ${host}`, 'buffer');
    for (let index = 0; index < members; index++) {
      places.push({ id: BigInt(`0x${memberId(key, index, papersBits)}`), host });
    }
  }
  places.sort((a, b) => (a.id < b.id ? -1 : 1));
  const ids = BigUint64Array.from(places, ({ id }) => id);
  const counts = new Array<number>(hostCount).fill(0);
  for (let key = 0; key < keyCount; key++) {
    const digest = hash('sha256', `key ${seed} ${key}`, 'buffer');
    counts[places[placeOf(ids, digest.readBigUInt64BE())]!.host]!++;
  }
  counts.sort((a, b) => a - b);
  const average = keyCount / hostCount;
  const at = (part: number) => counts[Math.floor(part * (hostCount - 1))]! / average;
  return { first: at(0.01), ninetyNinth: at(0.99), max: at(1) };
}

function placeOf(ids: BigUint64Array, key: bigint): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low % ids.length;
}
