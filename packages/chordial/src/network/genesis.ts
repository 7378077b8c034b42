/** The parameters of a network, fixed at its founding. Their hash is the network's id, so they cannot be changed later. */
import { hash, randomBytes } from 'node:crypto';
import { maxSuccessors } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { decode, encode } from './dag-cbor.ts';
import type { AdmissionMode } from './membership.ts';

export interface Genesis {
  readonly version: 2;
  /** Width of identifiers: the ring has 2^bits places; 3 … 256. */
  readonly bits: number;
  /** s: length of a successor list; 1 … 64. */
  readonly successors: number;
  /** r: replicas of a block on distinct hosts; 1 … 8. */
  readonly replicas: number;
  /** w: replicas that must be durable before a write is acknowledged; 1 … r. */
  readonly writeQuorum: number;
  /** `key`: a member's id is derived from its host's key. `chosen`: members choose their id (teaching rings). */
  readonly rule: 'key' | 'chosen';
  /** Admission rule; `classroom` if and only if ids are chosen. */
  readonly admission: AdmissionMode;
  /** The founder's public key: the first admin. 32 bytes. */
  readonly founder: Uint8Array;
  /** SHA-256 of the public recovery key, which replaces admins when too many of them are lost. 32 bytes. */
  readonly recovery: Uint8Array;
  /** 16 random bytes that distinguish networks with equal settings. */
  readonly nonce: Uint8Array;
}

export type Founding = Partial<Omit<Genesis, 'version' | 'nonce' | 'founder' | 'recovery'>>;
export type FoundingKeys = Pick<Genesis, 'founder' | 'recovery'>;

const keyBytes = 32;
/** For networks that do not use them, as in tests: no key has this value. */
const noKeys: FoundingKeys = { founder: new Uint8Array(keyBytes), recovery: new Uint8Array(keyBytes) };
const nonceBytes = 16;
/** Longest genesis that is decoded; a valid one has about 100 bytes. */
const maxGenesisBytes = 1024;

const ranges = { bits: [3, 256], successors: [1, maxSuccessors], replicas: [1, 8], writeQuorum: [1, 8] } as const;
const flags = {
  bits: '--bits',
  successors: '--successors',
  replicas: '--replicas',
  writeQuorum: '--write-quorum',
  rule: '--id',
} as const;

/** A new network. Throws `bad-configuration` naming the flag that is out of range. */
export function found(settings: Founding = {}, { founder, recovery }: FoundingKeys = noKeys): Genesis {
  const rule = settings.rule ?? (settings.admission === 'classroom' ? 'chosen' : 'key');
  const replicas = settings.replicas ?? 3;
  const genesis: Genesis = {
    version: 2,
    bits: settings.bits ?? 256,
    successors: settings.successors ?? 8,
    replicas,
    writeQuorum: settings.writeQuorum ?? Math.min(2, replicas),
    rule,
    admission: settings.admission ?? (rule === 'chosen' ? 'classroom' : 'members'),
    founder,
    recovery,
    nonce: Uint8Array.from(randomBytes(nonceBytes)),
  };
  const fault = faultOf(genesis);
  if (fault !== null) throw new ChordialError('bad-configuration', `A network cannot be founded like this: ${fault}.`);
  return genesis;
}

/** Canonical DAG-CBOR: equal settings have equal bytes. */
export function encodeGenesis(genesis: Genesis): Uint8Array {
  return encode(genesis);
}

/** SHA-256 of the encoded genesis, in hexadecimal. */
export function networkId(genesis: Genesis): string {
  return hash('sha256', encodeGenesis(genesis), 'hex');
}

/** Parses untrusted bytes. Throws `bad-request` with the reason. */
export function decodeGenesis(bytes: Uint8Array): Genesis {
  if (bytes.length > maxGenesisBytes) throw notGenesis(`it has ${bytes.length} bytes`);
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (cause) {
    throw notGenesis('it is not DAG-CBOR', cause);
  }
  const fault = faultOf(value);
  if (fault !== null) throw notGenesis(fault);
  // Unknown fields would be part of the id without being understood here.
  const { version, bits, successors, replicas, writeQuorum, rule, admission, founder, recovery, nonce } =
    value as Genesis;
  const keys = { founder, recovery };
  const genesis: Genesis = { version, bits, successors, replicas, writeQuorum, rule, admission, ...keys, nonce };
  if (Buffer.compare(encodeGenesis(genesis), bytes) !== 0) throw notGenesis('it has fields this version does not know');
  return genesis;
}

/** Flags of `start` must agree with the joined network; throws `genesis-disagrees` naming both values. */
export function checkFlags(genesis: Genesis, given: Founding): void {
  for (const field of Object.keys(flags) as (keyof typeof flags)[]) {
    const wanted = given[field];
    const actual = genesis[field];
    if (wanted === undefined || wanted === actual) continue;
    throw new ChordialError(
      'genesis-disagrees',
      `${flags[field]} asks for ${field} = ${wanted}, but the network was founded with ${field} = ${actual}. Leave the flag out to join it, or found another network without --join in a new data folder.`,
    );
  }
  if (given.admission === undefined || given.admission === genesis.admission) return;
  const message = `--open asks for a network that anyone may join, but this one was founded for ${admissionText[genesis.admission]}. Leave the flag out to join it, or found another network without --join in a new data folder.`;
  throw new ChordialError('genesis-disagrees', message);
}

const admissionText: Readonly<Record<AdmissionMode, string>> = {
  members: 'members that are invited',
  open: 'everybody',
  classroom: 'teaching',
};

function faultOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is not a map';
  const { version, rule, admission, founder, recovery, nonce, ...numbers } = value as Record<string, unknown>;
  if (version !== 2) return `its version is ${String(version)}, this program supports version 2`;
  for (const [field, [least, most]] of Object.entries(ranges)) {
    const number = numbers[field];
    if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > most) {
      return `${field} must be a whole number from ${least} to ${most}, not ${String(number)}`;
    }
  }
  if ((numbers['writeQuorum'] as number) > (numbers['replicas'] as number)) {
    return `writeQuorum (${numbers['writeQuorum']}) is more than replicas (${numbers['replicas']})`;
  }
  if (rule !== 'key' && rule !== 'chosen') return "rule must be 'key' or 'chosen'";
  if (typeof admission !== 'string' || !Object.hasOwn(admissionText, admission)) {
    return `admission must be one of ${Object.keys(admissionText).join(', ')}`;
  }
  if ((admission === 'classroom') !== (rule === 'chosen')) return 'ids are chosen in a classroom, and only there';
  for (const [field, bytes, length] of [
    ['founder', founder, keyBytes],
    ['recovery', recovery, keyBytes],
    ['nonce', nonce, nonceBytes],
  ] as const) {
    if (!(bytes instanceof Uint8Array) || bytes.length !== length) return `${field} must be ${length} bytes`;
  }
  return null;
}

function notGenesis(reason: string, cause?: unknown): ChordialError {
  return new ChordialError(
    'bad-request',
    `This is not the genesis of a network: ${reason}.`,
    cause === undefined ? undefined : { cause },
  );
}
