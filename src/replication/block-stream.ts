/** Fetches many blocks concurrently within a window, so that sources stay busy and memory stays bounded. */

/** In flight, blocks of up to 1 MiB or small files. */
const maxUnderWay = 16;
/**
 * Leaves of one file requested at once. They take memory only on arrival, and block-receiver.ts limits how many arrive
 * at once: enough to keep a long path full.
 */
export const maxLeavesUnderWay = 32;

/** Runs `take` for every item concurrently, in no particular order. Rejects with the first failure, when all have ended. */
export async function forEachConcurrently<Item>(
  items: AsyncIterable<Item>,
  take: (item: Item) => Promise<void>,
  most: number = maxUnderWay,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;
  try {
    for await (const item of items) {
      if (failure !== null) break;
      const work: Promise<void> = take(item)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => underWay.delete(work));
      underWay.add(work);
      if (underWay.size >= most) await Promise.race(underWay);
    }
  } finally {
    await Promise.all(underWay);
  }
  if (failure !== null) throw (failure as { error: unknown }).error;
}
