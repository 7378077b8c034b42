/** Rivals from npm, with their own package.json and lock file in this folder; they are not dependencies of Chordial. */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const folder = import.meta.dirname;
const installMilliseconds = 600_000;

/** Rejects with the reason if they are missing and cannot be installed. Install scripts are disabled. */
export async function needNpmPackages(note: (text: string) => void): Promise<void> {
  try {
    await access(path.join(folder, 'node_modules/.package-lock.json'));
    return;
  } catch {
    note('installing the rivals from npm');
  }
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  try {
    await promisify(execFile)('npm', args, { cwd: folder, timeout: installMilliseconds });
  } catch (error) {
    throw new Error(`npm could not install the rivals: ${(error as Error).message.split('\n')[0]}`);
  }
}
