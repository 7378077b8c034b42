/**
 * CARv1 (https://ipld.io/specs/transport/car/carv1/): a header that names the roots, then blocks, each behind its length and
 * its CID.
 */
import { varint } from 'multiformats';
import type { CID } from 'multiformats/cid';

/** What comes before the CID of the only root: the map {roots: [tag 42, bytes]}, as DAG-CBOR. */
const beforeRoot = Buffer.from('a265726f6f747381d82a', 'hex');
/** What comes after it: version 1. */
const afterRoot = Buffer.from('6776657273696f6e01', 'hex');

export function carHeader(root: CID): Uint8Array {
  // A CID in DAG-CBOR begins with the multibase prefix of binary.
  const cid = Buffer.concat([Uint8Array.of(0), root.bytes]);
  const map = Buffer.concat([beforeRoot, byteStringHead(cid.length), cid, afterRoot]);
  return Buffer.concat([varintOf(map.length), map]);
}

/** What comes before the bytes of a block. */
export function carFrame({ bytes }: CID, blockBytes: number): Uint8Array {
  return Buffer.concat([varintOf(bytes.length + blockBytes), bytes]);
}

function varintOf(value: number): Uint8Array {
  return varint.encodeTo(value, new Uint8Array(varint.encodingLength(value)));
}

/** Major type 2 of CBOR, shortest form. A CID that is parsed from text has fewer than 64 Ki bytes. */
function byteStringHead(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x40 + length);
  return length < 256 ? Uint8Array.of(0x58, length) : Uint8Array.of(0x59, length >> 8, length & 255);
}
