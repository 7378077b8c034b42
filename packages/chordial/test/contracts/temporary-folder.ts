import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** An empty folder, removed with its contents when the scope of the test ends. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));
  return { path: folder, [Symbol.asyncDispose]: () => fs.rm(folder, { recursive: true, force: true }) };
}
