import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';
import { search } from './search-requests.ts';
import { sharedRing } from './shared-ring.ts';

/** The second test kills peers and has a ring of its own. */
const ring = sharedRing(4);

interface FoundHit {
  readonly name: string;
  readonly cid: string;
  readonly sha256: string | null;
  readonly publisher: string;
  readonly live: boolean;
}

async function put(peer: PeerProcess, name: string, body = name): Promise<string> {
  const response = await peer.request(`/api/v1/files/${encodeURIComponent(name)}`, { method: 'PUT', body });
  assert.equal(response.status, 201);
  return ((await response.json()) as { cid: string }).cid;
}

/** What the command prints. */
async function found(network: NetworkFixture, peer: PeerProcess, ...args: string[]): Promise<readonly FoundHit[]> {
  const { exit, text, stderr } = await network.command(['search', ...args, '--json'], peer);
  assert.equal(exit, 0, stderr);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FoundHit);
}

function untilFound(what: string, peer: PeerProcess, query: string, files: number): Promise<boolean> {
  return until(
    what,
    async () => {
      const { hits, problem } = await search(peer, query);
      return problem === null && hits.length === files;
    },
    30_000,
  );
}

const namesOf = (hits: readonly FoundHit[]) => hits.map(({ name }) => name).sort();

test('A16 A25 B5 a file put at one peer is found by words and by asking everybody, until it is removed', async () => {
  const { network, peers } = await ring();
  const [first, second = first, third = first, fourth = first] = peers;
  const cid = await put(first, 'Annual report 2023.pdf');
  await put(second, 'annual budget.xls');
  await put(third, '東京タワー.jpg');

  for (const peer of peers) {
    await untilFound('the index has it', peer, 'report annual type:pdf', 1);
  }
  const [hit] = await found(network, fourth, '"annual report"');
  assert.equal(hit?.cid, cid);
  assert.equal(hit?.publisher, first.ready.id);
  assert.match(hit?.sha256 ?? '', /^[0-9a-f]{64}$/);
  await untilFound('both are indexed', fourth, 'annual', 2);
  assert.deepEqual(namesOf(await found(network, fourth, 'annual -budget')), ['Annual report 2023.pdf']);
  assert.deepEqual(namesOf(await found(network, fourth, 'bud*')), ['annual budget.xls']);
  await untilFound('text without spaces', first, '東京', 1);

  assert.deepEqual(namesOf(await found(network, fourth, '--broadcast', 'UAL')), [
    'Annual report 2023.pdf',
    'annual budget.xls',
  ]);
  assert.deepEqual(namesOf(await found(network, second, '--broadcast', '*.jpg')), ['東京タワー.jpg']);
  assert.deepEqual(namesOf(await found(network, second, '--broadcast', hit?.sha256 ?? '')), ['Annual report 2023.pdf']);
  assert.equal((await found(network, third, '')).length, 3);

  const { queries } = await second.json<{ queries: { role: string; responses: number; hash: string | null }[] }>(
    '/api/v1/stats',
  );
  // It asked by itself, passed that on, and answered what others asked.
  assert.deepEqual([...new Set(queries.map(({ role }) => role))].sort(), ['answered', 'asked', 'forwarded']);
  assert.equal(
    queries.some(({ hash }) => hash === hit?.sha256),
    true,
  );

  const removed = await network.command(['rm', 'Annual report 2023.pdf'], first);
  assert.equal(removed.exit, 0, removed.stderr);
  await untilFound('it is out of the index', third, 'report', 0);
  assert.deepEqual(namesOf(await found(network, third, '--broadcast', 'annual')), ['annual budget.xls']);
  const nothing = await network.command(['search', 'report'], third);
  assert.equal(nothing.exit, 3);
  assert.match(nothing.stderr, /Nothing in the network/);
});

test('A16 the index is kept when its holders die, and its publisher was killed before it had written it', async () => {
  await using network = await NetworkFixture.open();
  const peers = (await network.startRing(5)) as [PeerProcess, PeerProcess, PeerProcess, PeerProcess, PeerProcess];
  await until('one ring', () => network.isIdeal(peers), 30_000);
  const [first, second, third, fourth, fifth] = peers;
  await put(first, 'lasting thing');
  await first.kill9();
  const back = await network.restart(first);
  await untilFound('found after the restart', second, 'lasting', 1);
  await Promise.all([third.kill9(), fourth.kill9()]);
  for (const peer of [back, second, fifth]) {
    await untilFound('found by who is left', peer, 'lasting', 1);
  }
});

test('A22 queries that cannot be are refused with what to do', async () => {
  const {
    network,
    peers: [peer],
  } = await ring();
  for (const [query, reason] of [
    ['x'.repeat(10_300), /10240/],
    ['size:many', /size/],
    ['a', /word/],
  ] as const) {
    const { exit, stderr } = await network.command(['search', query], peer);
    assert.equal(exit, 2, stderr);
    assert.match(stderr, reason);
  }
  const expression = await network.command(['search', '--broadcast', '/(/'], peer);
  assert.equal(expression.exit, 2);
  const catastrophe = await network.command(['search', '--broadcast', '/(a+)+$/'], peer);
  assert.equal(catastrophe.exit, 3);
});
