import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import { ChordialError } from '../errors.ts';
import { effectiveConfiguration } from './effective-settings.ts';
import { parseSettings } from './settings-file.ts';

test('A21 flags win over the environment, that over the file, and each value says where it came from', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'chordial.toml');
    await writeFile(file, '# a peer\nping = 200\nquota = "1G"\njoin = ["127.0.0.1:1", "127.0.0.1:2"]\nzone = "a"\n');
    const environment = { CHORDIAL_QUOTA: '2G', CHORDIAL_ZONE: 'b', CHORDIAL_OPEN: 'true', CHORDIAL_SAVE: '' };
    const effective = await effectiveConfiguration({ data: folder, zone: 'c' }, undefined, environment);
    assert.equal(effective.file, file);
    const { pingMilliseconds, quotaBytes, join, zone, open } = effective.configuration;
    assert.deepEqual(
      { pingMilliseconds, quotaBytes, join, zone, open },
      {
        pingMilliseconds: 200,
        quotaBytes: 2 ** 31,
        join: ['127.0.0.1:1', '127.0.0.1:2'],
        zone: 'c',
        open: true,
      },
    );
    const sources = Object.fromEntries(effective.settings.map(({ key, source }) => [key, source]));
    assert.equal(sources['ping'], `${file} line 2`);
    assert.equal(sources['quota'], 'CHORDIAL_QUOTA');
    assert.equal(sources['zone'], '--zone');
    assert.equal(sources['save'], 'default');
  }));

test('A21 paths in the file start at its folder, and it may name the data folder when --config names it', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'etc', 'peer.toml');
    await mkdir(path.dirname(file));
    await writeFile(file, 'data = "../data"\nsave = "got"\n');
    const { configuration } = await effectiveConfiguration({}, file, {});
    assert.equal(configuration.data, path.join(folder, 'data'));
    assert.equal(configuration.save, path.join(folder, 'etc', 'got'));
    const named = await effectiveConfiguration({}, undefined, { CHORDIAL_CONFIG: file });
    assert.equal(named.file, file);
    await assert.rejects(effectiveConfiguration({}, path.join(folder, 'none.toml'), {}), codeIs('unreadable-file'));
    const pipe = path.join(folder, 'pipe.toml');
    execFileSync('mkfifo', [pipe]);
    await assert.rejects(effectiveConfiguration({}, pipe, {}), /pipe\.toml cannot be read: it is no regular file/);
    await writeFile(path.join(folder, 'chordial.toml'), 'data = "elsewhere"');
    await assert.rejects(effectiveConfiguration({ data: folder }, undefined, {}), /"data" in line 1/);
  }));

test('A22 a bad value names key, line, file and what would be right', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'chordial.toml');
    await writeFile(file, '\nreplicas = 9\n');
    const of = (flags: object) => effectiveConfiguration(flags, file, {});
    await assert.rejects(
      of({}),
      /"replicas" in line 2 of .*chordial\.toml: "9" is not right\. Give a whole number from 1 to 8/,
    );
    assert.equal((await of({ replicas: '3' })).configuration.replicas, 3);
    await assert.rejects(
      effectiveConfiguration({ data: folder }, undefined, { CHORDIAL_OPEN: 'maybe' }),
      /CHORDIAL_OPEN/,
    );
  }));

const wrong: readonly (readonly [string, RegExp])[] = [
  ['\nchunk-size = 1', /"chunk-size" in line 2 of f\.toml cannot be set: the chunk size is 1 MiB/],
  ['blockSize = "4M"', /constant of the CID profile unixfs-v1-2025/],
  ['virtual_nodes = 3', /"virtual_nodes" in line 1.*Did you mean virtual-nodes\?/],
  ['replica = 3', /Did you mean replicas\?/],
  ['qouta = 3', /"qouta".*not a setting/],
  ['x = 1', /there are: listen, api/],
  ['[ring]\nbits = 8', /"ring" in line 1/],
  ['ping = true', /"ping" in line 1 of f\.toml has a value of the wrong type.*ping = 500/],
  ['open = "yes"', /open = true \(or false\)/],
  ['join = [1]', /join = \["192\.0\.2\.7:4848"\]/],
  ['ping = 1.5', /wrong type/],
  ['zone = "a"\nzone = "b"', /Line 2 of f\.toml.*is not TOML/],
  ['zone = a', /Line 1 of f\.toml/],
];

for (const [text, message] of wrong) {
  test(`A22 the file ${JSON.stringify(text)} is refused with key, line and remedy`, () => {
    assert.throws(
      () => parseSettings(text, 'f.toml'),
      (error) => codeIs('bad-configuration')(error) && message.test(String(error)),
    );
  });
}

test('A22 whatever the file holds, the answer is settings or an error that says so', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('ping = 5', 'join = []', '[a]', 'id = 99999999999999999999', 'open = true'),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      try {
        parseSettings(lines.join('\n'), 'f.toml');
      } catch (error) {
        assert.ok(codeIs('bad-configuration')(error), String(error));
      }
    }),
  );
});

function codeIs(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ChordialError && error.code === code;
}
