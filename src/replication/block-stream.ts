/** Many blocks fetched at once within a window, so that sources stay busy and memory stays bounded. */

/** Things under way at once, blocks of up to 1 MiB or small files. */
const maxUnderWay = 16;
/**
 * Leaves of one file that a reader asks for at once. They take memory only when they arrive, and how many arrive at once
 * the way to each host decides (source-lane.ts): so many keep a long one full.
 */
export const maxLeavesUnderWay = 32;

/** Runs `take` for every item, several at once, in no particular order. Rejects with the first failure, when all have ended. */
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
