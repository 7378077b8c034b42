/** Clients of IPFS at the door of a peer: they find what it has, fetch and verify it, and their CARs come and go. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BrowserFixture, plainHost } from '../browser/browser-fixture.ts';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';

const run = promisify(execFile);
const installMilliseconds = 300_000;

/** Their programs, with the versions of ipfs/package-lock.json. */
class Clients implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async install(): Promise<Clients> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));
    await cp(path.join(import.meta.dirname, 'ipfs'), folder, { recursive: true });
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=peer', '--legacy-peer-deps'];
    await run('npm', ['ci', ...flags], { cwd: folder, timeout: installMilliseconds });
    return new Clients(folder);
  }

  async ipfsCar(...words: readonly string[]): Promise<string> {
    const program = path.join(this.folder, 'node_modules/ipfs-car/bin.js');
    return (await run(process.execPath, [program, ...words])).stdout;
  }

  /** Runs a module that ends by printing JSON. */
  async script<T>(name: string, text: string, ...words: readonly string[]): Promise<T> {
    const file = path.join(this.folder, `${name}.mjs`);
    await writeFile(file, text);
    const { stdout } = await run(process.execPath, [file, ...words], { cwd: this.folder, timeout: 120_000 });
    return JSON.parse(stdout) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

const routing = `
import { delegatedRoutingV1HttpApiClient } from '@helia/delegated-routing-v1-http-api-client';
import { defaultLogger } from '@libp2p/logger';
import { base58btc } from 'multiformats/bases/base58';
import { CID } from 'multiformats/cid';
const [url, cid, missing] = process.argv.slice(2);
const client = delegatedRoutingV1HttpApiClient({ url, cacheTTL: 0 })({ logger: defaultLogger() });
const found = [];
for await (const { ID, Addrs, Protocols } of client.getProviders(CID.parse(cid)))
  found.push({ id: base58btc.baseEncode(ID.multihash.bytes), addresses: Addrs.map(String), protocols: Protocols });
const none = [];
for await (const one of client.getProviders(CID.parse(missing))) none.push(one);
console.log(JSON.stringify({ found, none }));
process.exit();
`;

/** Finds the gateway by the router alone. */
const helia = `
import { createHash } from 'node:crypto';
import { withHTTP } from '@helia/http';
import { unixfs } from '@helia/unixfs';
import { createVerifiedFetchWithHelia } from '@helia/verified-fetch';
import { createHeliaLight } from 'helia';
import { CID } from 'multiformats/cid';
const [url, cid, name] = process.argv.slice(2);
const node = await withHTTP(createHeliaLight(), {
  delegatedRouters: [url],
  recursiveGateways: [],
  allowLocal: true,
  allowInsecure: true,
}).start();
const fs = unixfs(node);
const names = [];
if (name !== '') for await (const entry of fs.ls(CID.parse(cid))) names.push(entry.name);
const hash = createHash('sha256');
for await (const piece of fs.cat(CID.parse(cid), name === '' ? {} : { path: name })) hash.update(piece);
if (name === '') {
  console.log(JSON.stringify({ sha256: hash.digest('hex') }));
  process.exit();
}
const fetch = await createVerifiedFetchWithHelia(node);
const response = await fetch('ipfs://' + cid + '/' + encodeURIComponent(names.find((one) => one.endsWith('.txt'))), {
  allowLocal: true,
  allowInsecure: true,
});
console.log(JSON.stringify({ names, sha256: hash.digest('hex'), status: response.status, text: await response.text() }));
process.exit();
`;

test('B8 ipfs-car, Helia, verified-fetch in Node and Chromium, and the routing client fetch from a peer', async () => {
  await using clients = await Clients.install();
  await using network = await NetworkFixture.open();
  const { folder } = network;
  const first = await network.start({});
  const second = await network.start({ join: first });
  const door = await network.start({ join: first, flags: ['--door', '127.0.0.1:0', '--serve', 'gateway'] });
  await until('one ring of three', () => network.isIdeal([first, second, door]), 60_000);
  const command = async (args: readonly string[], peer = first) => {
    const { exit, text, stderr } = await network.command(args, peer);
    assert.equal(exit, 0, stderr);
    return text.trim();
  };
  const at = (...parts: readonly string[]) => path.join(folder, ...parts);
  const files = { 'größe.txt': 'Größe 42', 'large.bin': 'large '.repeat(500_000), 'inner/b.txt': 'b' };
  await mkdir(at('Fjord/inner'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(at('Fjord', name), text);
  await command(['put', 'Fjord']);
  const { cid } = JSON.parse(await command(['stat', 'Fjord', '--json'])) as { cid: string };
  const { door: shown } = await door.json<{ door: { url: string } }>('/api/v1/node');
  const { url } = shown;
  const isSame = async (place: string) => {
    for (const [name, text] of Object.entries(files))
      assert.equal(await readFile(path.join(place, name), 'utf8'), text);
  };

  await run('curl', ['--fail', '-sS', '-o', at('fetched.car'), `${url}/ipfs/${cid}?format=car`]);
  await clients.ipfsCar('unpack', at('fetched.car'), '--output', at('fetched'));
  await isSame(at('fetched'));
  await command(['export', 'Fjord', 'exported.car'], second);
  assert.deepEqual(await readFile(at('exported.car')), await readFile(at('fetched.car')));
  assert.equal((await clients.ipfsCar('roots', at('exported.car'))).trim(), cid);
  await clients.ipfsCar('pack', at('Fjord'), '--no-wrap', '--output', at('packed.car'));
  const root = (await clients.ipfsCar('roots', at('packed.car'))).trim();
  assert.match(await command(['import', 'packed.car', '--name', 'packed']), new RegExp(root));
  await command(['get', `ipfs://${root}`, '-o', 'unpacked'], door);
  await isSame(at('unpacked'));

  // A file that is shared where it is: its blocks are found by its root alone.
  await mkdir(at('shared'));
  await writeFile(at('shared/shared.bin'), 'shared '.repeat(400_000));
  await command(['share', 'shared'], second);
  const sharedCid = await until('it is shared', async () => {
    const { exit, text } = await network.command(['stat', 'shared.bin', '--json'], first);
    return exit === 0 ? (JSON.parse(text) as { cid: string }).cid : null;
  });
  const shared = await clients.script<{ sha256: string }>('shared', helia, url, sharedCid, '');
  assert.equal(shared.sha256, hash('sha256', 'shared '.repeat(400_000)));

  const missing = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
  const routed = await clients.script<{ found: readonly unknown[]; none: readonly unknown[] }>(
    'routing',
    routing,
    url,
    cid,
    missing,
  );
  const { port } = new URL(url);
  const { id } = await door.json<{ id: string }>('/api/v1/node');
  assert.deepEqual(routed, {
    found: [{ id, addresses: [`/ip4/127.0.0.1/tcp/${port}/http`], protocols: ['transport-ipfs-gateway-http'] }],
    none: [],
  });

  for (const content of [cid, root]) {
    const read = await clients.script<{ names: string[]; sha256: string; status: number; text: string }>(
      'helia',
      helia,
      url,
      content,
      'large.bin',
    );
    assert.deepEqual(read.names.sort(), ['größe.txt', 'inner', 'large.bin']);
    assert.equal(read.sha256, hash('sha256', files['large.bin']));
    assert.deepEqual([read.status, read.text], [200, files['größe.txt']]);
  }

  const bundle = await readFile(path.join(clients.folder, 'node_modules/@helia/verified-fetch/dist/index.min.js'));
  const site = createServer((request, response) => {
    const isScript = request.url === '/verified-fetch.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(
      isScript ? bundle : '<!doctype html><link rel="icon" href="data:,"><script src="/verified-fetch.js"></script>',
    );
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  try {
    await using chromium = await BrowserFixture.open();
    const page = await chromium.page(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    // Another origin than that of the page.
    const gateway = `http://${plainHost}:${port}`;
    const fetched = await page.evaluate(`(async () => {
      const options = { allowLocal: true, allowInsecure: true };
      const fetch = await HeliaVerifiedFetch.createVerifiedFetch({ gateways: ['${gateway}'], routers: ['${gateway}'], ...options });
      const response = await fetch('ipfs://${cid}/${encodeURIComponent('größe.txt')}', options);
      const large = await fetch('ipfs://${cid}/large.bin', options);
      return [response.status, await response.text(), (await large.arrayBuffer()).byteLength];
    })()`);
    assert.deepEqual(fetched, [200, files['größe.txt'], files['large.bin'].length]);
  } finally {
    site.closeAllConnections();
    site.close();
  }
});
