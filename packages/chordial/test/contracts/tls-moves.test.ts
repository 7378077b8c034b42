import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { found } from '../../src/network/genesis.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import { TlsTransport } from '../../src/network/tls-transport.ts';

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
