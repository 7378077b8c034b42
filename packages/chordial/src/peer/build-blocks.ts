/**
 * Large blocks of a peer in an object store: opened as the settings say, looked after while the peer runs, and told of when
 * it is away.
 */
import path from 'node:path';
import type { BlockHashing } from '../content/block-hashing.ts';
import { ChordialError } from '../errors.ts';
import { systemRandom } from '../network/system-clock.ts';
import { S3Blocks } from '../s3/blocks.ts';
import { S3Client, type S3Counts, type S3State } from '../s3/client.ts';
import { readKeys } from '../s3/keys.ts';
import { defaultRegion, endpointOf, shownPlace } from '../s3/place.ts';
import { type Said, said } from '../sentences.ts';
import { BlockCache } from '../storage/block-cache.ts';
import type { DiskBlockStore } from '../storage/disk-block-store.ts';
import type { LargeBlocks } from '../storage/large-blocks.ts';
import type { Closing } from './closing.ts';
import type { OpenFolder } from './open-folder.ts';
import type { StoreStatus } from './peer.ts';

const defaultCacheBytes = 1024 * 1024 * 1024;
/** After a failure of what is done at the side. */
const retryMilliseconds = 60_000;
/** The store may lose objects that are never asked for: the listing shows it, and costs next to nothing. */
const listingMilliseconds = 24 * 3_600_000;

export type StoreCounts = S3Counts & { readonly cache: BlockCache['reads'] };

export interface ObjectBlocks {
  readonly large: LargeBlocks;
  readonly status: () => StoreStatus;
  readonly counts: () => StoreCounts;
  /** Looks after them from now on. */
  begin(store: DiskBlockStore): void;
  /** Removes what lies there of this peer, which has left; tells what stays. */
  erase(): Promise<void>;
}

/** @param isReturning the peer has been started with this place before: then it starts while the store is away */
export async function openObjectBlocks(
  folder: OpenFolder,
  hashing: BlockHashing,
  isReturning: boolean,
  opened: Closing,
): Promise<ObjectBlocks> {
  const { configuration, identity, events } = folder;
  const {
    blocks,
    s3Region: region = defaultRegion,
    s3Endpoint = endpointOf(region),
    s3Keys,
    cacheBytes,
  } = configuration;
  const place = { ...blocks!, region, endpoint: s3Endpoint };
  const keys = () => readKeys(s3Keys, process.env);
  // Missing ones end the start, whether the store answers or not.
  await keys();
  let upkeep: Upkeep | null = null;
  const changed = (state: S3State): void => {
    events.tell({ kind: state.state === 'up' ? 'store' : 'store-fault', ...toldOf(shownPlace(place), state) });
    if (state.state === 'up') upkeep?.wake();
  };
  const client = new S3Client({ place, keys, random: systemRandom, changed });
  opened.defer(() => client.close());
  const objects = new S3Blocks({ client, peer: identity.host, hashing });
  try {
    await objects.check();
  } catch (error) {
    if (!(error instanceof ChordialError) || error.code !== 'store-away') throw error;
    if (!isReturning) {
      const message = `The object store ${shownPlace(place)} does not answer as it should (${client.state.text}), and a peer that has no blocks there yet does not start without it. Check --s3-endpoint, or start again when it answers.`;
      throw new ChordialError('store-away', message, { cause: error });
    }
  }
  if (place.endpoint.startsWith('http:'))
    events.tell({
      kind: 'store',
      text: `${place.endpoint} is reached without TLS: what is stored there can be read on the way`,
    });
  const cache = new BlockCache({
    blocks: objects,
    folder: path.join(folder.folder, 'cache'),
    maxBytes: cacheBytes ?? defaultCacheBytes,
    hashing,
  });
  return {
    large: cache,
    status: () => ({ place: shownPlace(place), ...client.state, cachedBytes: cache.bytes }),
    counts: () => ({ ...client.counts, cache: cache.reads }),
    erase: async () => {
      await upkeep?.close();
      try {
        await objects.removeAll();
      } catch (error) {
        if (!(error instanceof ChordialError)) throw error;
        const text = `Blocks of this peer stay in ${shownPlace(place)}, below ${identity.host}: ${error.message} Remove them there.`;
        events.tell({ kind: 'store-fault', text });
      }
    },
    begin: (store) => {
      upkeep = new Upkeep(store, objects, (text, isBad) =>
        events.tell({ kind: isBad ? 'store-fault' : 'store', text }),
      );
      opened.defer(() => upkeep?.close());
      upkeep.wake();
    },
  };
}

function toldOf(place: string, { state, text: reason }: S3State): Said {
  if (state === 'up') return said('store-up', { place, cached: null }, `${place} answers again`);
  if (state === 'away') {
    const text = `${place} does not answer as it should (${reason}): its blocks cannot be read until it is back`;
    return said('store-away', { place, reason }, text);
  }
  if (state === 'full')
    return said('store-full', { place, reason }, `${place} is full (${reason}): blocks go to other peers`);
  return said('store-refused', { place, reason }, `${place} cannot be used by this peer: ${reason}`);
}

/** Removals that did not reach the store, and what a crash left or the store lost. */
class Upkeep {
  readonly #store: DiskBlockStore;
  readonly #objects: S3Blocks;
  readonly #tell: (text: string, isBad: boolean) => void;
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<void> | null = null;
  #listedAt: number;
  #isClosed = false;

  constructor(store: DiskBlockStore, objects: S3Blocks, tell: (text: string, isBad: boolean) => void) {
    this.#store = store;
    this.#objects = objects;
    this.#tell = tell;
    this.#listedAt = performance.now();
  }

  /** Begins now, unless it is at work. */
  wake(): void {
    if (this.#isClosed) return;
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#working;
  }

  async #work(): Promise<void> {
    let pause = listingMilliseconds;
    try {
      await this.#objects.removeUnsure();
      if (!this.#store.isSettled || performance.now() - this.#listedAt >= listingMilliseconds) await this.#list();
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      // The state of the store is told where it changes.
      pause = retryMilliseconds;
    }
    if (this.#isClosed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.wake(), pause).unref();
  }

  async #list(): Promise<void> {
    const { adopted, removed, lost } = await this.#store.reconcile();
    this.#listedAt = performance.now();
    if (lost > 0) this.#tell(`The object store has lost ${lost} blocks: other peers restore them`, true);
    if (adopted + removed > 0)
      this.#tell(
        `The object store had ${adopted} blocks more than the catalogue, and ${removed} that were not whole`,
        false,
      );
  }
}
