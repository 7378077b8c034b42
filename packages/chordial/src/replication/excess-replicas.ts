/**
 * Items for which this host is no longer, or never was, a place: offered to their places. When all of these have just
 * reported that they hold them and are authoritative, the copy here is an excess replica: it becomes cache, served to
 * readers but not counted. It is dropped once all of its places have proved that they hold it (possession.ts) and have
 * been known long enough to be trusted, or room is short here (spec/4, Hand-over, Repair).
 *
 * Two hosts never drop the last replicas on each other's statement: only a place is authoritative, and a place drops
 * nothing. And no number of hosts that lie about holding it makes this one drop anything.
 */

import { type Contact, type HostId, ringIdOfHash } from '@chordial/ring';
import { verifyBlockBy } from '../content/block-hashing.ts';
import { blockKey } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import { likelyPlaces } from '../records/zone-order.ts';
import type { ClaimedBlock } from '../storage/block-store.ts';
import { type CachedItem, copiesOfSet, everySet, type ItemSet } from '../storage/item-index.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import type { BlockMover } from './items/block-mover.ts';
import { kindOf, placesOfItem } from './items/kinds.ts';
import type { Held } from './items/moved.ts';
import { challengeOf, isSameProof, newNonce, proofsOf } from './possession.ts';
import { ownItems } from './range-differences.ts';
import { chunks, SyncClient } from './sync-client.ts';
import type { HeldAnswer, ListedItem } from './sync-messages.ts';
import type { SyncPorts } from './sync-ports.ts';
import { maxBytesProved } from './sync-server.ts';

/** Items examined together: one request to each of their places. */
const itemsPerPage = 512;
/** Proofs requested at a time, within the bytes that one answer may cost. */
const itemsPerProof = 256;
/** Items added since the last look, and those it left over; beyond this, everything is examined. */
const maxDue = 100_000;
/**
 * A host is trusted for drops when it was admitted this long ago; in an open network, when it has been known here for
 * this long.
 */
export const seasonedMilliseconds = { members: 24 * 3600 * 1000, open: 7 * 24 * 3600 * 1000 } as const;
/** Cached items examined to make room for one write, and at a time: as many leaves as an answer may prove. */
const maxEvictionsTried = 512;
const evictionConcurrency = 16;
/** Cached items of one confirmed range and set that are examined; the others after the next confirmation. */
const maxCachedOfRange = 512;
/** Of the quota; the rest is for items with a place here. */
const shareForOwn = 0.8;

export interface ExcessReplicasOutcome {
  readonly dropped: number;
  /** Items that become cache. */
  readonly cached: number;
  /** Items to be examined again soon. */
  readonly left: number;
}

interface Placed extends ListedItem {
  readonly places: readonly Contact[];
}

/** Decision on an item without a place here, once its places hold it, for dropping with proof. */
interface Judged extends Placed {
  readonly fate: 'drop' | 'cache';
}

interface Answer extends HeldAnswer {
  readonly challenge: Uint8Array | null;
}

type Answers = ReadonlyMap<HostId, ReadonlyMap<string, Answer>>;

export class ExcessReplicas {
  readonly #ports: SyncPorts;
  readonly #blocks: BlockMover;
  readonly #due = new Map<ItemSet, Set<string>>();
  #dueCount = 0;
  /** Items that a place has no room for, and cache of which a place did not answer: examined again later. */
  readonly #waiting = new Map<ItemSet, Set<string>>();
  #isEverythingDue = true;
  #makingRoom: Promise<number> | null = null;
  readonly #closing = new AbortController();
  readonly #added: (set: ItemSet, key: string) => void;

  /** @param came called when an item arrived that is to be examined */
  constructor(ports: SyncPorts, blocks: BlockMover, came: () => void = () => undefined) {
    this.#ports = ports;
    this.#blocks = blocks;
    this.#added = (set, key) => {
      this.#lookLater(set, key);
      came();
    };
    ports.index.added = this.#added;
  }

  close(): void {
    this.#closing.abort();
    // A process that started since has its own.
    if (this.#ports.index.added === this.#added) this.#ports.index.added = null;
  }

  get hasDue(): boolean {
    return this.#isEverythingDue || this.#dueCount > 0;
  }

  /**
   * Examines items added since the last look and those left over, or everything: places move when the ring changes.
   * Nothing is dropped during a change, or while a host hands over to leave.
   */
  async remove(everything: boolean, ringChanged: () => boolean, signal: AbortSignal): Promise<ExcessReplicasOutcome> {
    const changed = (): boolean => ringChanged() || this.#ports.leavers.isAny();
    const total = { dropped: 0, cached: 0, left: 0 };
    const isAll = everything || this.#isEverythingDue;
    if (isAll) this.#waiting.clear();
    const due = [...this.#due];
    this.#forgetDue();
    try {
      for await (const [set, items] of isAll ? this.#allItems() : this.#dueItems(due)) {
        if (signal.aborted || changed()) {
          // The rest is examined with everything else.
          this.#isEverythingDue = true;
          return { ...total, left: total.left + 1 };
        }
        const { dropped, cached, left } = await this.#look(set, items, changed, signal);
        total.dropped += dropped;
        total.cached += cached;
        total.left += left;
      }
    } catch (error) {
      // A disk that failed a write: what was due is forgotten by now.
      this.#isEverythingDue = true;
      throw error;
    }
    return total;
  }

  /** Items in this range are examined with the next look. */
  lookAtRange(range: KeyArc): void {
    const { index } = this.#ports;
    for (const set of index.sets()) for (const { key } of ownItems(index, set, range)) this.#lookLater(set, key);
  }

  /** Another host has just offered a copy of this block, or asked for one: cache is examined with the next look. */
  lookAtCache(key: string): void {
    const { index } = this.#ports;
    const found = index.isBlockCached(key) ? index.findBlock(key) : null;
    if (found !== null) this.#added(found.set, key);
  }

  /**
   * An owner has just confirmed to this host that it is a place of this range: what is cache there counts from the next look
   * on. Without this event no one would notice, since for the owner this host has all that it should have.
   */
  async lookAtCacheIn(range: KeyArc): Promise<void> {
    for (const set of everySet) {
      const keys = this.#ports.index.cachedIn(set, kindOf(set).indexedRange(range), maxCachedOfRange);
      // The places of an arc are the same for all of its keys; of blocks of fewer copies this host may be none.
      if (!(await this.#isPlaceOf(set, keys.at(0))) && !(await this.#isPlaceOf(set, keys.at(-1)))) continue;
      for (const key of keys) this.#added(set, key);
    }
  }

  /** Waiting items are examined with the next look. */
  lookAtWaiting(): void {
    for (const [set, keys] of this.#waiting) for (const key of keys) this.#lookLater(set, key);
    this.#waiting.clear();
  }

  /** Drops cached items, longest cached first, until this many bytes are free; resolves with the number freed. */
  makeRoom(bytes: number): Promise<number> {
    this.#makingRoom ??= this.#evict(bytes).finally(() => {
      this.#makingRoom = null;
    });
    return this.#makingRoom;
  }

  async #evict(wanted: number): Promise<number> {
    const { index, view } = this.#ports;
    const signal = this.#closing.signal;
    let freed = 0;
    let tried = 0;
    for (let cursor: string | null = null; tried < maxEvictionsTried && !signal.aborted; ) {
      const page = index.cached(cursor, evictionConcurrency);
      for (const set of new Set(page.items.map((cached) => cached.set))) {
        // Records take negligible room.
        const found = page.items.flatMap((cached) =>
          cached.set === set && cached.bytes > 0 ? (index.find(set, cached.key) ?? []) : [],
        );
        const placed = await this.#placed(set, found);
        const judged = placed.flatMap((item) =>
          isAmong(item.places, view.self.host) ? [] : [{ ...item, fate: 'drop' as const }],
        );
        const answers = await this.#askPlaces(set, judged, signal);
        for (const item of judged) {
          if (freed >= wanted) return freed;
          if ((await this.#standing(set, item, answers, signal)) !== 'held') continue;
          const bytes = index.findCached(set, item.key)?.bytes ?? 0;
          freed += (await kindOf(set).drop(this.#ports, [item])) * bytes;
        }
      }
      tried += page.items.length;
      cursor = page.cursor;
      if (cursor === null) break;
    }
    return freed;
  }

  *#allItems(): Generator<[ItemSet, readonly ListedItem[]]> {
    const { index } = this.#ports;
    for (const set of index.sets()) {
      for (let cursor: string | null = null; ; ) {
        const page = index.items(set, 'all', cursor, itemsPerPage);
        yield [set, page.items];
        cursor = page.cursor;
        if (cursor === null) break;
      }
    }
  }

  /** Without those that belong here: most of what arrives, and not even read. */
  async *#dueItems(
    due: readonly (readonly [ItemSet, ReadonlySet<string>])[],
  ): AsyncGenerator<[ItemSet, readonly ListedItem[]]> {
    const { index } = this.#ports;
    for (const [set, keys] of due)
      for (const some of chunks([...keys], itemsPerPage)) {
        const belong = await Promise.all(some.map((key) => this.#isForGood(set, key)));
        const open = some.filter((_, position) => !belong[position]);
        if (open.length > 0) yield [set, open.flatMap((key) => index.find(set, key) ?? [])];
      }
  }

  /** It has a place here, counts as a replica, and no other owner needs to know. */
  async #isForGood(set: ItemSet, key: string): Promise<boolean> {
    const { index, replicas } = this.#ports;
    if (copiesOfSet(set, replicas) > replicas) return false;
    return (await this.#isPlaceOf(set, key)) && !index.isCached(set, key) && this.#seemsPlaceOf(set, key);
  }

  /**
   * Whether this host is a place by what it has heard itself. Where owners say otherwise, one of the two is not up to date,
   * and no change of the ring near here may tell when it is.
   */
  #seemsPlaceOf(set: ItemSet, key: string): boolean {
    const { view, replicas } = this.#ports;
    if (set.kind === 'leaves') return true;
    const at = ringIdOfHash(key.slice(0, 64), view.shape.bits);
    return isAmong(likelyPlaces(view, at, copiesOfSet(set, replicas)), view.self.host);
  }

  async #isPlaceOf(set: ItemSet, key: string | undefined): Promise<boolean> {
    if (key === undefined) return false;
    return isAmong(await placesOfItem(this.#ports, set, key), this.#ports.view.self.host);
  }

  #lookLater(set: ItemSet, key: string): void {
    if (this.#isEverythingDue) return;
    const keys = this.#due.get(set) ?? new Set();
    this.#due.set(set, keys);
    if (!keys.has(key)) this.#dueCount += 1;
    keys.add(key);
    if (this.#dueCount <= maxDue) return;
    this.#forgetDue();
    this.#isEverythingDue = true;
  }

  #wait(set: ItemSet, key: string): void {
    const keys = this.#waiting.get(set) ?? new Set();
    this.#waiting.set(set, keys);
    if (keys.size < maxDue) keys.add(key);
  }

  #forgetDue(): void {
    this.#due.clear();
    this.#dueCount = 0;
    this.#isEverythingDue = false;
  }

  async #look(
    set: ItemSet,
    items: readonly ListedItem[],
    changed: () => boolean,
    signal: AbortSignal,
  ): Promise<ExcessReplicasOutcome> {
    const { view, index } = this.#ports;
    const placed = await this.#placed(set, items);
    await this.#tellOwners(set, placed, signal);
    const [own, surplus, unsure] = [[] as Placed[], [] as Placed[], [] as Placed[]];
    // An unanswered request ends the walk early, perhaps before it reaches this host.
    const complete = Math.min(copiesOfSet(set, this.#ports.replicas), view.hosts().length);
    for (const item of placed) {
      if (isAmong(item.places, view.self.host)) {
        own.push(item);
        if (!this.#seemsPlaceOf(set, item.key)) this.#wait(set, item.key);
      } else (item.places.length < complete ? unsure : surplus).push(item);
    }
    for (const { key } of unsure) this.#lookLater(set, key);
    await this.#count(set, own);
    await this.#withdraw(set, surplus);
    const judged = surplus.map((item) => this.#judge(set, item));
    const answers = await this.#askPlaces(set, judged, signal);
    const proved: Judged[] = [];
    const open: Judged[] = [];
    for (const item of judged) {
      const standing = await this.#standing(set, item, answers, signal);
      if (standing === 'held') proved.push(item);
      else if (index.isCached(set, item.key) && !isAbsentAtSome(item, answers)) {
        // A silent place may lack it: it is asked again.
        if (isSilentSome(item, answers)) this.#wait(set, item.key);
        continue;
      }
      // An item that its place lost is that place's replica until it is back there.
      else await this.#count(set, [item]);
      if (standing === 'not-held') open.push(item);
      else if (standing === 'full') this.#wait(set, item.key);
    }
    for (const { key } of open) this.#lookLater(set, key);
    if (changed() || signal.aborted) {
      for (const { key } of proved) this.#lookLater(set, key);
      return { dropped: 0, cached: 0, left: proved.length + open.length + unsure.length };
    }
    const dropping = proved.filter(({ fate }) => fate === 'drop');
    const dropped = await kindOf(set).drop(this.#ports, dropping);
    // One that was claimed again or replaced meanwhile is new.
    const cached = await this.#cache(
      set,
      proved.filter(({ fate }) => fate === 'cache'),
    );
    return { dropped, cached, left: open.length + unsure.length };
  }

  #placed(set: ItemSet, items: readonly ListedItem[]): Promise<readonly Placed[]> {
    return Promise.all(
      items
        .filter((item) => this.#isWanted(item))
        .map(async (item) => ({ ...item, places: await placesOfItem(this.#ports, set, item.key) })),
    );
  }

  #judge(set: ItemSet, item: Placed): Judged {
    const isComplete = item.places.length >= copiesOfSet(set, this.#ports.replicas);
    const mayGo =
      isComplete && !kindOf(set).isKept(this.#ports, item) && item.places.every(({ host }) => this.#isSeasoned(host));
    return { ...item, fate: mayGo ? 'drop' : 'cache' };
  }

  #isSeasoned(host: HostId): boolean {
    const { membership, clock } = this.#ports;
    const { admission } = membership;
    if (admission === 'classroom') return true;
    const { admittedAt, firstSeenAt } = membership.of(host);
    if (firstSeenAt === null || (admission === 'members' && admittedAt === null)) return false;
    // A member that countersigns made-up members can backdate them, but not the time when this host met them.
    const since = admission === 'members' ? Math.max(admittedAt!, firstSeenAt) : firstSeenAt;
    return clock.wallTime() - since >= seasonedMilliseconds[admission];
  }

  /** Whether all places hold the item, possibly after they were given it. */
  async #standing(set: ItemSet, item: Judged, answers: Answers, signal: AbortSignal): Promise<Held> {
    const { replicas } = this.#ports;
    const isOfMore = copiesOfSet(set, replicas) > replicas;
    let everywhere = item.places.length > 0;
    const transfers = { ports: this.#ports, blocks: this.#blocks, signal };
    let isFull = false;
    // Some place with room may still lack it: it was just given it, or not reached.
    let isOpen = false;
    for (const [position, host] of item.places.entries()) {
      const answer = answers.get(host.host)?.get(item.key);
      // A host that is not authoritative yet is being given its share by the owner, who contacts only the first r
      // places of a block of more than r replicas. The places of a leaf are those of several owners, each of r.
      const isSure = answer?.confirmed === true || (isOfMore && position >= replicas);
      if (answer === undefined || !isSure) {
        everywhere = false;
        isOpen ||= answer === undefined;
        continue;
      }
      const there = answer.held === 'same' ? 'held' : await kindOf(set).give(transfers, host, item, answer.held);
      if (there !== 'held') everywhere = false;
      if (there === 'full') isFull = true;
      if (there === 'not-held') isOpen = true;
    }
    if (everywhere && (item.fate === 'cache' || (await this.#isProved(set, item, answers)))) return 'held';
    return isFull && !isOpen ? 'full' : 'not-held';
  }

  async #isProved(set: ItemSet, item: Placed, answers: Answers): Promise<boolean> {
    const { index, hashing, blocks, leaves, damaged, report } = this.#ports;
    const given = item.places.map(({ host }) => answers.get(host)?.get(item.key));
    const challenges = given.flatMap((answer) => answer?.challenge ?? []);
    const own = index.find(set, item.key);
    // Asked for more than an answer may cost, or answered by a host that cannot prove it.
    if (own === null || challenges.length < given.length || given.some((answer) => !answer?.proof)) return false;
    const expected = await proofsOf(this.#ports, set, own, challenges);
    if (expected === null) return false;
    const wrong = given.findIndex((answer, position) => !isSameProof(answer!.proof!, expected[position]!));
    if (wrong < 0) return true;
    // Which of the two is corrupt?
    const bytes = item.cid === null ? null : await blocks.get(item.cid, leaves);
    if (item.cid !== null && bytes !== null && !(await verifyBlockBy(hashing, item.cid, bytes))) damaged?.(item.cid);
    else report?.('wrong-bytes', item.places[wrong]!, `It says that it holds ${item.key}, and cannot prove it.`);
    return false;
  }

  /**
   * Of a block of more than r replicas the places beyond the first r are compared only by owners that hold such a
   * block. An owner that lost all of its own, or returned without, is given this one, and takes care of the others.
   */
  async #tellOwners(set: ItemSet, placed: readonly Placed[], signal: AbortSignal): Promise<void> {
    const { view, replicas } = this.#ports;
    if (copiesOfSet(set, replicas) <= replicas) return;
    const far = placed.flatMap((item) => {
      const [owner] = item.places;
      const isFar = item.places.findIndex(({ host }) => host === view.self.host) >= replicas;
      return isFar && owner !== undefined ? [{ ...item, places: [owner], fate: 'cache' } as const] : [];
    });
    const answers = await this.#askPlaces(set, far, signal);
    for (const { key, cid, places } of far) {
      const [owner] = places;
      const isLacked = owner !== undefined && answers.get(owner.host)?.get(key)?.held === 'absent';
      if (isLacked && cid !== null && !signal.aborted) await this.#blocks.push(owner, cid, signal);
    }
  }

  /** From here on this host is not authoritative for them, so that others keep theirs. */
  async #withdraw(set: ItemSet, surplus: readonly Placed[]): Promise<void> {
    const wanted = copiesOfSet(set, this.#ports.replicas);
    for (const { key } of surplus) await kindOf(set).withdraw(this.#ports, key, wanted);
  }

  /** Unclaimed blocks are freed where they are. */
  #isWanted({ cid }: ListedItem): boolean {
    return cid === null || this.#ports.blocks.claimsOf(cid).length > 0;
  }

  async #askPlaces(set: ItemSet, items: readonly Judged[], signal: AbortSignal): Promise<Answers> {
    const questions = new Map<HostId, { host: Contact; items: Judged[] }>();
    for (const item of items) {
      for (const host of item.places) {
        const question = questions.get(host.host) ?? { host, items: [] };
        question.items.push(item);
        questions.set(host.host, question);
      }
    }
    const answers = new Map<HostId, Map<string, Answer>>();
    await Promise.all(
      [...questions.values()].map(async ({ host, items: asked }) => {
        const told = new Map<string, Answer>();
        answers.set(host.host, told);
        try {
          for await (const [key, answer] of this.#ask(set, host, asked, signal)) told.set(key, answer);
        } catch (error) {
          this.#ports.report?.('no-answer', host, (error as Error).message);
        }
      }),
    );
    return answers;
  }

  async *#ask(
    set: ItemSet,
    host: Contact,
    items: readonly Judged[],
    signal: AbortSignal,
  ): AsyncGenerator<[string, Answer]> {
    const { transport, random, view } = this.#ports;
    const client = new SyncClient(transport, signal);
    const asItems = (some: readonly Judged[]) => some.map(({ key, digest }) => ({ set, key, digest }));
    const cheap = items.filter(({ fate }) => fate === 'cache');
    const told = await client.holds(host, asItems(cheap));
    for (const [position, { key }] of cheap.entries()) yield [key, { ...told[position]!, challenge: null }];
    for (const some of await this.#proofSized(items.filter(({ fate }) => fate === 'drop'))) {
      const nonce = newNonce(random);
      const challenge = challengeOf(nonce, view.self.host, host.host);
      const answers = await client.holds(host, asItems(some), nonce);
      for (const [position, { key }] of some.entries()) yield [key, { ...answers[position]!, challenge }];
    }
  }

  async #proofSized(items: readonly Judged[]): Promise<readonly (readonly Judged[])[]> {
    const parts: Judged[][] = [];
    let room = 0;
    for (const item of items) {
      const bytes = item.cid === null ? 0 : ((await this.#ports.blocks.size(item.cid)) ?? 0);
      const last = parts.at(-1);
      if (last === undefined || bytes > room || last.length === itemsPerProof) {
        parts.push([item]);
        room = maxBytesProved - bytes;
      } else {
        last.push(item);
        room -= bytes;
      }
    }
    return parts;
  }

  /** These count as replicas. */
  async #count(set: ItemSet, items: readonly ListedItem[]): Promise<void> {
    const { index, catalog } = this.#ports;
    const cached = items.filter(({ key }) => index.isCached(set, key));
    if (cached.length > 0) await catalog.write(() => index.removeCached(cached.map(({ key }) => ({ set, key }))));
  }

  /** Resolves with the number newly marked as cache. */
  async #cache(set: ItemSet, items: readonly Judged[]): Promise<number> {
    const { index, catalog, blocks } = this.#ports;
    const fresh = items.filter(({ key }) => !index.isCached(set, key));
    if (fresh.length === 0) return 0;
    const rows: (CachedItem & { readonly digest: string })[] = [];
    for (const { key, cid, digest } of fresh) {
      const bytes = cid === null ? 0 : ((await blocks.size(cid)) ?? 0);
      rows.push({ set, key, bytes, digest });
    }
    return catalog.write(() => {
      const same = rows.filter(({ key, digest }) => index.find(set, key)?.digest === digest);
      index.addCached(same);
      return same.length;
    });
  }
}

function isAbsentAtSome({ key, places }: Placed, answers: Answers): boolean {
  return places.some(({ host }) => answers.get(host)?.get(key)?.held === 'absent');
}

function isSilentSome({ key, places }: Placed, answers: Answers): boolean {
  return places.some(({ host }) => answers.get(host)?.get(key) === undefined);
}

function isAmong(places: readonly Contact[], host: HostId): boolean {
  return places.some((place) => place.host === host);
}

/**
 * Own puts stay here as cache while there is room: a put acknowledged only by liars is not lost. Never rejects for lack
 * of room.
 */
export async function keepAsCache(
  { blocks, index, catalog }: Pick<SyncPorts, 'blocks' | 'index' | 'catalog'>,
  block: ClaimedBlock,
): Promise<void> {
  if (blocks.bytes() + block.bytes.length > shareForOwn * blocks.quotaBytes || (await blocks.size(block.cid)) !== null)
    return;
  try {
    await blocks.put([block]);
  } catch (error) {
    if (error instanceof ChordialError) return;
    throw error;
  }
  const item = index.findBlock(blockKey(block.cid));
  if (item === null) return;
  const { set, key } = item;
  await catalog.write(() => index.addCached([{ set, key, bytes: block.bytes.length }]));
}
