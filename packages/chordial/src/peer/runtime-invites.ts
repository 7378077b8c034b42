/**
 * Lets peers of one user on one machine find each other: a running peer keeps an invite in the runtime folder, one file
 * per listening address, which `start --join` of the same user reads. Other users cannot. A member that may not invite
 * passes on the invite that it came with.
 */

import type { Contact } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { formatAddress, isLoopback, isOnThisMachine, isUnspecified, parseAddress } from '../network/addresses.ts';
import { decodeInvite, encodeInvite, type Invite, ticketFrom } from '../network/invite.ts';
import type { Members } from '../network/members.ts';
import {
  listRuntimeFiles,
  readRuntimeFile,
  removeRuntimeFile,
  runtimeFile,
  runtimeFolder,
  writeRuntimeFile,
} from '../storage/runtime-folder.ts';

const suffix = '.invite';
const lifetimeMilliseconds = 24 * 3600_000;
const renewEveryMilliseconds = 6 * 3600_000;
/** Peers that one user may start on a machine within a day. */
const uses = 4096;

/** The invite of a peer of this user for the address; null when absent or unusable. */
export async function runtimeInvite(address: string, folder = runtimeFolder()): Promise<Invite | null> {
  if (!isOnThisMachine(address)) return null;
  const { host, port } = parseAddress(address);
  const everywhere = ['0.0.0.0', '::'];
  const here = isLoopback(host) ? ['127.0.0.1', '::1', 'localhost'] : [];
  for (const candidate of new Set([host, ...everywhere, ...here])) {
    const invite = await readInvite(runtimeFile(formatAddress({ host: candidate, port }), suffix), folder);
    if (invite !== null && invite.expires > Date.now()) return invite;
  }
  return null;
}

export interface RuntimeInvitesOptions {
  readonly members: Members;
  readonly contact: () => Contact;
  /** HOST:PORT with the real port. */
  readonly listening: string;
  readonly advertise?: string;
  readonly failed: (error: Error) => void;
}

export class RuntimeInvites {
  readonly #options: RuntimeInvitesOptions;
  readonly #names: readonly string[];
  #text: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RuntimeInvitesOptions) {
    this.#options = options;
    const { listening, advertise } = options;
    const here = advertise !== undefined && isOnThisMachine(advertise) ? [advertise] : [];
    this.#names = [...new Set([listening, ...here])].map((address) => runtimeFile(address, suffix));
  }

  async begin(): Promise<void> {
    if (this.#options.members.admission !== 'members') return;
    await this.#renew();
    this.#timer = setInterval(() => void this.#renew(), renewEveryMilliseconds).unref();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#text !== null) for (const name of this.#names) await removeRuntimeFile(name, this.#text);
  }

  async #renew(): Promise<void> {
    try {
      const papers = this.#ownPapers() ?? (await this.#othersPapers());
      if (papers === null) return;
      const { members, contact, listening, advertise } = this.#options;
      const addresses = [...new Set([reachable(advertise ?? listening), ...contact().addresses])].slice(0, 8);
      const { network } = members;
      const text = encodeInvite({ network, host: members.self, addresses, expires: papers.ticket.expires, papers });
      for (const name of this.#names) await writeRuntimeFile(name, `${text}\n`);
      this.#text = `${text}\n`;
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      this.#options.failed(error);
    }
  }

  #ownPapers() {
    const { members } = this.#options;
    if (!members.mayInvite) return null;
    const expires = Date.now() + lifetimeMilliseconds;
    return ticketFrom(members, { uses, expires, rights: ['store', 'publish', 'invite'] });
  }

  async #othersPapers() {
    const { network } = this.#options.members;
    const invites = await Promise.all((await listRuntimeFiles(suffix)).map((name) => readInvite(name)));
    const fitting = invites.filter((one) => one !== null && one.network === network && one.expires > Date.now());
    return fitting.sort((a, b) => b!.expires - a!.expires)[0]?.papers ?? null;
  }
}

async function readInvite(name: string, folder = runtimeFolder()): Promise<Invite | null> {
  const text = await readRuntimeFile(name, folder);
  try {
    return text === null ? null : decodeInvite(text);
  } catch (error) {
    if (error instanceof ChordialError) return null;
    throw error;
  }
}

function reachable(address: string): string {
  const { host, port } = parseAddress(address);
  return isUnspecified(host) ? formatAddress({ host: host === '::' ? '::1' : '127.0.0.1', port }) : address;
}
