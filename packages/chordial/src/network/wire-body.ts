/** Bodies as bytes: DAG-CBOR, strict, of bounded length. */
import { decode, encode } from './dag-cbor.ts';
import { TransportError, type Wire } from './transport.ts';

/** A small message or the header of a stream. Lists are bounded far below; this bounds what a hostile peer can make us hold. */
export const maxBodyBytes = 1024 * 1024;

/** Throws a TransportError `refused` when the value is too long; other values that are not of the data model are a bug. */
export function encodeBody(body: Wire): Uint8Array {
  const bytes = encode(body);
  if (bytes.length > maxBodyBytes) throw tooLarge(bytes.length);
  return bytes;
}

/** Throws a TransportError `refused` for anything that is not one value of DAG-CBOR. */
export function decodeBody(bytes: Uint8Array): Wire {
  if (bytes.length > maxBodyBytes) throw tooLarge(bytes.length);
  try {
    return decode(bytes);
  } catch (cause) {
    // Also a RangeError: nesting deeper than the stack.
    throw new TransportError('refused', `The message is not DAG-CBOR: ${(cause as Error).message}`, 'bad-request');
  }
}

export function tooLarge(bytes: number): TransportError {
  const message = `A message of ${bytes} bytes is more than the ${maxBodyBytes} that one may have; split it or use a stream.`;
  return new TransportError('refused', message, 'too-large');
}
