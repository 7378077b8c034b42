/** `chordial search`: finds files in the whole network; hits are printed as they come. */
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { ChordialError, isErrorCode } from '../errors.ts';
import { parseWhole } from '../node/quantities.ts';
import type { ShownHit } from '../node/shown-hit.ts';
import { shownSize } from '../transfer/shown-size.ts';
import type { ApiClient } from './client.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain, shortPeer } from './table.ts';

interface SearchCommandOptions extends CommonOptions, PeerOptions {
  readonly broadcast?: boolean;
  readonly ttl?: string;
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
      'words, "a phrase", -without, begin*, type:image, size:>10MB, from:PEER; nothing for everything',
      '',
    )
    .option('--broadcast', 'ask every peer: a part of a name, *.pdf, /an expression/, a SHA-256 or a CID')
    .option('--ttl <n>', 'how often a broadcast may be handed on, 1 to 64')
    .action(async (query: string, options: SearchCommandOptions) => {
      const { client } = await findPeer(options);
      const body = {
        query,
        mode: options.broadcast ? ('broadcast' as const) : ('words' as const),
        ...(options.ttl === undefined ? {} : { ttl: parseWhole(options.ttl, '--ttl', 1, 64) }),
      };
      const { queryId } = await client.call('POST /api/v1/search', { body });
      let count = 0;
      const end = await eachHit(client, queryId, (hit) => {
        count += 1;
        if (options.json) sayJson(hit);
        else say(line(hit));
      });
      if (end.problem !== null) {
        const { code, detail } = end.problem;
        throw new ChordialError(isErrorCode(code) ? code : 'internal', detail);
      }
      if (end.missed > 0) console.error(`${end.missed} parts of the ring could not be reached: there may be more.`);
      if (count === 0) throw new ChordialError('not-found', `Nothing in the network answers ${JSON.stringify(query)}.`);
    });
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
  throw new ChordialError('unreachable', 'The peer ended the search without saying so. See whether it still runs.');
}

/** Two lines: what it is, and where it is had. */
function line({ name, type, size, cid, sha256, publisher, address, copies, shared, live }: ShownHit): string {
  const where = address === null ? '' : ` at ${address}`;
  const count = copies === null ? '' : `${copies} ${copies === 1 ? 'copy' : 'copies'}, `;
  const kept = shared
    ? live
      ? `shared by ${shortPeer(publisher)}${where}`
      : 'no live source'
    : `${count}put by ${shortPeer(publisher)}${where}`;
  const hash = sha256 === null ? '' : `  sha256 ${sha256}`;
  return `${plain(name)}${type === 'directory' ? '/' : ''}  ${shownSize(size)}  ${plain(kept)}\n    ${cid}${hash}`;
}
