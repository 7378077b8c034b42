import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId, MemberState } from '@chordial/ring';
import { contactOf, memberAt } from '@chordial/ring/testing';
import { levelOf } from './event-level.ts';
import { RingStory, type StoryLine } from './ring-story.ts';

function story(teaching: boolean) {
  const lines: StoryLine[] = [];
  const called = (host: HostId) => (host === 'newcomer' ? 'anna@laptop' : `…${host}`);
  const told = new RingStory({ self: 'self' as HostId, teaching, called, tell: (line) => lines.push(line) });
  const own = Array.from({ length: 20 }, (_, index) => ({ ...memberAt(`${index}0`, 'self'), index }));
  const commit = (index: number, from: string, to: string) => {
    const me = own[index]!;
    const stateWith = (host: string) =>
      ({
        me,
        predecessor: memberAt(`${host.length}${index}1`, host),
        successors: [memberAt(`${host.length}${index}2`, host)],
      }) as unknown as MemberState;
    told.observe({ kind: 'committed', member: me, before: stateWith(from), after: stateWith(to) });
  };
  const infos = () => lines.filter((line) => levelOf(line) === 'info').map(({ text }) => text);
  return { told, commit, lines, infos, members: own.length };
}

test('rough: one peer that joins beside twenty members is one line in the log, the rest is for debug', () => {
  const { told, commit, lines, infos, members } = story(false);
  for (let index = 0; index < members; index++) commit(index, 'self', 'first');
  told.observe({ kind: 'joined' } as Parameters<RingStory['observe']>[0]);
  assert.deepEqual(infos(), ['This peer is a member of the ring']);
  told.observe({ kind: 'join-request', from: contactOf('newcomer'), next: null });
  for (let index = 0; index < members; index++) commit(index, 'first', 'newcomer');
  assert.equal(infos().length, 2);
  assert.match(infos()[1]!, /^anna@laptop .*is now a neighbour on the ring/);
  assert.ok(lines.some((line) => line.kind === 'successor' && levelOf(line) === 'debug'));
});

test('A23 in a teaching ring each pointer is told', () => {
  const { told, commit, infos } = story(true);
  told.observe({ kind: 'joined' } as Parameters<RingStory['observe']>[0]);
  commit(0, 'self', 'newcomer');
  assert.match(infos().join('\n'), /My new predecessor is .*\nMy.* first successor is/s);
});
