/** Turns of the event loop: all promises that can settle have settled after one. */

/** Immediates run one after the other, promises settling between them, so a batch saves most of the loop's own work. */
const turnConcurrency = 32;

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A turn after each action, until one says that there is nothing more to do. */
export function turnsWhile(action: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let over = false;
    const act = () => {
      if (over) return;
      try {
        over = !action();
      } catch (error) {
        over = true;
        reject(error);
      }
      if (over) resolve();
    };
    const batch = () => {
      for (let waiting = 0; waiting < turnConcurrency; waiting++) setImmediate(act);
      setImmediate(() => {
        if (!over) batch();
      });
    };
    batch();
  });
}
