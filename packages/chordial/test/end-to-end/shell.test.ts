import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { until, within } from '../fixtures/until.ts';
import { launcher } from './command.ts';
import { NetworkFixture } from './network-fixture.ts';
import { sharedRing } from './shared-ring.ts';

const ring = sharedRing(2);

test('A2 A14 the shell over a pipe carries out a command per line, and fails when one failed', async () => {
  const { network, peers } = await ring();
  const [first, second = first] = peers;
  await writeFile(path.join(network.folder, 'my file.txt'), 'hello');
  const told = await network.command(['shell'], first, {
    input:
      '# a comment\nput "my file.txt"\nmy files\npredecessor\nfingers\nlookup "my file.txt"\npeers\nquit\nrm "my file.txt"\n',
  });
  assert.equal(told.exit, 0, told.stderr);
  assert.match(told.text, /my file\.txt/);
  assert.match(told.text, /predecessor/);
  assert.match(told.text, /from /);
  const got = await network.command(['shell'], second, { input: 'Request "my file.txt" -o there.txt\nnonsense\n' });
  assert.equal(got.exit, 1);
  assert.match(got.stderr, /no command "nonsense"/);
  assert.equal(await readFile(path.join(network.folder, 'there.txt'), 'utf8'), 'hello');
});

test('A2 the shell starts a peer where none runs, and stops it at the end', async () => {
  await using network = await NetworkFixture.open();
  const told = await network.command(['shell', '--data', path.join(network.folder, 'own')], undefined, {
    input: 'files\nring\n',
  });
  assert.equal(told.exit, 0, told.stderr);
  assert.match(told.text, /starting one/);
  assert.match(told.text, /no files/);
});

test('A14 A24 in a teaching ring the shell adds peers by id, and numbers lie where they say', async () => {
  await using network = await NetworkFixture.open();
  const teaching = { flags: ['--bits', '8', '--id', '4'] };
  const peer = await network.start(teaching);
  const told = await network.command(['shell'], peer, { input: 'join 25 4 10\nstore 2067\nlookup 2067\npeers\n' });
  assert.equal(told.exit, 0, told.stderr);
  assert.match(told.text, /Peer 25 has joined through peer 4/);
  // 2067 mod 256 = 19, whose successor is 25.
  assert.match(told.text, /2067/);
  const unknown = await network.command(['shell'], peer, { input: 'join 30 99\n' });
  assert.equal(unknown.exit, 1);
  assert.match(unknown.stderr, /no peer 99 in this ring/);
});

test('A2 in a terminal the shell has a prompt, completes, remembers, and a menu asks for what is missing', async () => {
  const {
    network,
    peers: [peer],
  } = await ring();
  await writeFile(path.join(network.folder, 'photo.jpg'), 'a picture');
  const data = path.join(network.folder, 'shell-data');
  const terminal = new Terminal([launcher, 'shell', '--api', peer.apiUrl, '--data', data], network.folder);
  try {
    await terminal.sees('chordial> ');
    // Key by key: what comes at once is taken for pasted text, in which a tab is a tab.
    terminal.types('upl');
    await terminal.sees('upl');
    terminal.types('\t');
    await terminal.sees('oad ');
    terminal.types('photo.jpg\r');
    await terminal.sees(/photo\.jpg.*cop/s);
    await terminal.sees('chordial> ');
    terminal.types('\r');
    await terminal.sees('What to do?');
    // Down to "get", the fourth.
    terminal.types('\u001b[B\u001b[B\u001b[B');
    await terminal.sees('fetch a file');
    terminal.types('\r');
    await terminal.sees('Name or CID');
    terminal.types('absent.txt\r');
    await terminal.sees(/absent\.txt/);
    await terminal.sees('chordial> ');
    terminal.types('quit\r');
    assert.equal(await within('the shell ends', terminal.exited, 20_000), 0);
  } finally {
    terminal.kill();
  }
});

/** A real terminal around a program, by `script` of util-linux, which every Debian has. */
class Terminal {
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  #screen = '';
  #seen = 0;

  constructor(command: readonly string[], folder: string) {
    // A terminal around a pipe has no size of its own.
    const line = `stty cols 100 rows 40; exec ${command.map((word) => `'${word}'`).join(' ')}`;
    const { XDG_RUNTIME_DIR: _, ...inherited } = process.env;
    // The home of the peers, so that the token of theirs is found.
    const home = path.join(folder, 'home');
    const environment = { ...inherited, HOME: home, TERM: 'xterm', COLUMNS: '100', LINES: '40' };
    this.#child = spawn('script', ['-qec', line, '/dev/null'], { cwd: folder, env: environment, detached: true });
    this.exited = once(this.#child, 'exit').then(([code]) => code as number | null);
    this.#child.stdout?.on('data', (piece: Buffer) => {
      this.#screen += piece.toString('utf8');
    });
  }

  types(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits for something new on the screen. */
  async sees(wanted: string | RegExp): Promise<void> {
    const isThere = (): boolean => {
      const fresh = this.#screen.slice(this.#seen);
      const match = typeof wanted === 'string' ? fresh.indexOf(wanted) : fresh.search(wanted);
      if (match >= 0) this.#seen += match + 1;
      else throw new Error(JSON.stringify(this.#screen.slice(-800)));
      return true;
    };
    await until(`${wanted} on the screen`, isThere, 30_000);
  }

  kill(): void {
    try {
      process.kill(-(this.#child.pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
