/** Everything that a peer is started with, from flags and environment, validated before anything is opened. */
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import type { Invite } from '../network/invite.ts';
import { homeFolder } from '../storage/runtime-folder.ts';
import type { PeerEvent } from './peer.ts';
import {
  type ConfigurationText,
  defaultApi,
  defaultListen,
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
  if ((text.apiTlsCert === undefined) !== (text.apiTlsKey === undefined)) {
    const [given, missing] =
      text.apiTlsCert === undefined ? (['apiTlsKey', 'apiTlsCert'] as const) : (['apiTlsCert', 'apiTlsKey'] as const);
    throw new ChordialError(
      'bad-usage',
      `${place(given)} is given without ${place(missing)}. Give both, a certificate and its key.`,
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
