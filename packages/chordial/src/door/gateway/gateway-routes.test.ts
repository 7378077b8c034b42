import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';
import { DagContent, mixedFiles, type ReadCar, readCar } from '../../../test/fixtures/dag-content.ts';
import { dataNetwork } from '../../../test/fixtures/data-network.ts';
import { freshPair, OpenDoor } from '../../../test/fixtures/open-door.ts';
import { type Block, cidOfBlock, cidOfDigest, dagPbCodec, inlineBytes, parseCid, rawCodec } from '../../content/cid.ts';
import { encodeDirectoryNode, encodeFileNode } from '../../content/unixfs.ts';
import type { Peer } from '../../peer/peer.ts';
import { gatewayService } from './gateway-routes.ts';

type Network = Awaited<ReturnType<typeof dataNetwork>>;

/** A door at the first of some peers with one copy of each block. */
class Gateway implements AsyncDisposable {
  readonly door: OpenDoor;
  readonly network: Network;

  private constructor(network: Network, door: OpenDoor) {
    this.network = network;
    this.door = door;
  }

  static async open(count: number, options: Parameters<typeof OpenDoor.open>[1] = {}): Promise<Gateway> {
    const network = await dataNetwork(count, {}, { rule: { replicas: 1, writeQuorum: 1 } });
    const { files } = network.peers[0]!;
    const peer = { files } as unknown as Peer;
    return new Gateway(network, await OpenDoor.open([gatewayService], { peer, ...options }));
  }

  get own() {
    return this.network.peers[0]!.blocks;
  }

  get(route: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
    return fetch(this.door.url + route, { headers, method, redirect: 'manual' });
  }

  async status(route: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> {
    const response = await this.get(route, headers, method);
    await response.arrayBuffer();
    return response.status;
  }

  async car(route: string, headers: Record<string, string> = {}): Promise<ReadCar & { readonly type: string | null }> {
    const response = await this.get(route, headers);
    const body = Buffer.from(await response.arrayBuffer());
    assert.equal(response.status, 200, `${route}: ${body.toString().slice(0, 300)}`);
    return { ...readCar(body), type: response.headers.get('content-type') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.door[Symbol.asyncDispose]();
    await this.network.close();
    assert.deepEqual(this.door.bugs, []);
  }
}

test('B8 the cases of gateway-conformance for CARs: paths, scopes, bytes, duplicates, identity and a missing block', async () => {
  // https://github.com/ipfs/gateway-conformance, tests/trustless_gateway_car_test.go, on content of the same shape.
  await using gateway = await Gateway.open(1);
  const mixed = await DagContent.of(mixedFiles);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`${at}.txt`, `${at} `.repeat(200)]));
  const sharded = await DagContent.of(many, { shardSplitThresholdBytes: 0 });
  for (const content of [mixed, sharded]) await content.keepIn(gateway.own);
  const root = mixed.at();
  const subdir = mixed.at('subdir');
  const [file, ...leaves] = mixed.below(mixed.at('subdir', 'multiblock.txt')) as [string, ...string[]];
  assert.equal(leaves.length, 5);
  const ascii = mixed.at('subdir', 'ascii.txt');
  const cases: readonly (readonly [route: string, root: string, cids: readonly string[]])[] = [
    [`${root}/subdir/ascii.txt?format=car`, ascii, [root, subdir, ascii]],
    [`${root}/subdir?format=car&dag-scope=block`, subdir, [root, subdir]],
    [`${root}/subdir/ascii.txt?format=car&dag-scope=block`, ascii, [root, subdir, ascii]],
    [`${root}?format=car&dag-scope=entity`, root, [root]],
    [`${root}/subdir/ascii.txt?format=car&dag-scope=entity`, ascii, [root, subdir, ascii]],
    [`${root}/subdir/multiblock.txt?format=car&dag-scope=entity`, file, [root, subdir, file, ...leaves]],
    [`${root}/subdir?format=car&dag-scope=all`, subdir, [root, ...mixed.below(subdir)]],
    [`${root}/subdir/multiblock.txt/?format=car&dag-scope=all`, file, [root, subdir, file, ...leaves]],
    [
      `${root}/subdir/multiblock.txt?format=car&dag-scope=entity&entity-bytes=0:*`,
      file,
      [root, subdir, file, ...leaves],
    ],
    [`${root}/subdir?format=car&entity-bytes=0:*`, subdir, [root, subdir]],
    [`${file}?format=car&dag-scope=entity&entity-bytes=512:*`, file, [file, ...leaves.slice(2)]],
    [`${file}?format=car&entity-bytes=512:1023`, file, [file, ...leaves.slice(2, 4)]],
    [`${file}?format=car&entity-bytes=512:-256`, file, [file, ...leaves.slice(2, 4)]],
    [`${file}?format=car&entity-bytes=-5:*`, file, [file, ...leaves.slice(3)]],
    [`${file}?format=car&entity-bytes=-999999:-3`, file, [file, ...leaves]],
    [`${file}?format=car&entity-bytes=0:0`, file, [file, leaves[0]!]],
    // No bytes at all: the block that says how many there are.
    [`${file}?format=car&entity-bytes=5:-1026`, file, [file]],
  ];
  for (const [route, expected, cids] of cases) {
    const car = await gateway.car(`/ipfs/${route}`);
    assert.deepEqual(car.cids, cids, route);
    assert.equal(car.root, expected, route);
    assert.equal(car.type, 'application/vnd.ipld.car; version=1; order=dfs; dups=n');
  }

  const top = sharded.at();
  const shards = sharded.below(top).filter((cid) => {
    return sharded.links(cid).some(({ name }) => /^[0-9A-F]{2}/.test(name));
  });
  assert.ok(shards.length > 2);
  for (const query of ['dag-scope=entity', 'dag-scope=entity&entity-bytes=0:*'])
    assert.deepEqual((await gateway.car(`/ipfs/${top}?format=car&${query}`)).cids, shards);
  assert.deepEqual((await gateway.car(`/ipfs/${top}?format=car`)).cids, [...new Set(sharded.below(top))]);
  const entry = shards.flatMap((cid) => sharded.links(cid)).find(({ name }) => name.slice(2) === '185.txt')!.cid;
  const found = await gateway.car(`/ipfs/${top}/185.txt?format=car`);
  const within = [...new Set(sharded.below(entry))];
  assert.deepEqual(found.cids.slice(-within.length), within);
  const way = found.cids.slice(0, -within.length);
  assert.ok(way[0] === top && way.every((cid) => shards.includes(cid)));
  for (const [above, cid] of [...way, entry].slice(1).map((cid, at) => [way[at]!, cid] as const))
    assert.ok(sharded.links(above).some((link) => link.cid === cid));
  assert.deepEqual((await gateway.car(`/ipfs/${top}/185.txt?format=car&dag-scope=block`)).cids, [...way, entry]);

  const twice = await DagContent.of({ 'a.txt': 'same', 'b.txt': 'same', 'c.txt': 'other' });
  await twice.keepIn(gateway.own);
  const accept = (dups: string) => ({ Accept: `application/vnd.ipld.car; version=1; order=dfs; dups=${dups}` });
  const repeated = await gateway.car(`/ipfs/${twice.at()}`, accept('y'));
  assert.deepEqual(repeated.cids, twice.below(twice.at()));
  assert.equal(repeated.type, 'application/vnd.ipld.car; version=1; order=dfs; dups=y');
  assert.deepEqual((await gateway.car(`/ipfs/${twice.at()}`, accept('n'))).cids, [...new Set(twice.below(twice.at()))]);

  const inline = parseCid('bafkqabtimvwgy3yk');
  const holding = encodeDirectoryNode([{ name: 'hello', cid: inline, size: inlineBytes(inline)!.length }]);
  await gateway.own.put([holding]);
  for (const way of ['', '/hello'])
    assert.deepEqual((await gateway.car(`/ipfs/${holding.cid}${way}?format=car&car-dups=y`)).cids, [`${holding.cid}`]);

  const missing = await DagContent.of({ 'gone.txt': 'no one has the third leaf '.repeat(60) });
  const broken = missing.at('gone.txt');
  const gone = missing.links(broken)[2]!.cid;
  await missing.keepIn(gateway.own, [gone]);
  const cut = await gateway.get(`/ipfs/${broken}?format=car`);
  assert.equal(cut.status, 200);
  await assert.rejects(cut.arrayBuffer());
  const part = await gateway.car(`/ipfs/${broken}?format=car&entity-bytes=0:300`);
  assert.equal(part.cids.length, 3);
});

test('B8 the cases of gateway-conformance for blocks: bodies, headers, caching, probes, CORS', async () => {
  await using gateway = await Gateway.open(1);
  const content = await DagContent.of({ 'dir/ascii.txt': 'hello application/vnd.ipld.raw\n' });
  await content.keepIn(gateway.own);
  const [dir, file] = [content.at('dir'), content.at('dir', 'ascii.txt')];
  const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());
  const accept = { Accept: 'application/vnd.ipld.raw' };
  for (const response of [await gateway.get(`/ipfs/${dir}?format=raw`), await gateway.get(`/ipfs/${dir}`, accept)])
    assert.deepEqual(await bytesOf(response), Buffer.from(content.blocks.get(dir)!.bytes));
  const response = await gateway.get(`/ipfs/${file}`, accept);
  const { headers } = response;
  assert.equal((await bytesOf(response)).length, 31);
  assert.equal(headers.get('content-type'), 'application/vnd.ipld.raw');
  assert.equal(headers.get('content-length'), '31');
  assert.match(headers.get('content-disposition') ?? '', new RegExp(`^attachment; filename="${file}\\.bin"`));
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('x-ipfs-path'), `/ipfs/${file}`);
  assert.equal(headers.get('x-ipfs-roots'), file);
  assert.equal(headers.get('cache-control'), 'public, max-age=29030400, immutable');
  assert.equal(headers.get('content-location'), `/ipfs/${file}?format=raw`);
  const etag = headers.get('etag') ?? '';
  assert.equal(etag, `"${file}.raw"`);
  const named = await gateway.get(`/ipfs/${file}?filename=foobar.bin`, accept);
  assert.match(named.headers.get('content-disposition') ?? '', /^attachment; filename="foobar\.bin"/);
  for (const tag of [etag, `"x", W/${etag}`, '*'])
    assert.equal(await gateway.status(`/ipfs/${file}`, { ...accept, 'If-None-Match': tag }), 304);
  const range = await gateway.get(`/ipfs/${dir}?format=raw`, { Range: 'bytes=6-16' });
  assert.equal(range.status, 206);
  assert.match(range.headers.get('content-range') ?? '', /^bytes 6-16\/\d+$/);
  assert.deepEqual(await bytesOf(range), Buffer.from(content.blocks.get(dir)!.bytes.subarray(6, 17)));
  assert.equal(await gateway.status(`/ipfs/${file}?format=raw`, { Range: 'bytes=31-' }), 416);
  const head = await gateway.get(`/ipfs/${file}?format=raw`, {}, 'HEAD');
  assert.deepEqual([head.status, head.headers.get('content-length'), (await bytesOf(head)).length], [200, '31', 0]);

  for (const method of ['GET', 'HEAD']) {
    const probe = await gateway.get('/ipfs/bafkqaaa?format=raw', {}, method);
    assert.deepEqual([probe.status, (await bytesOf(probe)).length], [200, 0]);
    assert.equal(await gateway.status('/ipfs/bafkqaaa?format=car', {}, method), 200);
  }
  assert.deepEqual(readCar(await bytesOf(await gateway.get('/ipfs/bafkqaaa?format=car'))), {
    root: 'bafkqaaa',
    cids: [],
  });
  assert.equal(await (await gateway.get('/ipfs/bafkqabtimvwgy3yk?format=raw')).text(), 'hello\n');

  for (const [method, status] of [
    ['GET', 400],
    ['OPTIONS', 204],
  ] as const) {
    const shared = await gateway.get('/ipfs/bafkqabtimvwgy3yk/', {}, method);
    assert.equal(shared.status, status);
    assert.equal(shared.headers.get('access-control-allow-origin'), '*');
    const lists = (name: string, wanted: string) =>
      assert.deepEqual(
        wanted.split(' ').filter((one) => !(shared.headers.get(name) ?? '').split(', ').includes(one)),
        [],
      );
    lists('access-control-allow-methods', 'GET HEAD OPTIONS');
    lists('access-control-allow-headers', 'Content-Type Range User-Agent X-Requested-With');
    lists('access-control-expose-headers', 'Content-Range Content-Length X-Ipfs-Path X-Ipfs-Roots Ipfs-Uri');
  }
});

test('B8 what boxo takes for granted: few header bytes, HTTP/2 behind TLS, statuses, HEAD, the probe, no redirect', async () => {
  await using gateway = await Gateway.open(3, { tls: freshPair() });
  const put = await gateway.network.peers[1]!.files.put('file', pieces('x'.repeat(3_000_000)));
  const session = gateway.door.session();
  const ask = async (path: string, method = 'GET') => {
    const stream = session.request({ ':path': path, ':method': method, accept: 'application/vnd.ipld.raw' });
    const [headers] = await once(stream, 'response');
    let length = 0;
    for await (const piece of stream) length += piece.length;
    return { status: headers[':status'] as number, headers: headers as Record<string, string>, length };
  };
  const unknown = cidOfBlock(rawCodec, Buffer.from('no one has this')).toString();
  for (const [path, method, status] of [
    ['/ipfs/bafkqaaa?format=raw', 'GET', 200],
    ['/ipfs/bafkqaaa?format=raw', 'HEAD', 200],
    [`/ipfs/${put.cid}?format=raw`, 'HEAD', 200],
    [`/ipfs/${put.cid}?format=raw`, 'GET', 200],
    [`/ipfs/${unknown}?format=raw`, 'HEAD', 404],
    [`/ipfs/${unknown}?format=raw`, 'GET', 404],
  ] as const) {
    const answer = await ask(path, method);
    assert.equal(answer.status, status, `${method} ${path}`);
    const bytes = Object.entries(answer.headers).reduce(
      (sum, [name, value]) => sum + name.length + `${value}`.length + 4,
      0,
    );
    assert.ok(bytes < 2048, `${bytes} bytes of headers`);
  }
  session.close();
  // Leaves of other hosts, one by one as Bitswap would have them.
  const car = await fetchCar(gateway, `/ipfs/${put.cid}?format=car`);
  // The first two leaves are one block.
  assert.equal(car.cids.length, 3);
});

test('B8 hosts that are away are told as later, blocks that all lack as missing', async () => {
  await using gateway = await Gateway.open(2);
  const { network, own } = gateway;
  const there = network.peers[1]!;
  const cid = await elsewhere(gateway);
  assert.equal(await gateway.status(`/ipfs/${cid}?format=raw`, { 'Cache-Control': 'only-if-cached' }), 412);
  assert.deepEqual(await own.has([parseCid(cid)]), [false]);
  network.network.setHealth(there.contact.host, 'dead');
  const away = await gateway.get(`/ipfs/${cid}?format=raw`);
  assert.equal(away.status, 503);
  assert.equal(away.headers.get('retry-after'), '10');
});

test('B8 wrong requests are refused: CIDs, paths, formats, bytes, methods', async () => {
  await using gateway = await Gateway.open(1);
  const content = await DagContent.of(mixedFiles);
  await content.keepIn(gateway.own);
  const root = content.at();
  const long = cidOfDigest(rawCodec, new Uint8Array(32));
  const cases: readonly (readonly [number, string, Record<string, string>?])[] = [
    [400, '/ipfs/nothing?format=raw'],
    [400, `/ipfs/${'b'.repeat(2000)}?format=raw`],
    [400, `/ipfs/${bomb(129)}?format=raw`],
    [200, `/ipfs/${bomb(128)}?format=raw`],
    [404, '/ipfs/bafk2bzacea73ycjnxe2qov7cvnhx52lzfp6nf5jcblnfus6gqreh6ygganbws?format=raw'],
    [404, `/ipfs/${long}?format=raw`],
    [400, `/ipfs/${root}`],
    [400, `/ipfs/${root}`, { Accept: 'text/html,*/*;q=0.8' }],
    [406, `/ipfs/${root}`, { Accept: 'application/json' }],
    [406, `/ipfs/${root}?format=tar`, { Accept: 'application/vnd.ipld.raw' }],
    [406, `/ipfs/${root}`, { Accept: 'application/vnd.ipld.car; version=2' }],
    [406, `/ipfs/${root}?format=car&car-order=bfs`],
    [400, `/ipfs/${root}?format=car&format=raw`],
    [400, `/ipfs/${root}?format=car&dag-scope=half`],
    [400, `/ipfs/${root}/subdir?format=raw`],
    [404, `/ipfs/${root}/nothing?format=car`],
    [404, `/ipfs/${root}/subdir/ascii.txt/below?format=car`],
    [404, `/ipfs/${root}${'/a'.repeat(65)}?format=car`],
    [400, `/ipfs/${root}//subdir?format=car`],
    [400, `/ipfs/${root}/subdir/%2e%2e/subdir?format=car`],
    [404, `/ipfs/${root}/%ff?format=car`],
    [404, `/ipfs/${root}/subdir%2Fascii.txt?format=car`],
    [400, `/ipfs/${root}/subdir/ascii.txt?format=car&entity-bytes=31:*`],
    [400, `/ipfs/${root}/subdir/ascii.txt?format=car&entity-bytes=9:3`],
    [400, `/ipfs/${root}/subdir/ascii.txt?format=car&entity-bytes=1e3:*`],
    [400, `/ipfs/${root}/subdir/ascii.txt?format=car&entity-bytes=${'9'.repeat(40)}:*`],
  ];
  for (const [status, route, headers = {}] of cases)
    assert.equal(await rawStatus(gateway, route, headers), status, `${route} ${JSON.stringify(headers)}`);
  for (const method of ['POST', 'PUT', 'DELETE'])
    assert.equal(await gateway.status(`/ipfs/${root}?format=raw`, {}, method), 404, method);
});

test('B8 hostile DAGs end: many names for few blocks, depth, sizes that lie, links to other hashes', async () => {
  await using gateway = await Gateway.open(1);
  const leaf: Block = { cid: cidOfBlock(rawCodec, Buffer.from('ha')), bytes: Buffer.from('ha') };
  const blocks = [leaf];
  let above = leaf.cid;
  // 1000^4 leaves by five blocks.
  for (let level = 0; level < 4; level++) {
    const block = encodeFileNode(
      Array.from({ length: 1000 }, () => ({ cid: above, size: 2 * 1000 ** level, storedBytes: 2 })),
    );
    blocks.push(block);
    above = block.cid;
  }
  let deep = encodeDirectoryNode([]);
  blocks.push(deep);
  for (let level = 0; level < 700; level++) {
    deep = encodeDirectoryNode([{ name: 'd', cid: deep.cid, size: 1 }]);
    blocks.push(deep);
  }
  const lying = encodeDirectoryNode([
    { name: 'big', cid: leaf.cid, size: 2 ** 52 },
    { name: 'blake', cid: parseCid('bafk2bzacea73ycjnxe2qov7cvnhx52lzfp6nf5jcblnfus6gqreh6ygganbws'), size: 1 },
  ]);
  blocks.push(lying);
  await gateway.own.put(blocks);
  assert.deepEqual((await gateway.car(`/ipfs/${above}?format=car`)).cids.length, 5);
  assert.deepEqual((await gateway.car(`/ipfs/${above}?format=car&dag-scope=entity`)).cids.length, 5);
  const part = await gateway.car(`/ipfs/${above}?format=car&entity-bytes=1000000000000:1000000000001&car-dups=y`);
  assert.deepEqual(part.cids.length, 5);
  const bottomless = await gateway.get(`/ipfs/${deep.cid}?format=car`);
  await assert.rejects(bottomless.arrayBuffer());
  const cut = await gateway.get(`/ipfs/${lying.cid}?format=car`);
  await assert.rejects(cut.arrayBuffer());
  const repeated = await gateway.get(`/ipfs/${above}?format=car&car-dups=y`);
  const reader = repeated.body!.getReader();
  await reader.read();
  await reader.cancel();
  // Misses of one network are limited, and not looked for again at once.
  const unknown = Array.from({ length: 70 }, (_, at) => cidOfBlock(dagPbCodec, Buffer.from(`none ${at}`)));
  const statuses = await Promise.all(unknown.map((cid) => gateway.status(`/ipfs/${cid}?format=raw`)));
  assert.ok(statuses.every((status) => status === 404 || status === 429));
  assert.equal(await gateway.status(`/ipfs/${cidOfBlock(rawCodec, Buffer.from('more'))}?format=raw`), 429);
  assert.equal(await gateway.status(`/ipfs/${leaf.cid}?format=raw`), 200);
});

async function* pieces(content: string) {
  yield Buffer.from(content);
}

/** The CID of a file that the other peer alone holds. */
async function elsewhere({ network, own }: Gateway): Promise<string> {
  for (let at = 0; ; at++) {
    const { cid } = await network.peers[1]!.files.put(`f${at}`, pieces(`content ${at}`));
    if (!(await own.has([parseCid(cid)]))[0]) return cid;
  }
}

function bomb(length: number): string {
  return parseCid(
    `f0155${'00'}${length < 128 ? length.toString(16) : `${((length & 127) | 128).toString(16)}01`}${'61'.repeat(length)}`,
  ).toString();
}

/** Without what fetch makes of a path. */
async function rawStatus({ door }: Gateway, path: string, headers: Record<string, string>): Promise<number> {
  const { port } = door;
  const sent = request({ host: '127.0.0.1', port, path, headers, agent: false });
  sent.end();
  const [response] = await once(sent, 'response');
  response.resume();
  return response.statusCode;
}

async function fetchCar({ door }: Gateway, path: string): Promise<ReadCar> {
  const session = door.session();
  const stream = session.request({ ':path': path });
  const whole: Buffer[] = [];
  for await (const piece of stream) whole.push(piece);
  session.close();
  return readCar(Buffer.concat(whole));
}
