/** Hits on the wire. */
import { contact } from '../network/contact-codec.ts';
import {
  bool,
  cidUpTo,
  convert,
  hex,
  named,
  nameToNormalize,
  nullable,
  readList,
  type Schema,
  tuple,
  uint,
} from '../wire/schema.ts';
import { Malformed } from '../wire/transport-error.ts';
import type { Hit } from './hit.ts';

/** Some 600 bytes each, well within a message. */
export const maxHitsPerMessage = 500;
const maxRootBytes = 128;

const hit: Schema<Hit> = named(
  'hit',
  tuple({
    name: nameToNormalize,
    root: cidUpTo(maxRootBytes),
    size: uint,
    type: convert(
      bool,
      (type: Hit['type']) => type === 'directory',
      (isFolder): Hit['type'] => (isFolder ? 'directory' : 'file'),
    ),
    sha256: nullable(hex(32)),
    source: contact,
    isShared: bool,
    time: uint,
  }),
);

/** An unreadable hit does not affect the others. */
export const hits: Schema<readonly Hit[]> = {
  text: '[hit, …]',
  encode: (values) => values.map((value) => hit.encode(value, undefined)),
  decode: (wire) =>
    readList(wire, 0, maxHitsPerMessage).flatMap((one) => {
      try {
        return [hit.decode(one, undefined)];
      } catch (error) {
        if (error instanceof Malformed) return [];
        throw error;
      }
    }),
};
