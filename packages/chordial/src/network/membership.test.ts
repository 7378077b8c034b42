import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { allRights, OpenMembership, shortId, unprotected } from './membership.ts';

const host = '12D3KooWAbcdefghijkwxyz12' as HostId;

test('without certificates a host is known by its id and by when it was first met', () => {
  const membership = new OpenMembership();
  assert.equal(membership.of(host).firstSeenAt, null);
  membership.saw(host, 1000);
  membership.saw(host, 2000);
  assert.deepEqual(membership.of(host), {
    name: '12D3KooW…wxyz12',
    admittedAt: null,
    share: null,
    rights: ['store', 'publish'],
    firstSeenAt: 1000,
  });
  assert.equal(shortId(host), '12D3KooW…wxyz12');
});

test('without certificates everybody stays, none is refused, and no names are known', () => {
  const membership = new OpenMembership();
  membership.saw(host, 1000);
  assert.equal(membership.isRemoved(), false);
  assert.equal(membership.refuses(), false);
  assert.deepEqual(membership.removed(), []);
  assert.deepEqual(membership.named(), []);
});

test('hosts that come and go without end do not fill the memory: the first met is forgotten', () => {
  const membership = new OpenMembership();
  for (let count = 0; count <= 16_384; count++) membership.saw(`host ${count}` as HostId, count);
  assert.equal(membership.of('host 0' as HostId).firstSeenAt, null);
  assert.equal(membership.of('host 1' as HostId).firstSeenAt, 1);
  assert.equal(membership.of('host 16384' as HostId).firstSeenAt, 16_384);
});

test('a network without admission says what that means', () => {
  assert.equal(new OpenMembership().admission, 'open');
  assert.equal(new OpenMembership('classroom').admission, 'classroom');
  assert.match(unprotected.open, /may join|can join/);
  assert.match(unprotected.classroom, /may join|can join/);
  assert.deepEqual(allRights, ['store', 'publish', 'invite', 'admin']);
});
