/** `chordial search`: finds files in the whole network; hits are printed as they arrive. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { ChordialError, isErrorCode } from '../errors.ts';
import { parseWhole } from '../peer/quantities.ts';
import type { ShownHit } from '../peer/shown-hit.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import type { ApiClient } from './client.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain } from './table.ts';

/** Delay before the first hit is printed. */
const settleMilliseconds = 250;

interface SearchCommandOptions extends CommonOptions, PeerOptions {
  readonly broadcast?: boolean;
  readonly ttl?: string;
  readonly ids?: boolean;
}

interface QueryEnd {
  readonly state: 'done' | 'failed';
  readonly total: number;
  readonly answered: number;
  readonly missed: number;
  readonly problem: { readonly code: string; readonly detail: string } | null;
}

export function searchCommand(): Command {
  return peerCommand('search', 'finds files in the whole network', "chordial search 'annual report type:pdf -draft'")
    .argument(
      '[query]',
      'words, "a phrase", -without, begin*, type:image, size:>10MB, from:PEER (a name or id); nothing for everything',
      '',
    )
    .option('--broadcast', 'ask every peer: part of a name, *.pdf, /regular expression/, a SHA-256 or a CID')
    .option('--ttl <n>', 'hop limit of a broadcast, 1 to 64')
    .option('--ids', 'also the ids and addresses of those who have the files')
    .action(async (query: string, options: SearchCommandOptions) => {
      const { client } = await findPeer(options);
      const ttl = options.ttl === undefined ? {} : { ttl: parseWhole(options.ttl, '--ttl', 1, 64) };
      const mode = options.broadcast ? ('broadcast' as const) : ('words' as const);
      const { found, refusal } = await search(client, { query, mode, ...ttl }, options);
      if (found > 0) return;
      const isByWords = mode === 'words' && query.trim() !== '';
      const nothing = `Nothing in the network matches ${JSON.stringify(query)}.`;
      if (!isByWords) throw new ChordialError('not-found', nothing);
      const parts = 'Words are matched whole; every peer can be asked for parts of names';
      if (!(await isWanted(`${nothing} ${parts}: press b for that, any other key to end.`, options)))
        throw refusal ?? new ChordialError('not-found', `${nothing} ${parts} with --broadcast.`);
      const again = await search(client, { query, mode, orBroadcast: true, ...ttl }, options);
      if (again.found === 0) throw new ChordialError('not-found', nothing);
    });
}

interface Asked {
  readonly query: string;
  readonly mode: 'words' | 'broadcast';
  readonly orBroadcast?: boolean;
  readonly ttl?: number;
}

/** Prints hits; returns `refusal` when the query has no word to look up, so that only asking every peer remains. */
async function search(
  client: ApiClient,
  body: Asked,
  { json = false, ids = false }: SearchCommandOptions,
): Promise<{ readonly found: number; readonly refusal: ChordialError | null }> {
  const { queryId } = await client.call('POST /api/v1/search', { body });
  const printing = new Printing(ids);
  const end = await eachHit(client, queryId, (hit) => printing.take(hit, !json));
  if (json) for (const hit of printing.hits) sayJson(hit);
  else printing.flush();
  if (end.problem !== null) {
    const { code, detail } = end.problem;
    const refusal = new ChordialError(isErrorCode(code) ? code : 'internal', detail);
    if (code === 'bad-request' && body.mode === 'words' && body.orBroadcast !== true) return { found: 0, refusal };
    throw refusal;
  }
  if (end.missed > 0) console.error(`${end.missed} parts of the ring could not be reached: there may be more.`);
  return { found: printing.hits.length, refusal: null };
}

/** True when the user presses the key; false without a terminal. */
async function isWanted(question: string, { json }: SearchCommandOptions): Promise<boolean> {
  const { stdin, stdout } = process;
  // A line-based prompt, such as the shell's, uses keys itself.
  if (json || !stdin.isTTY || !stdout.isTTY || stdin.isRaw || stdin.listenerCount('keypress') > 0) return false;
  console.error(question);
  stdin.setRawMode(true);
  stdin.resume();
  try {
    const [key] = (await once(stdin, 'data')) as [Buffer];
    return key.toString().toLowerCase() === 'b';
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}

/**
 * Prints hits as they arrive, each content once: shortly after the first, since by then most of its other holders are
 * known and its publisher's entry has been read.
 */
class Printing {
  readonly #files = new Map<string, ShownHit>();
  readonly #told = new Map<string, Set<string>>();
  readonly #ids: boolean;
  #timer: NodeJS.Timeout | null = null;

  /** @param ids of holders are shown, with their addresses */
  constructor(ids: boolean) {
    this.#ids = ids;
  }

  get hits(): readonly ShownHit[] {
    return [...this.#files.values()];
  }

  take(hit: ShownHit, isPrinted: boolean): void {
    this.#files.set(hit.key, hit);
    if (isPrinted) this.#timer ??= setTimeout(() => this.flush(), settleMilliseconds);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const [key, hit] of this.#files) {
      const told = this.#told.get(key);
      const holders = hit.holders.map((one) => ({
        id: `${one.publisher} ${one.shared} ${one.name}`,
        text: shownHolder(one, hit.name, this.#ids),
      }));
      if (told === undefined) say(line(hit, this.#ids));
      else for (const { id, text } of holders) if (!told.has(id)) say(`    ${plain(hit.name)}: also ${plain(text)}`);
      this.#told.set(key, new Set(holders.map(({ id }) => id)));
    }
  }
}

async function eachHit(client: ApiClient, id: string, take: (hit: ShownHit) => void): Promise<QueryEnd> {
  const response = await client.open(`/api/v1/search/${id}`, { headers: { Accept: 'text/event-stream' } });
  let event = '';
  for await (const text of createInterface({ input: response })) {
    if (text.startsWith('event: ')) event = text.slice('event: '.length);
    if (!text.startsWith('data: ')) continue;
    const data: unknown = JSON.parse(text.slice('data: '.length));
    if (event === 'hit') take(data as ShownHit);
    if (event === 'end') return data as QueryEnd;
  }
  throw new ChordialError('unreachable', 'The peer ended the search unexpectedly. Check whether it is still running.');
}

/** Two lines: the file with its holders, and its content. */
function line({ name, type, size, cid, sha256, holders }: ShownHit, ids: boolean): string {
  const live = holders.filter((one) => one.live).map((one) => shownHolder(one, name, ids));
  const kept = live.length === 0 ? 'no live source' : live.join(', ');
  const hash = sha256 === null ? '' : `  sha256 ${sha256}`;
  return `${plain(name)}${type === 'directory' ? '/' : ''}  ${formatBytes(size)}  ${plain(kept)}\n    ${cid}${hash}`;
}

function shownHolder(holder: ShownHit['holders'][number], row: string, ids: boolean): string {
  const { name, publisher, publisherName, address, copies, shared, verified } = holder;
  const where = ids ? ` ${publisher}${address === null ? '' : ` at ${address}`}` : '';
  const count = copies === null || shared ? '' : `${copies} ${copies === 1 ? 'copy' : 'copies'}, `;
  const called = name === row ? '' : ` as ${name}`;
  const doubt = verified ? '' : ' (unverified)';
  return `${count}${shared ? 'shared' : 'put'} by ${publisherName}${where}${called}${doubt}`;
}
