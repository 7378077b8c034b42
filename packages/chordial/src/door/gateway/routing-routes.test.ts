import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { base58btc } from 'multiformats/bases/base58';
import { CID } from 'multiformats/cid';
import { decode as decodeDigest } from 'multiformats/hashes/digest';
import { dataNetwork } from '../../../test/fixtures/data-network.ts';
import { OpenDoor } from '../../../test/fixtures/open-door.ts';
import { cidOfBlock, rawCodec } from '../../content/cid.ts';
import type { FoundDoor } from '../../peer/doors.ts';
import type { Peer } from '../../peer/peer.ts';
import { gatewayService } from './gateway-routes.ts';
import { multiaddrOf } from './routing-routes.ts';

const other = '12D3KooWJPgJyAJobJAaHzE5FNCk62d3auNEJZ2uxksD9qr8mwdX';

test('B8 the router names this door and those of others for what the network has, filtered as asked, and nothing else', async () => {
  const { peers, close } = await dataNetwork(2);
  const [{ files, contact }] = peers as [(typeof peers)[number]];
  const found: FoundDoor = {
    contact: { host: other as HostId, addresses: [] },
    url: 'https://files.example.org',
    services: ['gateway'],
    fingerprint: null,
  };
  const peer = {
    files,
    doors: { find: async () => [found] },
    status: () => ({ id: contact.host }),
  } as unknown as Peer;
  await using door = await OpenDoor.open([gatewayService], { peer });
  async function* bytes() {
    yield Buffer.from('something to be found');
  }
  const { cid } = await peers[1]!.files.put('found', bytes());
  const get = (route: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${door.url}/routing/v1/${route}`, { headers, method });
  const own = {
    Schema: 'peer',
    ID: contact.host,
    Addrs: [`/ip4/127.0.0.1/tcp/${door.port}/http`],
    Protocols: ['transport-ipfs-gateway-http'],
  };
  const named = { ...own, ID: other, Addrs: ['/dns/files.example.org/tcp/443/tls/http'] };

  const response = await get(`providers/${cid}`);
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.match(response.headers.get('cache-control') ?? '', /^public, max-age=300,/);
  assert.equal(response.headers.get('vary'), 'Accept');
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
  assert.ok(Date.parse(response.headers.get('last-modified') ?? '') > 0);
  assert.deepEqual(await response.json(), { Providers: [own, named] });
  const lines = await get(`providers/${cid}`, { Accept: 'application/x-ndjson' });
  assert.equal(lines.headers.get('content-type'), 'application/x-ndjson');
  assert.equal(await lines.text(), `${JSON.stringify(own)}\n${JSON.stringify(named)}\n`);

  const filters: readonly (readonly [string, readonly unknown[]])[] = [
    [
      'filter-protocols=unknown,transport-bitswap,transport-ipfs-gateway-http&filter-addrs=https,tcp,webrtc,wss,tls',
      [own, named],
    ],
    ['filter-addrs=TLS', [named]],
    ['filter-addrs=!tls', [own]],
    ['filter-addrs=webrtc,unknown', []],
    ['filter-protocols=transport-bitswap', []],
  ];
  for (const [query, expected] of filters)
    assert.deepEqual(await (await get(`providers/${cid}?${query}`)).json(), { Providers: expected }, query);

  const missing = await get(`providers/${cidOfBlock(rawCodec, Buffer.from('no one has this'))}`);
  assert.equal(missing.status, 200);
  assert.match(missing.headers.get('cache-control') ?? '', /^public, max-age=15,/);
  assert.deepEqual(await missing.json(), { Providers: [] });

  const asCid = CID.createV1(0x72, decodeDigest(base58btc.baseDecode(other)));
  for (const id of [other, asCid.toString()])
    assert.deepEqual(await (await get(`peers/${id}`)).json(), { Peers: [named] });
  assert.deepEqual(await (await get('peers/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')).json(), { Peers: [] });

  const statuses: readonly (readonly [number, string, string?])[] = [
    [422, 'providers/nothing'],
    [422, `peers/${cid}`],
    [422, 'peers/unknown'],
    [501, 'ipns/k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8'],
    [501, 'providers', 'PUT'],
    [501, 'dht/closest/peers/x'],
    [400, 'elsewhere'],
    [204, `providers/${cid}`, 'OPTIONS'],
  ];
  for (const [status, route, method = 'GET'] of statuses)
    assert.equal((await get(route, {}, method)).status, status, `${method} ${route}`);
  await close();
});

test('B8 the URL of a door is told as a multiaddr', () => {
  const cases = {
    'http://10.0.0.5:8180': '/ip4/10.0.0.5/tcp/8180/http',
    'https://name.example': '/dns/name.example/tcp/443/tls/http',
    'http://name.example': '/dns/name.example/tcp/80/http',
    'https://[2001:db8::1]:8443': '/ip6/2001:db8::1/tcp/8443/tls/http',
  };
  for (const [url, address] of Object.entries(cases)) assert.equal(multiaddrOf(url), address);
});
