import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contactOf, memberAt, virtualClock } from '../../test/fixtures/virtual-clock.ts';
import type { RingAsks, RingMessageKind } from './messages.ts';
import { RingHost } from './ring-host.ts';
import { defaultTimers } from './timers.ts';

const [me, other, ghost] = [memberAt('10'), memberAt('80'), memberAt('c0')];

/** A host alone on its ring that another one speaks to; nobody can be reached. */
function host() {
  const { clock, pass } = virtualClock();
  const asked: { kind: RingMessageKind; ask: RingAsks[RingMessageKind]; to: string }[] = [];
  const pinged: string[] = [];
  const ring = new RingHost(
    {
      self: me.contact,
      members: [me],
      incarnation: 1,
      shape: { bits: 8, successors: 3 },
      smallRings: true,
      timers: defaultTimers,
      cacheCapacity: 100,
      parallelAsks: 1,
      proximity: false,
      spreadNews: true,
      observe: () => {},
    },
    {
      clock,
      random: { next: () => 0.5 },
      network: {
        ask: (to, kind, ask, _deadline, done) => {
          asked.push({ kind, ask, to: to.host });
          clock.after(1, () => done({ ok: false, failure: 'refused' }));
        },
        ping: (to, _timeout, done) => {
          pinged.push(to.host);
          clock.after(1, () => done(to.host === other.contact.host ? 'alive' : 'unreachable'));
        },
      },
    },
  );
  ring.found();
  ring.heard(other.contact);
  return { ring, asked, pinged, pass };
}

const newsOf = (asked: ReturnType<typeof host>['asked'], name: string) =>
  asked.filter(
    ({ kind, ask }) => kind === 'news' && (ask as RingAsks['news']).events.some((e) => e.contact.host === name),
  );

test('of hosts of which there are only rumours the death is not told, and few are looked for', () => {
  const { ring, asked, pinged, pass } = host();
  const ghosts = Array.from({ length: 100 }, (_, index) => contactOf(`ghost-${index}`));
  for (const one of ghosts) ring.suspect(one);
  pass(5000);
  for (const one of ghosts) assert.equal(ring.isDown(one.host), true);
  pinged.length = 0;
  pass(300_000);
  for (const one of ghosts) assert.deepEqual(newsOf(asked, one.host), []);
  const lookedFor = new Set(pinged.filter((name) => name.startsWith('ghost')));
  assert.ok(lookedFor.size > 0 && lookedFor.size <= 32, `${lookedFor.size} are looked for`);
});

test('the death of one that was heard is told, and it is looked for', () => {
  const { ring, asked, pinged, pass } = host();
  ring.heard(ghost.contact);
  pass(10);
  ring.suspect(ghost.contact);
  pass(5000);
  assert.equal(ring.isDown(ghost.contact.host), true);
  assert.ok(newsOf(asked, ghost.contact.host).length > 0);
  pinged.length = 0;
  pass(120_000);
  assert.equal(pinged.includes(ghost.contact.host), true);
});
