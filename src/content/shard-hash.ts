/** The hash that assigns names to the shards of a large folder. */
import { murmur3128 } from '@multiformats/murmur3';

/**
 * The first 64 bits of murmur3-x64-128 of the name (truncated in IPFS for compatibility). Byte i is the name's index, 0
 * … 255, in the shard at depth i.
 */
export async function shardHash(name: Uint8Array): Promise<Uint8Array> {
  return (await murmur3128.encode(name)).subarray(0, 8);
}

/** The indices of a name from the root shard downwards. */
export function shardPlaces(name: string): Promise<Uint8Array> {
  return shardHash(new TextEncoder().encode(name));
}
