import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';

test('A3 B3 anyone who has an invite joins with it; mangled, expired, of another network or with no one there it is refused', async () => {
  await using network = await NetworkFixture.open();
  const founder = await network.start();
  const invited = await network.command(['invite', '--expires', '1h'], founder);
  assert.equal(invited.exit, 0, invited.stderr);
  const invite = invited.text.trim();
  assert.match(invite, /^chordial:[\w-]+$/);
  assert.match(invited.stderr, /admits one member, until 20.*"chordial join"/);
  assert.match(invited.stderr, /127\.0\.0\.1:\d+, which only this machine reaches/);

  const joined = await network.start({ invite, flags: ['--virtual-nodes', '17'] });
  assert.equal(joined.ready.network, founder.ready.network);
  await until('one ring of two', () => network.isIdeal([founder, joined]), 60_000);
  const admission = path.join(joined.dataFolder, 'admission.cbor');
  assert.equal((await stat(admission)).mode & 0o777, 0o600);

  const refused = async (line: string, data: string, flags: readonly string[] = []) => {
    const places = ['--listen', '127.0.0.1:0', '--api', '127.0.0.1:0', '--data', path.join(network.folder, data)];
    const { exit, stderr } = await network.command(['join', line, '--json', ...places, ...flags]);
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
    return { exit, ...error };
  };
  const mangled = await refused(`${invite.slice(0, 40)}${invite.slice(41)}`, 'another');
  assert.deepEqual([mangled.exit, mangled.code], [2, 'bad-invite'], mangled.message);
  assert.match(mangled.message, /checksum does not fit.*Copy the whole line again/);
  const used = await refused(invite, 'another');
  assert.deepEqual([used.exit, used.code], [1, 'not-admitted'], used.message);
  assert.match(used.message, /was for one member.*chordial admin admit/);
  const address = await refused(founder.ready.listen, 'another', ['--replicas', '2']);
  assert.deepEqual([address.exit, address.code], [2, 'bad-usage'], address.message);

  const other = await network.start({ data: 'other' });
  await other.stop();
  const foreign = await refused(invite, 'other');
  assert.deepEqual([foreign.exit, foreign.code], [1, 'other-network'], foreign.message);
  assert.match(foreign.message, /invite is for.*another --data/);

  await founder.stop();
  const absent = await refused(invite, 'another');
  assert.deepEqual([absent.exit, absent.code], [1, 'unreachable'], absent.message);
  assert.ok(
    absent.message.includes(`The invite leads to ${founder.ready.listen}, where no peer answers`),
    absent.message,
  );
});
