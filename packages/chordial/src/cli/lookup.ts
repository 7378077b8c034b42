/** `chordial lookup`: the owner of a name, CID or key, and the cost of finding it. */
import type { Command } from 'commander';
import type { LookupResult, ShownAsk, ShownPointer } from '../peer/peer.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { fields } from './table.ts';

export function lookupCommand(): Command {
  return peerCommand('lookup', 'finds the owner of a name, CID or key:HEX', 'chordial lookup photo.jpg')
    .argument('<name|cid|key:HEX>', 'what to look up')
    .action(async (argument: string, options: CommonOptions & PeerOptions) => {
      const { client } = await findPeer(options);
      const found = await client.call('GET /api/v1/lookup/{wanted}', { path: { wanted: argument } });
      if (options.json) sayJson(found);
      else say(fields(lines(found)));
    });
}

function lines({
  key,
  owner,
  replicas,
  hops,
  milliseconds,
  asked,
}: LookupResult): readonly (readonly [string, string])[] {
  return [
    ['key', key],
    ['owner', placeOf(owner)],
    ...replicas.map((replica, index) => [index === 0 ? 'replicas' : '', placeOf(replica)] as const),
    ['hops', String(hops)],
    ...asked.map((one, index) => [index === 0 ? 'asked' : '', askOf(one)] as const),
    ['time', `${milliseconds.toFixed(1)} ms`],
  ];
}

const answers: Readonly<Record<ShownAsk['answer'], string>> = {
  owner: 'is the owner',
  closer: 'named others',
  silent: 'did not answer',
  unreachable: 'could not be reached',
  refused: 'refused',
  none: 'was not waited for',
};

function askOf({ name, address, at, milliseconds, answer }: ShownAsk): string {
  const took = milliseconds === null ? '' : ` within ${milliseconds.toFixed(1)} ms`;
  return `${name} at ${address} after ${at.toFixed(1)} ms: ${answers[answer]}${took}`;
}

function placeOf({ name, ringId, address, id }: ShownPointer): string {
  return `${name} at ${address}, place ${ringId}, peer ${id}`;
}
