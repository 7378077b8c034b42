import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, rm, utimes, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import { clock, dataFolder, disk, environment, peer, port, reachable, zoneSpelling } from './doctor-findings.ts';

test('the doctor sees a data folder that will be created, is there, or lies open', () =>
  withFolder(async (folder) => {
    assert.match((await dataFolder(path.join(folder, 'a', 'b'))).text, /will be created/);
    assert.match((await dataFolder(folder)).text, /not used yet/);
    await writeFile(path.join(folder, 'format'), 'chordial data folder 1\n');
    assert.equal((await dataFolder(folder)).level, 'good');
    await chmod(folder, 0o755);
    assert.equal((await dataFolder(folder)).level, 'note');
    await rm(path.join(folder, 'format'));
    execFileSync('mkfifo', [path.join(folder, 'format')]);
    const { level, text } = await dataFolder(folder);
    assert.equal(level, 'bad');
    assert.match(text, /format cannot be read: it is no regular file/);
  }));

test('the doctor measures the disk and sees a quota that does not fit', () =>
  withFolder(async (folder) => {
    assert.notEqual((await disk(folder, 0)).level, 'bad');
    const tooMuch = await disk(folder, Number.MAX_SAFE_INTEGER);
    assert.equal(tooMuch.level, 'note');
    assert.match(tooMuch.text, /smaller --quota/);
  }));

test('the doctor sees a clock that runs behind what was written last', () =>
  withFolder(async (folder) => {
    const now = Date.now();
    assert.equal((await clock(folder, now, null)).level, 'good');
    const file = path.join(folder, 'catalog.sqlite');
    await writeFile(file, '');
    await utimes(file, (now + 3_600_000) / 1000, (now + 3_600_000) / 1000);
    assert.equal((await clock(folder, now, null)).level, 'bad');
  }));

test('the doctor tells a port that is taken, one that is free, and a peer that does not answer', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const taken = await port('port', '--listen', at);
  assert.equal(taken.level, 'bad');
  assert.match(taken.text, /another program has it\. Choose another with --listen/);
  assert.equal((await peer(at, 'it')).level, 'good');
  await new Promise((resolve) => server.close(resolve));
  assert.equal((await port('port', '--listen', at)).level, 'good');
  assert.match((await peer(at, 'it')).text, /nothing listens/);
  assert.match((await port('port', '--api', { host: '192.0.2.1', port: 4848 })).text, /no such address/);
});

test('the doctor says who can reach this peer, and which variables have no effect', () => {
  assert.equal(reachable({ host: '127.0.0.1', port: 1 }, null).level, 'note');
  assert.equal(reachable({ host: '127.0.0.1', port: 1 }, 'x:1').level, 'good');
  const found = environment({ CHORDIAL_PINGS: '1', CHORDIAL_PING: '2', HOME: '/' });
  assert.deepEqual(
    found.map(({ text }) => text.split(' ')[0]),
    ['CHORDIAL_PINGS'],
  );
});

test('the doctor says where two spellings are one zone', () => {
  assert.match(zoneSpelling('Rack-A')[0]?.text ?? '', /Rack-A is the zone rack-a/);
  for (const plain of ['rack-a', '', 'not a zone']) assert.deepEqual(zoneSpelling(plain), []);
});
