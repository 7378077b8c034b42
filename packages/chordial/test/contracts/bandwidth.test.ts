/** Limits on bulk bytes over real sockets: held within 5 % over 10 s, each way. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Block, cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { leafBytes } from '../../src/content/leaf-pool.ts';
import { forEachConcurrently } from '../../src/flow/for-each.ts';
import type { Limit } from '../../src/flow/timetable.ts';
import { Bandwidth, type Direction } from '../../src/network/bandwidth.ts';
import { systemClock } from '../../src/network/system-clock.ts';
import { holderAndClients } from '../fixtures/socket-peers.ts';

const patience = { timeout: 60_000 };
const perSecond = 1024 * 1024;
const seconds = 10;
type Peer = Awaited<ReturnType<typeof holderAndClients>>['holder'];

function limitedTo(limit: Limit): Bandwidth {
  const bandwidth = new Bandwidth({ clock: systemClock, limitsLan: true });
  bandwidth.limit = limit;
  return bandwidth;
}

function* blocks(count: number, bytes = leafBytes): Generator<Block> {
  for (let made = 0; made < count; made++) {
    const leaf = new Uint8Array(randomBytes(bytes));
    yield { cid: cidOfBlock(rawCodec, leaf), bytes: leaf };
  }
}

/** Gets without end until told. */
async function readOn(client: Peer, wanted: readonly Block['cid'][], signal: AbortSignal): Promise<void> {
  const fetch = async (cid: Block['cid']): Promise<void> => {
    client.fetcher.release(await client.fetcher.fetch(cid, signal));
  };
  await assert.rejects(
    forEachConcurrently(
      (async function* () {
        yield* wanted;
      })(),
      16,
      fetch,
    ),
    { code: 'interrupted' },
  );
}

/** Puts without end until told. */
async function writeOn(client: Peer, signal: AbortSignal, bytes = leafBytes): Promise<void> {
  const endless = (async function* () {
    while (!signal.aborted) yield* blocks(1, bytes);
  })();
  await forEachConcurrently(endless, 12, async (block) => {
    await client.storer.store(block, { replicas: 1, writeQuorum: 1 });
  });
}

/** Payload of all classes in ten seconds, after two to settle. */
async function measured(bandwidth: Bandwidth, way: Direction): Promise<number> {
  const bytes = () => Object.values(bandwidth.moved[way]).reduce((sum, one) => sum + one, 0);
  await sleep(2000);
  const [before, began] = [bytes(), performance.now()];
  await sleep(seconds * 1000);
  return ((bytes() - before) * 1000) / (performance.now() - began);
}

function assertHeld(rate: number, what: string): void {
  assert.ok(Math.abs(rate / perSecond - 1) < 0.05, `${what}: ${Math.round(rate)} of ${perSecond} bytes per second`);
}

test('B11 a get is held to the limit, that of the sender and that of the receiver', patience, async (t) => {
  const held = async (who: 'holder' | 'client', way: Direction): Promise<void> => {
    const bandwidth = limitedTo({ up: perSecond, down: perSecond });
    const { holder, clients } = await holderAndClients(t, 1, { bandwidth: { [who]: bandwidth } });
    const leaves = [...blocks(24)];
    await holder.blocks.put(leaves);
    const enough = new AbortController();
    const reading = readOn(
      clients[0]!,
      leaves.map(({ cid }) => cid),
      enough.signal,
    );
    assertHeld(await measured(bandwidth, way), `${who} ${way}`);
    enough.abort();
    await reading;
  };
  await Promise.all([held('holder', 'up'), held('client', 'down')]);
});

test('B11 at the least rate no side takes the other for dead', patience, async (t) => {
  const least = 32 * 1024;
  const [count, bytes] = [4, 100_000];
  const slow = async (who: 'holder' | 'client'): Promise<void> => {
    const bandwidth = { [who]: limitedTo({ up: least, down: least }) };
    const { holder, clients } = await holderAndClients(t, 1, { bandwidth });
    const client = clients[0]!;
    const made = [...blocks(count, bytes)];
    const timed = async (moving: Promise<unknown>): Promise<void> => {
      const began = performance.now();
      await moving;
      const seconds = (performance.now() - began) / 1000;
      assert.ok(seconds > (count * bytes) / least - 1, `${who}: ${seconds} s`);
    };
    const rule = { replicas: 1, writeQuorum: 1 };
    await timed(Promise.all(made.map((block) => client.storer.store(block, rule))));
    for (const { cid } of made) assert.equal(await holder.blocks.size(cid), bytes);
    await timed(Promise.all(made.map(({ cid }) => client.fetcher.fetchElsewhere(cid))));
  };
  await Promise.all([slow('client'), slow('holder')]);
});

test('B11 a put is held to the limit, also of blocks that come without asking', patience, async (t) => {
  const held = async (who: 'holder' | 'client', way: Direction, bytes: number): Promise<void> => {
    const bandwidth = limitedTo({ up: perSecond, down: perSecond });
    const { clients } = await holderAndClients(t, 2, { bandwidth: { [who]: bandwidth } });
    const enough = new AbortController();
    const writing = (who === 'client' ? clients.slice(0, 1) : clients).map((client) =>
      writeOn(client, enough.signal, bytes),
    );
    assertHeld(await measured(bandwidth, way), `${who} ${way} ${bytes}`);
    enough.abort();
    bandwidth.limit = { up: null, down: null };
    await Promise.all(writing);
  };
  await Promise.all([
    held('client', 'up', leafBytes),
    held('holder', 'down', leafBytes),
    held('holder', 'down', 20_000),
  ]);
});
