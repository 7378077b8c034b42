/** Links of this peer: made, listed, taken back. */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Link as ShownLink } from '../client/answers.ts';
import { readTarget } from '../codes/code-target.ts';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { parseLinkId } from '../links/link-address.ts';
import type { LinkWish, MadeLink } from '../links/links.ts';
import type { Peer } from '../peer/peer.ts';
import { type Said, said } from '../sentences.ts';
import { type FileEntry, fileAttributesOf } from '../transfer/files.ts';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';

const usualMilliseconds = 7 * 86_400_000;
const usualDropBytes = 5 * 2 ** 30;
/** How long the copies of what a link leads to are counted. */
const countMilliseconds = 1000;
/** By how much a sealed copy outlives its link. */
const outlivesMilliseconds = 3_600_000;

export function linkRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'POST /api/v1/links', async ({ body }, reply) => {
    const { name, cid, drop, most, password, times, timeToLive = usualMilliseconds } = body;
    if ([name, cid, drop].filter((one) => one !== undefined).length !== 1)
      throw new ChordialError('bad-request', 'A link leads to a name, a CID or a drop box. Give one of the three.');
    const door = await doorFor(peer(), drop !== undefined);
    const terms = {
      timeToLive,
      ...(password === undefined ? {} : { password }),
      ...(times === undefined ? {} : { times }),
    };
    if (drop !== undefined) {
      const box = { type: 'drop', name: checkName(drop), cid: null, size: most ?? usualDropBytes } as const;
      const made = await peer().links.createLink({ ...box, ...terms });
      return reply.code(201).send({ ...shownLink(made, door, peer()), notes: [] });
    }
    const found = await entryOf(peer(), body);
    const copy = body.sealed === true && !found.sealed ? await sealedCopy(peer(), found, timeToLive) : null;
    const entry = copy ?? found;
    const called = body.as ?? found.name ?? found.cid;
    const made = await peer()
      .links.createLink({ ...(await linkedTo(peer(), entry, called)), ...terms, ...copyOf(copy) })
      .catch(async (error: unknown) => {
        if (copy?.name != null) await peer().files.remove(copy.name);
        throw error;
      });
    const notes = [
      ...(copy === null ? [] : [said('sealed-copy', {}, stillRead)]),
      ...(await notesOn(peer(), entry, made)),
    ];
    return reply.code(201).send({ ...shownLink(made, door, peer()), notes });
  });

  serve(app, 'GET /api/v1/links', async () => {
    const door = await firstDoor(peer());
    return {
      links: peer()
        .links.listLinks()
        .map((link) => shownLink(link, door, peer())),
    };
  });

  serve(app, 'DELETE /api/v1/links/{id}', async ({ params }, reply) => {
    const id = parseLinkId(params.id);
    if (id === null)
      throw new ChordialError('not-found', `There is no link ${params.id}. List yours with "chordial links".`);
    const removed = await peer().links.removeLink(id);
    // Gone already: what was to be freed is free.
    if (removed?.copy != null) await peer().files.remove(removed.copy).catch(notFoundOnly);
    await peer().codes.endLeadingTo((target) => readTarget(target)?.path.startsWith(`/s/${id}`) === true);
    // What cannot be freed now is swept later.
    await peer()
      .dropBoxes.sweep()
      .catch(() => undefined);
    return reply.code(204).send();
  });
}

interface Wanted {
  readonly name?: string | undefined;
  readonly cid?: string | undefined;
  readonly publisher?: string | undefined;
}

export function entryOf(peer: Peer, { name, cid, publisher }: Wanted): Promise<FileEntry> {
  const reference = { ...(name === undefined ? {} : { name }), ...(cid === undefined ? {} : { cid }) };
  return peer.files.resolve({ ...reference, ...(publisher === undefined ? {} : { publisher }) });
}

/** @param called what the link calls it */
export async function linkedTo(
  peer: Peer,
  entry: FileEntry,
  called = entry.name ?? entry.cid,
): Promise<Pick<LinkWish, 'type' | 'name' | 'cid' | 'size' | 'sealed'>> {
  const { type, cid, size, sealed } = entry;
  const linked = { type, name: checkName(called), cid: parseCid(cid) };
  if (!sealed) return { ...linked, size };
  return { ...linked, size: sealed.size, sealed: { fileKey: await peer.files.fileKey(entry), size } };
}

/**
 * Puts a plain file again so that neither hosts nor doors can read it, for as long as its link lives. The name is new each
 * time: another put of it would end what an earlier link leads to.
 */
async function sealedCopy(peer: Peer, found: FileEntry, timeToLive: number): Promise<FileEntry> {
  const { cid, size, type } = found;
  if (type !== 'file')
    throw new ChordialError(
      'bad-request',
      'A folder cannot be sealed as it is. Seal an archive of it: tar c FOLDER | chordial put - --sealed --name FOLDER.tar',
    );
  const name = `sealed for a link, ${randomBytes(6).toString('hex')}`;
  const attributes = fileAttributesOf(found);
  await peer.files.put(name, peer.files.read(cid), {
    sealed: {},
    timeToLive: timeToLive + outlivesMilliseconds,
    size,
    attributes,
  });
  return peer.files.resolve({ name });
}

function copyOf(copy: FileEntry | null): { readonly copy?: string } {
  return copy?.name == null ? {} : { copy: copy.name };
}

function notFoundOnly(error: unknown): void {
  if (!(error instanceof ChordialError) || error.code !== 'not-found') throw error;
}

/** Before anything is made, since a link that no door serves is of no use. Throws `no-door`. */
async function doorFor(peer: Peer, isOwn: boolean): Promise<string> {
  const own = peer.doors.own;
  const url = isOwn ? (own?.services.includes('links') ? own.url : null) : await firstDoor(peer);
  if (url !== null) return url;
  throw new ChordialError(
    'no-door',
    `${isOwn ? 'This peer has no door that serves links, which a drop box needs.' : 'No member that answers has a door that serves links.'} Open one: "chordial start --door 0.0.0.0:8443 --serve links", with --tls-cert and --tls-key where others can listen in.`,
  );
}

/** Null where none that answers serves links. */
async function firstDoor(peer: Peer): Promise<string | null> {
  const [door] = await peer.doors.find('links');
  return door?.url ?? null;
}

const stillRead = 'Members can still read the file itself: remove it if the sealed copy is enough.';
const onlyShared =
  'Members keep no copies of it, it is shared in place: the link works only while its sharer is up. Put it for a link that works always.';

/** What its maker should know. */
async function notesOn(
  peer: Peer,
  { cid, expiry }: { readonly cid: string; readonly expiry: string | null },
  link: MadeLink,
): Promise<readonly Said[]> {
  const notes: Said[] = [];
  if (expiry !== null && Date.parse(expiry) < link.expiry)
    notes.push(
      said('link-outlives-file', { expires: expiry }, `The file itself expires at ${expiry}, before the link.`),
    );
  const [copies] = await peer.files.copiesOf([cid], countMilliseconds).catch(() => [1]);
  if (copies === 0) notes.push(said('link-needs-sharer', {}, onlyShared));
  return notes;
}

export function shownLink(link: MadeLink, door: string | null, peer: Peer): ShownLink {
  const { id, name, type, cid, size, created, expiry, times, hasPassword, key, path, fetched, fetches } = link;
  const names = new Map(peer.peers().map((one) => [one.id, one.name]));
  return {
    id,
    url: door === null ? null : `${door}${path}`,
    path,
    name,
    type,
    cid,
    size,
    created: timeOf(created),
    expires: timeOf(expiry),
    isExpired: expiry <= Date.now(),
    times,
    hasPassword,
    isSealed: key !== null,
    fetched,
    fetches: fetches.map(({ at, door: host, bytes, whole }) => ({
      time: timeOf(at),
      door: host,
      doorName: names.get(host) ?? host,
      bytes,
      whole,
    })),
  };
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
