/** Filters and order of lists, as they are asked for. */
import { type FileKind, fileKinds } from '../content/file-kinds.ts';
import { ChordialError } from '../errors.ts';
import type { Peer } from '../peer/peer.ts';
import type { ListedPeers, ListingWish } from '../transfer/listing-order.ts';

interface Asked extends Omit<ListingWish, 'kinds' | 'after' | 'before'> {
  readonly kind?: string | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

/** Null where nothing is asked for. Throws `bad-request`. */
export function listingWish(asked: Asked): ListingWish | null {
  const { sort, descending, kind, least, most, after, before, publisher, zone } = asked;
  const given = [sort, kind, least, most, after, before, publisher, zone];
  if (given.every((one) => one === undefined)) return null;
  return {
    ...{ sort, descending, least, most, publisher, zone },
    kinds: (kind ?? '')
      .split(',')
      .filter((one) => one !== '')
      .map(kindOf),
    after: timeOf(after, 'after'),
    before: timeOf(before, 'before'),
  };
}

export function listedPeers(peer: Peer): ListedPeers {
  const { id, zone } = peer.status('none');
  const zones = new Map([[id, zone], ...peer.peers().map((one): [string, string | null] => [one.id, one.zone])]);
  return { called: (host) => peer.called(host).name, zoneOf: (host) => zones.get(host) ?? null };
}

function kindOf(text: string): FileKind {
  const kind = fileKinds.find((one) => one === text);
  if (kind !== undefined) return kind;
  const message = `There are no files of kind ${JSON.stringify(text.slice(0, 80))}. Give some of ${fileKinds.join(', ')}.`;
  throw new ChordialError('bad-request', message);
}

function timeOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new ChordialError('bad-request', `${name} ${JSON.stringify(text)} is no time. Give one such as 2026-01-31.`);
}
