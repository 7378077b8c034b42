import assert from 'node:assert/strict';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ServedPeer } from '../../test/fixtures/served-peer.ts';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import { changeSettingsFile, withChanges } from './changed-settings.ts';
import { effectiveConfiguration } from './effective-settings.ts';
import { PeerSettings } from './peer-settings.ts';
import { type SettingKey, settingName } from './settings.ts';
import { parseSettings } from './settings-file.ts';
import type { ShownSettings } from './shown-settings.ts';

const limits = { status: () => ({ timetable: 'off', source: 'settings' }), set: async () => ({}) };

async function settingsIn(folder: string, toml: string | null, flags = {}) {
  const file = path.join(folder, 'chordial.toml');
  if (toml !== null) await writeFile(file, toml);
  const effective = await effectiveConfiguration({ data: folder, ...flags }, undefined, {});
  const applied: [string, unknown][] = [];
  const settings = new PeerSettings({
    configuration: { ...effective.configuration, said: effective },
    limits: limits as never,
    disk: async () => ({ quota: 0, used: 0, cached: 0, free: 0 }),
    apply: {
      quotaBytes: (bytes) => applied.push(['quota', bytes]),
      sealed: (isOn) => applied.push(['sealed', isOn]),
    },
  });
  return { file, settings, applied, text: () => readFile(file, 'utf8') };
}

const one = ({ settings }: ShownSettings, name: string) => settings.find((some) => some.name === name);

test('a setting is changed in its line of the file, at once where it can be, and told with its source', () =>
  withFolder(async (folder) => {
    const toml = '# mine\nquota = "1G" # half\n\njoin = [\n  "127.0.0.1:1",\n  "127.0.0.1:2",\n]\nping = 200\n';
    const { settings, applied, text, file } = await settingsIn(folder, toml, { ping: '300' });
    assert.deepEqual(
      [one(await settings.list(), 'quota')?.source, one(await settings.list(), 'join')?.value],
      [`${file} line 2`, '127.0.0.1:1,127.0.0.1:2'],
    );
    const changed = await settings.change({ quota: '2G', sealed: 'yes', join: '127.0.0.1:3', ping: '400' });
    assert.equal(await text(), '# mine\nquota = "2G"\n\njoin = ["127.0.0.1:3"]\nping = "400"\nsealed = true\n');
    assert.deepEqual(applied, [
      ['quota', 2 ** 31],
      ['sealed', true],
    ]);
    const { value, next, changes } = one(changed, 'ping')!;
    assert.deepEqual([value, next, changes], ['300', '400', 'restart']);
    assert.deepEqual([one(changed, 'quota')?.value, one(changed, 'quota')?.source], ['2G', file]);
    assert.match(changed.notes.join(' '), /join holds after the next start.*--ping goes before the file/);
    await settings.change({ sealed: null, join: null });
    assert.equal(await text(), '# mine\nquota = "2G"\n\nping = "400"\n');
    assert.equal((await effectiveConfiguration({ data: folder }, undefined, {})).configuration.quotaBytes, 2 ** 31);
  }));

test('a bad value changes nothing, and the answer names the setting', () =>
  withFolder(async (folder) => {
    const { settings, applied, text } = await settingsIn(folder, 'ping = 200\n');
    for (const [changes, told] of [
      [{ quota: '1G', ping: 'soon' }, /^"ping" "soon"/],
      [{ quota: 'lots' }, /^"quota"/],
      [{ quota: '0' }, /"quota".*start it again/],
      [{ qouta: '1G' }, /"qouta" is not a setting/],
      [{ sealed: 'maybe' }, /"sealed"/],
      [{ api: '0.0.0.0:1' }, /"api" is not changed here.*chordial\.toml/],
      [{ save: 'got' }, /"save" is given as "got"\. Give the whole path/],
      [{ 'tls-key': '/etc/shadow' }, /"tls-key" is not changed here/],
      [{ 'door-url': 'https://a.example' }, /"door-url" is given without "door"/],
      [{ limit: 'fast' }, /"limit"/],
    ] as const)
      await assert.rejects(settings.change({ sealed: 'yes', ...changes }), { message: told });
    assert.deepEqual([applied, await text()], [[], 'ping = 200\n']);
    await mkdir(path.join(folder, 'sub', 'chordial.toml'), { recursive: true });
    const quota = new Map([['quota', '1G'] as const]);
    await assert.rejects(changeSettingsFile(path.join(folder, 'sub', 'chordial.toml'), quota), /cannot be changed/);
    await changeSettingsFile(path.join(folder, 'new.toml'), quota);
    assert.equal((await stat(path.join(folder, 'new.toml'))).mode & 0o777, 0o600);
  }));

test('whatever the file looks like, a change leaves every other setting as it was', () => {
  const values: Readonly<Partial<Record<SettingKey, string>>> = {
    quota: '"1G"',
    ping: '5',
    zone: "'a'",
    sealed: 'true',
    limit: '"1M # not a comment"',
  };
  const keys = Object.keys(values) as (keyof typeof values)[];
  const spaces = fc.constantFrom('', ' ', '\t');
  fc.assert(
    fc.property(fc.subarray(keys), fc.subarray(keys), spaces, fc.boolean(), (there, changed, space, ends) => {
      const lines = there.map((key) => `${space}${settingName(key)}${space}=${space}${values[key]}${space}# why`);
      const text = lines.join('\n') + (ends ? '\n' : '');
      const wanted = new Map(
        changed.map((key, at) => [key, at % 2 === 0 ? null : key === 'sealed' ? 'no' : '7'] as const),
      );
      const after = parseSettings(withChanges(text, 'f', wanted), 'f');
      for (const [key, { value }] of parseSettings(text, 'f'))
        if (!wanted.has(key)) assert.equal(after.get(key)?.value, value);
      for (const [key, value] of wanted) assert.equal(after.get(key)?.value ?? null, value);
    }),
  );
});

test('settings are listed and changed over the API', async () => {
  await using served = await ServedPeer.open();
  const patch = (settings: unknown) =>
    served.fetch('/api/v1/settings', {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ settings }),
    });
  const changed = await patch({ quota: '3G', limit: '1M' });
  const answer = (await changed.json()) as ShownSettings;
  assert.deepEqual([changed.status, one(answer, 'quota')?.value, one(answer, 'limit')?.value], [200, '3G', '1M']);
  assert.deepEqual(served.peer.changed, [['quota', 3 * 2 ** 30]]);
  const bad = await patch({ quota: '1T', ping: '-1' });
  assert.deepEqual([bad.status, /ping/.test(await bad.text())], [400, true]);
  assert.equal((await patch({ quota: {} })).status, 400);
  assert.equal((await patch({ save: '/srv/got' })).status, 403, 'paths are for the user of the peer');
  const { settings } = (await (await served.fetch('/api/v1/settings')).json()) as ShownSettings;
  assert.equal(settings.find(({ name }) => name === 'quota')?.value, '3G');
});
