/** External programs: installed if missing, run to completion, or kept running during a measurement. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const installMilliseconds = 600_000;
const runMilliseconds = 600_000;
const endMilliseconds = 5000;

export interface DebianPackage {
  readonly name: string;
  /** A file that exists once it is installed. */
  readonly provides: string;
}

export const debian = {
  nginx: { name: 'nginx-light', provides: '/usr/sbin/nginx' },
  nginxFull: { name: 'libnginx-mod-http-dav-ext', provides: '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so' },
  rclone: { name: 'rclone', provides: '/usr/bin/rclone' },
  curl: { name: 'curl', provides: '/usr/bin/curl' },
  aria2: { name: 'aria2', provides: '/usr/bin/aria2c' },
  libtorrent: { name: 'python3-libtorrent', provides: '/usr/share/doc/python3-libtorrent' },
  syncthing: { name: 'syncthing', provides: '/usr/bin/syncthing' },
  openssl: { name: 'openssl', provides: '/usr/bin/openssl' },
} as const satisfies Record<string, DebianPackage>;

/** Rejects with the reason when the package is missing and cannot be installed: no root, no Debian, no network. */
export async function needPackages(packages: readonly DebianPackage[], note: (text: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const { name, provides } of packages) if (!(await isThere(provides))) missing.push(name);
  if (missing.length === 0) return;
  const names = missing.join(' ');
  if (process.getuid?.() !== 0) {
    throw new Error(`${names} not installed, and only root can install: run "apt-get install ${names}" first`);
  }
  note(`installing ${names}`);
  const options = { timeout: installMilliseconds, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const install = () => run('apt-get', ['install', '-y', '--no-install-recommends', ...missing], options);
  try {
    await install().catch(async () => {
      await run('apt-get', ['update'], options);
      await install();
    });
  } catch (error) {
    throw new Error(`${names} could not be installed: ${(error as Error).message.split('\n')[0]}`);
  }
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Runs to completion and resolves with its output; rejects with its output on failure. */
export async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, [...args], { timeout: runMilliseconds, maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

/** Its duration in seconds. */
export async function timedProgram(program: string, args: readonly string[]): Promise<number> {
  const start = performance.now();
  await runProgram(program, args);
  return (performance.now() - start) / 1000;
}

/** A program that runs during a measurement; the benchmark's own programs print JSON lines. */
export class RunningProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  constructor(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment });
    this.#exited = once(this.#child, 'exit').catch(() => undefined);
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('started without pipes');
    stderr.on('data', (piece: Buffer) => {
      this.#errors = (this.#errors + piece.toString()).slice(-2000);
    });
    this.#lines = createInterface(stdout)[Symbol.asyncIterator]();
  }

  /** The next line. Rejects when the program ends first. */
  async line<T>(): Promise<T> {
    const step = await this.#lines.next();
    if (step.done) throw new Error(`it ended: ${this.#errors.trim().split('\n').slice(-3).join(' ')}`);
    return JSON.parse(step.value) as T;
  }

  say(line: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endMilliseconds);
    await this.#exited;
    clearTimeout(timer);
  }
}
