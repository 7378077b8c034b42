/** Everything that a peer is started with, from flags and environment, validated before anything is opened. */
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { type Address, parseAddress } from '../network/addresses.ts';
import { isMemberName, maxNameCharacters } from '../network/admission.ts';
import type { Invite } from '../network/invite.ts';
import { homeFolder } from '../storage/runtime-folder.ts';
import { type LogLevel, logLevels } from './event-level.ts';
import type { PeerEvent } from './peer.ts';
import { parseDuration, parsePath, parseSize, parseWhole } from './quantities.ts';
import { type ConfigurationText, defaultApi, defaultListen, type SettingKey, settingFlag } from './settings.ts';

export interface OtherMachine {
  /** Whether a peer at this address counts as remote. */
  readonly treatAsRemote: (address: string) => boolean;
  /** Local address for outgoing connections. */
  readonly dialFrom?: string;
}

export interface PeerConfiguration {
  /** Port 0: any free one. */
  readonly listen: Address;
  readonly api: Address;
  /** `https://NAME` of a reverse proxy. */
  readonly apiOrigin?: string;
  /** Absolute paths of PEM files; both or none. */
  readonly apiTlsCert?: string;
  readonly apiTlsKey?: string;
  /** Absolute path. */
  readonly data: string;
  /** Members to join through, tried in order; empty founds a network or returns to that of the data folder. */
  readonly join: readonly string[];
  readonly replicas?: number;
  readonly writeQuorum?: number;
  readonly pingMilliseconds?: number;
  readonly virtualNodes?: number;
  readonly successors?: number;
  readonly bits?: number;
  /** A chosen place in a teaching ring; checked against the ring's width once known. */
  readonly id?: bigint;
  /** HOST:PORT announced to others. */
  readonly advertise?: string;
  /** 0 makes a client that stores nothing. */
  readonly quotaBytes?: number;
  /** How long a host may be away before its replicas are replaced. */
  readonly graceMilliseconds?: number;
  /** Blocks of its own puts also stay here while there is room; default true, false in teaching rings. */
  readonly keepOwn?: boolean;
  readonly repairBytesPerSecond?: number;
  /** Rate of the disk scrub; 0: off. */
  readonly scrubBytesPerSecond?: number;
  /** Absolute path of the folder that `get` writes to without -o. */
  readonly save?: string;
  /** Absolute paths of folders shared from the start. */
  readonly share?: readonly string[];
  /** As seen by other members; fixed at the join. */
  readonly name?: string;
  readonly open?: boolean;
  /** The network to join; any other is refused. */
  readonly invite?: Invite;
  /** Receives the recovery key of a network that is founded; it is not stored. */
  readonly onRecoveryKey?: (key: string) => void;
  readonly zone?: string;
  readonly apiToken?: string;
  /** Receives events from the start, also while startPeer is still joining. */
  readonly onEvent?: (event: PeerEvent) => void;
  /** Minimum level that is printed; default info. */
  readonly logLevel?: LogLevel;
  /** Lets a test stand for another machine; no flag sets it. */
  readonly otherMachine?: OtherMachine;
  /** Cancels a start in progress. */
  readonly signal?: AbortSignal;
}

/** More would slow down a failing join for no benefit: one live member suffices. */
const maxJoinAddresses = 64;
const maxZoneCharacters = 64;
const maxGraceMilliseconds = 7 * 24 * 3_600_000;
const minRepairBytesPerSecond = 1024 * 1024;

/** `$XDG_DATA_HOME/chordial`, by default `~/.local/share/chordial`. Throws `bad-usage` for a user without a home. */
export function defaultDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment['XDG_DATA_HOME'];
  // The XDG specification says to ignore relative paths.
  if (base !== undefined && path.isAbsolute(base)) return path.join(base, 'chordial');
  const home = homeFolder();
  if (home !== null) return path.join(home, '.local', 'share', 'chordial');
  const message =
    'This user has no home folder, so there is no place for the data of a peer by default. Name the folder with --data, or a running peer with --api URL.';
  throw new ChordialError('bad-usage', message);
}

/**
 * Throws `bad-usage`, or `bad-address` for addresses, naming where the bad value is and what is valid. `place` names
 * the source of a setting: its flag by default.
 */
export function parseConfiguration(
  text: ConfigurationText,
  place: (key: SettingKey) => string = settingFlag,
): PeerConfiguration {
  const whole = (key: TextKey, least: number, most: number) =>
    mapped(text[key], (value) => parseWhole(value, place(key), least, most));
  const size = (key: TextKey) => mapped(text[key], (value) => parseSize(value, place(key)));
  const replicas = whole('replicas', 1, 8);
  const writeQuorum = whole('writeQuorum', 1, 8);
  if (replicas !== undefined && writeQuorum !== undefined && writeQuorum > replicas) {
    throw new ChordialError(
      'bad-usage',
      `${place('writeQuorum')} ${writeQuorum} is more than ${place('replicas')} ${replicas}: a write would wait for copies that are never made. Give at most ${replicas}.`,
    );
  }
  const join = text.join ?? [];
  if (join.length > maxJoinAddresses) {
    const given = `${place('join')} is given ${join.length} times`;
    throw new ChordialError('bad-usage', `${given}. Give at most ${maxJoinAddresses}.`);
  }
  for (const one of join) address(one, place('join'), false);
  if (text.advertise !== undefined) address(text.advertise, place('advertise'), false);
  const bits = whole('bits', 3, 256);
  return {
    listen: address(text.listen ?? defaultListen, place('listen'), true),
    api: address(withoutScheme(text.api ?? defaultApi), place('api'), true),
    ...present(
      'apiOrigin',
      mapped(text.apiOrigin, (value) => origin(value, place('apiOrigin'))),
    ),
    ...tlsFiles(text, place),
    data: text.data === undefined ? defaultDataFolder() : parsePath(text.data, place('data')),
    join,
    ...present('replicas', replicas),
    ...present('writeQuorum', writeQuorum),
    ...present('pingMilliseconds', whole('ping', 10, 3_600_000)),
    ...present('virtualNodes', whole('virtualNodes', 1, 64)),
    ...present('successors', whole('successors', 1, 64)),
    ...present('bits', bits),
    ...present(
      'id',
      mapped(text.id, (value) => chosenId(value, bits, place)),
    ),
    ...present('advertise', text.advertise),
    ...present('quotaBytes', size('quota')),
    ...present(
      'graceMilliseconds',
      mapped(text.grace, (value) => grace(value, place('grace'))),
    ),
    ...present(
      'keepOwn',
      mapped(text.keepOwn, (value) => yesOrNo(value, place('keepOwn'))),
    ),
    ...present(
      'repairBytesPerSecond',
      mapped(text.repairRate, (value) => repairRate(value, place('repairRate'))),
    ),
    ...present(
      'logLevel',
      mapped(text.logLevel, (value) => level(value, place('logLevel'))),
    ),
    ...present('scrubBytesPerSecond', size('scrub')),
    ...present(
      'save',
      mapped(text.save, (value) => parsePath(value, place('save'))),
    ),
    ...present(
      'share',
      text.share?.map((one) => parsePath(one, place('share'))),
    ),
    ...present(
      'name',
      mapped(text.name, (value) => memberName(value, place('name'))),
    ),
    ...present('open', text.open),
    ...present(
      'zone',
      mapped(text.zone, (value) => zoneName(value, place('zone'))),
    ),
  };
}

type TextKey = Exclude<SettingKey, 'join' | 'share' | 'open'>;

function origin(text: string, place: string): string {
  const url = URL.parse(text);
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  const isBare = url?.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (url !== null && isHttp && isBare) return url.origin;
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 261))} is not an origin. Give what browsers have before the path, for example https://files.example.org.`,
  );
}

function tlsFiles(
  { apiTlsCert, apiTlsKey }: ConfigurationText,
  place: (key: SettingKey) => string,
): Pick<PeerConfiguration, 'apiTlsCert' | 'apiTlsKey'> {
  if (apiTlsCert === undefined && apiTlsKey === undefined) return {};
  if (apiTlsCert !== undefined && apiTlsKey !== undefined) {
    return { apiTlsCert: path.resolve(apiTlsCert), apiTlsKey: path.resolve(apiTlsKey) };
  }
  const [given, missing] = apiTlsCert === undefined ? ['apiTlsKey', 'apiTlsCert'] : ['apiTlsCert', 'apiTlsKey'];
  throw new ChordialError(
    'bad-usage',
    `${place(given as SettingKey)} is given without ${place(missing as SettingKey)}. Give both, a certificate and its key.`,
  );
}

function address(text: string, place: string, anyPort: boolean): Address {
  try {
    return parseAddress(text, anyPort);
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    throw new ChordialError('bad-address', `${place}: ${error.message}`, { cause: error });
  }
}

function grace(text: string, place: string): number {
  const milliseconds = parseDuration(text, place);
  if (milliseconds <= maxGraceMilliseconds) return milliseconds;
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text)} is too long: files would have too few copies for days. Give at most 7d.`,
  );
}

/** Less would never catch up with what a failed disk held. */
function repairRate(text: string, place: string): number {
  const bytes = parseSize(text, place);
  if (bytes >= minRepairBytesPerSecond) return bytes;
  throw new ChordialError('bad-usage', `${place} ${JSON.stringify(text)} is too little. Give at least 1M per second.`);
}

function yesOrNo(text: string, place: string): boolean {
  if (text === 'yes' || text === 'no') return text === 'yes';
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} is neither yes nor no. Give one of them.`,
  );
}

function level(text: string, place: string): LogLevel {
  const found = logLevels.find((one) => one === text);
  if (found !== undefined) return found;
  const shown = JSON.stringify(text.slice(0, 80));
  throw new ChordialError('bad-usage', `${place} ${shown} is not a level. Give one of ${logLevels.join(', ')}.`);
}

function chosenId(text: string, bits: number | undefined, place: (key: SettingKey) => string): bigint {
  // 2^256 has 78 decimal digits.
  if (!/^\d{1,78}$/.test(text)) {
    throw new ChordialError(
      'bad-usage',
      `${place('id')} ${JSON.stringify(text.slice(0, 80))} is not an id. Give a decimal number from 0 to 2^bits − 1.`,
    );
  }
  const id = BigInt(text);
  if (bits !== undefined && id >> BigInt(bits) !== 0n) {
    throw new ChordialError(
      'bad-usage',
      `${place('id')} ${id} does not fit into ${place('bits')} ${bits}. Give a number from 0 to ${2n ** BigInt(bits) - 1n}, or more bits.`,
    );
  }
  return id;
}

/** The other commands take a URL for `--api`, so people write one here as well. */
function withoutScheme(api: string): string {
  return api.replace(/^http:\/\/([^/]+)\/?$/, '$1');
}

function memberName(text: string, place: string): string {
  if (isMemberName(text)) return text;
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} is not a name. Give 1 to ${maxNameCharacters} printable characters, for example anna@laptop.`,
  );
}

function zoneName(text: string, place: string): string {
  if (text === '' || text.length > maxZoneCharacters || /\p{Cc}/u.test(text)) {
    throw new ChordialError(
      'bad-usage',
      `${place} ${JSON.stringify(text.slice(0, 80))} is not a zone. Give 1 to ${maxZoneCharacters} printable characters, for example rack-2.`,
    );
  }
  return text;
}

function mapped<A, B>(value: A | undefined, map: (value: A) => B): B | undefined {
  return value === undefined ? undefined : map(value);
}

/** With exactOptionalPropertyTypes an absent field must be omitted, not undefined. */
function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}
