/** Turns of the event loop: after one, all promises that can settle have settled. */

/** Promises settle between immediates, so batching them saves most of the loop's overhead. */
const turnConcurrency = 32;

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Takes a turn after each action, until one reports that nothing is left to do. */
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
