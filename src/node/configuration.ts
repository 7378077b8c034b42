/** Everything that a peer is started with, checked before anything is opened: flags and environment as one value. */
import { homedir } from 'node:os';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { type Address, isLoopback, parseAddress } from '../network/addresses.ts';
import type { PeerEvent } from './peer.ts';
import { parseSize, parseWhole } from './quantities.ts';

export interface OtherMachine {
  /** Whether a peer at this address has no more rights than one of another machine. */
  readonly treatAsRemote: (address: string) => boolean;
  /** From which local address to dial. */
  readonly dialFrom?: string;
}

export interface PeerConfiguration {
  /** Port 0: any free one. */
  readonly listen: Address;
  readonly api: Address;
  /** Absolute path. */
  readonly data: string;
  /** Members to join through, tried in this order; empty founds a network or returns to the one of the data folder. */
  readonly join: readonly string[];
  readonly replicas?: number;
  readonly writeQuorum?: number;
  readonly pingMilliseconds?: number;
  readonly virtualNodes?: number;
  readonly successors?: number;
  readonly bits?: number;
  /** A chosen place in a teaching ring; checked against the width of the ring when it is known. */
  readonly id?: bigint;
  /** HOST:PORT that others are told to dial. */
  readonly advertise?: string;
  /** 0 makes a client that stores nothing. */
  readonly quotaBytes?: number;
  /** How fast the disk is looked through for damage; 0: not at all. */
  readonly scrubBytesPerSecond?: number;
  /** Absolute path of the folder that `get` writes to without -o. */
  readonly save?: string;
  /** Absolute path of a file that holds the network's secret. */
  readonly secretFile?: string;
  readonly open?: boolean;
  readonly zone?: string;
  readonly apiToken?: string;
  /** Told what happens from the first moment on, also while startPeer is still joining. */
  readonly onEvent?: (event: PeerEvent) => void;
  /** How a test stands for another machine on this one; no flag sets it. */
  readonly otherMachine?: OtherMachine;
  /** Gives up a start that is still under way. */
  readonly signal?: AbortSignal;
}

/** The same as text, as flags and environment give it. */
export interface ConfigurationText {
  readonly listen?: string;
  readonly api?: string;
  readonly data?: string;
  readonly join?: readonly string[];
  readonly replicas?: string;
  readonly writeQuorum?: string;
  readonly ping?: string;
  readonly virtualNodes?: string;
  readonly successors?: string;
  readonly bits?: string;
  readonly id?: string;
  readonly advertise?: string;
  readonly quota?: string;
  readonly scrub?: string;
  readonly save?: string;
  readonly secret?: string;
  readonly open?: boolean;
  readonly zone?: string;
}

export const defaultListen = '0.0.0.0:4848';
export const defaultApi = '127.0.0.1:8081';
/** More would make the first join slow to fail and help nobody: one live member is enough. */
const maximumJoinAddresses = 64;
const maximumZoneCharacters = 64;

/** `$XDG_DATA_HOME/chordial`, by default `~/.local/share/chordial`. */
export function defaultDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment['XDG_DATA_HOME'];
  // The XDG specification tells programs to ignore a relative one.
  const root = base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.local', 'share');
  return path.join(root, 'chordial');
}

/** Throws `bad-usage`, or `bad-address` for addresses, naming the flag and what would be right. */
export function parseConfiguration(text: ConfigurationText): PeerConfiguration {
  const replicas = whole(text.replicas, '--replicas', 1, 8);
  const writeQuorum = whole(text.writeQuorum, '--write-quorum', 1, 8);
  if (replicas !== undefined && writeQuorum !== undefined && writeQuorum > replicas) {
    throw new ChordialError(
      'bad-usage',
      `--write-quorum ${writeQuorum} is more than --replicas ${replicas}: a write would wait for copies that are never made. Give at most ${replicas}.`,
    );
  }
  const join = text.join ?? [];
  if (join.length > maximumJoinAddresses) {
    throw new ChordialError('bad-usage', `--join is given ${join.length} times. Give at most ${maximumJoinAddresses}.`);
  }
  const bits = whole(text.bits, '--bits', 3, 256);
  return {
    listen: address(text.listen ?? defaultListen, '--listen', true),
    api: address(text.api ?? defaultApi, '--api', true),
    data: path.resolve(text.data ?? defaultDataFolder()),
    join: join.map((one) => {
      address(one, '--join', false);
      return one;
    }),
    ...present('replicas', replicas),
    ...present('writeQuorum', writeQuorum),
    ...present('pingMilliseconds', whole(text.ping, '--ping', 10, 3_600_000)),
    ...present('virtualNodes', whole(text.virtualNodes, '--virtual-nodes', 1, 64)),
    ...present('successors', whole(text.successors, '--successors', 1, 64)),
    ...present('bits', bits),
    ...present('id', chosenId(text.id, bits)),
    ...present('advertise', advertised(text.advertise)),
    ...present('quotaBytes', text.quota === undefined ? undefined : parseSize(text.quota, '--quota')),
    ...present('scrubBytesPerSecond', text.scrub === undefined ? undefined : parseSize(text.scrub, '--scrub')),
    ...present('save', text.save === undefined ? undefined : path.resolve(text.save)),
    ...present('secretFile', text.secret === undefined ? undefined : path.resolve(text.secret)),
    ...present('open', text.open),
    ...present('zone', zoneName(text.zone)),
  };
}

/** Whether other machines reach the API, so that a token must guard it. */
export function isBeyondLoopback(api: Address): boolean {
  return !isLoopback(api.host);
}

function address(text: string, flag: string, anyPort: boolean): Address {
  try {
    return parseAddress(text, anyPort);
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    throw new ChordialError('bad-address', `${flag}: ${error.message}`, { cause: error });
  }
}

function advertised(text: string | undefined): string | undefined {
  if (text !== undefined) address(text, '--advertise', false);
  return text;
}

function whole(text: string | undefined, flag: string, least: number, most: number): number | undefined {
  return text === undefined ? undefined : parseWhole(text, flag, least, most);
}

function chosenId(text: string | undefined, bits: number | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  // 2^256 has 78 decimal digits.
  if (!/^\d{1,78}$/.test(text)) {
    throw new ChordialError(
      'bad-usage',
      `--id ${JSON.stringify(text.slice(0, 80))} is not an id. Give a decimal number from 0 to 2^bits − 1.`,
    );
  }
  const id = BigInt(text);
  if (bits !== undefined && id >> BigInt(bits) !== 0n) {
    throw new ChordialError(
      'bad-usage',
      `--id ${id} does not fit into --bits ${bits}. Give a number from 0 to ${2n ** BigInt(bits) - 1n}, or more bits.`,
    );
  }
  return id;
}

function zoneName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text === '' || text.length > maximumZoneCharacters || /\p{Cc}/u.test(text)) {
    throw new ChordialError(
      'bad-usage',
      `--zone ${JSON.stringify(text.slice(0, 80))} is not a zone. Give 1 to ${maximumZoneCharacters} printable characters, for example rack-2.`,
    );
  }
  return text;
}

/** With exactOptionalPropertyTypes an absent field must be left out, not set to undefined. */
function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}
