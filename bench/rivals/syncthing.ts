/**
 * Two Syncthing peers over loopback, TLS, every block hashed and written. The first shares a folder with one file and
 * hashes it before the clock starts; then the second fetches it.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { debian, needPackages, RunningProgram, runProgram } from './program.ts';

const program = debian.syncthing.provides;
const upMilliseconds = 30_000;
const syncMilliseconds = 600_000;
const pollMilliseconds = 20;

interface Place {
  readonly home: string;
  readonly id: string;
  readonly port: number;
  readonly apiPort: number;
}

interface FolderStatus {
  readonly state: string;
  readonly localBytes: number;
  readonly globalBytes: number;
  readonly needBytes: number;
}

interface Served {
  readonly folder: string;
  readonly bytes: number;
}

const apiKey = randomBytes(16).toString('hex');

export class Syncthing implements AsyncDisposable {
  readonly #folder: string;
  readonly #served: Served;
  readonly #giver: Instance;
  readonly #taker: Instance;
  #runs = 0;

  private constructor(folder: string, served: Served, giver: Instance, taker: Instance) {
    this.#folder = folder;
    this.#served = served;
    this.#giver = giver;
    this.#taker = taker;
  }

  /** Shares `served`, of the given size; its own files are in `folder`. */
  static async serve(served: string, bytes: number, folder: string, note: (text: string) => void): Promise<Syncthing> {
    await needPackages([debian.syncthing], note);
    const [one, other] = [await place(path.join(folder, 'giver')), await place(path.join(folder, 'taker'))];
    const giver = await Instance.start(one, other);
    try {
      return new Syncthing(folder, { folder: served, bytes }, giver, await Instance.start(other, one));
    } catch (error) {
      await giver[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Seconds until the second peer has the complete folder, a new one each time. */
  async get(): Promise<number> {
    this.#runs += 1;
    const id = `run-${this.#runs}`;
    const got = path.join(this.#folder, id);
    await mkdir(got, { recursive: true });
    await this.#giver.share(id, this.#served.folder);
    await this.#giver.whole(id, this.#served.bytes);
    const start = performance.now();
    await this.#taker.share(id, got);
    await this.#taker.whole(id, this.#served.bytes);
    const seconds = (performance.now() - start) / 1000;
    for (const instance of [this.#giver, this.#taker]) await instance.forget(id);
    await rm(got, { recursive: true, force: true });
    return seconds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#giver, this.#taker].map((instance) => instance[Symbol.asyncDispose]()));
  }
}

class Instance implements AsyncDisposable {
  readonly #place: Place;
  readonly #other: Place;
  readonly #running: RunningProgram;

  private constructor(own: Place, other: Place, running: RunningProgram) {
    this.#place = own;
    this.#other = other;
    this.#running = running;
  }

  static async start(own: Place, other: Place): Promise<Instance> {
    await writeFile(path.join(own.home, 'config.xml'), configuration(own, other));
    const environment = { ...process.env, HOME: own.home, STNOUPGRADE: '1' };
    const instance = new Instance(
      own,
      other,
      new RunningProgram(program, [`--home=${own.home}`, '--no-browser', '--no-default-folder'], environment),
    );
    try {
      await within(upMilliseconds, 'Syncthing does not answer', () =>
        instance.#ask('GET', 'system/ping').then(
          () => true,
          () => false,
        ),
      );
      return instance;
    } catch (error) {
      await instance[Symbol.asyncDispose]();
      throw error;
    }
  }

  async share(id: string, folder: string): Promise<void> {
    const devices = [this.#place, this.#other].map((each) => ({ deviceID: each.id }));
    await this.#ask('PUT', `config/folders/${id}`, { id, path: folder, devices, fsWatcherEnabled: false });
  }

  async forget(id: string): Promise<void> {
    await this.#ask('DELETE', `config/folders/${id}`);
  }

  /** Resolves when this many bytes are here and none is missing. */
  async whole(id: string, bytes: number): Promise<void> {
    await within(syncMilliseconds, `Syncthing has not got all of ${id}`, async () => {
      const status = (await this.#ask('GET', `db/status?folder=${id}`).catch(() => null)) as FolderStatus | null;
      return status !== null && status.state === 'idle' && status.localBytes >= bytes && status.needBytes === 0;
    });
  }

  async #ask(method: string, route: string, body?: unknown): Promise<unknown> {
    const headers = { 'X-API-Key': apiKey, 'content-type': 'application/json' };
    const url = `http://127.0.0.1:${this.#place.apiPort}/rest/${route}`;
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(url, { method, headers, signal: AbortSignal.timeout(upMilliseconds), ...content });
    const text = await answer.text();
    if (!answer.ok)
      throw new Error(`Syncthing answered ${method} ${route} with ${answer.status}: ${text.slice(0, 200)}`);
    return text.startsWith('{') ? JSON.parse(text) : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
  }
}

/** Key, certificate and free ports of a new instance. */
async function place(home: string): Promise<Place> {
  await mkdir(home, { recursive: true });
  await runProgram(program, ['generate', `--home=${home}`, '--no-default-folder']);
  const id = (await runProgram(program, [`--home=${home}`, '--device-id'])).trim();
  return { home, id, port: await freePort(), apiPort: await freePort() };
}

/** No contact with any host but the other peer. */
function configuration(own: Place, other: Place): string {
  const device = ({ id, port }: Place): string =>
    `<device id="${id}" name="${id.slice(0, 7)}" compression="never"><address>tcp://127.0.0.1:${port}</address></device>`;
  return `<configuration version="35">
  ${device(own)}${device(other)}
  <gui enabled="true" tls="false"><address>127.0.0.1:${own.apiPort}</address><apikey>${apiKey}</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:${own.port}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><startBrowser>false</startBrowser>
    <reconnectionIntervalS>1</reconnectionIntervalS><urAccepted>-1</urAccepted>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH><crashReportingEnabled>false</crashReportingEnabled>
    <minHomeDiskFree unit="%">0</minHomeDiskFree><stunKeepaliveStartS>0</stunKeepaliveStartS>
  </options>
</configuration>
`;
}

async function within(milliseconds: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what} after ${milliseconds / 1000} s`);
    await wait(pollMilliseconds);
  }
}
