/** The textbook example: seven peers 2 4 5 8 9 14 19 on a ring of 256 places, and who keeps what there. */
import type { ShownPointer } from '../peer/peer.ts';

export const places = 256;
/** Of the founder: a list of three successors is short enough to read. */
export const foundingFlags: readonly string[] = ['--bits', '8', '--successors', '3'];
/** Wider rings derive their ids from keys. */
const maxTeachingBits = 32;

const classicIds: readonly number[] = [2, 4, 5, 8, 9, 14, 19];
/** Further peers, up to the 50th, take unused places: 37 is coprime to 256. */
const stride = 37;
const offset = 9;

export function isTeachingRing({ bits }: { readonly bits: number }): boolean {
  return bits <= maxTeachingBits;
}

/** The id of the peer with this index. */
export function idAt(place: number): number {
  return classicIds[place] ?? (stride * place + offset) % places;
}

/** `19` for `13`: ring ids are shown in hexadecimal elsewhere. */
export function numberOf({ ringId }: Pick<ShownPointer, 'ringId'>): number {
  return Number.parseInt(ringId, 16);
}

/** An oracle for the ring's answer: the first `count` ids at or after the key, modulo the ring. */
export function keepersOf(key: number, ids: readonly number[], count: number): readonly number[] {
  const distance = (id: number): number => (id - key + places) % places;
  return [...ids].sort((one, other) => distance(one) - distance(other)).slice(0, count);
}
