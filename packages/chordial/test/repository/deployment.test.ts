/** The systemd unit and the container file agree with the program. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { allCommands } from '../../src/cli/program.ts';
import { errorKinds } from '../../src/errors.ts';
import { defaultApi, defaultListen, settings } from '../../src/peer/settings.ts';
import { product } from '../results.ts';

const unit = readFileSync(path.join(product, 'packaging/chordial.service'), 'utf8');
const containerFile = readFileSync(path.join(product, 'packaging/Containerfile'), 'utf8');

test('B7 every command takes --json and shows an example', async () => {
  for (const command of await allCommands()) {
    const name = command.name();
    assert.equal(
      command.options.some(({ long }) => long === '--json'),
      true,
      `${name} takes no --json`,
    );
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    assert.match(help, new RegExp(`Examples?:\\n +.*chordial ${name}`), `the help of ${name} shows no example`);
  }
});

test('B7 the systemd unit and the container file start the peer with valid flags', async () => {
  const start = (await allCommands()).find((command) => command.name() === 'start');
  const known = new Set(start?.options.map(({ long }) => long));
  const [, command = ''] = /^ExecStart=(.+)$/m.exec(unit) ?? [];
  const [, arguments_ = '[]'] = /^CMD (\[.+\])$/m.exec(containerFile) ?? [];
  for (const words of [command.split(' ').slice(1), JSON.parse(arguments_) as readonly string[]]) {
    assert.equal(words[0], 'start');
    const flags = words.filter((word) => word.startsWith('--'));
    assert.equal(flags.length > 0, true);
    for (const flag of flags) assert.equal(known.has(flag), true, `start takes no ${flag}`);
  }
});

test('B7 wrong usage is not tried again, and variables and ports are those of the settings', () => {
  const [, status] = /^RestartPreventExitStatus=(\d+)$/m.exec(unit) ?? [];
  assert.equal(Number(status), errorKinds['bad-usage'].exit);
  const variables = containerFile.match(/CHORDIAL_[A-Z_]+/g) ?? [];
  assert.equal(variables.length > 0, true);
  const keys = new Set(settings.map(({ key }) => `CHORDIAL_${key.toUpperCase().replaceAll('-', '_')}`));
  for (const variable of variables) assert.equal(keys.has(variable), true, `${variable} is no setting`);
  assert.equal(containerFile.includes(`\nEXPOSE ${defaultListen.split(':')[1]}\n`), true);
  assert.equal(containerFile.includes(`http://${defaultApi}/readyz`), true);
});
