/** A Chromium for the page tests: the installed one, or Debian's package. */
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const installMilliseconds = 10 * 60 * 1000;

/** Path of the program. Throws with installation advice if there is none. */
export function obtainChromium(): string {
  const found = findChromium();
  if (found !== null) return found;
  if (process.getuid?.() === 0 && inPath('apt-get') !== null) {
    console.log('No Chromium is installed: installing Debian’s package chromium.');
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options: SpawnSyncOptions = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: environment,
      timeout: installMilliseconds,
    };
    spawnSync('apt-get', ['update', '-q'], options);
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'], options);
    const installed = findChromium();
    if (installed !== null) return installed;
  }
  throw new Error(
    `The tests of the page need a Chromium, and none of ${names.join(', ')} is on the PATH. Install one (Debian: apt-get install chromium), or give the path of another in CHORDIAL_TEST_CHROMIUM.`,
  );
}

function findChromium(): string | null {
  const given = process.env['CHORDIAL_TEST_CHROMIUM'];
  if (given !== undefined) return given;
  for (const name of names) {
    const found = inPath(name);
    if (found !== null) return found;
  }
  return null;
}

function inPath(name: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
