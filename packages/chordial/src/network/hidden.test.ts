import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { relaysAmong } from './hidden.ts';

const at = (host: string) => ({ host: host as HostId, addresses: [`${host}:4848`] });
const liars = Array.from({ length: 50 }, (_, index) => at(`9.9.9.${index + 1}`));

test('L one who has many keys on one line becomes one of three relays, while there are others', () => {
  for (const chance of [0, 0.3, 0.6, 0.99]) {
    const random = { next: () => chance };
    const possible = [...liars, at('8.8.8.8'), at('8.8.4.4'), at('192.168.1.2')];
    const chosen = relaysAmong(possible, [], random).slice(0, 3);
    assert.ok(chosen.filter(({ host }) => host.startsWith('9.9.9.')).length <= 1);
    const next = relaysAmong(possible, ['9.9.9.0-24', '8.8.8.0-24'], random).slice(0, 2);
    assert.deepEqual(next.map(({ host }) => host).sort(), ['192.168.1.2', '8.8.4.4']);
  }
  assert.equal(relaysAmong(liars, [], { next: () => 0 }).length, liars.length);
});
