/** Unsolicited messages of a hostile member: forged records and shares, false departures and arrivals, invalid claims and pointers. */
import { randomBytes, randomInt } from 'node:crypto';
import type { RingAsks, RingMessageKind } from '@chordial/ring';
import { ringKindPrefix } from '../../src/network/ring-network.ts';
import type { Wire } from '../../src/network/transport.ts';
import { decodeEntry, signEntry } from '../../src/records/entry.ts';
import { readNameEntry } from '../../src/records/name-entry.ts';
import { maxEntriesPerMessage, recordMessages } from '../../src/records/record-messages.ts';
import { shareMessages } from '../../src/records/share-messages.ts';
import { blockMessages } from '../../src/replication/block-messages.ts';
import { claimMessages } from '../../src/replication/claim-messages.ts';
import { type Battlefield, relentlessly, type Target } from './attack.ts';
import { badHeaders, emptyBatch, forgedEntries, misdated, oversized } from './forgeries.ts';
import type { HostileMember } from './hostile-member.ts';
import { strangerAt } from './lies.ts';
import { nonsense } from './nonsense.ts';

const deadline = 3000;
const entriesPerName = 20;

export const controlKinds = [
  ...['getState', 'notify', 'find', 'wake', 'leave', 'probe', 'gossip', 'events', 'snapshot'].map(
    (kind) => ringKindPrefix + kind,
  ),
  ...['blocks.has', 'blocks.check', 'blocks.claim', 'blocks.point', 'blocks.where', 'claims.list', 'claims.release'],
  ...['records.put', 'records.get', 'records.list', 'shares.renew', 'shares.get', 'shares.pull', 'browse.files'],
  ...['search.count', 'search.query', 'search.ask', 'search.hits'],
  ...['sync.compare', 'sync.items', 'sync.records', 'sync.holds', 'sync.leaving', 'sync.confirm', 'no.such'],
];
export const bulkKinds = ['blocks.get', 'blocks.put', 'shares.put', 'no.such'];

/** Every kind of message with invalid bodies. */
export async function pushNonsense(field: Battlefield): Promise<void> {
  await relentlessly(field, 8, 1, async (turn) => {
    const [member, { contact }] = pair(field, turn);
    const kind = controlKinds[randomInt(controlKinds.length)]!;
    await member.transport.request(contact, kind, nonsense(), { deadline });
  });
}

export async function pushNonsenseInBulk(field: Battlefield): Promise<void> {
  await relentlessly(field, 4, 5, async (turn) => {
    const [member, { contact }] = pair(field, turn);
    const kind = bulkKinds[randomInt(bulkKinds.length)]!;
    const payload = pieces([randomBytes(randomInt(100_000))]);
    await member.transport.stream(contact, kind, { header: nonsense(), payload }, { deadline });
  });
}

/** Reads the names that a peer holds, then sends false records of them. */
export async function pushForgedRecords(field: Battlefield): Promise<void> {
  await relentlessly(field, 4, 5, async (turn) => {
    const [member, { contact }] = pair(field, turn);
    const genuine = await namesAt(member, contact);
    const [first] = genuine;
    if (first === undefined) return;
    const { entry } = decodeEntry(first);
    const forged = [
      ...forgedEntries(member, genuine),
      ...misdated(member, entry.subject, entry.body),
      ...(turn % 4 === 0 ? [oversized(entry.publisher)] : []),
    ];
    await member.transport.request(
      contact,
      recordMessages.put.kind,
      { entries: forged.slice(0, maxEntriesPerMessage) },
      { deadline },
    );
  });
}

export async function pushForgedShares(field: Battlefield): Promise<void> {
  await relentlessly(field, 4, 5, async (turn) => {
    const [member, { contact }] = pair(field, turn);
    const headers = badHeaders(member, contact.host);
    await member.transport.request(contact, shareMessages.renew.kind, { headers }, { deadline });
    const sizes = Array.from({ length: 20 }, () => 100);
    const runs = headers.map((_, batch) => ({ batch, first: 0, sizes, proof: [randomBytes(32)] }));
    const payload = pieces([randomBytes(headers.length * 2000)]);
    await member.transport.stream(
      contact,
      shareMessages.put.kind,
      { header: shareMessages.put.encode({ headers, runs }), payload },
      { deadline },
    );
  });
}

/** Correctly signed, but beyond the limits of a publisher: names, postings, batches. */
export async function pushWithoutBound(field: Battlefield): Promise<void> {
  const began = Date.now();
  await relentlessly(field, 2, 20, async (turn) => {
    const [member, { contact }] = pair(field, turn);
    const { identity, networkId, transport } = member;
    const entries = Array.from({ length: maxEntriesPerMessage }, (_, index) => {
      const subject = Buffer.from(
        `word${index % entriesPerName}\0spam ${turn} ${index}\0${randomBytes(16).toString('hex')}`,
      );
      const body = { size: 1, type: 'file', sha256: null, time: Date.now() };
      const unsigned = {
        kind: 'posting',
        subject,
        publisher: identity.host,
        sequence: Date.now(),
        expiry: null,
        body,
      } as const;
      return signEntry(unsigned, networkId, identity.sign).bytes;
    });
    await transport.request(contact, recordMessages.put.kind, { entries }, { deadline });
    const headers = Array.from({ length: 32 }, (_, index) => emptyBatch(member, began - turn * 32 - index));
    await transport.request(contact, shareMessages.renew.kind, { headers }, { deadline });
  });
}

/** Reports honest peers dead, gone and moved, and hundreds of arrivals of invented ones. */
export async function pushFalseNews(field: Battlefield): Promise<void> {
  await relentlessly(field, 2, 20, async (turn) => {
    const [member, { contact }] = pair(field, turn);
    const { bits } = member.genesis;
    const incarnation = Date.now();
    const victims = field.targets.map((target) => target.contact);
    const fakes = Array.from({ length: 64 }, () => strangerAt('127.0.0.1:9', bits));
    const ghosts = fakes.map(
      ({ contact: ghost }) => ({ type: 'alive', contact: ghost, virtualNodes: 20, incarnation }) as const,
    );
    const deaths = victims.map((victim) => ({ type: 'dead', contact: victim, virtualNodes: 20, incarnation }) as const);
    const moved = victims.map((victim) => ({ ...ghosts[0]!, contact: { ...victim, addresses: ['127.0.0.1:9'] } }));
    await ask(member, contact, 'gossip', { events: [...deaths, ...moved, ...ghosts] });
    const until = member.members[0]!.id;
    const departures = member.ring
      .filter((one) => one.index === 0)
      .map(({ id }) => ({ first: id, type: 'dead', incarnation }) as const);
    await ask(member, contact, 'events', { until, arrivals: ghosts, departures });
    await ask(member, contact, 'leave', { forGood: true, members: member.ring.map(({ id }) => id).slice(0, 256) });
    await ask(member, contact, 'wake', { members: [], candidates: fakes });
    await ask(member, contact, 'probe', { hosts: fakes.map((fake) => fake.contact) });
    const notices = member.members.map((from, index) => ({ to: member.ring[index]!.id, from }));
    await ask(member, contact, 'notify', { notices });
  });
}

/** Claims that blocks of others are elsewhere, corrupt, or claimed by another publisher. */
export async function pushFalseClaims(field: Battlefield): Promise<void> {
  await relentlessly(field, 2, 10, async (turn) => {
    const [member, { contact }] = pair(field, turn);
    const names = (await namesAt(member, contact)).map((bytes) => readNameEntry(decodeEntry(bytes)));
    if (names.length === 0) return;
    const cids = names.map(({ cid }) => cid.bytes).slice(0, 256);
    const say = (kind: string, body: Wire) =>
      member.transport.request(contact, kind, body, { deadline }).catch(() => field.did('refused'));
    await say(blockMessages.point.kind, { cids, holder: member.identity.host });
    await say(blockMessages.point.kind, { cids, holder: contact.host });
    await say(blockMessages.check.kind, { cids: cids.slice(0, 16) });
    await say(claimMessages.release.kind, {
      names: names.map(({ name }) => [name, Number.MAX_SAFE_INTEGER]).slice(0, 256),
    });
    const claims = names.map(({ name, publisher }) => [publisher, name, Number.MAX_SAFE_INTEGER, 8, 0]);
    await say(blockMessages.claim.kind, {
      blocks: cids.map((cid, index) => ({ cid, claims: [index] })),
      claims: claims.slice(0, 256),
    });
    await say('sync.leaving', { isLeaving: turn % 2 === 0 });
    const everything = [Buffer.alloc(32), Buffer.alloc(32, 0xff)];
    await say('sync.confirm', { ranges: [everything] });
  });
}

export function pair({ members, targets }: Battlefield, turn: number): [HostileMember, Target] {
  return [members[turn % members.length]!, targets[Math.floor(turn / members.length) % targets.length]!];
}

/** The bytes of one page of names that a peer holds, readable by any member. */
export async function namesAt(member: HostileMember, contact: Target['contact']): Promise<readonly Uint8Array[]> {
  const question = { kind: 'name', cursor: null, limit: maxEntriesPerMessage } as const;
  const page = await recordMessages.list.ask(member.transport, contact, question, { deadline });
  return page.entries.filter((bytes) => decodeEntry(bytes).entry.body !== null);
}

export async function* pieces(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}

async function ask<K extends RingMessageKind>(
  member: HostileMember,
  contact: Target['contact'],
  kind: K,
  body: RingAsks[K],
): Promise<void> {
  await member.transport.request(contact, ringKindPrefix + kind, member.codec.encodeAsk(kind, body), { deadline });
}
