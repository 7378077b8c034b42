import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { createIdentity } from '../network/identity.ts';
import { type KnownHost, shortId } from '../network/membership.ts';
import { Catalog } from '../storage/catalog.ts';
import { shortPeer } from '../transfer/of-publisher.ts';
import { EventFan } from './event-fan.ts';
import { PeerNames } from './peer-names.ts';

const [anna, bob, stranger, liar] = Array.from({ length: 4 }, () => createIdentity().host) as [
  HostId,
  HostId,
  HostId,
  HostId,
];

function names(certified: ReadonlyMap<HostId, string>, catalog = new Catalog(':memory:')) {
  const of = (host: HostId): KnownHost => ({
    ...{ name: certified.get(host) ?? shortId(host), admittedAt: null, share: null, rights: [], firstSeenAt: null },
  });
  const named = (name: string) => [...certified].filter(([, one]) => one === name).map(([host]) => host);
  return new PeerNames({ of, named }, catalog);
}

test('H8 peers are shown by their names; two of one name, and one that I call another, with a piece of their ids', () => {
  const peers = names(
    new Map([
      [anna, 'anna@laptop'],
      [bob, 'bob@desk'],
    ]),
  );
  assert.equal(peers.shown(anna), 'anna@laptop');
  assert.equal(peers.shown(stranger), shortPeer(stranger));
  assert.deepEqual(peers.named('bob@desk'), [bob]);
  const doubled = names(
    new Map([
      [anna, 'anna@laptop'],
      [liar, 'anna@laptop'],
    ]),
  );
  assert.equal(doubled.shown(anna), `anna@laptop (${shortPeer(anna)})`);
  assert.equal(doubled.shown(liar), `anna@laptop (${shortPeer(liar)})`);
  assert.deepEqual(new Set(doubled.named('anna@laptop')), new Set([anna, liar]));
});

test('H8 a name of mine counts for more than certificates, and lasts', async () => {
  const catalog = new Catalog(':memory:');
  const certified = new Map([
    [anna, 'anna@laptop'],
    [liar, 'Anna'],
  ]);
  const peers = names(certified, catalog);
  await peers.call(anna, 'Anna');
  for (const one of [peers, names(certified, catalog)]) {
    assert.equal(one.shown(anna), 'Anna');
    assert.equal(one.shown(liar), `Anna (${shortPeer(liar)})`);
    assert.deepEqual(one.named('Anna'), [anna]);
  }
  await assert.rejects(peers.call(bob, 'Anna'), (error) => (error as ChordialError).code === 'already-exists');
  await peers.call(anna, null);
  assert.equal(peers.shown(anna), 'anna@laptop');
});

test('H8 lines and messages have the name of a peer in place of its id, and the end of the id beside it', async () => {
  const certified = new Map([
    [anna, 'anna@laptop'],
    [bob, 'bob@desk'],
    [liar, 'bob@desk'],
  ]);
  const peers = names(certified);
  assert.equal(
    peers.inText(`"a" was published by ${anna}, not by ${stranger}`),
    `"a" was published by anna@laptop (${shortPeer(anna)}), not by ${stranger}`,
  );
  assert.equal(peers.inText(`${liar}: full`), `bob@desk (${shortPeer(liar)}): full`);
  const lines: string[] = [];
  const events = new EventFan(({ text }) => lines.push(text));
  events.callPeers(peers.inText);
  events.tell({ kind: 'shares', text: `${anna} takes no more entries`, detail: { id: anna } });
  assert.deepEqual(lines, [`anna@laptop (${shortPeer(anna)}) takes no more entries`]);
});

test('H8 no name looks like an id, hides a character or is too long', async () => {
  const peers = names(new Map([[liar, shortPeer(anna)]]));
  assert.equal(peers.shown(liar), shortPeer(liar));
  assert.deepEqual(peers.named(shortPeer(anna)), []);
  for (const name of [
    '',
    ' ',
    anna,
    '12d3koo…',
    '…abcdefgh',
    '...abcdefgh',
    'a\u202eb',
    'a\nb',
    'a\u200b',
    'x'.repeat(65),
  ])
    await assert.rejects(
      peers.call(bob, name),
      (error) => error instanceof ChordialError && error.code === 'bad-request',
    );
});
