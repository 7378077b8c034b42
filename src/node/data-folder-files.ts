/** What lies in a data folder, as far as leaving a network for good is concerned. */
import { rm } from 'node:fs/promises';
import path from 'node:path';

/** The genesis goes last: as long as it is there, a peer killed in between starts as a member and can leave again. */
const erased = [
  'uploads',
  'blocks',
  'catalog.sqlite',
  'catalog.sqlite-wal',
  'catalog.sqlite-shm',
  'admission.cbor',
  'genesis.cbor',
];

/** Forgets the network and what was stored for it. The key stays, so this peer keeps its name elsewhere. */
export async function eraseNetwork(folder: string): Promise<void> {
  for (const name of erased) await rm(path.join(folder, name), { recursive: true, force: true });
}
