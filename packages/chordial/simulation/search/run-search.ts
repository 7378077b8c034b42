/**
 * `chordial simulate --search`: word queries by the index and broadcasts, on a simulated ring with files on its peers,
 * with or without churn, compared with the same questions flooded with a TTL over a random graph of the same peers.
 */

import { someMember } from '@chordial/ring/simulator';
import { ChordialError } from '../../src/errors.ts';
import type { Hit } from '../../src/search/hit.ts';
import { maxBroadcastHits, maxHops } from '../../src/search/search-messages.ts';
import type { AskedQuestion } from './asked-question.ts';
import { flooded } from './flooded-questions.ts';
import { type SearchMeasured, type SearchRow, searchRow, searchText } from './search-measured.ts';
import { newCost, SearchSimulation } from './search-simulation.ts';
import type { SimulatedFile } from './shared-population.ts';

export interface SearchRunOptions {
  readonly peers: number;
  readonly seed: number;
  /** Total number of files; ten per peer. */
  readonly files?: number;
  /** Word queries; a tenth as many are broadcast. 200. */
  readonly queries?: number;
  readonly churn?: number;
  readonly virtualNodes?: number;
  readonly successors?: number;
  readonly cache?: boolean;
  readonly json?: boolean;
}

const bits = 64;
const filesPerPeer = 10;
const maxPeers = 20_000;
const maxFiles = 1_000_000;
const maxQueries = 10_000;
/** Concurrent queries. */
const wordQueryConcurrency = 50;
const broadcastConcurrency = 5;
const broadcastMilliseconds = 10_000;
const longestMilliseconds = 60_000;
/** Churn starts before the first question, so that lists contain recently dead peers. */
const churnBeforeMilliseconds = 5000;
const churnMilliseconds = 600_000;

/** Prints a table, or one line of JSON. Rejects with `bad-usage`. */
export async function runSearchSimulation(
  options: SearchRunOptions,
  print: (text: string) => void,
): Promise<SearchMeasured> {
  const measured = await measureSearch(options);
  print(options.json ? JSON.stringify(measured) : searchText(measured));
  return measured;
}

export async function measureSearch(options: SearchRunOptions): Promise<SearchMeasured> {
  const { peers, seed, churn = 0, virtualNodes = 1, successors = 16, cache = false, queries = 200 } = options;
  const { files = filesPerPeer * peers } = options;
  check({ peers, files, queries, churn });
  const began = performance.now();
  const simulation = new SearchSimulation({ seed, peers, files, churn, successors, virtualNodes, bits, cache });
  const { ring } = simulation;
  simulation.churn(churnMilliseconds);
  if (churn > 0) ring.time.runUntil(ring.time.now + churnBeforeMilliseconds);
  const rows: SearchRow[] = [];
  rows.push(await asked('words, by the index', simulation, { count: queries, atOnce: wordQueryConcurrency }, askIndex));
  const broadcasts = Math.max(1, Math.round(queries / 10));
  const questions: AskedQuestion[] = [];
  rows.push(
    await asked(
      'part of a name, by broadcast',
      simulation,
      { count: broadcasts, atOnce: broadcastConcurrency },
      (one) => {
        const begun = askEverybody(one);
        questions.push(begun.question);
        return begun;
      },
    ),
  );
  rows.push(...flooded(simulation, questions, peers));
  return { peers, files, seed, churn, cache, rows, realSeconds: (performance.now() - began) / 1000 };
}

interface Begun {
  readonly question: AskedQuestion;
  readonly work: Promise<readonly Hit[]>;
}

async function asked(
  what: string,
  simulation: SearchSimulation,
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
  begin: (simulation: SearchSimulation) => Begun,
): Promise<SearchRow> {
  const { time } = simulation.ring;
  simulation.cost = newCost();
  const results: { readonly owed: number; readonly found: number; readonly wrong: number }[] = [];
  const took: number[] = [];
  for (let from = 0; from < count; from += atOnce) {
    const group = Array.from({ length: Math.min(atOnce, count - from) }, async () => {
      const start = time.now;
      const { question, work } = begin(simulation);
      const hits = await work;
      took.push(time.now - start);
      results.push(compared(question, hits));
    });
    await simulation.until(Promise.all(group), longestMilliseconds);
  }
  const live = simulation.ring.live().length;
  return searchRow(what, { queries: count, results, took, cost: simulation.cost }, live);
}

/** Counts false hits and missing expected ones. */
function compared({ answers, isThere }: AskedQuestion, hits: readonly Hit[]) {
  const found = new Set(hits.map(nameOf));
  const owed = answers.filter(isThere);
  const right = new Set(answers.map(nameOf));
  return {
    owed: owed.length,
    found: owed.filter((file) => found.has(nameOf(file))).length,
    wrong: hits.filter((hit) => !right.has(nameOf(hit))).length,
  };
}

/** Names alone are not unique. */
const nameOf = ({ root }: Pick<Hit, 'root'>): string => Buffer.from(root.multihash.digest).toString('latin1');

/** One to three words of some file. */
function askIndex(simulation: SearchSimulation): Begun {
  const { ring, population } = simulation;
  const file = someFile(simulation);
  const words = file.words.slice(0, 1 + Math.floor(ring.random.next() * 3));
  const text = words.join(' ');
  const answers = population.filesUnder(words[0]!).filter((one) => words.every((word) => one.words.includes(word)));
  const question = questionOf(simulation, text, answers);
  const work = async (): Promise<readonly Hit[]> => {
    const hits: Hit[] = [];
    const pages = simulation
      .hostOf(question.asker)
      .words.search(queryId(simulation), text, new AbortController().signal);
    for await (const page of pages) hits.push(...page);
    return hits;
  };
  // A query without an answer from any place of its word has no hits.
  return { question, work: work().catch(asNothing) };
}

/** A suffix of the rarest word of some file. */
function askEverybody(simulation: SearchSimulation): Begun {
  const rarest = [...someFile(simulation).words].sort((a, b) => b.length - a.length)[0]!;
  const text = rarest.slice(1);
  const question = questionOf(
    simulation,
    text,
    simulation.population.files.filter(({ name }) => name.includes(text)),
  );
  const hits: Hit[] = [];
  const order = {
    id: queryId(simulation),
    pattern: text,
    hops: maxHops,
    maxHits: maxBroadcastHits,
    milliseconds: broadcastMilliseconds,
  };
  const { broadcast } = simulation.hostOf(question.asker);
  return { question, work: broadcast.ask(order, (some) => hits.push(...some)).then(() => hits) };
}

function questionOf(simulation: SearchSimulation, text: string, answers: readonly SimulatedFile[]): AskedQuestion {
  const { hosts } = simulation.ring;
  const processes = hosts.map(({ process }) => process);
  const wereThere = processes.map((process) => process.isRunning);
  const isThere = ({ peer }: SimulatedFile) => wereThere[peer]! && processes[peer]!.isRunning;
  return { asker: someMember(simulation.ring), text, answers, isThere };
}

function someFile({ population, ring }: SearchSimulation): SimulatedFile {
  return population.files[Math.floor(ring.random.next() * population.files.length)]!;
}

function asNothing(error: unknown): readonly Hit[] {
  if (error instanceof ChordialError) return [];
  throw error;
}

function queryId({ ring }: SearchSimulation): string {
  const digits = Math.floor(ring.random.next() * 2 ** 48).toString(16);
  return `00000000-0000-4000-8000-${digits.padStart(12, '0')}`;
}

function check({ peers, files, queries, churn }: Record<'peers' | 'files' | 'queries' | 'churn', number>): void {
  const whole = (value: number, max: number) => Number.isInteger(value) && value >= 1 && value <= max;
  const refuse = (what: string): never => {
    throw new ChordialError('bad-usage', `The simulator cannot search with ${what}.`);
  };
  if (!whole(peers, maxPeers)) refuse(`${peers} peers: give 1 to ${maxPeers}`);
  if (!whole(files, maxFiles)) refuse(`${files} files: give 1 to ${maxFiles}`);
  if (!whole(queries, maxQueries)) refuse(`${queries} queries: give 1 to ${maxQueries}`);
  if (!(churn >= 0 && churn <= 1000)) refuse(`a churn of ${churn}: give 0 to 1000 events per second`);
}
