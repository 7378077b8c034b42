/**
 * Stopping for a while (spec/4, stop): this host's copies are about to be away, so whatever the others would then hold
 * fewer than min(w, remaining hosts) times is given to them. Everything else is left where it is: this host comes back.
 */
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact, HostId } from '../ring/pointer.ts';
import { type ItemSet, recordSet } from '../storage/item-index.ts';
import { ItemMover } from './item-mover.ts';
import { ownItems } from './range-differences.ts';
import { chunks, SyncClient } from './sync-client.ts';
import type { HeldAnswer, ListedItem } from './sync-messages.ts';
import type { SyncPorts } from './sync-ports.ts';

/** Items looked at together: one question to each of their places. */
const itemsPerPage = 1024;
/** One late answer on a busy disk is not absence: copies would be made that nobody needs. */
const maximumAsks = 2;
const circle = { after: 'f'.repeat(64), upTo: 'f'.repeat(64) };

interface Placed {
  readonly item: ListedItem;
  readonly others: readonly Contact[];
  readonly holders: Set<HostId>;
}

/** Resolves with the copies made when everything is readable without this host, or the signal fires. Rejects with `timeout` when the ring does not answer. */
export async function keepReadable(ports: SyncPorts, signal: AbortSignal): Promise<number> {
  const needed = Math.min(ports.writeQuorum, ports.view.hosts().length - 1);
  if (needed === 0) return 0;
  const mover = new ItemMover(ports);
  const silent = new Set<HostId>();
  let made = 0;
  for (const set of ports.index.sets()) {
    for (const items of chunks([...ownItems(ports.index, set, circle)], itemsPerPage)) {
      if (signal.aborted) return made;
      const placed = await placesOf(ports, set, items);
      await askHolders(ports, set, placed, silent, signal);
      const counts = await Promise.all(
        placed.map((one) => giveTo(mover, one, Math.min(needed, one.others.length), signal)),
      );
      made += counts.reduce((sum, count) => sum + count, 0);
    }
  }
  return made;
}

/** Per item the hosts whose place it is once this host is away. */
function placesOf(ports: SyncPorts, set: ItemSet, items: readonly ListedItem[]): Promise<readonly Placed[]> {
  const { view, placement, replicas } = ports;
  const wanted = set === recordSet ? replicas : set;
  return Promise.all(
    items.map(async (item) => {
      const key = ringIdOfHash(item.key.slice(0, 64), view.shape.bits);
      const hosts = await placement.candidates(key, wanted + 1);
      const others = hosts.filter(({ host }) => host !== view.self.host).slice(0, wanted);
      return { item, others, holders: new Set<HostId>() };
    }),
  );
}

/** Notes who holds what. Hosts that do not answer are taken to hold nothing, and are not asked again. */
async function askHolders(
  ports: SyncPorts,
  set: ItemSet,
  placed: readonly Placed[],
  silent: Set<HostId>,
  signal: AbortSignal,
): Promise<void> {
  const questions = new Map<HostId, { host: Contact; asked: Placed[] }>();
  for (const one of placed) {
    for (const host of one.others) {
      if (silent.has(host.host)) continue;
      const question = questions.get(host.host) ?? { host, asked: [] };
      question.asked.push(one);
      questions.set(host.host, question);
    }
  }
  await Promise.all(
    [...questions.values()].map(async ({ host, asked }) => {
      const answers = await heldAt(ports, set, host, asked, signal);
      if (answers === null) silent.add(host.host);
      // A record that differs there may be an older one: it is offered, which costs little.
      for (const [index, { held }] of (answers ?? []).entries())
        if (held === 'same' || (set !== recordSet && held === 'other')) asked[index]?.holders.add(host.host);
    }),
  );
}

/** Null when the host did not answer. */
async function heldAt(
  ports: SyncPorts,
  set: ItemSet,
  host: Contact,
  asked: readonly Placed[],
  signal: AbortSignal,
): Promise<readonly HeldAnswer[] | null> {
  const items = asked.map(({ item: { key, digest } }) => ({ set, key, digest }));
  for (let asks = 1; asks <= maximumAsks && !signal.aborted; asks++) {
    try {
      return await new SyncClient(ports.transport, signal).holds(host, items);
    } catch (error) {
      ports.report?.('no-answer', host, (error as Error).message);
    }
  }
  return null;
}

async function giveTo(
  mover: ItemMover,
  { item: { key, cid }, others, holders }: Placed,
  needed: number,
  signal: AbortSignal,
): Promise<number> {
  let made = 0;
  for (const host of others) {
    if (holders.size + made >= needed || signal.aborted) break;
    if (holders.has(host.host)) continue;
    const given =
      cid === null
        ? await mover.pushRecords(host, [key], signal)
        : (await mover.pushBlock(host, cid, signal)) === 'moved';
    if (given) made += 1;
  }
  return made;
}
