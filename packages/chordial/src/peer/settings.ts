/**
 * The table of all settings of a peer, each declared once: a flag, an environment variable and a key of chordial.toml of
 * the same name, with its type and parser. The help of `start`, `chordial config` and docs/configuration.md are
 * generated from it.
 */
import { ChordialError } from '../errors.ts';
import { Timetable } from '../flow/timetable.ts';
import { type Address, parseAddress, relayAddress } from '../network/addresses.ts';
import { isMemberName, maxNameCharacters } from '../network/admission.ts';
import { maxZoneCharacters, zoneOfName } from '../network/zones.ts';
import { parseBucketPlace, parseRegion } from '../s3/place.ts';
import { type LogLevel, logLevels } from './event-level.ts';
import { parseDuration, parsePath, parseSize, parseWhole } from './quantities.ts';

interface Declaration {
  /**
   * `path` (`paths`: several) is relative to the folder where it was given; `quantity` may be a number in the file,
   * `yes-no` true or false.
   */
  readonly kind: 'text' | 'path' | 'quantity' | 'list' | 'paths' | 'switch' | 'yes-no';
  /** Argument of the flag; empty for a switch. */
  readonly argument: string;
  readonly description: string;
  /** In display form. */
  readonly whenAbsent: string;
  /** Of a quantity. */
  readonly unit?: SettingUnit;
  /** All values that there are. */
  readonly choices?: readonly string[];
  /** Several of them, separated by commas. */
  readonly takesSeveral?: true;
  /** A value as in the file. */
  readonly value: string;
  /** Its field of the parsed settings where it has another name. */
  readonly field?: string;
  /**
   * Whether a change over the API holds at once, at the next start (default), or is refused: what is settled at the
   * founding, what names files of the machine, and where the API itself is.
   */
  readonly changes?: 'now' | 'never';
  /** Throws `bad-usage`, or `bad-address`, naming `place` and what is allowed. */
  readonly parse: (text: string, place: string) => unknown;
}

/** Sizes and rates are given with K, M, G or T of 1024, times with ms, s, m, h or d. */
export const settingUnits = ['bytes', 'bytes per second', 'milliseconds', 'time'] as const;
export type SettingUnit = (typeof settingUnits)[number];

export const defaultListen = '0.0.0.0:4848';
export const defaultApi = '127.0.0.1:8081';
/** What a door can serve. */
export const serviceNames = ['links', 'gateway', 'dav'] as const;
export type ServiceName = (typeof serviceNames)[number];

const maxGraceMilliseconds = 7 * 24 * 3_600_000;
const minRepairBytesPerSecond = 1024 * 1024;

const address = 'host:port';
const path = { kind: 'path', parse: (text: string, place: string) => parsePath(text, place) } as const;
const size = { kind: 'quantity', argument: 'size', unit: 'bytes', parse: parseSize } as const;
const rate = { ...size, unit: 'bytes per second' } as const;
const onOff = { kind: 'text', argument: 'on|off', choices: ['on', 'off'], parse: onOrOff } as const;
const yesNo = { kind: 'yes-no', argument: 'yes|no', choices: ['yes', 'no'], parse: yesOrNo } as const;
const whole = (min: number, max: number) =>
  ({ kind: 'quantity', parse: (text: string, place: string) => parseWhole(text, place, min, max) }) as const;

const declarations = {
  listen: {
    kind: 'text',
    parse: (text, place) => parsePlacedAddress(text, place, true),
    argument: address,
    description: 'where other peers reach it; port 0 takes any free one',
    whenAbsent: defaultListen,
    value: `"${defaultListen}"`,
  },
  api: {
    kind: 'text',
    parse: (text, place) => parsePlacedAddress(withoutScheme(text), place, true),
    argument: address,
    description: 'address of the API and the page',
    whenAbsent: defaultApi,
    value: `"${defaultApi}"`,
    changes: 'never',
  },
  apiOrigin: {
    kind: 'text',
    parse: origin,
    argument: 'url',
    description: 'origin of the reverse proxy of the API; its callers count as remote',
    whenAbsent: 'none',
    value: '"https://files.example.org"',
    changes: 'never',
  },
  apiTlsCert: {
    ...path,
    argument: 'file',
    description: 'certificates of the API in PEM, for TLS without a proxy',
    whenAbsent: 'none',
    value: '"/etc/chordial/api.pem"',
    changes: 'never',
  },
  apiTlsKey: {
    ...path,
    argument: 'file',
    description: 'private key of the API in PEM',
    whenAbsent: 'none',
    value: '"/etc/chordial/api.key"',
    changes: 'never',
  },
  door: {
    kind: 'text',
    parse: (text, place) => parsePlacedAddress(text, place, true),
    argument: address,
    description: 'address of the door, for people who are no members',
    whenAbsent: 'none',
    value: '"0.0.0.0:8443"',
  },
  serve: {
    kind: 'text',
    parse: serviceList,
    choices: serviceNames,
    takesSeveral: true,
    argument: 'services',
    description: `what the door serves, separated by commas: ${serviceNames.join(', ')}`,
    whenAbsent: 'links',
    value: '"links"',
  },
  tlsCert: {
    ...path,
    argument: 'file',
    description: 'certificates of the door in PEM, read again when they change',
    whenAbsent: 'none',
    value: '"/etc/chordial/door.pem"',
    changes: 'never',
  },
  tlsKey: {
    ...path,
    argument: 'file',
    description: 'private key of the door in PEM',
    whenAbsent: 'none',
    value: '"/etc/chordial/door.key"',
    changes: 'never',
  },
  doorUrl: {
    kind: 'text',
    parse: origin,
    argument: 'url',
    description: 'public URL of the door behind a router or proxy, with which links begin',
    whenAbsent: 'from its address',
    value: '"https://files.example.org"',
  },
  data: {
    ...path,
    argument: 'dir',
    description: 'data folder',
    whenAbsent: 'chordial in the XDG data folder',
    value: '"/var/lib/chordial"',
    changes: 'never',
  },
  join: {
    kind: 'list',
    parse: checkedJoin,
    argument: address,
    description: 'a peer of the network to join; may be repeated',
    whenAbsent: 'none',
    value: '["192.0.2.7:4848"]',
  },
  advertise: {
    kind: 'text',
    parse: checkedAddress,
    argument: address,
    description: 'address announced to others',
    whenAbsent: 'its interface addresses',
    value: '"peer.example.org:4848"',
  },
  lan: {
    ...onOff,
    description: 'find peers on the local network by multicast DNS; not where it listens on loopback',
    whenAbsent: 'on',
    value: '"on"',
  },
  portMapping: {
    ...onOff,
    description:
      'ask the router for a port by PCP, NAT-PMP or UPnP; not with a public address, with advertise, or on loopback',
    whenAbsent: 'on',
    value: '"on"',
  },
  zone: {
    kind: 'text',
    parse: zoneName,
    argument: 'name',
    description: 'what fails together with it, such as a rack or building: copies go to distinct zones first',
    whenAbsent: 'the bucket of its blocks, else the /24 or /56 of its public address',
    value: '"rack-2"',
  },
  name: {
    kind: 'text',
    parse: memberName,
    argument: 'name',
    description: 'its name for other members, when it joins or founds',
    whenAbsent: 'user@host',
    value: '"anna@laptop"',
    changes: 'never',
  },
  quota: {
    ...size,
    description: 'limit on what it stores, such as 50G; 0 stores nothing',
    whenAbsent: 'half of what was free at the first start; 100G in an object store',
    value: '"50G"',
    field: 'quotaBytes',
    changes: 'now',
  },
  blocks: {
    kind: 'text',
    parse: parseBucketPlace,
    argument: 's3://bucket/prefix',
    description: 'object store that holds its large blocks in place of the data folder',
    whenAbsent: 'the data folder',
    value: '"s3://backup/chordial"',
    changes: 'never',
  },
  s3Endpoint: {
    kind: 'text',
    parse: origin,
    argument: 'url',
    description: 'origin of the object store',
    whenAbsent: 'AWS in that region',
    value: '"https://s3.example.org"',
    changes: 'never',
  },
  s3Region: {
    kind: 'text',
    parse: parseRegion,
    argument: 'name',
    description: 'region of the object store, which its signatures name',
    whenAbsent: 'us-east-1',
    value: '"eu-central-1"',
    changes: 'never',
  },
  s3Keys: {
    ...path,
    argument: 'file',
    description: 'keys of the object store as "aws configure" writes them, readable for this user alone',
    whenAbsent: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment',
    value: '"/etc/chordial/s3.keys"',
    changes: 'never',
  },
  cache: {
    ...size,
    description: 'limit on blocks of the object store that are kept in the data folder too; 0: none',
    whenAbsent: '1G',
    value: '"20G"',
    field: 'cacheBytes',
  },
  save: {
    ...path,
    argument: 'dir',
    description: 'where get writes without -o',
    whenAbsent: 'the current folder',
    value: '"/srv/downloads"',
  },
  share: {
    kind: 'paths',
    parse: path.parse,
    argument: 'dir',
    description: 'a folder that is shared in place; may be repeated',
    whenAbsent: 'none',
    value: '["/srv/music"]',
    changes: 'never',
  },
  ping: {
    ...whole(10, 3_600_000),
    unit: 'milliseconds',
    argument: 'ms',
    description: 'milliseconds between heartbeats',
    whenAbsent: '500',
    value: '500',
    field: 'pingMilliseconds',
  },
  grace: {
    kind: 'quantity',
    parse: grace,
    unit: 'time',
    argument: 'time',
    description: 'how long a peer may be absent before its replicas are re-created',
    whenAbsent: '20s',
    value: '"20s"',
    field: 'graceMilliseconds',
  },
  keepOwn: {
    ...yesNo,
    description: 'also keep what it puts itself, while there is room',
    whenAbsent: 'yes; no in teaching rings',
    value: 'true',
    changes: 'now',
  },
  sealed: {
    ...yesNo,
    description: 'what it puts is readable for itself alone, unless a put says otherwise',
    whenAbsent: 'no',
    value: 'false',
    changes: 'now',
  },
  repairRate: {
    ...rate,
    parse: repairRate,
    description: 'limit on bytes per second moved by repair, each way',
    whenAbsent: '100 MB',
    value: '"50M"',
    field: 'repairBytesPerSecond',
    changes: 'now',
  },
  limit: {
    kind: 'text',
    parse: (text, place) => Timetable.parse(text, place),
    argument: 'timetable',
    description: 'limit on bytes per second of files moved: a rate, up:down, off, stop, or a timetable of them',
    whenAbsent: 'off',
    value: '"08:00,512k:2M Mon-18:00,10M 23:00,off"',
    changes: 'now',
  },
  limitLan: {
    ...yesNo,
    description: 'limits peers on the LAN and on this machine too',
    whenAbsent: 'no',
    value: 'false',
    changes: 'now',
  },
  relayRate: {
    ...rate,
    description: 'bytes per second copied for peers that others cannot dial; 0: none',
    whenAbsent: '10 MB',
    value: '"10M"',
    field: 'relayBytesPerSecond',
    changes: 'now',
  },
  scrub: {
    ...rate,
    description: 'bytes re-read per second to detect disk corruption; 0: none',
    whenAbsent: '8 MB; none in an object store',
    value: '"8M"',
    field: 'scrubBytesPerSecond',
  },
  logLevel: {
    kind: 'text',
    parse: level,
    choices: logLevels,
    argument: 'level',
    description: 'minimum level that start prints: debug, info, warn or error',
    whenAbsent: 'info',
    value: '"info"',
  },
  virtualNodes: {
    ...whole(1, 64),
    argument: 'v',
    description: 'places on the ring, more than successors and up to 64',
    whenAbsent: '12',
    value: '12',
  },
  replicas: {
    ...whole(1, 8),
    argument: 'n',
    description: 'copies of a block, 1 to 8 (founding)',
    whenAbsent: '3',
    value: '3',
    changes: 'never',
  },
  writeQuorum: {
    ...whole(1, 8),
    argument: 'n',
    description: 'copies that acknowledge a put (founding)',
    whenAbsent: '2',
    value: '2',
    changes: 'never',
  },
  successors: {
    ...whole(1, 64),
    argument: 's',
    description: 'length of the successor list, 1 to 64 (founding)',
    whenAbsent: '8',
    value: '8',
    changes: 'never',
  },
  bits: {
    ...whole(3, 256),
    argument: 'm',
    description: 'width of ids, 3 to 256 (founding)',
    whenAbsent: '256',
    value: '256',
    changes: 'never',
  },
  id: {
    kind: 'quantity',
    parse: chosenId,
    argument: 'n',
    description: 'chosen place in a teaching ring, decimal',
    whenAbsent: 'from the key',
    value: '14',
    changes: 'never',
  },
  open: {
    kind: 'switch',
    parse: yesOrNo,
    argument: '',
    description: 'found a network that anyone may join without an invite',
    whenAbsent: 'no',
    value: 'true',
    changes: 'never',
  },
} as const satisfies Readonly<Record<string, Declaration>>;

type Declarations = typeof declarations;
export type SettingKey = keyof Declarations;
export type SettingValue = string | boolean | readonly string[];

/** Settings as text from flags, environment and file; `parseConfiguration` parses them. */
export type ConfigurationText = { readonly [K in SettingKey]?: As<Declarations[K]['kind'], string> };

/** Settings as parsed, under their fields. */
export type Settings = {
  readonly [K in SettingKey as FieldOf<K>]?: As<Declarations[K]['kind'], ReturnType<Declarations[K]['parse']>>;
};

type As<Kind, One> = Kind extends 'switch' ? boolean : Kind extends 'list' | 'paths' ? readonly One[] : One;
type FieldOf<K extends SettingKey> = Declarations[K] extends { readonly field: infer F extends string } ? F : K;

export interface EffectiveSetting {
  readonly key: SettingKey;
  /** Null when not given. */
  readonly value: SettingValue | null;
  /** `--ping`, `CHORDIAL_PING`, `/etc/chordial.toml line 3`, `default`. */
  readonly source: string;
}

export interface Setting extends Omit<Declaration, 'value'> {
  readonly key: SettingKey;
  readonly field: string;
  /** A line of the file. */
  readonly example: string;
}

export const settings: readonly Setting[] = Object.entries<Declaration>(declarations).map(
  ([name, { value, ...rest }]) => {
    const key = name as SettingKey;
    return { field: key, ...rest, key, example: `${settingName(key)} = ${value}` };
  },
);

/** Each setting by itself; what holds between several is for the caller to check. */
export function parseSettingTexts(text: ConfigurationText, place: (key: SettingKey) => string): Settings {
  const parsed: Record<string, unknown> = {};
  for (const { key, field, parse } of settings) {
    const given: SettingValue | undefined = text[key];
    if (typeof given === 'string') parsed[field] = parse(given, place(key));
    else if (typeof given === 'object') parsed[field] = given.map((one) => parse(one, place(key)));
    else if (given !== undefined) parsed[field] = given;
  }
  return parsed;
}

/** `virtual-nodes`: the flag without its dashes, and the key of the file. */
export function settingName(key: SettingKey): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `CHORDIAL_VIRTUAL_NODES`. */
export function settingVariable(key: SettingKey): string {
  return `CHORDIAL_${settingName(key).replaceAll('-', '_').toUpperCase()}`;
}

export function settingFlag(key: SettingKey): string {
  return `--${settingName(key)}`;
}

function checkedAddress(text: string, place: string): string {
  parsePlacedAddress(text, place, false);
  return text;
}

/** Invites of hidden peers lead to their relays. */
function checkedJoin(text: string, place: string): string {
  parsePlacedAddress(relayAddress(text)?.at ?? text, place, false);
  return text;
}

function chosenId(text: string, place: string): bigint {
  // 2^256 has 78 decimal digits.
  if (/^\d{1,78}$/.test(text)) return BigInt(text);
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} is not an id. Give a decimal number from 0 to 2^bits − 1.`,
  );
}

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

function parsePlacedAddress(text: string, place: string, anyPort: boolean): Address {
  try {
    return parseAddress(text, anyPort);
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    throw new ChordialError('bad-address', `${place}: ${error.message}`, { cause: error });
  }
}

/** The other commands take a URL for `--api`, so people write one here as well. */
function withoutScheme(api: string): string {
  return api.replace(/^http:\/\/([^/]+)\/?$/, '$1');
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

function serviceList(text: string, place: string): readonly ServiceName[] {
  const given = text.split(',').map((one) => one.trim());
  const known = serviceNames.filter((name) => given.includes(name));
  if (given.every((one) => known.some((name) => name === one))) return known;
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} names what no door serves. Give one or several of ${serviceNames.join(', ')}, separated by commas.`,
  );
}

function yesOrNo(text: string, place: string): boolean {
  if (text === 'yes' || text === 'no') return text === 'yes';
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} is neither yes nor no. Give one of them.`,
  );
}

function onOrOff(text: string, place: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} is neither on nor off. Give one of them.`,
  );
}

function level(text: string, place: string): LogLevel {
  const found = logLevels.find((one) => one === text);
  if (found !== undefined) return found;
  const shown = JSON.stringify(text.slice(0, 80));
  throw new ChordialError('bad-usage', `${place} ${shown} is not a level. Give one of ${logLevels.join(', ')}.`);
}

function memberName(text: string, place: string): string {
  if (isMemberName(text)) return text;
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} is not a name. Give 1 to ${maxNameCharacters} printable characters, for example anna@laptop.`,
  );
}

function zoneName(text: string, place: string): string {
  const zone = zoneOfName(text);
  if (zone !== null) return zone;
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} is not a zone. Give 1 to ${maxZoneCharacters} letters, digits, dots, hyphens and underscores, the first a letter or digit, for example rack-2.`,
  );
}
