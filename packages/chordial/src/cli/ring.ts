/** `chordial ring`: id, predecessor, successors and fingers; of the first member in full, of the others the neighbours. */

import type { Command } from 'commander';
import type { NodeStatus, ShownMember, ShownPointer } from '../peer/peer.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { calledWithId, fields, short, table } from './table.ts';

export function ringCommand(): Command {
  return peerCommand('ring', 'shows the place of this peer on the ring', 'chordial ring').action(
    async (options: CommonOptions & PeerOptions) => {
      const { client } = await findPeer(options);
      const node = await client.call('GET /api/v1/node');
      if (options.json) sayJson(node);
      else say([summary(node), member(node), ...otherMembers(node)].join('\n\n'));
    },
  );
}

function summary(node: NodeStatus): string {
  return fields([
    ['peer', `${node.name}, ${node.id}`],
    ['state', node.state],
    ['network', `${node.network} (${node.bits} bits, ${node.hosts} hosts, ${node.members} members)`],
    ...(node.zone === null ? [] : [['zone', node.zone] as const]),
    ['listening', node.listen],
    ['api', node.api],
    ['reach', node.reach.text],
  ]);
}

function member(node: ShownMember): string {
  const pointers = [
    row('predecessor', node.predecessor),
    ...node.successors.map((one, place) => row(place === 0 ? 'successor' : `successor ${place + 1}`, one)),
  ];
  const columns = [
    { title: 'MEMBER 0' },
    { title: short(node.ringId) },
    { title: 'PEER' },
    { title: 'ADDRESS' },
    ...(pointers.some(([, , , , zone]) => zone !== '') ? [{ title: 'ZONE' }] : []),
  ];
  return `${table(columns, pointers)}\n\n${fingers(node)}`;
}

/** A host has a dozen or more members with as many pointers each: the others in a line, and --json prints all. */
function otherMembers({ virtualNodes }: NodeStatus): readonly string[] {
  if (virtualNodes.length < 2) return [];
  const columns = [
    { title: 'MEMBER', align: 'right' },
    { title: 'ID' },
    { title: 'PREDECESSOR' },
    { title: 'SUCCESSOR' },
    { title: 'PEER OF THE SUCCESSOR' },
    { title: 'ADDRESS' },
  ] as const;
  const rows = virtualNodes
    .slice(1)
    .map(({ ringId, predecessor, successors: [successor] }, index) => [
      String(index + 1),
      short(ringId),
      predecessor === null ? 'none' : short(predecessor.ringId),
      successor === undefined ? 'none' : short(successor.ringId),
      successor?.name ?? '',
      successor?.address ?? '',
    ]);
  return [table(columns, rows), 'All successors and fingers of every member: chordial ring --json'];
}

/** Most of the first fingers refer to the same member: such a run is one line. */
function fingers({ fingers: all }: ShownMember): string {
  const runs: { from: number; to: number; start: string; node: ShownPointer | null }[] = [];
  for (const [index, { start, node }] of all.entries()) {
    const last = runs.at(-1);
    if (last !== undefined && last.node?.ringId === node?.ringId) last.to = index;
    else runs.push({ from: index, to: index, start, node });
  }
  const columns = [
    { title: 'FINGER', align: 'right' },
    { title: 'START' },
    { title: 'MEMBER' },
    { title: 'PEER' },
    { title: 'ADDRESS' },
  ] as const;
  return table(
    columns,
    runs.map(({ from, to, start, node }) => [
      from === to ? String(from) : `${from}…${to}`,
      short(start),
      node === null ? 'not known' : short(node.ringId),
      node?.name ?? '',
      node?.address ?? '',
    ]),
  );
}

function row(what: string, to: ShownPointer | null): readonly string[] {
  if (to === null) return [what, 'none', '', '', ''];
  return [what, short(to.ringId), calledWithId(to), to.address, to.zone ?? ''];
}
