/** Bits flip on the disk of a peer: no reader may ever see them. */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { getFile } from '../file-requests.ts';
import { untilFull } from '../recovery.ts';
import type { FaultRow } from './fault-row.ts';
import { reckon, seconds } from './reckoning.ts';

const getMilliseconds = 10_000;

export const flippedBits: FaultRow = {
  name: 'flipped-bits',
  what: 'a flipped bit in every block on one disk',
  target: 'nothing lost, nothing wrong served',
  peers: 5,
  files: 100,
  async measure({ torture }) {
    const { network, oracle, log } = torture;
    const [host] = network.up;
    if (host === undefined) return { figure: 'no host is up', passed: false };
    const flipped =
      (await flipAll(path.join(host.dataFolder, 'blocks'))) + flipSmall(path.join(host.dataFolder, 'catalog.sqlite'));
    log.step(`a bit flipped in ${flipped} blocks of ${host.name}`);
    let served = 0;
    let wrong = 0;
    for (const file of oracle.in('kept')) {
      const got = await getFile(host, file.name, file.publisher, getMilliseconds);
      if (got.ok) served += 1;
      if (got.ok && oracle.judge(file, got.value, [file.current]) !== 'right') wrong += 1;
      if (!got.ok) log.step(`${file.name}: ${got.code}: ${got.detail}`);
    }
    const full = await untilFull(torture, oracle.in('kept'));
    const { text, isSound } = await reckon(torture);
    return {
      figure: `${flipped} blocks damaged; read at that peer: ${served} files, ${wrong} wrong; full replicas after ${seconds(full)}; ${text}`,
      passed: isSound && wrong === 0 && served === oracle.in('kept').length,
    };
  },
};

/** Number of files changed. */
async function flipAll(folder: string): Promise<number> {
  let flipped = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const handle = await open(path.join(entry.parentPath, entry.name), 'r+');
    const byte = Buffer.alloc(1);
    const { size } = await handle.stat();
    const at = Math.floor(size / 2);
    if (size > 0) {
      await handle.read(byte, 0, 1, at);
      byte[0] = (byte[0] ?? 0) ^ 1;
      await handle.write(byte, 0, 1, at);
      flipped += 1;
    }
    await handle.close();
  }
  return flipped;
}

/** Corrupts small blocks in the catalogue while the peer uses it. */
function flipSmall(file: string): number {
  const catalog = new DatabaseSync(file, { timeout: 5000 });
  try {
    const change = catalog.prepare('UPDATE small_blocks SET bytes = ? WHERE id = ?');
    const rows = catalog.prepare('SELECT id, bytes FROM small_blocks WHERE length(bytes) > 0').all();
    for (const { id, bytes } of rows) {
      const damaged = Uint8Array.from(bytes as Uint8Array);
      const at = damaged.length >> 1;
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      change.run(damaged, Number(id));
    }
    return rows.length;
  } finally {
    catalog.close();
  }
}
