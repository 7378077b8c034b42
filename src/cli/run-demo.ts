/** The steps of the demonstration: a ring forms, a file goes through it, a peer dies, and nothing is lost. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { formatDuration } from '../node/quantities.ts';
import type { FileStat, PutResult } from '../transfer/files.ts';
import { shownSize } from '../transfer/shown-size.ts';
import { makeRandomFile, sha256Of } from './demo-file.ts';
import { DemoNetwork } from './demo-network.ts';
import type { DemoPeer } from './demo-peer.ts';
import { findFile } from './found-file.ts';
import { getByTransfer } from './get-by-transfer.ts';
import { say, sayJson } from './output.ts';
import { Progress } from './progress.ts';
import { startTransfer, watchTransfer } from './transfer.ts';

export interface DemoOptions {
  readonly peers: number;
  readonly once: boolean;
  readonly teaching: boolean;
  readonly json: boolean;
}

/** Over 64 blocks, so that they lie on every peer. */
const fileBytes = 64 * 1024 * 1024 + 12_345;
const fileName = 'demo.bin';
/** Half of a start is waiting for others; more at once slow each other down on two processors. */
const parallelStarts = 2;

/** Throws when a step did not hold. Whatever happens, no process and no file of it stays. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-demo-'));
  const network = new DemoNetwork(folder, options.teaching);
  const ended = Promise.withResolvers<void>();
  const interrupted = new AbortController();
  const onSignal = () => {
    interrupted.abort();
    ended.resolve();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    await steps(new Demo(network, folder, options, interrupted.signal));
    if (options.once) return;
    const [first] = network.alive;
    say(`The network stays up. Its page: http://${first?.ready.api}/   (Ctrl-C ends it)`);
    await ended.promise;
  } finally {
    process.removeListener('SIGINT', onSignal).removeListener('SIGTERM', onSignal);
    await network.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function steps(demo: Demo): Promise<void> {
  await demo.ringForms();
  const sum = await demo.fileIsPut();
  await demo.fileIsFetched(sum, 'from the whole ring');
  await demo.peerIsKilled();
  await demo.fileIsFetched(sum, 'although a peer that held parts of it is gone');
  await demo.ringHeals();
  demo.tell('all steps held', 0, {});
}

class Demo {
  readonly #network: DemoNetwork;
  readonly #folder: string;
  readonly #options: DemoOptions;
  readonly #signal: AbortSignal;
  readonly #progress: Progress;
  #fetches = 0;
  #killedAt = 0;

  constructor(network: DemoNetwork, folder: string, options: DemoOptions, signal: AbortSignal) {
    this.#network = network;
    this.#folder = folder;
    this.#options = options;
    this.#signal = signal;
    this.#progress = new Progress('', { json: true });
  }

  async ringForms(): Promise<void> {
    const count = this.#options.peers;
    const started = performance.now();
    await this.#start('founds a network');
    let left = count - 1;
    const startNext = async () => {
      while (left > 0) {
        left -= 1;
        await this.#start('joins');
      }
    };
    // Not Promise.all: no peer may still be starting when the folder is removed.
    const lanes = await Promise.allSettled(Array.from({ length: parallelStarts }, startNext));
    for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
    const members = await this.#network.untilConsistent(this.#signal);
    this.tell(`${count} peers are one ring of ${members} members, every pointer right`, started, { members });
  }

  async #start(how: string): Promise<void> {
    const begun = this.#begin();
    const peer = await this.#network.add();
    const { ready, pid } = peer;
    this.tell(
      `peer ${this.#numberOf(peer)} (process ${pid}) ${how} at ${ready.ringId.slice(0, 12)}, listening at ${ready.listen}`,
      begun,
      { ...ready },
    );
  }

  /** SHA-256 of the file, in hexadecimal. */
  async fileIsPut(): Promise<string> {
    const file = path.join(this.#folder, fileName);
    const sum = await makeRandomFile(file, fileBytes);
    const begun = this.#begin();
    const at = this.#peer(1);
    const { id } = await startTransfer(at.client, { kind: 'put', name: fileName, path: file });
    const { cid, copies } = (await watchTransfer(at.client, id, this.#progress, this.#signal)) as PutResult;
    this.tell(
      `${shownSize(fileBytes)} put at peer ${this.#numberOf(at)}, durable in ${copies} copies: ${cid}${rate(begun)}`,
      begun,
      { cid, copies },
    );
    return sum;
  }

  async fileIsFetched(sum: string, circumstance: string): Promise<void> {
    const begun = this.#begin();
    this.#fetches += 1;
    const { client, ...at } = this.#pick(-this.#fetches);
    const target = path.join(this.#folder, `fetched-${this.#fetches}.bin`);
    const found = await findFile(client, { name: fileName });
    await getByTransfer(client, found, target, { force: false, progress: this.#progress, signal: this.#signal });
    const speed = rate(begun);
    if ((await sha256Of(target)) !== sum) {
      throw new ChordialError(
        'bad-content',
        `What peer ${at.number} fetched differs from what was put. Report this as a bug.`,
      );
    }
    await rm(target);
    this.tell(`fetched at peer ${at.number} ${circumstance}, every byte the same${speed}`, begun, {});
  }

  /** One that holds copies, and neither of those that fetch. */
  async peerIsKilled(): Promise<void> {
    const { holders } = await this.#peer(0).client.get<FileStat>(`/api/v1/files/${fileName}/stat`);
    const { alive } = this.#network;
    const candidates = alive.slice(1, Math.max(2, alive.length - 2));
    const victim = candidates.find(({ ready }) => holders.some(({ id }) => id === ready.id)) ?? this.#peer(1);
    const number = this.#numberOf(victim);
    const begun = this.#begin();
    this.#killedAt = begun;
    await this.#network.kill(victim);
    this.tell(`peer ${number} killed (kill -9 ${victim.pid})`, begun, { pid: victim.pid });
  }

  async ringHeals(): Promise<void> {
    const members = await this.#network.untilConsistent(this.#signal);
    this.tell(`the ring is whole again with ${members} members, every pointer right`, this.#killedAt, { members });
  }

  tell(text: string, begun: number, detail: object): void {
    const milliseconds = begun === 0 ? null : Math.round(performance.now() - begun);
    if (this.#options.json) sayJson({ event: 'step', text, milliseconds, ...detail });
    else say(milliseconds === null ? text : `${formatDuration(milliseconds).padStart(8)}  ${text}`);
  }

  #begin(): number {
    if (this.#signal.aborted)
      throw new ChordialError('interrupted', 'The demonstration was interrupted; its peers and files are gone.');
    return performance.now();
  }

  #peer(index: number): DemoPeer {
    const { alive } = this.#network;
    const peer = alive.at(index % alive.length);
    if (peer === undefined) throw new ChordialError('internal', 'No peer of the demonstration is alive.');
    return peer;
  }

  #pick(index: number): { readonly client: DemoPeer['client']; readonly number: number } {
    const peer = this.#peer(index);
    return { client: peer.client, number: this.#numberOf(peer) };
  }

  #numberOf(peer: DemoPeer): number {
    return this.#network.peers.indexOf(peer) + 1;
  }
}

function rate(begun: number): string {
  const seconds = (performance.now() - begun) / 1_000;
  return ` (${shownSize(fileBytes / seconds)}/s)`;
}
