/** What a shell has open: the peer that it speaks to, its own when none ran, and further ones that it started. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { parseAddress } from '../network/addresses.ts';
import { defaultDataFolder } from '../node/configuration.ts';
import type { NodeStatus, ShownPointer } from '../node/peer.ts';
import type { ApiClient } from './client.ts';
import { DemoPeer } from './demo-peer.ts';
import { say } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { fields, short, shortPeer } from './table.ts';

const secondsToMilliseconds = 1000;
const stopMilliseconds = 40_000;

export class ShellSession {
  /** Carries out a command of `chordial`. */
  readonly run: (argv: readonly string[]) => Promise<number>;
  readonly #options: PeerOptions;
  /** Peers that this shell started; they end with it. */
  readonly #started: DemoPeer[] = [];
  readonly #folders: string[] = [];
  #client: ApiClient | null = null;

  constructor(options: PeerOptions, run: (argv: readonly string[]) => Promise<number>) {
    this.#options = options;
    this.run = run;
  }

  /** Attaches to the peer that runs, or starts one on the data folder. */
  async open(): Promise<void> {
    try {
      this.#client = (await findPeer(this.#options)).client;
      return;
    } catch (error) {
      const isAbsent = error instanceof ChordialError && error.code === 'no-running-peer';
      if (!isAbsent || this.#options.api !== undefined) throw error;
    }
    const data = path.resolve(this.#options.data ?? defaultDataFolder());
    say(`No peer runs on ${data}: starting one.`);
    const peer = await this.#start(data, []);
    this.#client = peer.client;
    say(`Peer ${shortPeer(peer.ready.id)} listens at ${peer.ready.listen}; its page is at http://${peer.ready.api}/`);
  }

  get client(): ApiClient {
    if (this.#client === null) throw new ChordialError('no-running-peer', 'The shell has no peer. Start it again.');
    return this.#client;
  }

  /** `HOST:PORT`: this peer enters that ring. `NEW KNOWN [SECONDS]`: a new peer with a chosen id enters a teaching ring. */
  async join(words: readonly string[]): Promise<void> {
    const [first = '', known, seconds] = words;
    if (known === undefined) {
      parseAddress(first);
      const node = await this.client.send<NodeStatus>('POST', '/api/v1/node/join', { address: first });
      say(`joined the network ${short(node.network)} with ${node.hosts} hosts`);
      return;
    }
    const node = await this.client.get<NodeStatus>('/api/v1/node?fingers=none');
    if (node.bits > 32) {
      throw new ChordialError(
        'bad-usage',
        'Ids are chosen in a teaching ring only, and this network is none. To enter a network: join HOST:PORT. For a teaching ring: chordial demo --classroom.',
      );
    }
    const address = await this.#addressOf(known);
    const ping = Math.round(numberOf(seconds ?? '0.5', 'The ping interval in seconds') * secondsToMilliseconds);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-shell-'));
    this.#folders.push(folder);
    const flags = ['--join', address, '--id', String(numberOf(first, 'The new id')), '--ping', String(ping)];
    const peer = await this.#start(folder, flags);
    say(`Peer ${first} has joined through peer ${known}; it listens at ${peer.ready.listen}`);
  }

  /** In a teaching ring a number that is no file here is stored under that name, so that it lies at the position it says. */
  async numberAsFile(word: string): Promise<string | null> {
    if (!/^\d{1,18}$/.test(word)) return null;
    const { bits } = await this.client.get<NodeStatus>('/api/v1/node?fingers=none');
    if (bits > 32) return null;
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-shell-'));
    this.#folders.push(folder);
    const file = path.join(folder, word);
    await writeFile(file, `file ${word}\n`);
    return file;
  }

  async neighbours(): Promise<void> {
    const { predecessor, successors } = await this.client.get<NodeStatus>('/api/v1/node?fingers=none');
    say(
      fields([
        ['predecessor', shown(predecessor)],
        ...successors.slice(0, 3).map((one, place): [string, string] => [`successor ${place + 1}`, shown(one)]),
      ]),
    );
  }

  async fingers(): Promise<void> {
    const { fingers } = await this.client.get<NodeStatus>('/api/v1/node?fingers=distinct');
    say(fields(fingers.map(({ start, node }): [string, string] => [`from ${short(start)}`, shown(node)])));
  }

  /** Ends what this shell started; a peer that ran before goes on. */
  async close(): Promise<void> {
    await Promise.all(this.#started.map((peer) => peer.stop(stopMilliseconds)));
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }

  async #start(data: string, flags: readonly string[]): Promise<DemoPeer> {
    const peer = await DemoPeer.start(data, flags);
    this.#started.push(peer);
    return peer;
  }

  async #addressOf(known: string): Promise<string> {
    const wanted = numberOf(known, 'The known id');
    const { members } = await this.client.get<{ members: readonly ShownPointer[] }>('/api/v1/ring');
    const found = members.find(({ ringId }) => Number.parseInt(ringId, 16) === wanted);
    if (found !== undefined) return found.address;
    const ids = members.map(({ ringId }) => Number.parseInt(ringId, 16)).join(', ');
    throw new ChordialError('not-found', `There is no peer ${known} in this ring. Its peers are ${ids}.`);
  }
}

function shown(pointer: ShownPointer | null): string {
  return pointer === null ? 'none' : `${short(pointer.ringId)}  ${shortPeer(pointer.id)}  ${pointer.address}`;
}

function numberOf(text: string, what: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw new ChordialError('bad-usage', `${what} is ${JSON.stringify(text)}, which is no number.`);
}
