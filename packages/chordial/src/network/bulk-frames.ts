/**
 * Frames of a bulk connection: a header of 12 bytes (kind, three zero bytes, exchange id, length; big-endian), then
 * that many bytes. Nothing else is on the connection, so that blocks go from the socket directly into the buffer in
 * which they are hashed and from which they are written.
 */

import { malformed } from '../wire/transport-error.ts';
import { maxBodyBytes } from './wire-body.ts';

export const frameHeaderBytes = 12;

/** `stop`: no more of your payload is wanted. `break`: aborts the exchange for both sides. */
export const frameKinds = {
  hello: 1,
  open: 2,
  answer: 3,
  refuse: 4,
  data: 5,
  end: 6,
  credit: 7,
  stop: 8,
  break: 9,
} as const;
export type FrameKind = keyof typeof frameKinds;

export interface FrameHeader {
  readonly kind: FrameKind;
  readonly id: number;
  readonly length: number;
}

/** One payload frame; larger ones gain nothing and delay other exchanges. */
export const maxDataBytes = 512 * 1024;
/** Initial credit of a payload. */
export const initialCredit = 192 * 1024;
const maxKindBytes = 64;
const maxRefusalBytes = 16 * 1024;

const bounds: Readonly<Record<FrameKind, readonly [least: number, most: number]>> = {
  hello: [1, maxBodyBytes],
  // The kind of message with its length, the credit of the answer, and the header of the stream.
  open: [1, maxBodyBytes + maxKindBytes + 1],
  answer: [1, maxBodyBytes],
  refuse: [1, maxRefusalBytes],
  data: [1, maxDataBytes],
  end: [0, 0],
  credit: [4, 4],
  stop: [0, 0],
  break: [0, 0],
};
const nameOf = new Map(Object.entries(frameKinds).map(([name, code]) => [code as number, name as FrameKind]));

/** Throws a TransportError `refused` for an invalid header. */
export function decodeFrameHeader(bytes: Buffer): FrameHeader {
  const kind = nameOf.get(bytes[0] ?? 0);
  if (kind === undefined || bytes.readUIntBE(1, 3) !== 0) throw malformed('a frame of an unknown kind');
  const [id, length] = [bytes.readUInt32BE(4), bytes.readUInt32BE(8)];
  const [least, most] = bounds[kind];
  if (length < least || length > most) throw malformed(`a frame "${kind}" of ${length} bytes`);
  if ((kind === 'hello') !== (id === 0) && kind !== 'refuse') throw malformed(`a frame "${kind}" with id ${id}`);
  return { kind, id, length };
}

export function encodeFrameHeader(kind: FrameKind, id: number, length: number): Buffer {
  const header = Buffer.alloc(frameHeaderBytes);
  header[0] = frameKinds[kind];
  header.writeUInt32BE(id, 4);
  header.writeUInt32BE(length, 8);
  return header;
}

export function encodeFrame(kind: FrameKind, id: number, body?: Uint8Array): Buffer {
  const header = encodeFrameHeader(kind, id, body?.length ?? 0);
  return body === undefined ? header : Buffer.concat([header, body]);
}

export function encodeCredit(id: number, bytes: number): Buffer {
  const frame = Buffer.alloc(frameHeaderBytes + 4);
  frame.set(encodeFrameHeader('credit', id, 4));
  frame.writeUInt32BE(bytes, frameHeaderBytes);
  return frame;
}

/** The body of `open`: length of the kind (1 byte), the kind, then the header as DAG-CBOR. */
export function encodeOpening(kind: string, header: Uint8Array): Buffer {
  const name = Buffer.from(kind, 'ascii');
  return Buffer.concat([Buffer.of(name.length), name, header]);
}

export function decodeOpening(body: Buffer): { readonly kind: string; readonly header: Buffer } {
  const length = body[0] ?? 0;
  if (length === 0 || length > maxKindBytes || length + 1 >= body.length) throw malformed('a kind of stream');
  return { kind: body.toString('latin1', 1, 1 + length), header: body.subarray(1 + length) };
}
