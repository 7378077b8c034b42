/** `chordial stat NAME|CID`: a file's properties, and how many live replicas there are and where. */
import type { Command } from 'commander';
import { formatDuration } from '../peer/quantities.ts';
import type { FileReference, FileStat } from '../transfer/files.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import type { ApiClient } from './client.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { parseReference } from './found-file.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { fields } from './table.ts';

export function statCommand(): Command {
  return peerCommand('stat', 'shows size, CID, live copies and holders of a file', 'chordial stat photo.jpg')
    .argument('<name|cid>', 'what to look at')
    .option('--ids', 'also the ids of publisher and holders')
    .action(async (argument: string, options: CommonOptions & PeerOptions & { readonly ids?: boolean }) => {
      const reference = parseReference(argument);
      const { client } = await findPeer(options);
      const stat = await statOf(client, reference);
      if (options.json) sayJson(stat);
      else say(fields(lines(stat, options.ids === true)));
    });
}

function statOf(client: ApiClient, { cid, name = '', publisher }: FileReference): Promise<FileStat> {
  if (cid !== undefined) return client.call('GET /api/v1/content/{cid}/stat', { path: { cid } });
  const query = publisher === undefined ? {} : { publisher };
  return client.call('GET /api/v1/files/{name}/stat', { path: { name }, query });
}

function lines(stat: FileStat, ids: boolean): readonly (readonly [string, string])[] {
  const { name, type, size, cid, blocks, copies, cached, holders, ageSeconds, expiry, sha256, others } = stat;
  const { publisher, publisherName, sealed } = stat;
  return [
    ...(name === null ? [] : [['name', name] as const]),
    ...(sealed ? sealedLines(sealed) : []),
    ['type', type],
    ['size', `${formatBytes(size)} (${size} bytes)`],
    ['cid', cid],
    ...(sha256 === null ? [] : [['sha256', sha256] as const]),
    ['blocks', String(blocks)],
    ['live copies', String(copies)],
    ...(cached === 0
      ? []
      : [['cached', `${cached} further ${cached === 1 ? 'copy' : 'copies'} of single blocks`] as const]),
    ...holders.map(
      ({ id, name: called, address, zone }, index) =>
        [
          index === 0 ? 'holders' : '',
          `${called}${zone === null ? '' : ` in ${zone}`}${ids ? `, ${id} at ${address}` : ''}`,
        ] as const,
    ),
    ...(publisher === null ? [] : [['publisher', `${publisherName}${ids ? `, ${publisher}` : ''}`] as const]),
    ...(others === 0 ? [] : [['other publishers', String(others)] as const]),
    ...(ageSeconds === null ? [] : [['age', formatDuration(ageSeconds * 1_000)] as const]),
    ['expiry', expiry ?? 'none'],
  ];
}

function sealedLines({
  name,
  size,
  kinds,
  to,
  isOpen,
}: NonNullable<FileStat['sealed']>): readonly (readonly [string, string])[] {
  const isByPassphrase = kinds.includes('scrypt');
  const others = kinds.filter((kind) => kind !== 'X25519' && kind !== 'scrypt');
  const who = [
    ...(isByPassphrase ? ['all who know the passphrase'] : to),
    ...(to.length === 0 && kinds.includes('X25519') ? ['keys of age (X25519)'] : []),
    ...others.map((kind) => `recipients of kind ${kind}`),
  ];
  return [
    ['sealed as', `${name}, ${size} bytes`],
    ['opened by', who.join(', ')],
    ['opened here', isOpen ? 'yes' : 'no'],
  ];
}
