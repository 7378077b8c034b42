import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId } from '../ring/pointer.ts';
import { Absences } from './absences.ts';

const contact = (name: string): Contact => ({ host: name as HostId, addresses: [] });

test('A8 the grace runs from when a host went, and ends with its return', () => {
  let now = 0;
  let hosts = ['a', 'b', 'c'].map(contact);
  const absences = new Absences({ hosts: () => hosts }, { now: () => now }, 20_000);
  assert.equal(absences.graceEnds(), null);
  hosts = hosts.slice(0, 2);
  now = 1000;
  absences.look();
  assert.equal(absences.graceEnds(), 21_000);
  hosts = hosts.slice(0, 1);
  now = 5000;
  absences.look();
  assert.equal(absences.graceEnds(), 25_000);
  hosts = ['a', 'b'].map(contact);
  absences.look();
  assert.equal(absences.graceEnds(), 21_000);
  now = 21_000;
  assert.equal(absences.graceEnds(), null);
});

test('a host that comes back with data waits for those that may come with it', () => {
  const absences = new Absences({ hosts: () => [] }, { now: () => 100 }, 50);
  absences.awaitOthers();
  assert.equal(absences.graceEnds(), 150);
});
