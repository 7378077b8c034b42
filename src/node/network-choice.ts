/** Which network a starting peer belongs to: the one of its data folder, the one it joins, or a new one. */
import { readFile } from 'node:fs/promises';
import { ChordialError } from '../errors.ts';
import { checkFlags, type Founding, found, type Genesis, networkId } from '../network/genesis.ts';
import type { Identity } from '../network/identity.ts';
import { type Greeting, hello } from '../network/join-hello.ts';
import {
  createSecret,
  loadGenesis,
  loadSecret,
  parseSecret,
  saveGenesis,
  saveSecret,
} from '../network/network-files.ts';
import type { Contact } from '../ring/pointer.ts';
import type { PeerConfiguration } from './configuration.ts';
import { runsElsewhere } from './same-identity.ts';

export interface NetworkChoice {
  readonly genesis: Genesis;
  readonly secret: Uint8Array | null;
  /** Peers that answered at the addresses given with --join. */
  readonly through: readonly Contact[];
  /** Addresses (no port) as which they see this machine. */
  readonly observed: readonly string[];
  /** `founded`: new, nobody else can be in it yet. `returned`: this peer was in it before. */
  readonly how: 'founded' | 'joined' | 'returned';
  /**
   * Makes the data folder one of this network. To be called once the peer is a member: a start that failed before, for
   * a taken port or id, leaves a folder that is still free to found or join any network.
   */
  keep(): Promise<void>;
}

/** Below this many bits ids would collide if they were derived from keys: a teaching ring, with chosen ids. */
const leastBitsOfHostNetwork = 64;
const teachingSuccessors = 3;

/** `remembersPeers`: whether this peer knows others of its network to ask when those of --join do not answer. */
export async function chooseNetwork(
  folder: string,
  identity: Identity,
  configuration: PeerConfiguration,
  remembersPeers: boolean,
): Promise<NetworkChoice> {
  const known = await loadGenesis(folder);
  if (configuration.invite !== undefined && known !== null) checkInvite(configuration.invite.network, known);
  const secret =
    configuration.invite?.secret ?? (await secretOfFile(configuration.secretFile)) ?? (await loadSecret(folder));
  if (configuration.join.length > 0) {
    try {
      return await joinNetwork(folder, identity, configuration, known, secret);
    } catch (error) {
      // After a power cut all start again with the flags that they always had, and somebody has to be the first.
      const returning = known !== null && remembersPeers;
      if (!returning || !(error instanceof ChordialError) || error.code !== 'unreachable') throw error;
    }
  }
  if (known !== null) {
    checkFlags(known, foundingFlags(configuration));
    const keep = async () => {};
    return { genesis: known, secret: known.open ? null : secret, through: [], observed: [], how: 'returned', keep };
  }
  const genesis = found(foundingDefaults(configuration));
  const admission = genesis.open ? null : (secret ?? createSecret());
  const keep = () => save(folder, genesis, admission);
  return { genesis, secret: admission, through: [], observed: [], how: 'founded', keep };
}

async function joinNetwork(
  folder: string,
  identity: Identity,
  configuration: PeerConfiguration,
  known: Genesis | null,
  secret: Uint8Array | null,
): Promise<NetworkChoice> {
  const greetings = await greetAll(identity, configuration, known, secret);
  const { genesis, secret: admission } = greetings[0]!;
  // Whoever answers at an address of an open network's invite has proven nothing yet.
  if (configuration.invite !== undefined && networkId(genesis) !== configuration.invite.network) {
    const message = `The invite is for network ${configuration.invite.network.slice(0, 12)}…, but the peer at ${configuration.join[0]} belongs to ${networkId(genesis).slice(0, 12)}…. Ask for a new invite.`;
    throw new ChordialError('other-network', message);
  }
  const [same] = greetings.filter(({ contact }) => contact.host === identity.host);
  if (same !== undefined)
    throw runsElsewhere(identity.host, same.contact.addresses[0] ?? configuration.join[0]!, folder);
  for (const other of greetings) {
    if (networkId(other.genesis) === networkId(genesis)) continue;
    const message = `The peers given with --join belong to different networks: ${networkId(genesis).slice(0, 12)}… and ${networkId(other.genesis).slice(0, 12)}…. Join one of them.`;
    throw new ChordialError('other-network', message);
  }
  checkFlags(genesis, foundingFlags(configuration));
  return {
    genesis,
    secret: admission,
    through: greetings.map((g) => g.contact),
    observed: [...new Set(greetings.map((g) => g.observedAddress))],
    how: known === null ? 'joined' : 'returned',
    keep: () => save(folder, genesis, admission),
  };
}

/** The secret first: a folder with a genesis and without its secret could not return. */
async function save(folder: string, genesis: Genesis, secret: Uint8Array | null): Promise<void> {
  if (secret !== null) await saveSecret(folder, secret);
  await saveGenesis(folder, genesis);
}

function checkInvite(network: string, known: Genesis): void {
  const own = networkId(known);
  if (own === network) return;
  const message = `The data folder belongs to network ${own.slice(0, 12)}…, the invite is for ${network.slice(0, 12)}…. Join with another --data, or leave the other network first.`;
  throw new ChordialError('other-network', message);
}

/** Says HELLO at every address; one that answers is enough. */
async function greetAll(
  identity: Identity,
  configuration: PeerConfiguration,
  known: Genesis | null,
  secret: Uint8Array | null,
): Promise<readonly Greeting[]> {
  const network = known === null ? (configuration.invite?.network ?? null) : networkId(known);
  const joiner = { identity, secret, network, ...configuration.otherMachine };
  const outcomes = await Promise.allSettled(configuration.join.map((at) => hello(at, joiner)));
  const greetings = outcomes.filter((o) => o.status === 'fulfilled').map((o) => o.value);
  if (greetings.length > 0) return greetings;
  const failures = outcomes.filter((o) => o.status === 'rejected').map((o) => o.reason as Error);
  throw failures.find((f) => f instanceof ChordialError && f.code !== 'unreachable') ?? failures[0]!;
}

async function secretOfFile(path: string | undefined): Promise<Uint8Array | null> {
  if (path === undefined) return null;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const message = `The secret file ${path} cannot be read: ${(cause as Error).message}. Give the path of a copy of the file "secret" in a member's data folder.`;
    throw new ChordialError('bad-configuration', message, { cause });
  }
  const secret = parseSecret(text);
  if (secret !== null) return secret;
  const message = `The secret file ${path} does not hold 64 hexadecimal digits. Copy the file "secret" from a member's data folder.`;
  throw new ChordialError('bad-configuration', message);
}

/** What the flags say about the network, nothing else: compared with the genesis of the one that is joined. */
function foundingFlags(configuration: PeerConfiguration): Founding {
  const { bits, successors, replicas, writeQuorum, open } = configuration;
  return {
    ...(bits === undefined ? {} : { bits }),
    ...(successors === undefined ? {} : { successors }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(writeQuorum === undefined ? {} : { writeQuorum }),
    ...(open === undefined ? {} : { open }),
  };
}

function foundingDefaults(configuration: PeerConfiguration): Founding {
  const flags = foundingFlags(configuration);
  const teaching = configuration.id !== undefined || (flags.bits ?? 256) < leastBitsOfHostNetwork;
  const quorum = flags.replicas === undefined ? {} : { writeQuorum: Math.min(2, flags.replicas) };
  if (!teaching) return { ...quorum, ...flags, rule: 'key' };
  return { successors: teachingSuccessors, ...quorum, ...flags, rule: 'chosen' };
}
