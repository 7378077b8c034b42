/** The state of a shell: the peer that it uses, started here when none ran, and further ones that it started. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { parseAddress } from '../network/addresses.ts';
import { defaultDataFolder } from '../peer/configuration.ts';
import type { ShownPointer } from '../peer/peer.ts';
import { parsePath } from '../peer/quantities.ts';
import { shortPeer } from '../transfer/of-publisher.ts';
import type { ApiClient } from './client.ts';
import { DemoNetwork } from './demo-network.ts';
import { DemoPeer } from './demo-peer.ts';
import { pageLinkOf } from './open.ts';
import { say } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { calledWithId, fields, plain, short } from './table.ts';
import { defaultPingMilliseconds, TeachingPeers } from './teaching-peers.ts';
import { isTeachingRing, numberOf } from './teaching-ring.ts';

/** How the shell runs a command: like `chordial` with these arguments; resolves with the exit code. */
export type RunCommand = (argv: readonly string[]) => Promise<number>;

const secondsToMilliseconds = 1000;
const stopMilliseconds = 40_000;
const withoutFingers = { query: { fingers: 'none' } } as const;

export class ShellSession {
  readonly run: RunCommand;
  readonly #options: PeerOptions;
  /** The peer on the data folder, when this shell started it; it ends with the shell. */
  #own: DemoPeer | null = null;
  #client: ApiClient | null = null;
  /** The classroom's; otherwise created with the first added peer, in a folder removed with the shell. */
  #teaching: TeachingPeers | null;
  #folder: string | null = null;

  constructor(options: PeerOptions, run: RunCommand, classroom: TeachingPeers | null = null) {
    this.#options = options;
    this.run = run;
    this.#teaching = classroom;
  }

  /** Attaches to the running peer, or starts one on the data folder. */
  async open(): Promise<void> {
    try {
      this.#client = (await findPeer(this.#options)).client;
      return;
    } catch (error) {
      const isAbsent = error instanceof ChordialError && error.code === 'no-running-peer';
      if (!isAbsent || this.#options.api !== undefined) throw error;
    }
    const { data: given } = this.#options;
    const data = given === undefined ? defaultDataFolder() : parsePath(given, '--data');
    say(`No peer runs on ${data}: starting one.`);
    this.#own = await DemoPeer.start(data, []);
    const { client, ready } = this.#own;
    this.#client = client;
    say(`Peer ${shortPeer(ready.id)} listens at ${ready.listen}; its page: ${await pageLinkOf(client)}`);
  }

  /** In a classroom the first living peer. */
  get client(): ApiClient {
    const client = this.#client ?? this.#teaching?.network.alive[0]?.client;
    if (client !== undefined) return client;
    throw new ChordialError('no-running-peer', 'No peer is left. End with "quit" and start again.');
  }

  /** `HOST:PORT`: this peer joins that ring. `NEW KNOWN [SECONDS]`: a new peer with a chosen id joins a teaching ring. */
  async join(words: readonly string[]): Promise<void> {
    const [first = '', known, seconds] = words;
    if (known === undefined) {
      parseAddress(first);
      const node = await this.client.call('POST /api/v1/node/join', { body: { address: first } });
      say(`joined the network ${short(node.network)} with ${node.hosts} hosts`);
      return;
    }
    if (!(await this.#isTeaching())) {
      throw new ChordialError(
        'bad-usage',
        'Ids can be chosen only in a teaching ring. To enter a network: join HOST:PORT. For a teaching ring: chordial demo --classroom.',
      );
    }
    const id = readNumber(first, 'The new id');
    const join = await this.#addressOf(readNumber(known, 'The known id'));
    const pingMilliseconds =
      seconds === undefined
        ? defaultPingMilliseconds
        : Math.round(readNumber(seconds, 'The ping interval in seconds') * secondsToMilliseconds);
    const teaching = await this.#peersAdded();
    const peer = await teaching.add({ id, join, pingMilliseconds });
    say(`Peer ${first} has joined through peer ${known}; it listens at ${peer.ready.listen}`);
    await tellRing(teaching);
  }

  /** A peer that was added here leaves, with all its data handed over first. */
  async leave(word: string): Promise<void> {
    const teaching = await this.#peersAdded();
    await teaching.leave(readNumber(word, 'The id'));
    say(`Peer ${word} has left and handed over its data`);
    await tellRing(teaching);
  }

  async kill(word = ''): Promise<void> {
    const teaching = await this.#peersAdded();
    const pid = await teaching.kill(readNumber(word, 'The id'));
    say(`Peer ${word} was killed (kill -9 ${pid})`);
    await tellRing(teaching);
  }

  /** In a teaching ring a number that is not a file here is stored under that name, so that it is at that position. */
  async numberAsFile(word: string): Promise<string | null> {
    if (!/^\d{1,18}$/.test(word) || !(await this.#isTeaching())) return null;
    const { network } = await this.#peersAdded();
    const file = path.join(network.folder, word);
    await writeFile(file, `file ${word}\n`);
    return file;
  }

  async neighbours(): Promise<void> {
    const { predecessor, successors } = await this.client.call('GET /api/v1/node', withoutFingers);
    say(
      fields([
        ['predecessor', shown(predecessor)],
        ...successors.slice(0, 3).map((one, place): [string, string] => [`successor ${place + 1}`, shown(one)]),
      ]),
    );
  }

  async fingers(): Promise<void> {
    const { fingers } = await this.client.call('GET /api/v1/node', { query: { fingers: 'distinct' } });
    say(fields(fingers.map(({ start, node }): [string, string] => [`from ${short(start)}`, shown(node)])));
  }

  /** Ends what this shell started; a peer that ran before, or a classroom, continues. */
  async close(): Promise<void> {
    const added = this.#folder === null ? [] : (this.#teaching?.network.alive ?? []);
    await Promise.all([this.#own, ...added].map((peer) => peer?.stop(stopMilliseconds)));
    if (this.#folder === null) return;
    await this.#teaching?.network.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #peersAdded(): Promise<TeachingPeers> {
    if (this.#teaching === null) {
      this.#folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-shell-'));
      this.#teaching = new TeachingPeers(new DemoNetwork(this.#folder));
    }
    return this.#teaching;
  }

  async #isTeaching(): Promise<boolean> {
    return isTeachingRing(await this.client.call('GET /api/v1/node', withoutFingers));
  }

  async #addressOf(wanted: number): Promise<string> {
    const { members } = await this.client.call('GET /api/v1/ring');
    const found = members.find((member) => numberOf(member) === wanted);
    if (found !== undefined) return found.address;
    const ids = members.map(numberOf).join(', ');
    throw new ChordialError('not-found', `There is no peer ${wanted} in this ring. Its peers are ${ids}.`);
  }
}

async function tellRing(teaching: TeachingPeers): Promise<void> {
  const ids = await teaching.untilSettled();
  if (ids !== null) say(`The ring is ${ids.join(' ')}, every pointer right`);
}

function shown(pointer: ShownPointer | null): string {
  return pointer === null ? 'none' : `${short(pointer.ringId)}  ${plain(calledWithId(pointer))}  ${pointer.address}`;
}

function readNumber(text: string, what: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw new ChordialError('bad-usage', `${what} is ${JSON.stringify(text)}, which is no number.`);
}
