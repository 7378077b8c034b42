import assert from 'node:assert/strict';
import { test } from 'node:test';
import { found } from '../network/genesis.ts';
import { createIdentity } from '../network/identity.ts';
import { ownMembers } from './own-members.ts';
import { settings } from './settings.ts';

test('a network founded without settings has those that the list of settings tells', () => {
  const told = (name: string) => Number(settings.find(({ key }) => key === name)?.whenAbsent);
  const genesis = found();
  for (const key of ['bits', 'successors', 'replicas', 'writeQuorum'] as const) assert.equal(genesis[key], told(key));
  const identity = createIdentity();
  const contact = { host: identity.host, addresses: ['192.0.2.1:4848'] };
  assert.equal(ownMembers(genesis, identity, contact, {}).length, told('virtualNodes'));
});
