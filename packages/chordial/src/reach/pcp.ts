/** The Port Control Protocol (RFC 6887): bytes of MAP requests and answers, for TCP and IPv4. */

export const pcpPort = 5351;
export const pcpNonceBytes = 12;
const version = 2;
const mapOpcode = 1;
const tcp = 6;
const requestBytes = 60;
const maxAnswerBytes = 1100;

export interface PcpWish {
  readonly clientAddress: string;
  readonly nonce: Uint8Array;
  readonly internalPort: number;
  /** 0 removes the mapping, as do 0 seconds. */
  readonly externalPort: number;
  readonly seconds: number;
}

export type PcpAnswer =
  | {
      readonly kind: 'mapped';
      readonly externalPort: number;
      /** Null for an IPv6 address, or none. */
      readonly externalAddress: string | null;
      readonly seconds: number;
    }
  | { readonly kind: 'failed'; readonly code: number }
  /** The router speaks NAT-PMP, or another version. */
  | { readonly kind: 'other-version' };

export function encodePcpMap(wish: PcpWish): Buffer {
  const message = Buffer.alloc(requestBytes);
  message.writeUInt8(version, 0);
  message.writeUInt8(mapOpcode, 1);
  message.writeUInt32BE(wish.seconds, 4);
  ipv4Mapped(wish.clientAddress).copy(message, 8);
  Buffer.from(wish.nonce).copy(message, 24, 0, pcpNonceBytes);
  message.writeUInt8(tcp, 36);
  message.writeUInt16BE(wish.internalPort, 40);
  message.writeUInt16BE(wish.externalPort, 42);
  ipv4Mapped('0.0.0.0').copy(message, 44);
  return message;
}

/** Null for anything but the answer to this request. */
export function decodePcpAnswer(message: Buffer, asked: PcpWish): PcpAnswer | null {
  if (message.length < 4 || message.length > maxAnswerBytes) return null;
  if (message[0] !== version) {
    const isAnswer = ((message[1] ?? 0) & 0x80) !== 0;
    return isAnswer ? { kind: 'other-version' } : null;
  }
  if (message.length < 24 || message.length % 4 !== 0 || message[1] !== (0x80 | mapOpcode)) return null;
  const code = message.readUInt8(3);
  if (code === 1) return { kind: 'other-version' };
  // An error may come without the payload of the request.
  const hasPayload = message.length >= requestBytes;
  const isOfRequest =
    hasPayload &&
    message.subarray(24, 24 + pcpNonceBytes).equals(asked.nonce) &&
    message.readUInt8(36) === tcp &&
    message.readUInt16BE(40) === asked.internalPort;
  if (code !== 0) return hasPayload && !isOfRequest ? null : { kind: 'failed', code };
  if (!isOfRequest) return null;
  return {
    kind: 'mapped',
    externalPort: message.readUInt16BE(42),
    externalAddress: ipv4In(message.subarray(44, 60)),
    seconds: message.readUInt32BE(4),
  };
}

const results: Readonly<Record<number, string>> = {
  2: 'it is not allowed to this machine',
  3: 'it could not read the request',
  4: 'it maps no ports',
  5: 'it does not know an option',
  6: 'it could not read an option',
  7: 'it has no connection itself',
  8: 'it has no room for another mapping',
  9: 'it maps no TCP ports',
  10: 'this machine has as many mappings as it may',
  11: 'it has no such external port',
  12: 'there is another NAT between this machine and it',
  13: 'too many remote peers',
};

export function pcpReason(code: number): string {
  return results[code] ?? `error ${code}`;
}

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex');

function ipv4Mapped(address: string): Buffer {
  return Buffer.concat([mappedPrefix, Buffer.from(address.split('.').map(Number))]);
}

function ipv4In(bytes: Buffer): string | null {
  return bytes.subarray(0, 12).equals(mappedPrefix) ? bytes.subarray(12).join('.') : null;
}
