import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualLan } from '../../test/fixtures/virtual-lan.ts';
import { type LanRecord, query, response } from './dns-message.ts';
import type { Lan } from './lan.ts';
import { dayMilliseconds, hostName, instanceName, networkTag, recordsOf, serviceType, tagsOf } from './service.ts';

const second = 1000;

function places(lan: Lan): readonly string[] {
  return [...new Set(lan.heard.flatMap(({ addresses, port }) => addresses.map((one) => `${one}:${port}`)))].sort();
}

test('B10 a peer probes three times, announces twice, and is heard by those who were there and those who come later', () => {
  const wire = new VirtualLan();
  const first = wire.machine({ eth0: ['home', '10.0.0.1'] });
  wire.time.pass(3 * second);
  const own = wire.sent.map(({ message }) => message);
  const probes = own.filter(({ isResponse, authorities }) => !isResponse && authorities.length > 0);
  const announcements = own.filter(({ isResponse }) => isResponse);
  assert.equal(probes.length, 3);
  assert.equal(announcements.length, 2);
  const types = announcements[0]!.answers.map(({ type }) => type).sort();
  assert.deepEqual(types, ['A', 'PTR', 'SRV', 'TXT']);
  const second_ = wire.machine({ eth0: ['home', '10.0.0.2'] }, { port: 5000 });
  wire.time.pass(3 * second);
  assert.deepEqual(places(first.lan), ['10.0.0.2:5000']);
  assert.deepEqual(places(second_.lan), ['10.0.0.1:4848']);
  const stranger = wire.machine({ eth0: ['office', '10.0.1.3'] });
  wire.time.pass(3 * second);
  assert.deepEqual(places(stranger.lan), [], 'another wire');
});

test('B10 a peer that only listens says nothing of itself, and hears at once', () => {
  const wire = new VirtualLan();
  wire.machine({ eth0: ['home', '10.0.0.1'] });
  wire.time.pass(5 * second);
  const before = wire.sent.length;
  const listener = wire.machine({ eth0: ['home', '10.0.0.2'] }, null);
  wire.time.pass(0.5 * second);
  assert.deepEqual(places(listener.lan), ['10.0.0.1:4848']);
  const said = wire.sent.slice(before).filter(({ address }) => address === '10.0.0.2');
  assert.deepEqual(
    said.map(({ message: { isResponse, questions } }) => [isResponse, questions[0]?.type]),
    [[false, 'PTR']],
  );
});

test('B10 who is there is asked at once and then after ever longer times, up to an hour, with those that are known', () => {
  const wire = new VirtualLan();
  wire.machine({ eth0: ['home', '10.0.0.1'] });
  wire.time.pass(5 * second);
  wire.machine({ eth0: ['home', '10.0.0.2'] }, null);
  wire.time.pass(20 * 3600 * second);
  const asked = wire.sent.filter(
    ({ address, message }) => address === '10.0.0.2' && message.questions.some(({ name }) => name === serviceType),
  );
  const pauses = asked.slice(1).map(({ at }, index) => Math.round((at - asked[index]!.at) / second));
  assert.deepEqual(pauses.slice(0, 12), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]);
  assert.ok(pauses.slice(12).every((pause) => pause === 3600));
  assert.deepEqual(asked[0]!.message.answers, []);
  assert.equal(asked[2]!.message.answers[0]?.type, 'PTR');
});

test('B10 a goodbye is heard, and a peer that vanishes without one is forgotten within two minutes', () => {
  const wire = new VirtualLan();
  const a = wire.machine({ eth0: ['home', '10.0.0.1'] });
  const b = wire.machine({ eth0: ['home', '10.0.0.2'] });
  const c = wire.machine({ eth0: ['home', '10.0.0.3'] });
  wire.time.pass(10 * second);
  assert.equal(places(a.lan).length, 2);
  b.lan.close();
  wire.time.pass(2 * second);
  assert.deepEqual(places(a.lan), ['10.0.0.3:4848']);
  c.vanish();
  wire.time.pass(121 * second);
  assert.deepEqual(places(a.lan), []);
});

test('B10 what is about to end is asked for again, so that a peer that stays is known for days', () => {
  const wire = new VirtualLan();
  const a = wire.machine({ eth0: ['home', '10.0.0.1'] });
  wire.machine({ eth0: ['home', '10.0.0.2'] });
  let sentBefore = 0;
  for (let hour = 0; hour < 20; hour++) {
    wire.time.pass(3600 * second);
    assert.deepEqual(places(a.lan), ['10.0.0.2:4848'], `after ${hour + 1} hours`);
    if (hour > 0) assert.ok(wire.sent.length - sentBefore < 400, `${wire.sent.length - sentBefore} messages an hour`);
    sentBefore = wire.sent.length;
  }
});

test('B10 two interfaces on two links, and on one link, conflict with no one; one that is added later is used, one that goes is forgotten', () => {
  const wire = new VirtualLan();
  const both = wire.machine({ eth0: ['home', '10.0.0.1'], eth1: ['office', '10.0.1.1'] });
  const atHome = wire.machine({ eth0: ['home', '10.0.0.2'] });
  const atOffice = wire.machine({ eth0: ['office', '10.0.1.2'] });
  wire.time.pass(10 * second);
  assert.deepEqual(places(both.lan), ['10.0.0.2:4848', '10.0.1.2:4848']);
  assert.deepEqual(places(atHome.lan), ['10.0.0.1:4848']);
  assert.deepEqual(places(atOffice.lan), ['10.0.1.1:4848']);
  const labels = () => new Set(atHome.lan.heard.map(({ label }) => label));
  const before = labels();
  both.plug({ eth0: ['home', '10.0.0.1'], wlan0: ['home', '10.0.0.11'] });
  wire.time.pass(10 * second);
  assert.deepEqual(labels(), before, 'the same name on both');
  assert.deepEqual(places(atHome.lan), ['10.0.0.11:4848', '10.0.0.1:4848']);
  assert.deepEqual(places(both.lan), ['10.0.0.2:4848']);
  assert.deepEqual(places(atOffice.lan), []);
});

test('B10 a peer whose name is taken chooses another, while it probes and later', () => {
  const wire = new VirtualLan();
  wire.machine({ eth0: ['home', '10.0.0.1'] });
  const listener = wire.machine({ eth0: ['home', '10.0.0.9'] }, null);
  const claim = () => {
    const last = wire.sent
      .filter(({ address, message }) => address === '10.0.0.1' && message.authorities.length > 0)
      .at(-1)!;
    const label = last.message.authorities.find(({ type }) => type === 'SRV')!.name.split('.')[0]!;
    wire.say(
      'home',
      '10.0.0.66',
      response({ answers: recordsOf({ label, port: 1, tag: 'f'.repeat(16) }, ['10.0.0.66']) }),
    );
    return label;
  };
  wire.time.pass(0.4 * second);
  const first = claim();
  wire.time.pass(5 * second);
  const names = () => listener.lan.heard.filter(({ source }) => source === '10.0.0.1').map(({ label }) => label);
  const [second_] = names();
  assert.ok(second_ !== undefined && second_ !== first);
  claim();
  wire.time.pass(5 * second);
  const [third, ...more] = names();
  assert.ok(third !== undefined && third !== second_);
  assert.deepEqual(more, []);
});

test('B10 one that claims every name costs a probe in five seconds', () => {
  const wire = new VirtualLan();
  wire.machine({ eth0: ['home', '10.0.0.1'] });
  for (let step = 0; step < 600; step++) {
    wire.time.pass(100);
    for (const { message, address } of wire.sent.slice(-3)) {
      const own = message.authorities.find(({ type }) => type === 'SRV');
      if (address === '10.0.0.1' && own?.type === 'SRV') {
        wire.say('home', '10.0.0.66', response({ answers: [{ ...own, data: { port: 1, target: 'x.local' } }] }));
      }
    }
  }
  const late = wire.sent.filter(({ at, message }) => at > 30 * second && message.authorities.length > 0);
  assert.ok(late.length <= 30, `${late.length} probes in half a minute`);
});

function announced(wire: VirtualLan, address: string): readonly LanRecord[] {
  const all = wire.sent.filter((one) => one.address === address && one.message.isResponse);
  return all.flatMap(({ message }) => message.answers);
}

test('B10 questions are answered by type, with what will be asked next; known answers are not said again', () => {
  const wire = new VirtualLan();
  wire.machine({ eth0: ['home', '10.0.0.1'] });
  wire.time.pass(5 * second);
  const srv = announced(wire, '10.0.0.1').find(({ type }) => type === 'SRV')!;
  const label = srv.name.split('.')[0]!;
  const ask = (name: string, type: string, answers: readonly LanRecord[] = []) => {
    const before = wire.sent.length;
    wire.say('home', '10.0.0.9', query({ questions: [{ name, type }], answers }));
    wire.time.pass(2 * second);
    const [answer, ...more] = wire.sent.slice(before).filter(({ message }) => message.isResponse);
    assert.deepEqual(more, []);
    return answer === undefined
      ? null
      : [
          answer.message.answers.map(({ type: kind }) => kind),
          answer.message.additionals.map(({ type: kind }) => kind),
        ];
  };
  assert.deepEqual(ask(serviceType, 'PTR'), [['PTR'], ['SRV', 'TXT', 'A']]);
  assert.deepEqual(ask('_services._dns-sd._udp.local', 'PTR'), [['PTR'], []]);
  assert.deepEqual(ask(instanceName(label), 'SRV'), [['SRV'], ['A']]);
  assert.deepEqual(ask(instanceName(label), 'TXT'), [['TXT'], []]);
  assert.deepEqual(ask(instanceName(label), 'ANY'), [['SRV', 'TXT'], ['A']]);
  assert.deepEqual(ask(hostName(label), 'A'), [['A'], []]);
  assert.equal(ask('_http._tcp.local', 'PTR'), null);
  const known: LanRecord = { name: serviceType, ttl: 4000, isUnique: false, type: 'PTR', data: instanceName(label) };
  assert.equal(ask(serviceType, 'PTR', [known]), null);
  assert.deepEqual(ask(serviceType, 'PTR', [{ ...known, ttl: 2000 }]), [['PTR'], ['SRV', 'TXT', 'A']]);
});

test('B10 the rest of a truncated question is waited for', () => {
  const wire = new VirtualLan();
  wire.machine({ eth0: ['home', '10.0.0.1'] });
  wire.time.pass(5 * second);
  const label = announced(wire, '10.0.0.1')
    .find(({ type }) => type === 'SRV')!
    .name.split('.')[0]!;
  const before = wire.sent.length;
  const known: LanRecord = { name: serviceType, ttl: 4000, isUnique: false, type: 'PTR', data: instanceName(label) };
  const question = query({ questions: [{ name: serviceType, type: 'PTR' }], isTruncated: true });
  wire.say('home', '10.0.0.9', question);
  wire.time.pass(200);
  wire.say('home', '10.0.0.9', query({ answers: [known] }));
  wire.time.pass(800);
  assert.deepEqual(wire.sent.slice(before), []);
  wire.say('home', '10.0.0.9', question);
  wire.time.pass(200);
  wire.say('home', '10.0.0.8', query({ answers: [known] }));
  wire.time.pass(800);
  assert.equal(wire.sent.slice(before).length, 1, 'another one knows it');
});

test('B10 a thousand questions a second are answered once', () => {
  const wire = new VirtualLan();
  wire.machine({ eth0: ['home', '10.0.0.1'] });
  wire.time.pass(5 * second);
  const before = wire.sent.length;
  for (let index = 0; index < 5000; index++) {
    wire.say('home', `10.0.0.${2 + (index % 200)}`, query({ questions: [{ name: serviceType, type: 'PTR' }] }));
    wire.time.pass(1);
  }
  assert.ok(wire.sent.length - before <= 6, `${wire.sent.length - before} answers in five seconds`);
});

test('B10 label and tag are others each day, and members know the tags of the days around', () => {
  const wire = new VirtualLan();
  wire.machine({ eth0: ['home', '10.0.0.1'] });
  const listener = wire.machine({ eth0: ['home', '10.0.0.9'] }, null);
  wire.time.pass(10 * second);
  const [before] = listener.lan.heard;
  assert.equal(before!.tag, networkTag('net', wire.time.clock.wallTime()));
  wire.time.pass(dayMilliseconds + 700 * second);
  const [after, ...more] = listener.lan.heard;
  assert.deepEqual(more, []);
  assert.notEqual(after!.tag, before!.tag);
  assert.notEqual(after!.label, before!.label);
  const now = wire.time.clock.wallTime();
  assert.ok(tagsOf('net', now).includes(before!.tag!) && tagsOf('net', now - dayMilliseconds).includes(after!.tag!));
  assert.ok(!tagsOf('net', now + 2 * dayMilliseconds).includes(after!.tag!));
  assert.ok(!tagsOf('other', now).includes(after!.tag!));
});

test('B10 what a link passes back is counted, so that a blocked one is seen', () => {
  const wire = new VirtualLan();
  wire.blocked.add('home');
  const { lan } = wire.machine({ eth0: ['home', '10.0.0.1'], eth1: ['office', '10.0.1.1'] });
  wire.time.pass(5 * second);
  const [blocked, passing] = lan.links;
  assert.ok(blocked!.sent > 0 && blocked!.echoes === 0);
  assert.equal(passing!.echoes, passing!.sent);
  lan.close();
});
