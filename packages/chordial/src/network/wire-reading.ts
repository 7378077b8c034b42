/** Reading values of the DAG-CBOR data model that a stranger sent: each function returns the type asked for or refuses. */
import { TransportError, type Wire } from './transport.ts';

export function malformed(what: string): TransportError {
  return new TransportError('refused', `The message is malformed: ${what}.`, 'bad-request');
}

export function readList(value: Wire, what: string, least: number, most: number): readonly Wire[] {
  if (!Array.isArray(value)) throw malformed(`${what} is not a list`);
  if (value.length < least || value.length > most) {
    const wanted = least === most ? `${most}` : `${least} to ${most}`;
    throw malformed(`${what} has ${value.length} entries, not ${wanted}`);
  }
  return value;
}

/** A list of exactly `length` entries, which stand for different things by position. */
export function readTuple(value: Wire, what: string, length: number): readonly Wire[] {
  return readList(value, what, length, length);
}

export function readInteger(value: Wire, what: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw malformed(`${what} is not a whole number from ${least} to ${most}`);
}

export function readBoolean(value: Wire, what: string): boolean {
  if (typeof value === 'boolean') return value;
  throw malformed(`${what} is neither true nor false`);
}

export function readBytes(value: Wire, what: string, length: number): Uint8Array {
  if (value instanceof Uint8Array && value.length === length) return value;
  throw malformed(`${what} is not ${length} bytes`);
}

export function readBytesUpTo(value: Wire, what: string, maxBytes: number): Uint8Array {
  if (value instanceof Uint8Array && value.length <= maxBytes) return value;
  throw malformed(`${what} is not of at most ${maxBytes} bytes`);
}

export function readText(value: Wire, what: string, maxCharacters: number): string {
  if (typeof value === 'string' && value.length <= maxCharacters) return value;
  throw malformed(`${what} is not text of at most ${maxCharacters} characters`);
}

/** One field of a map; undefined when there is no map, which the reader of the field then refuses. */
export function field(value: Wire, name: string): Wire {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
    return undefined;
  return (value as Record<string, unknown>)[name];
}
