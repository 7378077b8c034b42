import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialledBack, limited, localNetwork, portMapping, zones } from './findings.ts';
import type { NodeStatus } from './peer.ts';

test('B11 the doctor says that a limit or a stop holds, and until when', () => {
  const status = {
    limit: '1M',
    up: 1_048_576,
    down: null,
    isStopped: false,
    until: '2026-01-05T18:00:00.000Z',
    next: 'off',
    timetable: '08:00,1M:off 18:00,off',
    source: 'settings',
    forAWhileUntil: null,
    configured: '08:00,1M:off 18:00,off',
    usual: '08:00,1M:off 18:00,off',
    limitsLan: false,
    minuteOfWeek: 600,
  } as const;
  const [found] = limited(status);
  assert.equal(found?.level, 'note');
  assert.match(found?.text ?? '', /^1\.00 MiB\/s up, no limit down, until .+\. See "chordial limit"/);
  assert.match(limited({ ...status, isStopped: true, up: null, until: null })[0]?.text ?? '', /^stop: .+ wait\. See/);
  assert.deepEqual(limited({ ...status, up: null }), []);
});

test('B10 what is heard on the local network is told by interface and network, and where multicast is blocked', () => {
  const eth0 = { name: 'eth0', addresses: ['10.0.0.1'], sent: 9, echoes: 9, received: 4, fault: null };
  const own = {
    tag: '00aa',
    isOwn: true,
    peers: 2,
    addresses: ['10.0.0.2:4848'],
    interfaces: ['eth0'],
    members: ['anna'],
  };
  const other = { ...own, tag: '00bb', isOwn: false, peers: 1, members: [] };
  const heard = localNetwork({ interfaces: [eth0], networks: [own, other] });
  assert.deepEqual(
    heard.map(({ level, text }) => [level, text]),
    [
      ['good', '2 peers of this network on eth0, at 10.0.0.2:4848, of them anna'],
      ['good', '1 peer of another network (00bb) on eth0, at 10.0.0.2:4848'],
    ],
  );
  const silent = { ...eth0, name: 'wlan0', echoes: 0 };
  const refused = { ...eth0, name: 'eth1', fault: 'send EPERM' };
  const blocked = localNetwork({ interfaces: [silent, refused], networks: [] });
  assert.deepEqual(
    blocked.map(({ level }) => level),
    ['note', 'note'],
  );
  assert.match(blocked[0]!.text, /blocked on wlan0.*5353/);
  assert.match(blocked[1]!.text, /eth1.*EPERM.*firewall/);
  const tunnel = localNetwork({ interfaces: [{ ...eth0, name: 'wg0', fault: 'send ENOKEY' }], networks: [] });
  assert.doesNotMatch(tunnel[0]!.text, /firewall/);
  assert.match(localNetwork({ interfaces: [eth0], networks: [] })[0]!.text, /no other peer is heard on eth0/);
  assert.equal(localNetwork({ interfaces: [], networks: [] })[0]!.level, 'note');
});

test('B10 the doctor says whether others reach the peer, and what the router gave', () => {
  const said = { text: 'r', code: 'joined', values: {} };
  const node = (reach: string, mapping: string): NodeStatus =>
    ({ reach: { state: reach, address: null, ...said }, portMapping: { state: mapping, ...said } }) as NodeStatus;
  assert.deepEqual(dialledBack(node('open', 'off').reach), { check: 'reached by others', level: 'good', ...said });
  assert.equal(dialledBack(node('hidden', 'off').reach).level, 'note');
  assert.deepEqual(portMapping(node('hidden', 'refused')), { check: 'port mapping', level: 'note', ...said });
  assert.equal(portMapping(node('hidden', 'mapped')).level, 'good');
  assert.equal(portMapping(node('open', 'no-router')).level, 'good');
});

test('the doctor counts zones against copies', () => {
  const member = { ringId: '0b', predecessor: null, successors: [], fingers: [] };
  const node = (zone: string | null) => ({ zone, replicas: 3, virtualNodes: [member] });
  const peers = (...all: (string | null)[]) => all.map((zone) => ({ zone, state: 'alive' as const, virtualNodes: 12 }));
  assert.deepEqual(zones(node(null), peers(null, null)), []);
  const [good] = zones(node('attic'), peers('cellar', 'attic', null));
  assert.deepEqual(good, {
    ...{ check: 'zones', level: 'good', text: 'attic, cellar, 1 peer in none' },
    ...{ code: 'zones', values: { zones: ['attic', 'cellar'], alone: 1 } },
  });
  const [few] = zones(node('attic'), peers('cellar', 'attic'));
  assert.equal(few?.level, 'note');
  assert.match(few?.text ?? '', /^attic, cellar\. With 3 copies in 2 zones.*--zone/);
  const gone = [
    { ...peers('cellar')[0]!, state: 'dead' as const },
    { ...peers('shed')[0]!, virtualNodes: 0 },
  ];
  assert.match(zones(node('attic'), gone)[0]?.text ?? '', /3 copies in 1 zone /);
});
