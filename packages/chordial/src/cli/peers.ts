/** `chordial peers`: the other peers, whether they are alive, and when they were last heard. */
import type { Command } from 'commander';
import { ChordialError } from '../errors.ts';
import type { PeerStatus } from '../peer/peer.ts';
import { formatDuration } from '../peer/quantities.ts';
import { isPublisher } from '../transfer/of-publisher.ts';
import type { ApiClient } from './client.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain, table } from './table.ts';

interface PeersOptions extends CommonOptions, PeerOptions {
  readonly name?: string;
  readonly ids?: boolean;
}

export function peersCommand(): Command {
  return peerCommand('peers', 'lists the known peers', 'chordial peers')
    .option(
      '--name <peer=name>',
      'give a peer, by id, part of it or name, a name of your own; nothing after = removes it',
    )
    .option('--ids', 'also the ids')
    .action(async (options: PeersOptions) => {
      const { client } = await findPeer(options);
      const { peers } = await client.call('GET /api/v1/peers');
      if (options.name !== undefined) return callPeer(client, peers, options.name, options.json === true);
      if (options.json) sayJson({ peers });
      else if (peers.length === 0) say('no other peers: this one is alone');
      else say(listing(peers, options.ids === true));
    });
}

async function callPeer(client: ApiClient, peers: readonly PeerStatus[], text: string, json: boolean): Promise<void> {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new ChordialError('bad-usage', 'Write the peer and its name as PEER=NAME.');
  const [peer, name] = [text.slice(0, at), text.slice(at + 1)];
  const called = peers.filter((one) => one.name === peer);
  const matching = called.length > 0 ? called : peers.filter(({ id }) => isPublisher(id, peer) || id.endsWith(peer));
  const [found, another] = matching;
  if (found === undefined)
    throw new ChordialError('not-found', `No peer ${peer} is known. List peers with "chordial peers".`);
  if (another !== undefined)
    throw new ChordialError(
      'bad-usage',
      `Several peers match ${peer}. Give more of the id, as "chordial peers --ids" shows it.`,
    );
  const body = { name: name === '' ? null : name };
  const answer = await client.call('PUT /api/v1/peers/{id}/name', { path: { id: found.id }, body });
  if (json) sayJson(answer);
  else say(`${found.id} is called ${plain(answer.name)}`);
}

function listing(peers: readonly PeerStatus[], ids: boolean): string {
  const isZoned = peers.some(({ zone }) => zone !== null);
  const columns = [
    { title: 'STATE' },
    { title: 'HEARD', align: 'right' },
    { title: 'ROUND TRIP', align: 'right' },
    { title: 'NAME' },
    { title: 'ADDRESS' },
    ...(isZoned ? [{ title: 'ZONE' }] : []),
    ...(ids ? [{ title: 'ID' }] : []),
  ] as const;
  return table(
    columns,
    peers.map(({ state, heartbeatAge, roundTripMilliseconds, name, address, zone, id }) => [
      state,
      heartbeatAge === null ? 'never' : `${formatDuration(heartbeatAge * 1_000)} ago`,
      roundTripMilliseconds === null ? '' : `${roundTripMilliseconds.toFixed(1)} ms`,
      name,
      address,
      ...(isZoned ? [zone ?? ''] : []),
      ...(ids ? [id] : []),
    ]),
  );
}
