import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { VirtualLan } from '../../test/fixtures/virtual-lan.ts';
import { response } from './dns-message.ts';
import { HeardPeers, type Hearing, maxHeard, maxHeardPerSource } from './heard-peers.ts';
import { hostName, instanceName, recordsOf, serviceType } from './service.ts';

const tag = '0123456789abcdef';

function hearing(source: string, link = 'eth0'): Hearing {
  return { link, source, isOnLink: (address) => address.startsWith('10.'), isOwn: (label) => label === 'own' };
}

function announcement(label: string, addresses: readonly string[], port = 4848) {
  return response({ answers: recordsOf({ label, port, tag }, addresses) });
}

function heardPeers() {
  const time = virtualClock();
  return { time, heard: new HeardPeers(time) };
}

test('B10 thousands of invented peers fill the share of their source and no more, and a new source is still heard', () => {
  const { heard } = heardPeers();
  for (let index = 0; index < 2000; index++) heard.take(announcement(`a${index}`, ['10.0.0.66']), hearing('10.0.0.66'));
  assert.equal(heard.list().length, maxHeardPerSource);
  for (let source = 0; source < 250; source++) {
    for (let index = 0; index < 40; index++) {
      heard.take(announcement(`s${source}-${index}`, ['10.0.0.66']), hearing(`10.0.1.${source}`));
    }
  }
  assert.equal(heard.list().length, maxHeard);
  heard.take(announcement('honest', ['10.0.0.2']), hearing('10.0.0.2'));
  assert.equal(heard.list().length, maxHeard);
  assert.ok(heard.list().some(({ label }) => label === 'honest'));
  for (let source = 0; source < 250; source++) {
    heard.take(announcement(`again-${source}`, ['10.0.0.66']), hearing(`10.0.2.${source}`));
  }
  assert.ok(
    heard.list().some(({ label }) => label === 'honest'),
    'sources with more give up theirs first',
  );
});

test('B10 one message makes no more than a few entries', () => {
  const { heard } = heardPeers();
  const answers = Array.from({ length: 30 }, (_, index) => recordsOf({ label: `a${index}`, port: 1, tag }, [])).flat();
  heard.take(response({ answers }), hearing('10.0.0.66'));
  assert.equal(heard.list().length, 16);
});

test('B10 addresses are those of the message that are on the link, few, and else that of the sender', () => {
  const { heard } = heardPeers();
  const of = (label: string) => heard.list().find((peer) => peer.label === label)?.addresses;
  heard.take(announcement('far', ['192.0.2.1', '127.0.0.1', '10.0.0.3', '8.8.8.8']), hearing('10.0.0.3'));
  assert.deepEqual(of('far'), ['10.0.0.3']);
  heard.take(announcement('none', ['192.0.2.1']), hearing('10.0.0.4'));
  assert.deepEqual(of('none'), ['10.0.0.4']);
  const many = Array.from({ length: 20 }, (_, index) => `10.0.0.${index}`);
  heard.take(announcement('many', many), hearing('10.0.0.5'));
  assert.deepEqual(of('many'), many.slice(0, 4));
  heard.take(announcement('six', []), hearing('fe80::1'));
  assert.deepEqual(of('six'), [], 'an address that needs an interface cannot be dialled');
  const foreign = recordsOf({ label: 'other', port: 1, tag }, ['10.0.0.9']).filter(({ type }) => type === 'A');
  const own = recordsOf({ label: 'target', port: 1, tag }, []);
  heard.take(response({ answers: [...own, ...foreign] }), hearing('10.0.0.6'));
  assert.deepEqual(of('target'), ['10.0.0.6'], 'an address of another name');
});

test('B10 no one changes or ends the entry of another source', () => {
  const { heard, time } = heardPeers();
  heard.take(announcement('a', ['10.0.0.2']), hearing('10.0.0.2'));
  const farewell = response({
    answers: recordsOf({ label: 'a', port: 4848, tag }, ['10.0.0.2']).map((record) => ({ ...record, ttl: 0 })),
  });
  heard.take(farewell, hearing('10.0.0.66'));
  time.pass(2000);
  assert.equal(heard.list().length, 1);
  heard.take(announcement('a', ['10.0.0.66'], 1), hearing('10.0.0.66'));
  const [first] = heard.list();
  assert.deepEqual([first?.port, first?.addresses], [4848, ['10.0.0.2']]);
  heard.take(farewell, hearing('10.0.0.2'));
  time.pass(2000);
  assert.deepEqual(
    heard.list().map(({ source }) => source),
    ['10.0.0.66'],
  );
});

test('B10 no time that another gives is longer than its bound, and none is short enough to make this peer ask all the time', () => {
  const { heard, time } = heardPeers();
  const with_ = (label: string, ttl: number) =>
    response({ answers: recordsOf({ label, port: 1, tag }, ['10.0.0.2']).map((record) => ({ ...record, ttl })) });
  heard.take(with_('long', 2 ** 31 - 1), hearing('10.0.0.2'));
  time.pass(4500 * 1000 + 1);
  assert.deepEqual(heard.list(), []);
  const wire = new VirtualLan();
  wire.machine({ eth0: ['home', '10.0.0.1'] }, null);
  wire.time.pass(10_000);
  const before = wire.sent.length;
  for (let round = 0; round < 60; round++) {
    for (let index = 0; index < 20; index++) wire.say('home', '10.0.0.66', with_(`s${index}`, 1));
    wire.time.pass(1000);
  }
  assert.ok(wire.sent.length - before < 130, `${wire.sent.length - before} questions a minute`);
});

test('B10 own names, other services and malformed names are not heard', () => {
  const { heard } = heardPeers();
  heard.take(announcement('own', ['10.0.0.2']), hearing('10.0.0.2'));
  const srv = { ttl: 120, isUnique: true, type: 'SRV', data: { port: 80, target: 'x.local' } } as const;
  const names = ['printer._http._tcp.local', 'a.b._chordial._tcp.local', '<b>._chordial._tcp.local', serviceType];
  for (const name of names) heard.take(response({ answers: [{ ...srv, name }] }), hearing('10.0.0.2'));
  const atPort0 = { ...srv, name: instanceName('zero'), data: { port: 0, target: hostName('zero') } };
  heard.take(response({ answers: [atPort0] }), hearing('10.0.0.2'));
  assert.deepEqual(heard.list(), []);
});

test('B10 a link is flooded without that more than its rate is worked on', () => {
  const wire = new VirtualLan();
  const { lan } = wire.machine({ eth0: ['home', '10.0.0.1'] }, null);
  wire.time.pass(1000);
  for (let index = 0; index < 20_000; index++) {
    wire.say('home', `10.0.0.${2 + (index % 100)}`, announcement(`s${index}`, ['10.0.0.66']));
    if (index % 20 === 0) wire.time.pass(1);
  }
  const [link] = lan.links;
  assert.ok(
    link!.received - link!.dropped <= 1400,
    `${link!.received - link!.dropped} of ${link!.received} in a second`,
  );
  assert.ok(link!.dropped > 18_000);
});

test('B10 what comes from outside the subnets of the interface is not heard', () => {
  const wire = new VirtualLan();
  const { lan } = wire.machine({ eth0: ['home', '10.0.0.1'] }, null);
  for (const source of ['10.0.1.5', '192.0.2.1', '127.0.0.1', 'fe80::1%eth9', '2001:db8::1', '']) {
    wire.say('home', source, announcement('a', ['10.0.0.2']));
  }
  assert.deepEqual([lan.heard, lan.counts.received], [[], 0]);
  wire.say('home', '10.0.0.5', announcement('a', ['10.0.0.2']));
  assert.equal(lan.heard.length, 1);
});

test('B13 a peer tells its door on the LAN, and nonsense in its place is none', () => {
  const { heard } = heardPeers();
  const told = (texts: readonly string[]) => {
    const records = recordsOf({ label: 'a', port: 4848, tag, door: { scheme: 'https', port: 8443 } }, ['10.0.0.2']);
    const answers = records.map((record) =>
      record.type === 'TXT' ? { ...record, data: [...record.data, ...texts] } : record,
    );
    return { changed: heard.take(response({ answers }), hearing('10.0.0.2')), door: heard.list()[0]?.door };
  };
  assert.deepEqual(told([]), { changed: true, door: { scheme: 'https', port: 8443 } });
  assert.deepEqual(told([]).changed, false);
  for (const text of ['door=ftp:1', 'door=https:0', 'door=https:65536', 'door=https:1@evil', 'door=']) {
    const answers = recordsOf({ label: 'b', port: 4848, tag }, ['10.0.0.3']).map((record) =>
      record.type === 'TXT' ? { ...record, data: [...record.data, text] } : record,
    );
    heard.take(response({ answers }), hearing('10.0.0.3'));
    assert.equal(heard.list().find(({ label }) => label === 'b')?.door, null, text);
  }
});
