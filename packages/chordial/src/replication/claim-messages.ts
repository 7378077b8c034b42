/**
 * What is said about claims; docs/wire-format.md says what each message means. A message names each claim once; its blocks
 * refer to them by position.
 */

import type { HostId } from '@chordial/ring';
import { hostId } from '../network/host-id.ts';
import type { Claim } from '../storage/claim-table.ts';
import { Message } from '../wire/message.ts';
import {
  bool,
  convert,
  fileName,
  hex,
  int,
  list,
  listFor,
  map,
  named,
  nullable,
  numbered,
  refine,
  type Schema,
  tuple,
  uint,
  type ValueOf,
} from '../wire/schema.ts';
import { Malformed } from '../wire/transport-error.ts';
import { maxReplicas } from './placement.ts';

/** Per message. With names of 255 bytes they take 350 kB: within one small message, beside its CIDs. */
export const maxClaimsPerMessage = 1024;
/** References in one message, over all its blocks. */
const maxReferencesPerMessage = 16_384;
export const maxNamesPerRelease = 256;
export const maxKeysPerList = 256;
const keyBytes = 32;
/** A century: a clock may be wrong, a number not without bounds. */
const maxIdleSeconds = 100 * 366 * 24 * 3600;

const claim: Schema<Claim> = named(
  'claim',
  convert(
    tuple({
      publisher: hostId,
      name: fileName,
      sequence: uint,
      replicas: int(1, maxReplicas),
      idleSeconds: int(0, maxIdleSeconds),
    }),
    ({ publisher, idleSeconds = 0, ...rest }: Claim) => ({
      ...rest,
      publisher: publisher as HostId,
      idleSeconds: Math.min(idleSeconds, maxIdleSeconds),
    }),
    ({ idleSeconds, ...rest }): Claim => (idleSeconds === 0 ? rest : { ...rest, idleSeconds }),
  ),
);

/** Of things that the same message names. */
export const positions = list(named('position', int(0, 4095)), 4096);
const claims = list(claim, maxClaimsPerMessage);

/** The claims of several blocks, each once, and per block the positions of its own. */
function gather(blocks: readonly (readonly Claim[])[]): {
  readonly claims: readonly Claim[];
  readonly positions: readonly (readonly number[])[];
} {
  const known = new Map<string, number>();
  const all: Claim[] = [];
  const positionOf = (one: Claim): number => {
    const { publisher, name, sequence, replicas, idleSeconds = 0 } = one;
    const text = JSON.stringify([publisher, name, sequence, replicas, Math.min(idleSeconds, maxIdleSeconds)]);
    const position = known.get(text) ?? all.push(one) - 1;
    known.set(text, position);
    return position;
  };
  const found = blocks.map((some) => some.map(positionOf));
  return { claims: all, positions: found };
}

/** What `gather` made: the claims of each block. */
function resolve(
  all: readonly Claim[],
  lists: readonly (readonly number[])[],
  most = maxReferencesPerMessage,
): readonly (readonly Claim[])[] {
  if (lists.reduce((sum, { length }) => sum + length, 0) > most) throw new Malformed('has too many claims');
  return lists.map((some) =>
    some.map((position) => {
      const found = all[position];
      if (found === undefined) throw new Malformed('refers to a claim that is not in it');
      return found;
    }),
  );
}

/** Blocks with their claims, on the wire `{blocks, claims}`. */
export function claimedBlocks<Block extends { readonly claims: readonly Claim[] }>(
  block: Schema<Omit<Block, 'claims'> & { readonly claims: readonly number[] }>,
  most: number,
): Schema<readonly Block[]> {
  return convert(
    map({ blocks: list(block, most, 1), claims }),
    (blocks: readonly Block[]) => {
      const gathered = gather(blocks.map((one) => one.claims));
      return {
        blocks: blocks.map((one, index) => ({ ...one, claims: gathered.positions[index]! })),
        claims: gathered.claims,
      };
    },
    ({ blocks, claims: all }): readonly Block[] => {
      const of = resolve(
        all,
        blocks.map((one) => one.claims),
      );
      return blocks.map((one, index) => ({ ...one, claims: of[index]! }) as unknown as Block);
    },
  );
}

export interface ClaimList {
  /** Entry i belongs to key i of the question; there may be fewer. */
  readonly blocks: readonly (readonly Claim[])[];
  readonly more: boolean;
}

const claimListQuestion = map({ keys: list(hex(keyBytes), maxKeysPerList, 1), after: nullable(claim) });
export type ClaimListQuestion = ValueOf<typeof claimListQuestion>;

const claimList = refine(
  convert(
    map({ blocks: list(positions, maxKeysPerList, 1), claims, more: bool }),
    ({ blocks, more }: ClaimList) => {
      const gathered = gather(blocks);
      return { blocks: gathered.positions, claims: gathered.claims, more };
    },
    ({ blocks, claims: all, more }): ClaimList => ({ blocks: resolve(all, blocks, maxClaimsPerMessage), more }),
  ),
  ({ blocks, more }, { keys }: ClaimListQuestion) => {
    if (blocks.length > keys.length) return 'lists more blocks than were asked for';
    return more && blocks.length === 1 && blocks[0]!.length === 0 ? 'lists nothing and says that there is more' : null;
  },
);

/** Puts of a name below a sequence are over, or the put with the sequence is asked about. */
const endedName = { name: fileName, sequence: uint };
/** What has become of a put: it ended without being committed, goes on, or its name was published. */
const putNews = {
  state: numbered(['over', 'in progress', 'committed']),
  /** Of a committed one, milliseconds since 1970, or null. */
  expiry: nullable(uint),
};
const names = map({ names: list(tuple(endedName), maxNamesPerRelease, 1) });
const told = tuple({ ...endedName, ...putNews });

export type EndedName = Pick<ToldPut, keyof typeof endedName>;
export type PutNews = Pick<ToldPut, keyof typeof putNews>;
export type ToldPut = ValueOf<typeof told>;
export type PutState = PutNews['state'];

export const claimMessages = {
  list: new Message('claims.list', claimListQuestion, claimList),
  release: new Message('claims.release', names, map({})),
  asked: new Message(
    'claims.asked',
    names,
    map({ puts: listFor(tuple(putNews), (question: ValueOf<typeof names>) => question.names.length) }),
  ),
  told: new Message(
    'claims.told',
    map({ puts: list(told, maxNamesPerRelease, 1) }),
    map({ kept: listFor(bool, ({ puts }: { readonly puts: readonly ToldPut[] }) => puts.length) }),
  ),
};
