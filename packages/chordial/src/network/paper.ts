/**
 * Signed papers: a list in canonical DAG-CBOR. Its last entry is an Ed25519 signature over `chordial NAME`, a zero byte, and
 * the DAG-CBOR of the list without it. As a schema, a paper is the bytes of it in a larger value.
 */
import type { HostId } from '@chordial/ring';
import {
  bytes,
  decodeAs,
  type Fields,
  hex,
  int,
  named,
  placed,
  type Schema,
  tuple,
  type ValuesOf,
} from '../wire/schema.ts';
import { Malformed, type Wire } from '../wire/transport-error.ts';
import { decode, encode } from './dag-cbor.ts';
import { verifySignature } from './identity.ts';

export interface Signing {
  readonly host: HostId;
  sign(bytes: Uint8Array): Uint8Array;
}

interface Encoded {
  readonly bytes: Uint8Array;
}

export interface Paper<Body> extends Schema<Body & Encoded> {
  /** How docs/wire-format.md writes its list. */
  readonly layout: string;
  readonly sign: (body: Body, signer: Signing) => Body & Encoded;
  readonly isSigned: (paper: Encoded, by: HostId) => boolean;
}

const latestTime = 253_402_300_799_000;
const hashBytes = 32;

/** Milliseconds since 1970. */
export const time = int(0, latestTime);
export const signature = bytes(64);
export const network = named('network', hex(hashBytes));
/** SHA-256, in hexadecimal. */
export const sha256 = hex(hashBytes);

interface PaperParts<F extends Fields> {
  /** Its first entry. */
  readonly kind: number;
  readonly maxBytes: number;
  readonly fields: F;
  /** As a part of other values; else the name in the signature. */
  readonly text?: string;
}

export function paper<F extends Fields>(
  name: string,
  { kind, maxBytes, fields, text = name }: PaperParts<F>,
): Paper<ValuesOf<F>> {
  const whole = tuple({ kind: named(`${kind}`, int(kind, kind)), ...fields, signature });
  const schema = whole as unknown as Schema<{ readonly kind: number; readonly signature: Uint8Array }>;
  const read = (wire: Wire): ValuesOf<F> & Encoded => {
    const list = readDagCbor(wire, maxBytes);
    const { kind: _kind, signature: _signature, ...body } = decodeAs(schema, list);
    checkCanonical(encode(list), wire as Uint8Array);
    return { ...(body as ValuesOf<F>), bytes: Uint8Array.from(wire as Uint8Array) };
  };
  const unsigned = new Uint8Array();
  return {
    text,
    layout: whole.text ?? '',
    encode: ({ bytes }) => bytes,
    decode: read,
    sign: (body, signer) => {
      const list = (schema.encode({ kind, ...body, signature: unsigned }, undefined) as readonly Wire[]).slice(0, -1);
      return read(encode([...list, signer.sign(contextual(name, encode(list)))]));
    },
    isSigned: ({ bytes }, by) => {
      const list = decode(bytes) as readonly Wire[];
      return verifySignature(by, contextual(name, encode(list.slice(0, -1))), list.at(-1) as Uint8Array);
    },
  };
}

/** Reads a paper that stands by itself. */
export function readPaper<Value>(schema: Schema<Value>, bytes: Uint8Array): Value {
  try {
    return decodeAs(schema, bytes);
  } catch (error) {
    throw placed(error, schema.text ?? '');
  }
}

/** The value of DAG-CBOR in bytes of a bounded length. */
export function readDagCbor(wire: Wire, maxBytes: number): Wire {
  if (!(wire instanceof Uint8Array) || wire.length > maxBytes)
    throw new Malformed(`is not of at most ${maxBytes} bytes`);
  try {
    return decode(wire);
  } catch (cause) {
    // Also a RangeError: nesting deeper than the stack.
    throw new Malformed(`is not DAG-CBOR: ${(cause as Error).message}`);
  }
}

/** A unique encoding: what is signed and counted has no second spelling. */
export function checkCanonical(encoded: Uint8Array, bytes: Uint8Array): void {
  if (Buffer.compare(encoded, bytes) !== 0) throw new Malformed('is not in canonical form');
}

/** Domain separation: a signature here is invalid elsewhere under the same key. */
export function contextual(name: string, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`chordial ${name}\0`), bytes]);
}
