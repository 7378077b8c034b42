/** Object stores of others: s3rver of npm, which checks signatures and nothing else, and swift of the distribution. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { AwsClient } from 'aws4fetch';
import type { RealStore } from '../fixtures/blocks-in-store.ts';
import { until } from '../fixtures/until.ts';
import { portOutsideEphemeral } from '../torture/free-port.ts';

const run = promisify(execFile);
const bucket = 'blocks';

/** Processes that end with it, and a folder that goes then. */
export class ForeignStore implements AsyncDisposable {
  readonly store: RealStore;
  readonly #folder: string;
  readonly #children: readonly ChildProcess[];

  private constructor(store: RealStore, folder: string, children: readonly ChildProcess[]) {
    this.store = store;
    this.#folder = folder;
    this.#children = children;
  }

  static async s3rver(): Promise<ForeignStore> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-s3rver-'));
    const port = await portOutsideEphemeral();
    const program = path.join(import.meta.dirname, 's3rver.cjs');
    // Its tokens of listings take a cipher that OpenSSL has put away.
    const child = spawn(process.execPath, ['--openssl-legacy-provider', program, folder, String(port)], {
      stdio: 'inherit',
    });
    const store = { endpoint: `http://127.0.0.1:${port}`, bucket, accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
    return ForeignStore.#ready(new ForeignStore(store, folder, [child]));
  }

  /** Account, container and object server with one copy, behind a proxy that speaks S3. */
  static async swift(): Promise<ForeignStore> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-swift-'));
    await mkdir(path.join(folder, 'devices', 'disk'), { recursive: true });
    const ports: number[] = [];
    while (ports.length < 4) ports.push(await portOutsideEphemeral());
    const children: ChildProcess[] = [];
    for (const [index, name] of ['account', 'container', 'object'].entries()) {
      const builder = path.join(folder, `${name}.builder`);
      await run('swift-ring-builder', [builder, 'create', '2', '1', '0']);
      await run('swift-ring-builder', [builder, 'add', `r1z1-127.0.0.1:${ports[index]}/disk`, '1']);
      await run('swift-ring-builder', [builder, 'rebalance']);
      const pipeline = [
        '[pipeline:main]',
        `pipeline = ${name}-server`,
        `[app:${name}-server]`,
        `use = egg:swift#${name}`,
      ];
      const devices = [`devices = ${path.join(folder, 'devices')}`, 'mount_check = false', 'fallocate_reserve = 0'];
      children.push(await startSwift(name, folder, [...listening(ports[index]!, folder), ...devices, ...pipeline]));
    }
    const port = ports[3]!;
    children.push(await startSwift('proxy', folder, [...listening(port, folder), ...proxySettings]));
    const keys = { accessKeyId: 'test:tester', secretAccessKey: 'testing' };
    return ForeignStore.#ready(
      new ForeignStore({ endpoint: `http://127.0.0.1:${port}`, bucket, ...keys }, folder, children),
    );
  }

  /** The keys of all objects, as the store lists them. */
  async keys(): Promise<readonly string[]> {
    const text = await (await this.#request('GET', '?list-type=2')).text();
    return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key);
  }

  async replace(key: string, body: string): Promise<void> {
    await this.#request('PUT', `/${key}`, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#children.map((child) =>
      child.exitCode === null ? new Promise((resolve) => child.once('exit', resolve)) : null,
    );
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(ended);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #request(method: string, what: string, body?: string): Promise<Response> {
    const { endpoint, accessKeyId, secretAccessKey } = this.store;
    const client = new AwsClient({ accessKeyId, secretAccessKey, service: 's3', region: 'us-east-1', retries: 0 });
    return client.fetch(`${endpoint}/${bucket}${what}`, { method, ...(body === undefined ? {} : { body }) });
  }

  static async #ready(started: ForeignStore): Promise<ForeignStore> {
    try {
      await until('a bucket is made', async () => (await started.#request('PUT', '')).ok, 240_000);
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }
}

function listening(port: number, folder: string): readonly string[] {
  return [
    '[DEFAULT]',
    'bind_ip = 127.0.0.1',
    `bind_port = ${port}`,
    'workers = 0',
    'user = root',
    `swift_dir = ${folder}`,
  ];
}

const proxySettings = [
  '[pipeline:main]',
  'pipeline = catch_errors cache s3api tempauth proxy-server',
  '[app:proxy-server]',
  'use = egg:swift#proxy',
  'account_autocreate = true',
  '[filter:catch_errors]',
  'use = egg:swift#catch_errors',
  '[filter:cache]',
  'use = egg:swift#memcache',
  'memcache_servers = 127.0.0.1:1',
  '[filter:s3api]',
  'use = egg:swift#s3api',
  'location = us-east-1',
  '[filter:tempauth]',
  'use = egg:swift#tempauth',
  'user_test_tester = testing .admin',
];

async function startSwift(name: string, folder: string, settings: readonly string[]): Promise<ChildProcess> {
  const file = path.join(folder, `${name}.conf`);
  await writeFile(file, `${settings.join('\n')}\n`);
  return spawn(`swift-${name}-server`, [file], {
    stdio: process.env['SWIFT_LOG'] === undefined ? 'ignore' : 'inherit',
  });
}
