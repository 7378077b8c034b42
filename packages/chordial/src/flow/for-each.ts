import { Semaphore } from './semaphore.ts';

/**
 * Runs `take` for every item, at most `max` at a time, begun in order. After a failure nothing more is begun; it rejects
 * with the first one when all have ended.
 */
export async function forEachConcurrently<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  max: number,
  take: (item: Item) => Promise<void>,
): Promise<void> {
  const slots = new Semaphore(max);
  const failures: unknown[] = [];
  // There is room for an item before it is asked for.
  await slots.take();
  try {
    for await (const item of items) {
      if (failures.length > 0) break;
      void take(item)
        .catch((error: unknown) => failures.push(error))
        .finally(() => slots.give());
      await slots.take();
    }
  } finally {
    slots.give();
    await slots.take(max);
  }
  if (failures.length > 0) throw failures[0];
}
