/** Debian's Firefox without a window, driven by Marionette, its own protocol: `LENGTH:[0, id, command, parameters]`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { until } from '../fixtures/until.ts';

const startMilliseconds = 60_000;

/** No requests beyond this machine, downloads without questions. */
const preferences = {
  'marionette.port': 0,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'browser.download.folderList': 2,
  'browser.download.useDownloadDir': true,
  'browser.download.manager.showWhenStarting': false,
  'browser.helperApps.neverAsk.saveToDisk': 'application/octet-stream,application/zip',
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'app.update.enabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'services.settings.server': 'data:,',
} as const;

export class Firefox implements AsyncDisposable {
  /** Where downloads go. */
  readonly downloads: string;
  readonly #program: ChildProcess;
  readonly #socket: Socket;
  readonly #answers = new Map<number, (answer: readonly [unknown, unknown]) => void>();
  #received = Buffer.alloc(0);
  #sent = 0;

  private constructor(program: ChildProcess, socket: Socket, downloads: string) {
    this.#program = program;
    this.#socket = socket;
    this.downloads = downloads;
    socket.on('data', (bytes) => this.#take(bytes));
  }

  /** The profile is in this folder, which is removed by its owner. */
  static async open(folder: string): Promise<Firefox> {
    const profile = path.join(folder, 'firefox');
    const downloads = path.join(folder, 'downloads');
    await mkdir(profile);
    await mkdir(downloads);
    const all = { ...preferences, 'browser.download.dir': downloads };
    const lines = Object.entries(all).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
    await writeFile(path.join(profile, 'user.js'), lines.join(''));
    const environment = { ...process.env, HOME: folder, MOZ_HEADLESS: '1' };
    const flags = ['--headless', '--no-remote', '--profile', profile, '--marionette', 'about:blank'];
    const program = spawn('firefox-esr', flags, { stdio: 'ignore', env: environment });
    let port = '';
    await until(
      'Firefox listens',
      async () => {
        port = await readFile(path.join(profile, 'MarionetteActivePort'), 'utf8').catch(() => '');
        return port !== '';
      },
      startMilliseconds,
    );
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    const firefox = new Firefox(program, socket, downloads);
    await firefox.#call('WebDriver:NewSession', { acceptInsecureCerts: true });
    return firefox;
  }

  /** Resolves when the page is loaded. */
  async go(url: string): Promise<void> {
    await this.#call('WebDriver:Navigate', { url });
  }

  async resize(width: number, height: number): Promise<void> {
    await this.#call('WebDriver:SetWindowRect', { width, height });
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const script = `return (${expression})`;
    const { value } = (await this.#call('WebDriver:ExecuteScript', { script, args: [] })) as { value: T };
    return value;
  }

  async screenshot(file: string): Promise<void> {
    const { value } = (await this.#call('WebDriver:TakeScreenshot', { full: false })) as { value: string };
    await writeFile(file, Buffer.from(value, 'base64'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#program, 'exit');
    this.#socket.destroy();
    this.#program.kill('SIGKILL');
    await ended;
  }

  async #call(command: string, parameters: unknown): Promise<unknown> {
    const id = ++this.#sent;
    const message = JSON.stringify([0, id, command, parameters]);
    const answered = new Promise<readonly [unknown, unknown]>((resolve) => this.#answers.set(id, resolve));
    this.#socket.write(`${Buffer.byteLength(message)}:${message}`);
    const [error, result] = await answered;
    if (error !== null) throw new Error(`${command}: ${JSON.stringify(error).slice(0, 500)}`);
    return result;
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const colon = this.#received.indexOf(':');
      const length = Number(this.#received.toString('latin1', 0, Math.max(0, colon)));
      if (colon === -1 || this.#received.length < colon + 1 + length) return;
      const message: unknown = JSON.parse(this.#received.toString('utf8', colon + 1, colon + 1 + length));
      this.#received = this.#received.subarray(colon + 1 + length);
      // First it greets with an object.
      if (!Array.isArray(message)) continue;
      const [, id, error, result] = message as [number, number, unknown, unknown];
      this.#answers.get(id)?.([error, result]);
      this.#answers.delete(id);
    }
  }
}
