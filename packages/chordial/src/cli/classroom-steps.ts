/** The steps of the classroom: who keeps which number, a peer that joins, its failure, and that nothing is lost. */
import { setTimeout as pause } from 'node:timers/promises';
import { ChordialError } from '../errors.ts';
import type { ApiClient } from './client.ts';
import type { DemoStage } from './demo-stage.ts';
import { defaultPingMilliseconds, type TeachingPeers } from './teaching-peers.ts';
import { foundingFlags, idAt, keepersOf, numberOf, places } from './teaching-ring.ts';

const storedNumber = 2067;
/** Not used by the seven nor by further peers. */
const newcomer = 25;
/** 281 mod 256 is the newcomer's position. */
const newcomersNumber = 281;
const copies = 3;
/** Hand-over after a join or a failure: one round of reconciliation, at most some seconds. */
const handOverMilliseconds = 30_000;
const betweenLooksMilliseconds = 100;

export class ClassroomSteps {
  readonly #stage: DemoStage;
  readonly #teaching: TeachingPeers;
  readonly #count: number;

  constructor(stage: DemoStage, teaching: TeachingPeers, count: number) {
    this.#stage = stage;
    this.#teaching = teaching;
    this.#count = count;
  }

  async all(): Promise<void> {
    await this.#ringForms();
    await this.#store(storedNumber, idAt(1));
    await this.#request(storedNumber, idAt(2));
    await this.#newcomerJoins();
    await this.#store(newcomersNumber, idAt(0));
    await this.#newcomerDies();
    await this.#request(newcomersNumber, idAt(2));
    this.#stage.tell('all steps held', null);
  }

  async #ringForms(): Promise<void> {
    const begun = this.#stage.begin();
    await this.#stage.startAll(this.#count, (place) =>
      place === 0 ? this.#start(idAt(0), null, foundingFlags) : this.#start(idAt(place), idAt(0)),
    );
    await this.#ringIsRight('the ring has formed', begun);
  }

  async #start(id: number, known: number | null, flags: readonly string[] = []): Promise<void> {
    const begun = this.#stage.begin();
    const join = known === null ? null : this.#teaching.of(known).ready.listen;
    const { ready, pid } = await this.#teaching.add({ id, join, pingMilliseconds: defaultPingMilliseconds, flags });
    const how = known === null ? 'founds the ring' : `joins through peer ${known}`;
    this.#stage.tell(`peer ${id} (process ${pid}) ${how}, listening at ${ready.listen}`, begun, { ...ready });
  }

  async #ringIsRight(what: string, begun: number): Promise<void> {
    const ids = (await this.#teaching.untilSettled()) ?? [];
    this.#stage.tell(`${what}: ${ids.join(' ')}, every pointer right`, begun, { ids });
  }

  async #store(number: number, at: number): Promise<void> {
    const begun = this.#stage.begin();
    const { client } = this.#teaching.of(at);
    const answer = await client.open(`/api/v1/files/${number}`, { method: 'PUT', body: contentOf(number) });
    await client.json(answer);
    const [keeper = 0, ...others] = await this.#untilKept(number);
    const { key } = await this.#lookup(client, number);
    this.#stage.tell(
      `stored ${number} at ${keeper}: ${number} mod ${places} = ${Number.parseInt(key, 16)}, and copies at ${others.join(' and ')}; sent by peer ${at}`,
      begun,
      { number, keepers: [keeper, ...others] },
    );
  }

  async #request(number: number, at: number): Promise<void> {
    const begun = this.#stage.begin();
    const { client } = this.#teaching.of(at);
    const bytes: Uint8Array[] = [];
    for await (const piece of await client.open(`/api/v1/files/${number}`)) bytes.push(piece as Uint8Array);
    if (Buffer.concat(bytes).toString() !== contentOf(number)) {
      throw new ChordialError(
        'bad-content',
        `Peer ${at} received another ${number} than was stored. Report this as a bug.`,
      );
    }
    this.#stage.tell(`requested ${number} at peer ${at}: received, every byte equal`, begun, { number });
  }

  async #newcomerJoins(): Promise<void> {
    const begun = this.#stage.begin();
    await this.#start(newcomer, idAt(1));
    await this.#ringIsRight(`peer ${newcomer} has its place`, begun);
  }

  async #newcomerDies(): Promise<void> {
    const begun = this.#stage.begin();
    const pid = await this.#teaching.kill(newcomer);
    this.#stage.tell(`peer ${newcomer} killed (kill -9 ${pid})`, begun);
    await this.#ringIsRight('the others have closed the ring', begun);
    const [keeper = 0, ...others] = await this.#untilKept(newcomersNumber);
    this.#stage.tell(`${newcomersNumber} is now kept at ${keeper}, and copies at ${others.join(' and ')}`, begun);
  }

  /** The holders, once exactly the expected ones are named by the ring and have it. */
  async #untilKept(number: number): Promise<readonly number[]> {
    const wanted = keepersOf(number % places, this.#teaching.ids, copies);
    const deadline = performance.now() + handOverMilliseconds;
    for (;;) {
      this.#stage.begin();
      const [keeper = 0, ...others] = wanted;
      const { replicas } = await this.#lookup(this.#teaching.of(keeper).client, number);
      const named = replicas.map(numberOf);
      const holding = [await this.#has(keeper, number, 'primary')];
      for (const other of others) holding.push(await this.#has(other, number, 'replica'));
      if (named.join() === wanted.join() && holding.every((has) => has)) return wanted;
      if (performance.now() > deadline) {
        throw new ChordialError(
          'timeout',
          `${number} is not at ${wanted.join(', ')} after ${handOverMilliseconds / 1000} s; the ring names ${named.join(', ')}. Report this as a bug.`,
        );
      }
      await pause(betweenLooksMilliseconds);
    }
  }

  #lookup(client: ApiClient, number: number) {
    return client.call('GET /api/v1/lookup/{wanted}', { path: { wanted: String(number) } });
  }

  async #has(id: number, number: number, role: 'primary' | 'replica'): Promise<boolean> {
    const { names } = await this.#teaching.of(id).client.call('GET /api/v1/storage', { query: { role } });
    return names.some(({ name }) => name === String(number));
  }
}

function contentOf(number: number): string {
  return `file ${number}\n`;
}
