/** The NAT Port Mapping Protocol (RFC 6886): bytes of requests and answers, for TCP. */

const version = 0;
const addressOpcode = 0;
const tcpOpcode = 2;
const answerBit = 0x80;

export interface NatPmpWish {
  readonly internalPort: number;
  /** 0 removes the mapping, together with 0 seconds. */
  readonly externalPort: number;
  readonly seconds: number;
}

export type NatPmpMapped =
  | { readonly kind: 'mapped'; readonly externalPort: number; readonly seconds: number }
  | { readonly kind: 'failed'; readonly code: number };

export type NatPmpAddress =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'failed'; readonly code: number };

export const natPmpAddressRequest = Buffer.from([version, addressOpcode]);

export function encodeNatPmpMap({ internalPort, externalPort, seconds }: NatPmpWish): Buffer {
  const message = Buffer.alloc(12);
  message.writeUInt8(version, 0);
  message.writeUInt8(tcpOpcode, 1);
  message.writeUInt16BE(internalPort, 4);
  message.writeUInt16BE(externalPort, 6);
  message.writeUInt32BE(seconds, 8);
  return message;
}

/** Null for anything but the answer to this request. */
export function decodeNatPmpMap(message: Buffer, asked: NatPmpWish): NatPmpMapped | null {
  const code = resultOf(message, tcpOpcode);
  if (code === null) return null;
  if (code !== 0) return { kind: 'failed', code };
  if (message.length !== 16 || message.readUInt16BE(8) !== asked.internalPort) return null;
  return { kind: 'mapped', externalPort: message.readUInt16BE(10), seconds: message.readUInt32BE(12) };
}

export function decodeNatPmpAddress(message: Buffer): NatPmpAddress | null {
  const code = resultOf(message, addressOpcode);
  if (code === null) return null;
  if (code !== 0) return { kind: 'failed', code };
  return message.length === 12 ? { kind: 'address', address: message.subarray(8).join('.') } : null;
}

/** Errors are at least 8 bytes long; null for no answer to this kind of request. */
function resultOf(message: Buffer, opcode: number): number | null {
  if (message.length < 8 || message.length > 16) return null;
  if (message[0] !== version || message[1] !== (answerBit | opcode)) return null;
  return message.readUInt16BE(2);
}

const results: Readonly<Record<number, string>> = {
  1: 'it speaks another version',
  2: 'it is not allowed to this machine, or switched off',
  3: 'it has no connection itself',
  4: 'it has no room for another mapping',
  5: 'it maps no TCP ports',
};

/** The code of a router without a usable address. */
export const natPmpNoConnection = 3;

export function natPmpReason(code: number): string {
  return results[code] ?? `error ${code}`;
}
