/** `chordial doctor`: checks what a peer needs of its machine and says in plain words what is wrong. */

import type { Command } from 'commander';
import { ChordialError } from '../errors.ts';
import { formatAddress, isRelay, parseAddress } from '../network/addresses.ts';
import { networkId } from '../network/genesis.ts';
import { loadGenesis } from '../network/network-files.ts';
import { isOnLan, type PeerConfiguration } from '../peer/configuration.ts';
import { localNetwork } from '../peer/findings.ts';
import type { Finding } from '../peer/shown-health.ts';
import { type CommonOptions, command } from './command.ts';
import {
  type ComparedClock,
  clock,
  dataFolder,
  disk,
  environment,
  peer,
  port,
  reachable,
  zoneSpelling,
} from './doctor-findings.ts';
import { say, sayJson } from './output.ts';
import { dataFolderOf, type FoundPeer, findPeer } from './running-peer.ts';
import { addSettingOptions, type SettingOptions, settingsOf } from './setting-options.ts';
import { calledWithId, plain } from './table.ts';

/** Enough to see whether the network is reached at all. */
const maxPeersAsked = 8;
const marks = { good: 'ok  ', note: 'note', bad: 'BAD ' } as const;

export function doctorCommand(): Command {
  const doctor = command(
    'doctor',
    'checks clock, ports, disk, permissions and whether other peers can be reached',
    'chordial doctor --join 192.0.2.7:4848',
  );
  return addSettingOptions(doctor).action(async (options: CommonOptions & SettingOptions) => {
    const findings: Finding[] = [];
    for await (const finding of examine(options)) {
      findings.push(finding);
      if (options.json !== true) say(`${marks[finding.level]}  ${plain(finding.check)}: ${plain(finding.text)}`);
    }
    const isWell = findings.every(({ level }) => level !== 'bad');
    if (options.json === true) sayJson({ well: isWell, findings });
    else say(isWell ? 'Nothing here keeps a peer from running.' : 'Fix what is BAD, then run doctor again.');
    process.exitCode = isWell ? 0 : 1;
  });
}

async function* examine(options: SettingOptions): AsyncGenerator<Finding> {
  yield* environment(process.env);
  // With --api of a running peer the checks are about that peer, wherever its data is.
  if (options.api !== undefined) {
    const named = await peerAt(options.api, options.data);
    // A URL can only mean a running peer; an address may also be where a new peer is to have its API.
    if (named instanceof ChordialError && options.api.includes('://')) {
      yield { check: 'running peer', level: 'bad', text: named.message };
      return;
    }
    if (!(named instanceof ChordialError)) {
      yield await clock(dataFolderOf(options) ?? '/', Date.now(), await clockAt(named));
      yield* ring(named);
      return;
    }
  }
  let configuration: PeerConfiguration;
  try {
    const effective = await settingsOf(options);
    configuration = effective.configuration;
    const text = effective.file === null ? 'defaults, flags and environment' : `read from ${effective.file}`;
    yield { check: 'configuration', level: 'good', text };
    yield* zoneSpelling(`${effective.settings.find(({ key }) => key === 'zone')?.value ?? ''}`);
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    yield { check: 'configuration', level: 'bad', text: error.message };
    return;
  }
  const { data, listen, api, advertise } = configuration;
  const running = await runningPeer(data);
  yield await clock(data, Date.now(), running === null ? null : await clockAt(running));
  yield await dataFolder(data);
  yield await disk(data, configuration.quotaBytes ?? null);
  if (running !== null) {
    yield reachable(listen, advertise ?? null);
    yield* ring(running);
    return;
  }
  // A peer of another data folder with the same ports: neither this folder's nor another program.
  if (api.port !== 0 && !((await peerAt(formatAddress(api), data)) instanceof ChordialError)) {
    const text = `another peer runs here, with its API at ${formatAddress(api)}. Look at it with --api ${formatAddress(api)}; a second one needs other ports: --listen and --api.`;
    yield { check: 'running peer', level: 'note', text };
  } else {
    yield await port('port for peers', '--listen', listen);
    yield await port('port of the API', '--api', api);
    if (configuration.door !== undefined) yield await port('port of the door', '--door', configuration.door);
  }
  yield reachable(listen, advertise ?? null);
  if (isOnLan(configuration)) yield* localNetwork(await lanNow(data));
  yield* neighbours(configuration.join);
}

/** The peer with this API, or why it cannot be checked. */
async function peerAt(api: string, data: string | undefined): Promise<FoundPeer | ChordialError> {
  try {
    const found = await findPeer({ api, ...(data === undefined ? {} : { data }) });
    await found.client.call('GET /api/v1/node', { query: { fingers: 'none' } });
    return found;
  } catch (error) {
    if (error instanceof ChordialError) return error;
    throw error;
  }
}

/** Null when none runs, which is not a finding. */
async function runningPeer(data: string): Promise<FoundPeer | null> {
  try {
    return await findPeer({ data });
  } catch (error) {
    if (error instanceof ChordialError && error.code === 'no-running-peer') return null;
    throw error;
  }
}

async function clockAt({ client }: FoundPeer): Promise<ComparedClock | null> {
  return (await client.call('GET /api/v1/node', { query: { fingers: 'none' } })).clock;
}

async function lanNow(data: string) {
  const [{ listenOnLan }, { networksOf }, { tagsOf }] = await Promise.all([
    import('../lan/listen.ts'),
    import('../lan/networks.ts'),
    import('../lan/service.ts'),
  ]);
  const { heard, links } = await listenOnLan();
  // A folder that cannot be read was told of above.
  const own = await loadGenesis(data).catch(() => null);
  const networks = networksOf(heard, own === null ? [] : tagsOf(networkId(own), Date.now()));
  return { interfaces: links, networks: networks.map((one) => ({ ...one, members: [] })) };
}

async function* neighbours(join: readonly string[]): AsyncGenerator<Finding> {
  if (join.length === 0) {
    yield { check: 'other peers', level: 'good', text: 'no peer runs here, and --join names none to look for' };
  }
  for (const address of join.slice(0, maxPeersAsked)) yield await peer(parseAddress(address), address);
}

async function* ring({ client }: FoundPeer): AsyncGenerator<Finding> {
  const { findings } = await client.call('GET /api/v1/health');
  // The clock was told of above, with what is known without the peer.
  yield* findings.filter(({ check }) => check !== 'clock');
  const { peers } = await client.call('GET /api/v1/peers');
  for (const { id, name, address, state } of peers.filter((one) => one.state !== 'left').slice(0, maxPeersAsked)) {
    const called = calledWithId({ id, name });
    if (isRelay(address)) {
      yield { check: 'other peers', level: 'good', text: `${called} is reached through a relay` };
      continue;
    }
    const found = await peer(parseAddress(address), `${called} at ${address}`);
    // A peer known to be away or dead is the ring's concern, not this machine's.
    yield state === 'alive' || found.level === 'good' ? found : { ...found, level: 'note' };
  }
}
