/** The network of a starting peer: that of its data folder, the one it joins, or a new one. */
import { hostname, userInfo } from 'node:os';
import type { Contact } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { relayAddress } from '../network/addresses.ts';
import { type Admission, isMemberName, maxNameCharacters } from '../network/admission.ts';
import { checkFlags, type Founding, found, type Genesis, networkId } from '../network/genesis.ts';
import { type Identity, identityFile } from '../network/identity.ts';
import { admissionFrom, type Invite } from '../network/invite.ts';
import { type Greeting, hello } from '../network/join-hello.ts';
import { admissionFile, loadAdmission, loadGenesis, saveAdmission, saveGenesis } from '../network/network-files.ts';
import type { PeerConfiguration } from './configuration.ts';
import { createRecoveryKey } from './recovery-key.ts';
import { runtimeInvite } from './runtime-invites.ts';
import { runsElsewhere } from './same-identity.ts';

export interface NetworkChoice {
  readonly genesis: Genesis;
  /** This peer's; null without any, and for a founder, who issues its own. */
  readonly admission: Admission | null;
  /** The requested name. */
  readonly name: string;
  /** Shown once; null unless an admission-controlled network was founded. */
  readonly recoveryKey: string | null;
  /** Proved by the peers that answered; the best source of the first members and of the log. */
  readonly greetings: readonly Greeting[];
  /** Peers that answered at the addresses given with --join. */
  readonly through: readonly Contact[];
  /** Addresses (without port) at which they see this machine. */
  readonly observed: readonly string[];
  /** `founded`: new, so no other peer can be in it. `returned`: this peer was in it before. */
  readonly how: 'founded' | 'joined' | 'returned';
  /**
   * Binds the data folder to this network. Called once the peer is a member: a start that failed before, for a taken
   * port or id, leaves a folder that can still found or join any network.
   */
  keep(admission: Admission | null): Promise<void>;
}

/** Below this width, ids derived from keys would collide: a teaching ring, with chosen ids. */
const minBitsOfHostNetwork = 64;
const teachingSuccessors = 3;

interface Starting {
  readonly folder: string;
  readonly identity: Identity;
  readonly configuration: PeerConfiguration;
  readonly known: Genesis | null;
  readonly admission: Admission | null;
  readonly name: string;
}

/** `remembersPeers`: whether this peer knows others of its network to ask when those of --join do not answer. */
export async function chooseNetwork(
  folder: string,
  identity: Identity,
  configuration: PeerConfiguration,
  remembersPeers: boolean,
): Promise<NetworkChoice> {
  const known = await loadGenesis(folder);
  if (configuration.invite !== undefined && known !== null) checkInvite(configuration.invite.network, known);
  const admission = known === null ? null : await loadAdmission(folder);
  if (admission !== null && admission.certificate.member !== identity.host) throw otherKey(folder, identity);
  const name = configuration.name ?? defaultName();
  const keep = async (genesis: Genesis, kept: Admission | null) => {
    // Membership documents first: a folder with only a genesis would have to request them.
    if (kept !== null) await saveAdmission(folder, kept);
    if (known === null) await saveGenesis(folder, genesis);
  };
  if (configuration.join.length > 0) {
    try {
      const joined = await joinNetwork({ folder, identity, configuration, known, admission, name });
      return { ...joined, name, recoveryKey: null, keep: (kept) => keep(joined.genesis, kept) };
    } catch (error) {
      // After a power failure all start with their usual flags, and one of them has to be first.
      const returning = known !== null && remembersPeers;
      if (!returning || !(error instanceof ChordialError) || error.code !== 'unreachable') throw error;
    }
  }
  const alone = { name, greetings: [], through: [], observed: [] };
  if (known !== null) {
    checkFlags(known, foundingFlags(configuration));
    const returned = { genesis: known, admission, recoveryKey: null, how: 'returned' } as const;
    return { ...alone, ...returned, keep: (kept) => keep(known, kept) };
  }
  const recovery = createRecoveryKey();
  const genesis = found(foundingDefaults(configuration), { founder: identity.publicKey, recovery: recovery.hash });
  const recoveryKey = genesis.admission === 'members' ? recovery.text : null;
  const keepFounded = (kept: Admission | null) => keep(genesis, kept);
  return { ...alone, genesis, admission: null, recoveryKey, how: 'founded', keep: keepFounded };
}

type Joined = Pick<NetworkChoice, 'genesis' | 'admission' | 'greetings' | 'through' | 'observed' | 'how'>;

async function joinNetwork(starting: Starting): Promise<Joined> {
  const { folder, identity, configuration, known } = starting;
  const greetings = await greetAll(starting);
  const { genesis } = greetings[0]!;
  // A peer at an address of an open network's invite has proved nothing yet.
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
    admission: greetings.find((g) => g.admission !== null)?.admission ?? starting.admission,
    greetings,
    through: greetings.map((g) => g.contact),
    observed: [...new Set(greetings.map((g) => g.observedAddress))],
    how: known === null ? 'joined' : 'returned',
  };
}

function checkInvite(network: string, known: Genesis): void {
  const own = networkId(known);
  if (own === network) return;
  const message = `The data folder belongs to network ${own.slice(0, 12)}…, the invite is for ${network.slice(0, 12)}…. Join with another --data, or leave the other network first.`;
  throw new ChordialError('other-network', message);
}

/**
 * Sends HELLO to every address, one after the other until one answers: a single-use invite is used at one peer. One
 * answer suffices.
 */
async function greetAll(starting: Starting): Promise<readonly Greeting[]> {
  const greetings: Greeting[] = [];
  const failures: Error[] = [];
  let joining = starting;
  const greet = async (at: string) => {
    try {
      const greeting = await greetAt(at, joining);
      greetings.push(greeting);
      if (greeting.admission !== null) joining = { ...joining, admission: greeting.admission, known: greeting.genesis };
    } catch (error) {
      failures.push(error as Error);
    }
  };
  const open = [...starting.configuration.join];
  while (greetings.length === 0 && open.length > 0) await greet(open.shift()!);
  await Promise.all(open.map(greet));
  const other = failures.find((f) => f instanceof ChordialError && f.code === 'other-network');
  if (greetings.length > 0 && (other === undefined || starting.known !== null)) return greetings;
  if (greetings.length > 0) {
    const message = 'The peers given with --join belong to different networks. Join one of them.';
    throw new ChordialError('other-network', message, { cause: other });
  }
  throw failures.find((f) => f instanceof ChordialError && f.code !== 'unreachable') ?? failures[0]!;
}

/** A relay of a hidden peer is a member as well: the joiner comes in through it. */
async function greetAt(through: string, starting: Starting): Promise<Greeting> {
  const address = relayAddress(through)?.at ?? through;
  const { identity, configuration, known, admission, name } = starting;
  const { otherMachine, invite } = configuration;
  const base = { identity, name, ...(otherMachine?.dialFrom === undefined ? {} : { dialFrom: otherMachine.dialFrom }) };
  if (admission !== null || (known !== null && known.admission !== 'members')) {
    const shown = admission === null ? [] : [admission.bytes];
    return hello(address, { ...base, network: known === null ? null : networkId(known), shown });
  }
  if (invite !== undefined) return helloWith(through, invite, base);
  const left = otherMachine === undefined ? await runtimeInvite(address) : null;
  const network = known === null ? null : networkId(known);
  if (left !== null && (network === null || left.network === network)) {
    try {
      return await helloWith(address, left, base);
    } catch (error) {
      // After a crash the file stays, and another peer may have taken the port.
      if (!(error instanceof ChordialError) || error.code !== 'unreachable') throw error;
    }
  }
  return hello(address, { ...base, network });
}

type Base = Pick<Parameters<typeof hello>[1], 'identity' | 'dialFrom'> & { readonly name: string };

function helloWith(address: string, { network, host, addresses, papers }: Invite, base: Base): Promise<Greeting> {
  const shown = papers === null ? [] : [admissionFrom(papers, base.identity, base.name).bytes];
  const relay = relayAddress(address);
  // At an address outside the invite another member may be meant.
  const expected = addresses.includes(address) ? (relay?.relay ?? host) : null;
  return hello(relay?.at ?? address, { ...base, network, shown, expected });
}

function otherKey(folder: string, { host }: Identity): ChordialError {
  const message = `The key in ${folder}/${identityFile} is that of ${host}, and ${admissionFile} admits another. Put the file back from a copy, or join with an invite and an empty --data.`;
  return new ChordialError('broken-data-folder', message);
}

/** `anna@laptop`. */
function defaultName(): string {
  const name = `${userName()}@${hostname()}`.slice(0, maxNameCharacters);
  return isMemberName(name) ? name : 'peer';
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user known to the system by number only.
    return `user${process.getuid?.() ?? ''}`;
  }
}

/** Flags about the network: compared with the genesis of the one that is joined. */
function foundingFlags(configuration: PeerConfiguration): Founding {
  const { bits, successors, replicas, writeQuorum, open } = configuration;
  return {
    ...(bits === undefined ? {} : { bits }),
    ...(successors === undefined ? {} : { successors }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(writeQuorum === undefined ? {} : { writeQuorum }),
    ...(open === true ? { admission: 'open' as const } : {}),
  };
}

function foundingDefaults(configuration: PeerConfiguration): Founding {
  const { admission, ...flags } = foundingFlags(configuration);
  const teaching = configuration.id !== undefined || (flags.bits ?? 256) < minBitsOfHostNetwork;
  const quorum = flags.replicas === undefined ? {} : { writeQuorum: Math.min(2, flags.replicas) };
  if (!teaching) return { ...quorum, ...flags, rule: 'key', admission: admission ?? 'members' };
  return { successors: teachingSuccessors, ...quorum, ...flags, rule: 'chosen', admission: 'classroom' };
}
