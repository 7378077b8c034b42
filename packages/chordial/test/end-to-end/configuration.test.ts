/** chordial.toml, `chordial config`, `chordial doctor` and the levels of the log, with a real peer. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { withFolder } from '../fixtures/temporary-folder.ts';
import { launcher, runCommand } from './command.ts';
import { PeerProcess } from './peer-process.ts';

interface Shown {
  readonly settings: readonly { readonly name: string; readonly value: unknown; readonly source: string }[];
}

test('A22 a bad line of the configuration ends start, config and doctor with its key, line and remedy', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'chordial.toml');
    await writeFile(file, 'ping = 500\nbits = 300\n');
    for (const [command, exit] of [
      ['start', 2],
      ['config', 2],
      ['doctor', 1],
    ] as const) {
      const run = await runCommand([launcher, command, '--config', file, '--data', path.join(folder, 'data')]);
      assert.equal(run.exit, exit, run.stderr);
      assert.match(
        run.stderr + run.text,
        /"bits" in line 2 of .*chordial\.toml: "300" is not right\. Give a whole number/,
      );
    }
  }));

test('A21 a peer started from a file has its settings, its shares and its level of log, and the doctor sees it well', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'chordial.toml');
    await mkdir(path.join(folder, 'music'));
    await writeFile(path.join(folder, 'music', 'a.txt'), 'a');
    const addresses = 'listen = "127.0.0.1:0"\napi = "127.0.0.1:0"\n';
    await writeFile(file, `${addresses}ping = 300\nshare = ["music", "gone"]\nlog-level = "warn"\nquota = "1M"\n`);
    const environment = { ...process.env, CHORDIAL_CONFIG: file, CHORDIAL_QUOTA: '64M' };
    const dataFolder = path.join(folder, 'data');
    const shown = await runCommand([launcher, 'config', '--json', '--ping', '400'], { environment });
    const source = (name: string) => shown.json<Shown>().settings.find((one) => one.name === name);
    assert.deepEqual(source('ping'), { name: 'ping', value: '400', source: '--ping' });
    assert.deepEqual(source('quota'), { name: 'quota', value: '64M', source: 'CHORDIAL_QUOTA' });
    assert.deepEqual(source('listen'), { name: 'listen', value: '127.0.0.1:0', source: `${file} line 1` });

    const command = [launcher, 'start', '--json', '--data', dataFolder];
    const peer = await PeerProcess.launch(
      { command, dataFolder, environment, readyMilliseconds: 60_000 },
      () => undefined,
    );
    try {
      const shares = await runCommand([launcher, 'shares', '--json', '--data', dataFolder]);
      assert.match(shares.text, /music/);
      const doctor = await runCommand([launcher, 'doctor', '--data', dataFolder], { environment });
      assert.equal(doctor.exit, 0, doctor.text);
      assert.match(doctor.text, /running peer: state member/);
    } finally {
      await peer.stop();
    }
    const events = peer.lines.map((line) => JSON.parse(line) as { event: string; level: string });
    assert.deepEqual(
      events.map(({ event, level }) => [event, level]),
      [['share-failed', 'warn']],
    );
  }));
