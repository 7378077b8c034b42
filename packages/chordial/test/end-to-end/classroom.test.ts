import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { NetworkFixture } from './network-fixture.ts';

test('A13 A14 A24 A23 the classroom shows 2 4 5 8 9 14 19, and adds, kills and asks as it is told', async () => {
  await using network = await NetworkFixture.open();
  const options = {
    environment: { ...(await network.environment()), TMPDIR: network.folder },
    input: 'join 30 4 1\nStore 2076\nkill 14\nrequest 2076\njoin 31 99\nleave 7\nQuit\nkill 2\n',
    deadlineMilliseconds: 180_000,
  };
  const { exit, text, stderr } = await network.command(['demo', '--classroom'], undefined, options);
  const told = text + stderr;
  // Two of the lines were wrong on purpose.
  assert.equal(exit, 1, told);
  assert.match(text, /the ring has formed: 2 4 5 8 9 14 19, every pointer right/);
  assert.match(text, /stored 2067 at 19: 2067 mod 256 = 19, and copies at 2 and 4/);
  assert.match(text, /peer 25 has its place: 2 4 5 8 9 14 19 25/);
  assert.match(
    text,
    /stored 281 at 25.*\n(?:.*\n)*.*peer 25 killed.*\n(?:.*\n)*.*281 is now kept at 2, and copies at 4 and 5/,
  );
  assert.match(text, /all steps held/);
  assert.match(text, /Its page: http:\/\/127\.0\.0\.1:\d+\//);
  // The output of the peers, from the first line on.
  assert.match(text, /peer 19: This peer is a member of the ring/);
  assert.match(text, /peer 2: Peer 19: join request accepted/);
  assert.match(text, /peer 19: My first successor is Peer 2/);

  assert.match(text, /Peer 30 has joined through peer 4/);
  assert.match(text, /The ring is 2 4 5 8 9 14 19 30, every pointer right/);
  assert.match(text, /Peer 14 was killed/);
  assert.match(text, /The ring is 2 4 5 8 9 19 30, every pointer right/);
  assert.equal(await readFile(path.join(network.folder, '2076'), 'utf8'), 'file 2076\n');
  assert.match(stderr, /There is no peer 99 in this ring. Its peers are /);
  assert.match(stderr, /No peer 7 was started here, or it has gone. Started here and alive: 2, 4, 5, 8, 9, 19, 30/);
  assert.doesNotMatch(text, /Peer 2 was killed/);
  assert.deepEqual(
    (await readdir(network.folder)).filter((name) => name.startsWith('chordial-')),
    [],
  );
});
