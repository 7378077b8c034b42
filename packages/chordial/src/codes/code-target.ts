/** What a code leads to: a link, and doors at which the sender knew it to be served. */
import { decode, encode } from '../network/dag-cbor.ts';
import { decodeAs, encodeAs, list, text, tuple, type ValueOf } from '../wire/schema.ts';

const maxPathCharacters = 1024;
const maxUrlCharacters = 270;
export const maxDoorsTold = 3;

const target = tuple({
  /** What comes after the origin of a door: `/s/ID#KEY`. */
  path: text(maxPathCharacters),
  doors: list(text(maxUrlCharacters), maxDoorsTold),
});
export type CodeTarget = ValueOf<typeof target>;

export function encodeTarget(told: CodeTarget): Uint8Array {
  return encode(encodeAs(target, told));
}

/** Null for anything else: the sender may be of another version. */
export function readTarget(bytes: Uint8Array): CodeTarget | null {
  try {
    return decodeAs(target, decode(bytes));
  } catch {
    return null;
  }
}
