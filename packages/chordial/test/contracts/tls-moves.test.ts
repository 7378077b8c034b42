import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { found } from '../../src/network/genesis.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import { TlsTransport } from '../../src/network/tls-transport.ts';
import { until } from '../fixtures/until.ts';
import { CutProxies } from '../torture/cut-proxy.ts';

const genesis = found({ admission: 'open' });

async function peer(t: TestContext, identity: Identity, heard?: (from: Contact) => void): Promise<TlsTransport> {
  const transport = new TlsTransport({ identity, genesis, listen: '127.0.0.1:0' });
  t.after(() => transport.close());
  await transport.serve({
    request: async (_, kind) => kind,
    stream: async () => ({ header: null }),
    ...(heard === undefined ? {} : { heard }),
  });
  return transport;
}

test('A26 a host that returns at another address is reached by hosts that know only the old one', async (t) => {
  const identity = createIdentity();
  const before = await peer(t, identity);
  const oldContact = before.contact;
  const heard: Contact[] = [];
  const other = await peer(t, createIdentity(), (from) => heard.push(from));
  assert.equal(await other.request(oldContact, 'hear', null, { deadline: 5000 }), 'hear');
  await before.close();
  await assert.rejects(other.request(oldContact, 'hear', null, { deadline: 5000 }), { failure: 'unreachable' });

  const after = await peer(t, identity);
  assert.equal(await after.request(other.contact, 'hear', null, { deadline: 5000 }), 'hear');
  assert.equal(await other.request(oldContact, 'hear', null, { deadline: 5000 }), 'hear');
  assert.deepEqual(heard.at(-1), after.contact);
});

test('B10 a host found on the local network is dialled there first, also when it is found while its other addresses fail', async (t) => {
  const found = await peer(t, createIdentity());
  const { host, addresses } = found.contact;
  let asked = 0;
  const nearby = () => (++asked > 1 ? addresses : []);
  const transport = new TlsTransport({ identity: createIdentity(), genesis, listen: '127.0.0.1:0', nearby });
  t.after(() => transport.close());
  const elsewhere: Contact = { host, addresses: ['127.0.0.1:1', '127.0.0.1:2'] };
  assert.equal(await transport.request(elsewhere, 'hear', null, { deadline: 5000 }), 'hear');
  assert.equal(asked, 2, 'not after both failed');
});

const loopback = { address: '127.0.0.1', prefix: 8 };

test('what waits on a connection at an address that is gone, or from before a sleep, is asked again at once', async (t) => {
  const asks: string[] = [];
  const callee = new TlsTransport({ identity: createIdentity(), genesis, listen: '127.0.0.1:0' });
  t.after(() => callee.close());
  const answered = Promise.withResolvers<void>();
  await callee.serve({
    request: async (_, kind) => {
      asks.push(kind);
      if (kind === 'wait') await answered.promise;
      return kind;
    },
    stream: async () => ({ header: null }),
  });
  const caller = await peer(t, createIdentity());
  const waiting = caller.request(callee.contact, 'wait', null, { deadline: 20_000 });
  await until('it is asked', () => asks.length === 1);
  const elsewhere = { ...loopback, address: '192.0.2.1' };
  caller.networkChanged({ added: [], gone: [elsewhere], slept: 0 });
  assert.equal(await caller.request(callee.contact, 'other', null, { deadline: 5000 }), 'other');
  assert.deepEqual(asks, ['wait', 'other']);
  caller.networkChanged({ added: [], gone: [loopback], slept: 0 });
  await until('it is asked again', () => asks.length === 3);
  answered.resolve();
  assert.equal(await waiting, 'wait');

  const streams = await caller.stream(callee.contact, 'stream', { header: null }, { deadline: 5000 });
  assert.equal(streams.header, null);
  caller.networkChanged({ added: [loopback], gone: [], slept: 60_000 });
  assert.equal(await caller.request(callee.contact, 'after', null, { deadline: 5000 }), 'after');
});

test('a host that is heard from elsewhere is not waited for where it was', async (t) => {
  await using proxies = new CutProxies(async () => 2);
  const identity = createIdentity();
  const before = await peer(t, identity);
  await proxies.open(1, Number(before.listening.split(':')[1]));
  const through = { host: before.self, addresses: [`127.0.0.1:${await proxies.portOf(1)}`] };
  const other = await peer(t, createIdentity());
  assert.equal(await other.request(through, 'hear', null, { deadline: 5000 }), 'hear');
  proxies.cut([1]);
  const after = await peer(t, identity);
  assert.equal(await after.request(other.contact, 'hear', null, { deadline: 5000 }), 'hear');
  const began = performance.now();
  assert.equal(await other.request(after.contact, 'hear', null, { deadline: 20_000 }), 'hear');
  assert.ok(performance.now() - began < 4000, 'before a request has been silent for 5 s');
});
