/**
 * Leaving: everything held here is made durable at its places in a ring without this host. Nothing is dropped, so it
 * can be interrupted and repeated.
 */

import { type Contact, type HostId, ringIdOfHash } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { storedEntries } from '../records/entry.ts';
import { sendLeaves } from '../records/leaf-exchange.ts';
import type { HeldLeaf } from '../storage/share-table.ts';
import { isEnded } from './items/block-mover.ts';
import { leafItems } from './items/leaf.ts';
import { copiesWanted } from './placement.ts';
import type { SyncPorts } from './sync-ports.ts';

const itemsPerPage = 256;
const maxBytesInFlight = 16 * 1024 * 1024;
/** Attempts per item, each with a new lookup of places. */
const maxRounds = 3;
/** Hosts after the places that get what a place has no room for. */
const maxSubstitutes = 8;
const noOtherHost = 'no other host is there';

/** Rejects with `too-few-copies` when something has no durable replica besides the one here. */
export async function handOver(ports: SyncPorts): Promise<void> {
  for (let round = 1; ; round++) {
    ports.placement.clear();
    const failures = [
      ...(await handOverRecords(ports)),
      ...(await handOverLeaves(ports)),
      ...(await handOverBlocks(ports)),
    ];
    if (failures.length === 0) return;
    if (round === maxRounds) {
      const message = `${failures.length} items could not be handed over, the last because ${failures.at(-1)}. Bring other peers up or give them room, and leave again; --force gives up what is here.`;
      throw new ChordialError('too-few-copies', message);
    }
  }
}

async function handOverRecords(ports: SyncPorts): Promise<readonly string[]> {
  const failures: string[] = [];
  let cursor: string | null = null;
  do {
    const page = ports.records.table.range('all', cursor, itemsPerPage);
    await Promise.all(
      page.items.map(async (row) => {
        const { key } = row;
        const entries = storedEntries([row]);
        if (entries.length === 0) return;
        failures.push(...(await everywhere(ports, key, ports.replicas, (host) => ports.records.push(host, entries))));
      }),
    );
    cursor = page.cursor;
  } while (cursor !== null);
  return failures;
}

async function handOverLeaves(ports: SyncPorts): Promise<readonly string[]> {
  const { shares, clock, replicas, transport } = ports;
  const failures: string[] = [];
  for (let after = 0; ; ) {
    const page = shares.table.walk(clock.wallTime(), after, itemsPerPage);
    const byHost = new Map<HostId, { readonly host: Contact; readonly leaves: HeldLeaf[] }>();
    for (const leaf of page) {
      const places = (await leafItems.placesWithoutSelf(ports, leaf.first.padEnd(64, '0'), replicas)).flat();
      const hosts = new Map(places.map((host) => [host.host, host]));
      if (hosts.size === 0) failures.push(noOtherHost);
      for (const host of hosts.values()) {
        const given = byHost.get(host.host) ?? { host, leaves: [] };
        given.leaves.push(leaf);
        byHost.set(host.host, given);
      }
    }
    for (const { host, leaves } of byHost.values()) {
      try {
        if (!(await sendLeaves(host, leaves, transport))) failures.push(`${host.host} refused entries of shares`);
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    const last = page.at(-1);
    if (last === undefined || page.length < itemsPerPage) return failures;
    after = last.leaf;
  }
}

async function handOverBlocks(ports: SyncPorts): Promise<readonly string[]> {
  const failures: string[] = [];
  const budget = new Semaphore(maxBytesInFlight);
  let cursor: string | null = null;
  do {
    const page = await ports.blocks.keys('all', cursor, itemsPerPage);
    await Promise.all(
      page.items.map(async ({ cid, key, size }) => {
        failures.push(...(await budget.pass(() => handOverBlock(ports, cid, key), size)));
      }),
    );
    cursor = page.cursor;
  } while (cursor !== null);
  return failures;
}

async function handOverBlock(ports: SyncPorts, cid: CID, key: string): Promise<readonly string[]> {
  const claims = ports.blocks.claimsOf(cid);
  if (claims.length === 0) return [];
  const bytes = await ports.blocks.get(cid);
  if (bytes === null) return [];
  const copy = { block: { cid, bytes }, claims, traffic: 'repair', abandoned: false } as const;
  const wanted = copiesWanted(claims, ports.replicas);
  // A host that answers that the puts of others have ended has checked their names, and knows better than this one. Of an
  // own put that others have let go, this host may be the only one that knows that it holds.
  const ofOthers = claims.every(({ publisher }) => publisher !== ports.view.self.host);
  return everywhere(ports, key, wanted, async (host) => {
    try {
      await ports.senders.to(host).store(copy);
    } catch (error) {
      if (!ofOthers || !isEnded(error)) throw error;
    }
  });
}

/** A full host is replaced by the next one. */
async function giveOrNext(
  host: Contact,
  substitutes: Iterator<Contact>,
  give: (host: Contact) => Promise<void>,
): Promise<void> {
  try {
    return await give(host);
  } catch (error) {
    const isFull = error instanceof ChordialError && ['quota-full', 'disk-full', 'publisher-full'].includes(error.code);
    const next = isFull ? substitutes.next() : null;
    if (next === null || next.done) throw error;
    return giveOrNext(next.value, substitutes, give);
  }
}

/** Gives the item to each place without this host; one line per place that did not accept it. */
async function everywhere(
  ports: SyncPorts,
  key: string,
  wanted: number,
  give: (host: Contact) => Promise<void>,
): Promise<readonly string[]> {
  const { view, placement } = ports;
  const others = await placement.withoutSelf.candidates(ringIdOfHash(key, view.shape.bits), wanted);
  const places = others.slice(0, wanted);
  const substitutes = others.slice(wanted, wanted + maxSubstitutes)[Symbol.iterator]();
  const given = await Promise.allSettled(places.map((host) => giveOrNext(host, substitutes, give)));
  if (places.length === 0) return [noOtherHost];
  return given.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).message] : []));
}
