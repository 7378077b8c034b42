/** Zones that die at once, hosts that change theirs, liars; and hosts behind routers whose relays die: in virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId, Milliseconds } from '@chordial/ring';
import { blockKey } from '../../src/content/cid.ts';
import { type Content, contentOf, cut, oneChunk } from './data-oracle.ts';
import { copyRule, type DataHost, DataSimulation, type DataSimulationOptions } from './data-simulation.ts';
import { Holdings } from './holdings.ts';

const hosts = 9;
const zones = 3;
const files = 12;
/** Of virtual time. */
const patience: Milliseconds = 120_000;
const readPatience: Milliseconds = 20_000;
const roundsWithin: Milliseconds = 70_000;
const byNumber = (number: number): string => `zone-${number % zones}`;

interface Put {
  readonly name: string;
  readonly publisher: DataHost;
  readonly content: Content;
}

async function network(options: Partial<DataSimulationOptions> & { readonly seed: number }): Promise<DataSimulation> {
  const faults = { minDelay: 1, maxDelay: 20, loss: 0.01, duplication: 0.02 };
  const simulation = new DataSimulation({ repairs: true, faults, cut, zoneOf: byNumber, ...options });
  while (simulation.hosts.length < hosts) {
    simulation.add();
    await simulation.pass(500);
  }
  await until(simulation, () => simulation.ring.inconsistency());
  await simulation.pass(10_000);
  return simulation;
}

async function until(simulation: DataSimulation, lacking: () => string | null): Promise<void> {
  const end = simulation.now + patience;
  for (let reason = lacking(); reason !== null; reason = lacking()) {
    assert.ok(simulation.now < end, reason);
    await simulation.pass(250);
  }
}

async function putFiles(simulation: DataSimulation): Promise<readonly Put[]> {
  const put: Put[] = [];
  for (let file = 0; file < files; file++) {
    const content = await contentOf(`file ${file}`, simulation.random);
    const publisher = simulation.hosts[file % hosts]!;
    const name = `file ${file}`;
    const done = await simulation.waitFor(publisher.data!.files.put(name, oneChunk(content.bytes)), patience);
    assert.ok((done?.copies ?? 0) >= copyRule.writeQuorum, name);
    put.push({ name, publisher, content });
  }
  return put;
}

/** Names of the files that this host cannot read as they were put. */
async function unreadable(simulation: DataSimulation, host: DataHost, put: readonly Put[]): Promise<readonly string[]> {
  const lost: string[] = [];
  for (const { name, publisher, content } of put) {
    const reading = (async () => {
      const { files: verbs } = host.data!;
      const { cid } = await verbs.resolve({ name, publisher: publisher.signer.host });
      const pieces: Uint8Array[] = [];
      for await (const piece of verbs.read(cid)) pieces.push(Uint8Array.from(piece));
      return Buffer.concat(pieces);
    })().catch(() => null);
    const got = await simulation.waitFor(reading, readPatience);
    if (!got?.equals(content.bytes)) lost.push(name);
  }
  return lost;
}

/** A block that has fewer than r copies, or null. */
function rare(simulation: DataSimulation, put: readonly Put[]): string | null {
  const holdings = new Holdings(simulation);
  for (const { name, content } of put)
    for (const cid of content.cids) {
      const copies = holdings.holders(cid, simulation.members).length;
      if (copies < copyRule.replicas) return `${name} has ${copies} copies of ${blockKey(cid).slice(0, 12)}`;
    }
  return null;
}

/** As the hosts count them, each in its last round over all its arcs. */
async function inSharedZones(simulation: DataSimulation): Promise<number> {
  await simulation.pass(roundsWithin);
  return simulation.members.reduce((sum, { data }) => sum + (data?.copiesInSharedZones() ?? 0), 0);
}

function wanted(put: readonly Put[]): ReadonlyMap<string, number> {
  return new Map(put.flatMap(({ content }) => content.cids.map((cid) => [blockKey(cid), copyRule.replicas])));
}

test('one zone of three dies for good the moment files are acknowledged: none is lost, and all get their copies again', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const simulation = await network({ seed });
    const put = await putFiles(simulation);
    for (const host of simulation.hosts) if (host.number % zones === seed % zones) simulation.wipe(host);
    await until(simulation, () => simulation.ring.inconsistency() ?? rare(simulation, put));
    for (const host of simulation.members.slice(0, 2))
      assert.deepEqual(await unreadable(simulation, host, put), [], `seed ${seed}`);
    if (seed === 1) assert.ok((await inSharedZones(simulation)) > 0);
    simulation.close();
  }
});

test('the same hosts without zones lose files', async () => {
  let lost = 0;
  for (let seed = 1; seed <= 8 && lost === 0; seed++) {
    const simulation = await network({ seed, zoneOf: () => null });
    const put = await putFiles(simulation);
    await simulation.pass(10_000);
    const dead = simulation.hosts.filter(({ number }) => number % zones === seed % zones);
    const others = simulation.hosts.filter((host) => !dead.includes(host));
    const holdings = new Holdings(simulation);
    for (const { content } of put)
      for (const cid of content.cids) if (holdings.holders(cid, others).length === 0) lost += 1;
    simulation.close();
  }
  assert.ok(lost > 0);
});

test('a host that restarts in another zone moves copies: all are at the new places, and the old ones go', async () => {
  const simulation = await network({ seed: 5 });
  const put = await putFiles(simulation);
  const holdings = new Holdings(simulation);
  const placed = () =>
    [...wanted(put).keys()].map((key) =>
      holdings
        .placesOf(key, copyRule.replicas)
        .map(({ number }) => number)
        .join(),
    );
  await until(simulation, () => holdings.misplaced(wanted(put)));
  assert.equal(await inSharedZones(simulation), 0);
  for (const [number, zone] of [
    [4, 'zone-2'],
    [0, 'zone-new'],
  ] as const) {
    const before = placed();
    const host = simulation.hosts[number]!;
    await simulation.waitFor(simulation.stop(host), patience);
    await simulation.pass(500);
    simulation.restart(host, zone);
    assert.equal(host.ring.contact.zone, zone);
    await simulation.pass(5000);
    await until(simulation, () => simulation.ring.inconsistency() ?? holdings.misplaced(wanted(put)));
    const after = placed();
    assert.ok(
      after.some((places, index) => places !== before[index]),
      'nothing had to move',
    );
  }
  assert.deepEqual(await unreadable(simulation, simulation.hosts[2]!, put), []);
  simulation.close();
});

test('a member that tells wrong zones of all others costs no copy, and once it is gone all is at its places', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const simulation = await network({ seed });
    const liar = simulation.hosts[seed]!;
    simulation.ring.network.says = (from, answer) =>
      from === liar.signer.host ? (misplacing(answer, liar.signer.host) as typeof answer) : answer;
    const put = await putFiles(simulation);
    await simulation.pass(30_000);
    // Places change while it lies.
    const away = simulation.hosts[seed + 3]!;
    simulation.crash(away);
    await simulation.pass(20_000);
    simulation.restart(away);
    await until(simulation, () => simulation.ring.inconsistency() ?? rare(simulation, put));
    for (const host of simulation.members)
      assert.deepEqual(await unreadable(simulation, host, put), [], `seed ${seed}`);
    simulation.wipe(liar);
    await simulation.pass(60_000);
    await until(simulation, () => simulation.ring.inconsistency() ?? new Holdings(simulation).misplaced(wanted(put)));
    simulation.close();
  }
});

/** The answer with every contact but that of its sender in one zone. */
function misplacing(value: unknown, self: HostId): unknown {
  if (Array.isArray(value)) return value.map((one) => misplacing(one, self));
  if (typeof value !== 'object' || value === null) return value;
  if ('host' in value && 'addresses' in value) return value.host === self ? value : { ...value, zone: 'zone-0' };
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, misplacing(one, self)]));
}

test('B10 a third of the hosts is behind routers: they keep copies, and when all relays of one die at once others lead to it within 5 s', async () => {
  const isHidden = (number: number): boolean => number % 3 === 1;
  const simulation = await network({ seed: 15, zoneOf: () => null, isHidden });
  const put = await putFiles(simulation);
  await until(simulation, () => rare(simulation, put));
  const hidden = simulation.hosts.filter(({ number }) => isHidden(number));
  const holdings = new Holdings(simulation);
  assert.ok(put.some(({ content }) => content.cids.some((cid) => holdings.holders(cid, hidden).length > 0)));
  const first = hidden[0]!;
  const relays = simulation.relays.of(first);
  assert.deepEqual(
    relays.map(({ number }) => isHidden(number)),
    [false, false, false],
  );
  const isReached = (): boolean =>
    simulation.members.every((from) => from === first || simulation.relays.leads(from.signer.host, first.signer.host));
  assert.ok(isReached());
  for (const relay of relays) simulation.crash(relay);
  assert.ok(!isReached(), 'no relay leads to it');
  const died = simulation.now;
  await until(simulation, () => (isReached() ? null : 'out of reach'));
  assert.ok(simulation.now - died <= 5000, `${simulation.now - died} ms`);
  for (const relay of relays) simulation.restart(relay);
  await until(simulation, () => simulation.ring.inconsistency() ?? rare(simulation, put));
  for (const host of hidden) assert.deepEqual(await unreadable(simulation, host, put), []);
  simulation.close();
});
