/** Everything that a peer is started with, from flags and environment, validated before anything is opened. */
import { isIPv6 } from 'node:net';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { isLoopback, isUnspecified } from '../network/addresses.ts';
import type { Invite } from '../network/invite.ts';
import type { NoMapping } from '../reach/port-mapping.ts';
import { homeFolder } from '../storage/runtime-folder.ts';
import type { OwnDoor } from './doors.ts';
import type { PeerEvent } from './peer.ts';
import {
  type ConfigurationText,
  defaultApi,
  defaultListen,
  type EffectiveSetting,
  parseSettingTexts,
  type SettingKey,
  type Settings,
  settingFlag,
} from './settings.ts';

export interface OtherMachine {
  /** Whether a peer at this address counts as remote. */
  readonly treatAsRemote: (address: string) => boolean;
  /** Local address for outgoing connections. */
  readonly dialFrom?: string;
}

/** The settings, and what programs give besides; the settings that have a default are always there. */
export interface PeerConfiguration extends Omit<Settings, Always>, Required<Pick<Settings, Always>> {
  /** The network to join; any other is refused. */
  readonly invite?: Invite;
  /** Receives the recovery key of a network that is founded; it is not stored. */
  readonly onRecoveryKey?: (key: string) => void;
  readonly apiToken?: string;
  /** Where the settings come from, with the file that was read. */
  readonly said?: { readonly file: string | null; readonly settings: readonly EffectiveSetting[] };
  /** What runs at the setting `door`, told to members and on the LAN. */
  readonly ownDoor?: () => OwnDoor;
  /** Receives events from the start, also while startPeer is still joining. */
  readonly onEvent?: (event: PeerEvent) => void;
  /** Lets a test stand for another machine; no flag sets it. */
  readonly otherMachine?: OtherMachine;
  /** Cancels a start in progress. */
  readonly signal?: AbortSignal;
}

/** `join` is empty where none is given: founds a network or returns to that of the data folder. */
type Always = 'listen' | 'api' | 'data' | 'join';

/** More would slow down a failing join for no benefit: one live member suffices. */
const maxJoinAddresses = 64;

/** Whether it finds peers on the local network. Tests that stand for several machines are on none. */
export function isOnLan({ lan, listen, otherMachine }: PeerConfiguration): boolean {
  return lan !== false && !isLoopback(listen.host) && otherMachine === undefined;
}

/** Why no port of a router is asked for, whatever addresses this machine has; null where one may be. */
export function mapsNoPort({ portMapping, listen, advertise, otherMachine }: PeerConfiguration): NoMapping | null {
  if (portMapping === false) return { reason: 'switched-off', address: null };
  if (isLoopback(listen.host) || otherMachine !== undefined) return { reason: 'loopback', address: null };
  if (advertise !== undefined) return { reason: 'advertised', address: advertise };
  return isIPv6(listen.host) && !isUnspecified(listen.host) ? { reason: 'ipv6-only', address: null } : null;
}

/** `$XDG_DATA_HOME/chordial`, by default `~/.local/share/chordial`. Throws `bad-usage` for a user without a home. */
export function defaultDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment['XDG_DATA_HOME'];
  // The XDG specification says to ignore relative paths.
  if (base !== undefined && path.isAbsolute(base)) return path.join(base, 'chordial');
  const home = homeFolder();
  if (home !== null) return path.join(home, '.local', 'share', 'chordial');
  const message =
    'This user has no home folder, so there is no default data folder. Name one with --data, or a running peer with --api URL.';
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
  const parsed = parseSettingTexts({ listen: defaultListen, api: defaultApi, ...text }, place) as Settings &
    Required<Pick<Settings, 'listen' | 'api'>>;
  const { listen, api, data = defaultDataFolder(), join = [], replicas, writeQuorum, id, bits } = parsed;
  if (replicas !== undefined && writeQuorum !== undefined && writeQuorum > replicas) {
    throw new ChordialError(
      'bad-usage',
      `${place('writeQuorum')} ${writeQuorum} is more than ${place('replicas')} ${replicas}: a write would wait for copies that are never made. Give at most ${replicas}.`,
    );
  }
  if (join.length > maxJoinAddresses) {
    const given = `${place('join')} is given ${join.length} times`;
    throw new ChordialError('bad-usage', `${given}. Give at most ${maxJoinAddresses}.`);
  }
  checkTogether(text, place, ['apiTlsCert', 'apiTlsKey']);
  checkTogether(text, place, ['tlsCert', 'tlsKey']);
  const ofDoor = (['serve', 'tlsCert', 'doorUrl'] as const).find((key) => text[key] !== undefined);
  if (text.door === undefined && ofDoor !== undefined) {
    throw new ChordialError(
      'bad-usage',
      `${place(ofDoor)} is given without ${place('door')}. Say where the door listens, for example ${place('door')} 0.0.0.0:8443.`,
    );
  }
  const ofStore = (['s3Endpoint', 's3Region', 's3Keys', 'cache'] as const).find((key) => text[key] !== undefined);
  if (text.blocks === undefined && ofStore !== undefined) {
    throw new ChordialError(
      'bad-usage',
      `${place(ofStore)} is given without ${place('blocks')}. Say where the blocks lie, for example ${place('blocks')} s3://backup/chordial.`,
    );
  }
  if (id !== undefined && bits !== undefined && id >> BigInt(bits) !== 0n) {
    throw new ChordialError(
      'bad-usage',
      `${place('id')} ${id} does not fit into ${place('bits')} ${bits}. Give a number from 0 to ${2n ** BigInt(bits) - 1n}, or more bits.`,
    );
  }
  return { ...parsed, listen, api, data, join };
}

/** A certificate and its key. */
function checkTogether(
  text: ConfigurationText,
  place: (key: SettingKey) => string,
  [certificate, key]: readonly ['apiTlsCert' | 'tlsCert', 'apiTlsKey' | 'tlsKey'],
): void {
  if ((text[certificate] === undefined) === (text[key] === undefined)) return;
  const [given, missing] = text[certificate] === undefined ? [key, certificate] : [certificate, key];
  throw new ChordialError(
    'bad-usage',
    `${place(given)} is given without ${place(missing)}. Give both, a certificate and its key.`,
  );
}
