import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { sample, testMessages } from '../../test/fixtures/message-samples.ts';
import { systemRandom } from '../network/system-clock.ts';
import { TransportError } from '../network/transport.ts';
import { decodeBody, encodeBody } from '../network/wire-body.ts';
import { Registry } from '../wire/message.ts';
import { Doors, doorMessages, isDoorUrl, type OwnDoor } from './doors.ts';

const door = { url: 'https://files.example.org', services: ['links'], fingerprint: 'ab'.repeat(32) };
testMessages([sample(doorMessages.where, {}, { door })], [doorMessages], {
  'door.where': [
    'a0',
    'a164646f6f7283781968747470733a2f2f66696c65732e6578616d706c652e6f726781656c696e6b735820abababababababababababababababababababababababababababababababab',
  ],
});

const shown: OwnDoor = {
  address: '0.0.0.0:8443',
  url: door.url,
  services: ['links'],
  tls: null,
  requests: 0,
  connections: 0,
};

function contact(name: string, address = '203.0.113.5:4848'): Contact {
  return { host: name as HostId, addresses: [address], incarnation: 1 } as never;
}

/** Members and what each answers: a door, the raw answer of one that lies, or null for silence. */
function asking(members: ReadonlyMap<Contact, OwnDoor | null | { readonly lie: unknown }>) {
  const { clock, pass } = virtualClock();
  let asked = 0;
  const ports = { clock, random: systemRandom, hosts: () => [...members.keys()] };
  const transport = {
    request: async (to: Contact, kind: string, body: never) => {
      asked += 1;
      const answer = members.get(to);
      if (answer === undefined) throw new TransportError('unreachable', 'silent');
      if (answer !== null && 'lie' in answer) return decodeBody(encodeBody({ door: answer.lie } as never));
      const registry = new Doors({ ...ports, transport: transport as never }, () => answer).answerIn(new Registry());
      return registry.request(to, kind, body);
    },
  };
  const doors = new Doors({ ...ports, transport: transport as never }, () => null);
  return { doors, pass, asked: () => asked };
}

test('B13 a member without a door learns of those of others, by TLS first, and asks again after a while', async () => {
  const members = new Map([
    [contact('a'), null],
    [contact('b'), { ...shown, url: 'http://203.0.113.6:8080' }],
    [contact('c'), shown],
  ]);
  const { doors, pass, asked } = asking(members);
  assert.deepEqual(
    (await doors.find('links')).map(({ url }) => url),
    [door.url, 'http://203.0.113.6:8080'],
  );
  await doors.find('links');
  assert.equal(asked(), 3);
  await pass(300_000);
  await Promise.all([doors.find('links'), doors.find('links')]);
  assert.equal(asked(), 6);
});

test('B13 what members say of their doors is taken only if it is a URL of one', async () => {
  const lies = [
    'javascript:alert(1)',
    'https://files.example.org/',
    'https://files.example.org/s',
    'https://user@files.example.org',
    'https://files.example.org:443',
    'https://FILES.example.org',
    'https://a b.example',
    'https://a.example\n',
    'ftp://a.example',
    `https://${'a'.repeat(300)}.example`,
    7,
    null,
  ];
  for (const url of lies) assert.equal(isDoorUrl(url), false, String(url));
  const members = new Map<Contact, { readonly lie: unknown }>(
    lies.map((url, index) => [contact(`liar-${index}`), { lie: [url, ['links'], null] }]),
  );
  members.set(contact('loopback'), { lie: ['https://127.0.0.1:8443', ['links'], null] });
  members.set(contact('many'), { lie: [door.url, Array.from({ length: 9 }, () => 'links'), null] });
  members.set(contact('other'), { lie: [door.url, ['gateway'], null] });
  members.set(contact('here', '127.0.0.1:4848'), { lie: ['http://127.0.0.1:8080', ['links'], null] });
  const { doors } = asking(members);
  assert.deepEqual(
    (await doors.find('links')).map(({ url }) => url),
    ['http://127.0.0.1:8080'],
  );
});

test('B13 of many members without a door no more than 128 are asked', async () => {
  const { doors, asked } = asking(new Map(Array.from({ length: 500 }, (_, index) => [contact(`m${index}`), null])));
  assert.deepEqual(await doors.find('links'), []);
  assert.equal(asked(), 128);
});
