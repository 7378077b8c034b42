/** Files of a data folder that matter when a peer leaves its network. */
import { rm } from 'node:fs/promises';
import path from 'node:path';

/** The genesis is removed last: until then a peer that is killed starts as a member and can leave again. */
const erased = [
  'uploads',
  'blocks',
  'catalog.sqlite',
  'catalog.sqlite-wal',
  'catalog.sqlite-shm',
  'admission.cbor',
  'genesis.cbor',
];

/** Forgets the network and what was stored for it. The key stays, so this peer keeps its identity elsewhere. */
export async function eraseNetwork(folder: string): Promise<void> {
  for (const name of erased) await rm(path.join(folder, name), { recursive: true, force: true });
}
