/** The steps of the demonstration: a ring forms, a file is put and fetched, a peer is killed, nothing is lost. */

import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import type { DemoNetwork } from './demo-network.ts';
import type { DemoPeer } from './demo-peer.ts';
import { DemoStage } from './demo-stage.ts';
import { findFile } from './found-file.ts';
import { wantedOf } from './get.ts';
import { Progress } from './progress.ts';
import { putOne, sourceOf } from './put.ts';
import { findPeer } from './running-peer.ts';
import { folderOf, getFile } from './target.ts';

export interface DemoOptions {
  readonly peers: number;
  readonly once: boolean;
  readonly json: boolean;
}

/** Over 64 blocks, so that every peer holds some. */
const fileBytes = 64 * 1024 * 1024 + 12_345;
const fileName = 'demo.bin';

/** Throws when a step fails. */
export async function runDemo({ peers, once, json }: DemoOptions): Promise<void> {
  await using stage = await DemoStage.open(json);
  await steps(new Demo(stage, peers));
  if (once) return;
  await stage.tellPage('Ctrl-C ends it');
  await stage.untilInterrupted();
}

async function steps(demo: Demo): Promise<void> {
  await demo.ringForms();
  const sum = await demo.fileIsPut();
  await demo.fileIsFetched(sum, 'from the whole ring');
  await demo.peerIsKilled();
  await demo.fileIsFetched(sum, 'with a peer that held parts of it gone');
  await demo.ringHeals();
  demo.end();
}

class Demo {
  readonly #stage: DemoStage;
  readonly #count: number;
  readonly #progress = new Progress('', { json: true });
  #fetches = 0;
  #killedAt = 0;

  constructor(stage: DemoStage, count: number) {
    this.#stage = stage;
    this.#count = count;
  }

  async ringForms(): Promise<void> {
    const started = this.#stage.begin();
    await this.#stage.startAll(this.#count, (place) => this.#start(place === 0 ? 'founds a network' : 'joins'));
    const members = await this.#network.untilConsistent(this.#stage.signal);
    const text = `${this.#count} peers are one ring of ${members} members, every pointer right`;
    this.#stage.tell(text, started, { members });
  }

  async #start(how: string): Promise<void> {
    const begun = this.#stage.begin();
    const peer = await this.#network.add();
    const { ready, pid } = peer;
    this.#stage.tell(
      `peer ${this.#numberOf(peer)} (process ${pid}) ${how} at ${ready.ringId.slice(0, 12)}, listening at ${ready.listen}`,
      begun,
      { ...ready },
    );
  }

  /** SHA-256 of the file, in hexadecimal. */
  async fileIsPut(): Promise<string> {
    const file = path.join(this.#stage.folder, fileName);
    const sum = await makeRandomFile(file, fileBytes);
    const begun = this.#stage.begin();
    const at = this.#peer(1);
    const job = { peer: await findPeer({ api: at.client.url }), settings: {}, signal: this.#stage.signal };
    const { cid, copies } = await putOne(job, await sourceOf(file, fileName), this.#progress);
    this.#stage.tell(
      `${formatBytes(fileBytes)} put at peer ${this.#numberOf(at)}, durable in ${copies} copies: ${cid}${rate(begun)}`,
      begun,
      { cid, copies },
    );
    return sum;
  }

  async fileIsFetched(sum: string, circumstance: string): Promise<void> {
    const begun = this.#stage.begin();
    this.#fetches += 1;
    const { client, ...at } = this.#pick(-this.#fetches);
    const target = path.join(this.#stage.folder, `fetched-${this.#fetches}.bin`);
    const found = await findFile(client, { name: fileName });
    const getting = { force: false, progress: this.#progress, signal: this.#stage.signal };
    await using folder = await folderOf(target);
    const place = { folder, base: path.basename(target) };
    await getFile(await findPeer({ api: client.url }), wantedOf(found), place, getting);
    const speed = rate(begun);
    if ((await sha256Of(target)) !== sum) {
      throw new ChordialError(
        'bad-content',
        `What peer ${at.number} fetched differs from what was put. Report this as a bug.`,
      );
    }
    await rm(target);
    this.#stage.tell(`fetched at peer ${at.number} ${circumstance}, every byte equal${speed}`, begun);
  }

  /** A holder of replicas that does not fetch. */
  async peerIsKilled(): Promise<void> {
    const { holders } = await this.#peer(0).client.call('GET /api/v1/files/{name}/stat', {
      path: { name: fileName },
      query: {},
    });
    const { alive } = this.#network;
    const candidates = alive.slice(1, Math.max(2, alive.length - 2));
    const victim = candidates.find(({ ready }) => holders.some(({ id }) => id === ready.id)) ?? this.#peer(1);
    const number = this.#numberOf(victim);
    const begun = this.#stage.begin();
    this.#killedAt = begun;
    await victim.kill();
    this.#stage.tell(`peer ${number} killed (kill -9 ${victim.pid})`, begun, { pid: victim.pid });
  }

  async ringHeals(): Promise<void> {
    const members = await this.#network.untilConsistent(this.#stage.signal);
    this.#stage.tell(`the ring is whole again with ${members} members, every pointer right`, this.#killedAt, {
      members,
    });
  }

  end(): void {
    this.#stage.tell('all steps held', null);
  }

  get #network(): DemoNetwork {
    return this.#stage.network;
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
  return ` (${formatBytes(fileBytes / seconds)}/s)`;
}

/** A file of random bytes, which cannot be compressed or already stored. */
const pieceBytes = 1024 * 1024;

/** SHA-256 of what was written, hexadecimal. */
export async function makeRandomFile(file: string, bytes: number): Promise<string> {
  const sum = createHash('sha256');
  const handle = await open(file, 'wx', 0o600);
  try {
    for (let written = 0; written < bytes; written += pieceBytes) {
      const piece = randomFillSync(new Uint8Array(Math.min(pieceBytes, bytes - written)));
      sum.update(piece);
      await handle.appendFile(piece);
    }
  } finally {
    await handle.close();
  }
  return sum.digest('hex');
}

export async function sha256Of(file: string): Promise<string> {
  const sum = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: pieceBytes })) sum.update(piece as Uint8Array);
  return sum.digest('hex');
}
