/** A random choice without repetition. */
import type { Random } from '@chordial/ring';

export function draw<One>(random: Random, from: readonly One[], most: number): readonly One[] {
  const left = [...from];
  const drawn: One[] = [];
  while (drawn.length < most && left.length > 0) {
    drawn.push(...left.splice(Math.floor(random.next() * left.length), 1));
  }
  return drawn;
}
