/** False answers of a hostile member: well-formed but wrong, or malformed. */
import { randomBytes, randomInt } from 'node:crypto';
import { type Contact, type FindAnswer, type MemberPointer, paddingAfter, type RingAnswers } from '@chordial/ring';
import { memberId } from '../../src/network/host-id.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { ringKindPrefix } from '../../src/network/ring-network.ts';
import type { OutgoingStream, Wire } from '../../src/network/transport.ts';
import { recordMessages } from '../../src/records/record-messages.ts';
import { shareMessages } from '../../src/records/share-messages.ts';
import { absentSize, blockMessages } from '../../src/replication/block-messages.ts';
import { syncMessages } from '../../src/replication/sync-messages.ts';
import { searchMessages } from '../../src/search/search-messages.ts';
import { forgedEntries } from './forgeries.ts';
import type { HostileMember, Lie } from './hostile-member.ts';
import { nonsense } from './nonsense.ts';

const find = `${ringKindPrefix}find`;
const getState = `${ringKindPrefix}getState`;
const likelySize = 4096;

/** Claims every block and serves garbage. */
export function wrongBlocks({ hoard }: HostileMember): Lie {
  const pretended = (sizes: readonly number[]) => sizes.map((size) => (size === absentSize ? likelySize : size));
  return {
    request: (_, kind, body) => {
      if (kind === blockMessages.has.kind)
        return Promise.resolve(
          blockMessages.has.encodeAnswer({ sizes: pretended(hoard.sizes(body)), cached: new Set() }),
        );
      if (kind === syncMessages.compare.kind) return Promise.resolve(allTheSame(body));
      return null;
    },
    stream: (_, kind, { header }) => {
      if (kind !== blockMessages.get.kind) return null;
      const sizes = pretended(hoard.sizes(header));
      return Promise.resolve({ header: blockMessages.get.encodeAnswer({ sizes }), payload: rubbish(sizes) });
    },
  };
}

/** Claims to own every key, like its accomplices. */
export function ownsEverything(member: HostileMember, accomplices: readonly Contact[]): Lie {
  const own = [...member.members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const [me] = own as [MemberPointer];
  const { bits, successors } = member.genesis;
  const others = member.ring.filter(({ contact }) => accomplices.some(({ host }) => host === contact.host));
  return findLie(member, (keys) =>
    keys.map((key): FindAnswer => {
      const owner = own.find(({ id }) => id >= key) ?? me;
      const list = [...others, ...own].filter(({ id }) => id !== owner.id).slice(0, successors);
      while (list.length < successors) list.push(paddingAfter((list.at(-1) ?? owner).id, bits) as MemberPointer);
      // The whole ring from its own place on.
      const predecessor = { ...owner };
      return { owned: { owner, predecessor, successors: list }, guesses: [], closer: [] };
    }),
  );
}

/** Names only members that do not exist. */
export function pointsToNoOne(member: HostileMember): Lie {
  return findLie(member, (keys) =>
    keys.map(() => ({
      owned: null,
      guesses: strangers(member, 8, deadAddress),
      closer: strangers(member, 8, deadAddress),
    })),
  );
}

/** Always names a closer unknown member, at the address of another host. */
export function redirectsForEver(member: HostileMember): Lie {
  const { listening } = member.transport;
  return findLie(member, (keys) =>
    keys.map(() => ({
      owned: null,
      guesses: strangers(member, 8, listening),
      closer: strangers(member, 8, listening),
    })),
  );
}

/** Claims to be alone on the ring. */
export function falseStates(member: HostileMember): Lie {
  const { bits, successors } = member.genesis;
  return {
    request: (_, kind, body) => {
      if (kind !== getState) return null;
      const { members } = member.codec.decodeAsk('getState', body, member.transport.self);
      const states = members.map((id): RingAnswers['getState']['states'][number] => {
        const me = member.members.find((own) => own.id === id);
        if (me === undefined) return { status: 'not-member' };
        const list = strangers(member, successors, deadAddress);
        return {
          status: 'member',
          state: { me, predecessor: strangerAt(deadAddress, bits), successors: list, epoch: randomInt(2 ** 31) },
        };
      });
      return Promise.resolve(member.codec.encodeAnswer('getState', { states }));
    },
  };
}

/** Serves false records of honest publishers in endless pages. */
export function forgesRecords(member: HostileMember): Lie {
  return {
    request: (_, kind, body) => {
      if (kind === recordMessages.get.kind) {
        const { keys } = recordMessages.get.decode(body);
        const entries = keys.map((key) => [
          ...forgedEntries(member, member.hoard.entries.get(key) ?? []),
          randomBytes(200),
        ]);
        const more = keys.map(() => (keys.length === 1 ? `name/${randomBytes(20).toString('hex')}` : null));
        return Promise.resolve(recordMessages.get.encodeAnswer({ entries, more, unknown: keys.map(() => false) }));
      }
      if (kind === shareMessages.get.kind) {
        const leaves = [{ batch: 0, place: 0, bytes: randomBytes(500), proof: randomBytes(64) }];
        return Promise.resolve(
          shareMessages.get.encodeAnswer({
            headers: [randomBytes(300)],
            leaves,
            more: randomInt(2 ** 40),
            unknown: false,
          }),
        );
      }
      if (kind === searchMessages.count.kind) return Promise.resolve({ counts: [0], split: [false] });
      if (kind === searchMessages.query.kind) return Promise.resolve({ hits: [], total: 1_000_000, split: false });
      return null;
    },
  };
}

/** Answers no question; its streams drip for ever. */
export function neverEnds(): Lie {
  return {
    request: (_, kind) => (kind.startsWith(ringKindPrefix) ? null : new Promise<never>(() => {})),
    stream: (_, kind, { header }) => {
      if (kind !== blockMessages.get.kind) return new Promise<never>(() => {});
      const { length } = blockMessages.get.decode(header).cids;
      return Promise.resolve({
        header: blockMessages.get.encodeAnswer({ sizes: Array.from({ length }, () => likelySize) }),
        payload: drip(),
      });
    },
  };
}

/** Sends far more than declared. */
export function floodsAnswers(): Lie {
  return {
    request: () => null,
    stream: (_, kind, { header }) => {
      if (kind !== blockMessages.get.kind) return null;
      const { length } = blockMessages.get.decode(header).cids;
      return Promise.resolve({
        header: blockMessages.get.encodeAnswer({ sizes: Array.from({ length }, () => 16) }),
        payload: endless(),
      });
    },
  };
}

/** Garbage instead of answers. */
export function answersNonsense(): Lie {
  return {
    request: () => Promise.resolve(nonsense()),
    stream: (): Promise<OutgoingStream> =>
      Promise.resolve({ header: nonsense(), payload: rubbish([randomInt(100_000)]) }),
  };
}

/** A closed port of this machine. */
const deadAddress = '127.0.0.1:9';

function strangers(member: HostileMember, count: number, address: string): MemberPointer[] {
  const { bits } = member.genesis;
  return Array.from({ length: count }, () => strangerAt(address, bits));
}

export function strangerAt(address: string, bits: number): MemberPointer {
  const { host, publicKey } = createIdentity();
  return { id: memberId(publicKey, 0, bits), contact: { host, addresses: [address] }, index: 0 };
}

function findLie(member: HostileMember, answer: (keys: readonly MemberPointer['id'][]) => readonly FindAnswer[]): Lie {
  return {
    request: (_, kind, body) => {
      if (kind !== find) return null;
      const { keys } = member.codec.decodeAsk('find', body, member.transport.self);
      return Promise.resolve(member.codec.encodeAnswer('find', { found: answer(keys) }));
    },
  };
}

function allTheSame(body: Wire): Wire {
  const { ranges } = syncMessages.compare.decode(body);
  return syncMessages.compare.encodeAnswer({ answers: ranges.map(() => ({ differs: null, confirmed: 'sure' })) });
}

async function* rubbish(sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) if (size > 0) yield randomBytes(size);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  const piece = randomBytes(64 * 1024);
  for (;;) yield piece;
}

async function* drip(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield Uint8Array.of(0);
    await new Promise((resolve) => setTimeout(resolve, 200).unref());
  }
}
