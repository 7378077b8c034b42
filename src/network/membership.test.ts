import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIdentity } from './identity.ts';
import { OpenMembership } from './membership.ts';

test('without certificates a host is known by its id and by when it was first met', () => {
  const membership = new OpenMembership();
  const { host } = createIdentity();
  assert.equal(membership.of(host).firstSeenAt, null);
  membership.saw(host, 1000);
  membership.saw(host, 2000);
  const known = membership.of(host);
  assert.equal(known.firstSeenAt, 1000);
  assert.equal(known.admittedAt, null);
  assert.match(known.name, /^12D3Koo.…\w{6}$/);
  assert.equal(membership.isRemoved(), false);
});
