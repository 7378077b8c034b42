/** The real clock and real randomness, as the ring's ports want them. */
import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '@chordial/ring';

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delay, run) {
    if (delay <= 0) {
      // A timer takes a millisecond at least; this only lets what has already arrived come first. It is over at once, so
      // it may hold up the process's end; without a hold on the loop it would wait until something else wakes that up.
      const immediate = setImmediate(run);
      return { cancel: () => clearImmediate(immediate) };
    }
    // Sockets keep a peer's process alive; a timer alone must not hold up its end.
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
