/**
 * Before a stop (spec/4, stop): this host's copies will be unavailable, so items of which the others would hold fewer
 * than min(w, remaining hosts) replicas are given to them. Everything else stays: this host returns.
 */
import type { Contact, HostId } from '@chordial/ring';
import { copiesOfSet, type ItemSet } from '../storage/item-index.ts';
import { BlockMover } from './items/block-mover.ts';
import type { ItemTransfers } from './items/item-kind.ts';
import { kindOf } from './items/kinds.ts';
import { ownItems } from './range-differences.ts';
import { chunks, SyncClient } from './sync-client.ts';
import type { HeldAnswer, ListedItem } from './sync-messages.ts';
import type { SyncPorts } from './sync-ports.ts';

/** Items examined together: one request to each of their places. */
const itemsPerPage = 1024;
/** A host that answers none of this many requests, and is not found dead either, is not asked again. */
const maxAsks = 2;

interface Placed {
  readonly item: ListedItem;
  /** The other places, by arc: readers look at those of the arc of a key. */
  readonly arcs: readonly (readonly Contact[])[];
  readonly holders: Set<HostId>;
}

/**
 * Resolves with the number of replicas made when everything is readable without this host, or the signal fires. Rejects
 * with `timeout` when the ring does not answer.
 */
export async function drainOnStop(ports: SyncPorts, signal: AbortSignal): Promise<number> {
  const needed = Math.min(ports.writeQuorum, ports.view.hosts().length - 1);
  if (needed === 0) return 0;
  const transfers = { ports, blocks: new BlockMover(ports), signal };
  const silent = new Set<HostId>();
  let made = 0;
  for (const set of ports.index.sets()) {
    for (const items of chunks([...ownItems(ports.index, set, 'all')], itemsPerPage)) {
      if (signal.aborted) return made;
      const placed = await Promise.all(
        items.map(async (item) => {
          const arcs = await kindOf(set).placesWithoutSelf(ports, item.key, copiesOfSet(set, ports.replicas));
          return { item, arcs, holders: new Set<HostId>() };
        }),
      );
      await askHolders(transfers, set, placed, silent);
      const counts = await Promise.all(placed.map((one) => giveTo(transfers, set, one, needed)));
      made += counts.reduce((sum, count) => sum + count, 0);
    }
  }
  return made;
}

/**
 * Records the holders. A host that does not answer may be busy: that is not absence, and extra copies would be made.
 * Until it is found dead it counts as a holder; afterwards its neighbours repair what it held.
 */
async function askHolders(
  transfers: ItemTransfers,
  set: ItemSet,
  placed: readonly Placed[],
  silent: Set<HostId>,
): Promise<void> {
  const questions = new Map<HostId, { host: Contact; asked: Placed[] }>();
  for (const one of placed) {
    for (const host of new Map(one.arcs.flat().map((host) => [host.host, host])).values()) {
      const question = questions.get(host.host) ?? { host, asked: [] };
      question.asked.push(one);
      questions.set(host.host, question);
    }
  }
  await Promise.all(
    [...questions.values()].map(async ({ host, asked }) => {
      const answers = silent.has(host.host) ? null : await heldAt(transfers, set, host, asked);
      if (answers === null) {
        silent.add(host.host);
        if (!transfers.ports.view.isDead(host.host)) for (const { holders } of asked) holders.add(host.host);
        return;
      }
      for (const [index, { held }] of answers.entries())
        if (kindOf(set).isHeld(held)) asked[index]?.holders.add(host.host);
    }),
  );
}

/** Null when the host did not answer. */
async function heldAt(
  { ports, signal }: ItemTransfers,
  set: ItemSet,
  host: Contact,
  asked: readonly Placed[],
): Promise<readonly HeldAnswer[] | null> {
  const items = asked.map(({ item: { key, digest } }) => ({ set, key, digest }));
  for (let asks = 1; asks <= maxAsks && !signal.aborted; asks++) {
    try {
      return await new SyncClient(ports.transport, signal).holds(host, items);
    } catch (error) {
      ports.report?.('no-answer', host, (error as Error).message);
    }
  }
  return null;
}

/** Resolves with the number of replicas made; items gone meanwhile do not count. */
async function giveTo(
  transfers: ItemTransfers,
  set: ItemSet,
  { item, arcs, holders }: Placed,
  needed: number,
): Promise<number> {
  let made = 0;
  for (const others of arcs) {
    let held = others.filter(({ host }) => holders.has(host)).length;
    for (const host of others) {
      if (held >= needed || transfers.signal.aborted) break;
      if (holders.has(host.host) || (await kindOf(set).push(transfers, host, item)) !== 'moved') continue;
      holders.add(host.host);
      held += 1;
      made += 1;
    }
  }
  return made;
}
