/** Hidden peers are members like others: they hold copies, serve, and meet on their LAN. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { Namespaces } from './namespaces.ts';
import { fetched, fileBytes, names, neighbourhood } from './neighbourhood.ts';

test('B10 two homes and a public network: every member puts 30 MB that every other one gets, and a home keeps it inside', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const { peers, machines } = await neighbourhood(net, network);
  const files = Object.fromEntries(names.map((name) => [name, randomBytes(fileBytes)]));
  for (const name of names) {
    const put = await peers[name].request(`/api/v1/files/${name}.bin`, { method: 'PUT', body: files[name]! });
    assert.ok(put.ok, `${name}: ${put.status} ${await put.text()}`);
    for (const other of names)
      if (other !== name)
        assert.ok(files[name]!.equals(await fetched(peers[other], `${name}.bin`)), `${other} of ${name}`);
  }
  const between = await machines.anna.exec(['ss', '-Htn', 'state', 'established', 'dst', '192.168.1.3']);
  assert.notEqual(between.trim(), '', 'Anna and Ben are connected on the LAN');
});
