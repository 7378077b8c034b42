/**
 * The table of all settings of a peer: each is a flag, an environment variable and a key of chordial.toml of the same
 * name. The help of `start`, `chordial config` and docs/configuration.md are generated from it.
 */

/** Settings as text from flags, environment and file; `parseConfiguration` parses them. */
export interface ConfigurationText {
  readonly listen?: string;
  readonly api?: string;
  readonly apiOrigin?: string;
  readonly apiTlsCert?: string;
  readonly apiTlsKey?: string;
  readonly data?: string;
  readonly join?: readonly string[];
  readonly advertise?: string;
  readonly zone?: string;
  readonly name?: string;
  readonly quota?: string;
  readonly save?: string;
  readonly share?: readonly string[];
  readonly ping?: string;
  readonly grace?: string;
  readonly keepOwn?: string;
  readonly repairRate?: string;
  readonly scrub?: string;
  readonly logLevel?: string;
  readonly virtualNodes?: string;
  readonly replicas?: string;
  readonly writeQuorum?: string;
  readonly successors?: string;
  readonly bits?: string;
  readonly id?: string;
  readonly open?: boolean;
}

export type SettingKey = keyof ConfigurationText;
export type SettingValue = string | boolean | readonly string[];

export interface Setting {
  readonly key: SettingKey;
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
  /** A line of the file. */
  readonly example: string;
}

export const defaultListen = '0.0.0.0:4848';
export const defaultApi = '127.0.0.1:8081';

const address = 'host:port';

export const settings: readonly Setting[] = [
  of(
    'listen',
    'text',
    address,
    'where other peers reach it; port 0 takes any free one',
    defaultListen,
    `"${defaultListen}"`,
  ),
  of('api', 'text', address, 'where the API and the page are', defaultApi, `"${defaultApi}"`),
  of(
    'apiOrigin',
    'text',
    'url',
    'origin of the proxy before the API; its callers count as those of other machines',
    'none',
    '"https://files.example.org"',
  ),
  of(
    'apiTlsCert',
    'path',
    'file',
    'certificates of the API in PEM, for TLS without a proxy',
    'none',
    '"/etc/chordial/api.pem"',
  ),
  of('apiTlsKey', 'path', 'file', 'private key of the API in PEM', 'none', '"/etc/chordial/api.key"'),
  of('data', 'path', 'dir', 'data folder', 'chordial in the XDG data folder', '"/var/lib/chordial"'),
  of('join', 'list', address, 'a peer of the network to join; may be repeated', 'none', '["192.0.2.7:4848"]'),
  of(
    'advertise',
    'text',
    address,
    'address that others are told to use',
    'its interface addresses',
    '"peer.example.org:4848"',
  ),
  of('zone', 'text', 'name', 'rack or building, told to others; not used for placement yet', 'none', '"rack-2"'),
  of('name', 'text', 'name', 'as the other members see it, when it joins or founds', 'user@host', '"anna@laptop"'),
  of(
    'quota',
    'quantity',
    'size',
    'most that it stores, such as 50G; 0 stores nothing',
    'half of what was free at the first start',
    '"50G"',
  ),
  of('save', 'path', 'dir', 'folder for what get fetches without -o', 'the current folder', '"/srv/downloads"'),
  of('share', 'paths', 'dir', 'a folder that is shared in place; may be repeated', 'none', '["/srv/music"]'),
  of('ping', 'quantity', 'ms', 'milliseconds between heartbeats', '500', '500'),
  of('grace', 'quantity', 'time', 'how long a peer may be absent before its replicas are re-created', '20s', '"20s"'),
  of(
    'keepOwn',
    'yes-no',
    'yes|no',
    'keep what it puts itself as well, while there is room',
    'yes; no in teaching rings',
    'true',
  ),
  of('repairRate', 'quantity', 'size', 'most bytes per second that repair moves', '100 MB', '"50M"'),
  of('scrub', 'quantity', 'size', 'bytes re-read per second to detect disk corruption; 0: none', '8 MB', '"8M"'),
  of('logLevel', 'text', 'level', 'least that start prints: debug, info, warn or error', 'info', '"info"'),
  of('virtualNodes', 'quantity', 'v', 'places on the ring, more than successors and up to 64', '12', '12'),
  of('replicas', 'quantity', 'n', 'copies of a block, 1 to 8 (founding)', '3', '3'),
  of('writeQuorum', 'quantity', 'n', 'copies that acknowledge a put (founding)', '2', '2'),
  of('successors', 'quantity', 's', 'length of the successor list, 1 to 64 (founding)', '8', '8'),
  of('bits', 'quantity', 'm', 'width of ids, 3 to 256 (founding)', '256', '256'),
  of('id', 'quantity', 'n', 'chosen place in a teaching ring, decimal', 'from the key', '14'),
  of('open', 'switch', '', 'found a network that everybody may join, without an invite', 'no', 'true'),
];

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

function of(
  key: SettingKey,
  kind: Setting['kind'],
  argument: string,
  description: string,
  whenAbsent: string,
  value: string,
): Setting {
  return { key, kind, argument, description, whenAbsent, example: `${settingName(key)} = ${value}` };
}
