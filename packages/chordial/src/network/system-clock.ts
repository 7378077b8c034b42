/** The real clock and randomness, for the ring's interfaces. */
import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '@chordial/ring';

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delay, run) {
    if (delay <= 0) {
      // A timer takes at least a millisecond; this only yields to what has already arrived. It ends at once, so it may
      // delay the process's exit; an unreferenced one would wait until something else wakes the loop.
      const immediate = setImmediate(run);
      return { cancel: () => clearImmediate(immediate) };
    }
    // Sockets keep a peer's process alive; a timer alone must not.
    const timer = setTimeout(run, delay).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

const pooledBytes = 4096;
let pool = randomBytes(pooledBytes);
let used = 0;

export const systemRandom: Random = {
  next() {
    if (used + 6 > pool.length) {
      pool = randomBytes(pooledBytes);
      used = 0;
    }
    const bits = pool.readUIntBE(used, 6);
    used += 6;
    return bits / 2 ** 48;
  },
};
