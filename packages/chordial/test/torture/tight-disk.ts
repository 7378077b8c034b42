/**
 * A small disk that really fills up: a tmpfs in its own mount namespace, held by one process. It disappears with that
 * process, which ends with this one, so nothing stays mounted.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const script = 'mount -t tmpfs -o size="$2" chordial-torture "$1" && echo mounted && exec cat';

export class TightDisk implements AsyncDisposable {
  /** Prefix of commands that see the disk. */
  readonly enter: readonly string[];
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    this.enter = ['nsenter', '--target', String(holder.pid), '--mount'];
  }

  /** Null if mounting is not allowed. The folder must exist. */
  static async mount(folder: string, bytes: number): Promise<TightDisk | null> {
    if (process.platform !== 'linux') return null;
    const holder = spawn('unshare', ['--mount', 'sh', '-c', script, 'tight-disk', folder, String(bytes)], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    const said = await Promise.race([
      once(createInterface(holder.stdout), 'line').then(([line]) => String(line)),
      once(holder, 'exit').then(() => null),
      once(holder, 'error').then(() => null),
    ]);
    if (said === 'mounted') return new TightDisk(holder);
    holder.kill('SIGKILL');
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const exit = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await exit;
  }
}
