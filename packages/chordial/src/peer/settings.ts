/**
 * The table of all settings of a peer, each declared once: a flag, an environment variable and a key of chordial.toml of
 * the same name, with its type and parser. The help of `start`, `chordial config` and docs/configuration.md are
 * generated from it.
 */
import { ChordialError } from '../errors.ts';
import { type Address, parseAddress } from '../network/addresses.ts';
import { isMemberName, maxNameCharacters } from '../network/admission.ts';
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
  /** A value as in the file. */
  readonly value: string;
  /** Its field of the parsed settings where it has another name. */
  readonly field?: string;
  /** Throws `bad-usage`, or `bad-address`, naming `place` and what is allowed. */
  readonly parse: (text: string, place: string) => unknown;
}

export const defaultListen = '0.0.0.0:4848';
export const defaultApi = '127.0.0.1:8081';

const maxZoneCharacters = 64;
const maxGraceMilliseconds = 7 * 24 * 3_600_000;
const minRepairBytesPerSecond = 1024 * 1024;

const address = 'host:port';
const path = { kind: 'path', parse: (text: string, place: string) => parsePath(text, place) } as const;
const size = { kind: 'quantity', argument: 'size', parse: parseSize } as const;
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
  },
  apiOrigin: {
    kind: 'text',
    parse: origin,
    argument: 'url',
    description: 'origin of the reverse proxy of the API; its callers count as remote',
    whenAbsent: 'none',
    value: '"https://files.example.org"',
  },
  apiTlsCert: {
    ...path,
    argument: 'file',
    description: 'certificates of the API in PEM, for TLS without a proxy',
    whenAbsent: 'none',
    value: '"/etc/chordial/api.pem"',
  },
  apiTlsKey: {
    ...path,
    argument: 'file',
    description: 'private key of the API in PEM',
    whenAbsent: 'none',
    value: '"/etc/chordial/api.key"',
  },
  data: {
    ...path,
    argument: 'dir',
    description: 'data folder',
    whenAbsent: 'chordial in the XDG data folder',
    value: '"/var/lib/chordial"',
  },
  join: {
    kind: 'list',
    parse: checkedAddress,
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
  zone: {
    kind: 'text',
    parse: zoneName,
    argument: 'name',
    description: 'rack or building, announced to others; not used for placement yet',
    whenAbsent: 'none',
    value: '"rack-2"',
  },
  name: {
    kind: 'text',
    parse: memberName,
    argument: 'name',
    description: 'its name for other members, when it joins or founds',
    whenAbsent: 'user@host',
    value: '"anna@laptop"',
  },
  quota: {
    ...size,
    description: 'limit on what it stores, such as 50G; 0 stores nothing',
    whenAbsent: 'half of what was free at the first start',
    value: '"50G"',
    field: 'quotaBytes',
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
  },
  ping: {
    ...whole(10, 3_600_000),
    argument: 'ms',
    description: 'milliseconds between heartbeats',
    whenAbsent: '500',
    value: '500',
    field: 'pingMilliseconds',
  },
  grace: {
    kind: 'quantity',
    parse: grace,
    argument: 'time',
    description: 'how long a peer may be absent before its replicas are re-created',
    whenAbsent: '20s',
    value: '"20s"',
    field: 'graceMilliseconds',
  },
  keepOwn: {
    kind: 'yes-no',
    parse: yesOrNo,
    argument: 'yes|no',
    description: 'also keep what it puts itself, while there is room',
    whenAbsent: 'yes; no in teaching rings',
    value: 'true',
  },
  repairRate: {
    kind: 'quantity',
    parse: repairRate,
    argument: 'size',
    description: 'limit on bytes per second moved by repair',
    whenAbsent: '100 MB',
    value: '"50M"',
    field: 'repairBytesPerSecond',
  },
  scrub: {
    ...size,
    description: 'bytes re-read per second to detect disk corruption; 0: none',
    whenAbsent: '8 MB',
    value: '"8M"',
    field: 'scrubBytesPerSecond',
  },
  logLevel: {
    kind: 'text',
    parse: level,
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
  },
  writeQuorum: {
    ...whole(1, 8),
    argument: 'n',
    description: 'copies that acknowledge a put (founding)',
    whenAbsent: '2',
    value: '2',
  },
  successors: {
    ...whole(1, 64),
    argument: 's',
    description: 'length of the successor list, 1 to 64 (founding)',
    whenAbsent: '8',
    value: '8',
  },
  bits: {
    ...whole(3, 256),
    argument: 'm',
    description: 'width of ids, 3 to 256 (founding)',
    whenAbsent: '256',
    value: '256',
  },
  id: {
    kind: 'quantity',
    parse: chosenId,
    argument: 'n',
    description: 'chosen place in a teaching ring, decimal',
    whenAbsent: 'from the key',
    value: '14',
  },
  open: {
    kind: 'switch',
    parse: yesOrNo,
    argument: '',
    description: 'found a network that anyone may join without an invite',
    whenAbsent: 'no',
    value: 'true',
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
