import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { runtimeFile, writeRuntimeFile } from '../../src/storage/runtime-folder.ts';
import { partName } from '../../src/transfer/part-file.ts';
import { ServedPeer, servedToken, testKey } from '../fixtures/served-peer.ts';
import { product } from '../results.ts';
import { type CommandResult, environmentAt, runCommand } from './command.ts';

/** A SmallPeer in this process, and commands as processes in their own folder. */
class Desk implements AsyncDisposable {
  readonly served: ServedPeer;
  readonly folder: string;
  #home: string;
  #token: { readonly CHORDIAL_API_TOKEN?: string } = {};

  private constructor(served: ServedPeer, folder: string) {
    this.served = served;
    this.folder = folder;
    this.#home = folder;
  }

  static async open(): Promise<Desk> {
    const desk = new Desk(await ServedPeer.open(), await mkdtemp(path.join(os.tmpdir(), 'chordial-test-')));
    const { url, address } = desk.served.api;
    const runtime = path.join(desk.folder, '.local', 'state', 'chordial', 'run');
    await writeRuntimeFile(
      runtimeFile(address, '.api'),
      JSON.stringify({ ...desk.note(url), token: servedToken, localKey: testKey }),
      runtime,
    );
    return desk;
  }

  /** As the peer leaves it in its data folder. */
  note(url: string): object {
    return { url, proofKey: this.served.api.proofKey, certificate: null, save: null };
  }

  run(args: readonly string[], input?: string): Promise<CommandResult> {
    return this.runAlone([...args, '--api', this.served.api.url], input);
  }

  runAlone(args: readonly string[], input?: string): Promise<CommandResult> {
    const environment = { ...environmentAt(this.#home), ...this.#token };
    const options = {
      folder: this.folder,
      environment,
      deadlineMilliseconds: 10_000,
      ...(input === undefined ? {} : { input }),
    };
    return runCommand([process.execPath, path.join(product, 'src/cli/main.ts'), ...args], options);
  }

  /** Like a peer on another machine: without a runtime note, and transfers by path are refused. */
  beElsewhere(): void {
    this.#home = path.join(this.folder, 'elsewhere');
    this.#token = { CHORDIAL_API_TOKEN: servedToken };
    this.served.peer.transfers.start = async ({ path: wanted }) => {
      const { ChordialError } = await import('../../src/errors.ts');
      throw new ChordialError('unreadable-file', `${wanted} is not here.`);
    };
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.served[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

for (const where of ['on this machine', 'elsewhere'] as const) {
  test(`A6 A7 put and get with a peer ${where}: the same bytes, already there, other bytes kept, --force`, async () => {
    await using desk = await Desk.open();
    if (where === 'elsewhere') desk.beElsewhere();
    await writeFile(desk.path('a.txt'), 'hello');
    const put = await desk.run(['put', 'a.txt', '--json']);
    assert.equal(put.exit, 0, put.stderr);
    const { cid, copies } = put.json<{ cid: string; copies: number }>();
    assert.equal(cid, cidOfBlock(rawCodec, Buffer.from('hello')).toString());
    assert.equal(copies, 3);
    const get = await desk.run(['get', 'a.txt', '-o', 'copy.txt']);
    assert.equal(get.exit, 0, get.stderr);
    assert.equal(await readFile(desk.path('copy.txt'), 'utf8'), 'hello');
    const again = await desk.run(['get', 'a.txt', '-o', 'copy.txt']);
    assert.equal(again.exit, 0);
    assert.match(again.text, /already there/);
    await writeFile(desk.path('copy.txt'), 'mine');
    const kept = await desk.run(['get', cid, '-o', 'copy.txt']);
    assert.equal(kept.exit, 1);
    assert.match(kept.stderr, /^chordial: .*--force/);
    assert.equal(await readFile(desk.path('copy.txt'), 'utf8'), 'mine');
    assert.equal((await desk.run(['get', 'a.txt', '-o', 'copy.txt', '--force'])).exit, 0);
    assert.equal(await readFile(desk.path('copy.txt'), 'utf8'), 'hello');
    assert.equal(existsSync(desk.path('copy.txt.part')), false);
  });

  test(`A7 get of an absent name with a peer ${where}: exit 3, a clear line, nothing left behind`, async () => {
    await using desk = await Desk.open();
    if (where === 'elsewhere') desk.beElsewhere();
    const got = await desk.run(['get', 'absent', '-o', 'x']);
    assert.equal(got.exit, 3);
    assert.match(got.stderr, /^chordial: .*"absent".*\n$/);
    assert.equal(existsSync(desk.path('x')) || existsSync(desk.path('x.part')), false);
    const json = await desk.run(['get', 'absent', '--json']);
    assert.equal((JSON.parse(json.stderr) as { error: { code: string } }).error.code, 'not-found');
  });
}

test('A6 put takes several files, standard input with --name, and --replicas', async () => {
  await using desk = await Desk.open();
  await writeFile(desk.path('a'), 'a');
  await writeFile(desk.path('empty'), '');
  const two = await desk.run(['put', 'a', 'empty', '--json']);
  assert.equal(two.text.trim().split('\n').length, 2);
  const piped = await desk.run(['put', '-', '--name', 'from a pipe', '--replicas', '2', '--json'], 'piped');
  assert.equal(piped.json<{ copies: number }>().copies, 2);
  const out = await desk.run(['get', 'from a pipe', '-o', '-']);
  assert.equal(out.text, 'piped');
  assert.equal((await desk.run(['put', '-'])).exit, 2);
  assert.equal((await desk.run(['put', 'a', 'empty', '--name', 'x'])).exit, 2);
});

test('A6 A7 many files are put and fetched by one command, in the order in which they are named', async () => {
  await using desk = await Desk.open();
  const names = Array.from({ length: 40 }, (_, n) => `file-${n}`);
  for (const name of names) await writeFile(desk.path(name), `bytes of ${name}`);
  const put = await desk.run(['put', ...names, '--json']);
  assert.equal(put.exit, 0);
  const told = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { name: string }).name);
  assert.deepEqual(told(put.text), names);
  const got = await desk.run(['get', ...names, names[0] ?? '', '-o', 'fetched', '--json']);
  assert.equal(got.exit, 0, got.stderr);
  assert.deepEqual(told(got.text), names);
  for (const name of names) assert.equal(await readFile(desk.path(`fetched/${name}`), 'utf8'), `bytes of ${name}`);
  assert.equal((await desk.run(['get', 'file-1', 'file-2', '-o', '-'])).exit, 2);
});

test('A7 small and large files fetched together arrive alike, what is there already is left alone', async () => {
  await using desk = await Desk.open();
  const large = randomBytes(300_000);
  await writeFile(desk.path('small'), 'small');
  await writeFile(desk.path('large'), large);
  assert.equal((await desk.run(['put', 'small', 'large'])).exit, 0);
  const fetched = async () => {
    const got = await desk.run(['get', 'small', 'large', '-o', 'fetched', '--json']);
    assert.equal(got.exit, 0, got.stderr);
    const lines = got.text.trim().split('\n');
    return lines.map((line) => (JSON.parse(line) as { unchanged: boolean }).unchanged);
  };
  assert.deepEqual(await fetched(), [false, false]);
  assert.equal(await readFile(desk.path('fetched/small'), 'utf8'), 'small');
  assert.ok(large.equals(await readFile(desk.path('fetched/large'))));
  assert.deepEqual(await fetched(), [true, true]);
  await writeFile(desk.path('fetched/small'), 'mine');
  const kept = await desk.run(['get', 'small', 'large', '-o', 'fetched']);
  assert.equal(kept.exit, 1);
  assert.match(kept.stderr, /small.*other bytes/);
  assert.equal(await readFile(desk.path('fetched/small'), 'utf8'), 'mine');
  assert.deepEqual((await readdir(desk.path('fetched'))).sort(), ['large', 'small']);
});

test('A22 of many files one that fails is named, the others go on, and the exit is 1', async () => {
  await using desk = await Desk.open();
  for (const name of ['a', 'b', 'c']) await writeFile(desk.path(name), name);
  const { files } = desk.served.peer;
  const put = files.put.bind(files);
  files.put = async (name, ...rest) => {
    const { ChordialError } = await import('../../src/errors.ts');
    if (name === 'b') throw new ChordialError('too-few-copies', 'Only one host took it.');
    return put(name, ...rest);
  };
  const several = await desk.run(['put', 'a', 'b', 'c']);
  assert.equal(several.exit, 1);
  assert.match(several.text, /^a .*\nc /);
  assert.match(several.stderr, /^chordial: b: Only one host took it\.\n$/);
  const got = await desk.run(['get', 'a', 'absent', 'c', '-o', 'fetched', '--json']);
  assert.equal(got.exit, 1);
  assert.equal(got.text.trim().split('\n').length, 2);
  assert.match(JSON.parse(got.stderr).error.message, /^absent: /);
  await mkdir(desk.path('other'));
  await writeFile(desk.path('other/a'), 'another');
  const twice = await desk.run(['put', 'a', 'other/a']);
  assert.equal(twice.exit, 2);
  assert.match(twice.stderr, /would both be put as "a"/);
});

test('rough: kubo#3228 put of a file that is absent, unreadable or no file says so, and the others go on', async () => {
  await using desk = await Desk.open();
  await writeFile(desk.path('good'), 'x');
  await writeFile(desk.path('also good'), 'x');
  const absent = await desk.run(['put', 'good', 'absent', 'also good']);
  assert.equal(absent.exit, 1);
  assert.match(absent.stderr, /absent cannot be read: there is no such file/);
  assert.deepEqual([...desk.served.peer.kept.keys()].sort(), ['also good', 'good']);
  assert.equal((await desk.run(['put', 'absent', '--name', 'x'])).exit, 1);
  assert.equal((await desk.run(['put', '/dev/null'])).exit, 1);
  await writeFile(desk.path('secret'), 'x');
  await chmod(desk.path('secret'), 0);
  if (process.getuid?.() !== 0) assert.equal((await desk.run(['put', 'secret'])).exit, 1);
  const bad = await desk.run(['put', 'good', '--name', 'a/b']);
  assert.equal(bad.exit, 2);
  assert.match(bad.stderr, /"\/"/);
  assert.equal((await desk.run(['put', 'good', '--replicas', '9'])).exit, 2);
  assert.equal((await desk.run(['put', 'good', '--ttl', 'soon'])).exit, 2);
});

test('A22 a get never writes through a link and leaves what is in its way', async () => {
  await using desk = await Desk.open();
  await desk.served.put('a', 'hello');
  await writeFile(desk.path('elsewhere'), 'precious');
  await symlink(desk.path('elsewhere'), desk.path(partName('x')));
  const got = await desk.run(['get', 'a', '-o', 'x']);
  assert.equal(got.exit, 1);
  assert.match(got.stderr, /\.part is in the way/);
  assert.equal(await readFile(desk.path('elsewhere'), 'utf8'), 'precious');
});

test('A22 a folder from elsewhere is recreated inside its target, never outside and never through links', async () => {
  await using desk = await Desk.open();
  desk.beElsewhere();
  const bytes = Buffer.from('inside');
  const cid = cidOfBlock(rawCodec, bytes).toString();
  const folder = cidOfBlock(rawCodec, Buffer.from('stands for a folder')).toString();
  desk.served.peer.addFolder('photos', folder, [{ path: 'deep/a.txt', bytes, cid }]);
  assert.equal((await desk.run(['get', 'photos'])).exit, 0);
  assert.equal(await readFile(desk.path('photos/deep/a.txt'), 'utf8'), 'inside');
  assert.match((await desk.run(['get', 'photos'])).text, /already there/);

  await mkdir(desk.path('target'));
  await mkdir(desk.path('victim'));
  await symlink(desk.path('victim'), desk.path('target/deep'));
  assert.equal((await desk.run(['get', 'photos', '-o', 'target'])).exit, 1);
  assert.equal(existsSync(desk.path('victim/a.txt')), false);

  desk.served.peer.addFolder('hostile', folder, [{ path: '../escaped.txt', bytes, cid }]);
  const hostile = await desk.run(['get', 'hostile']);
  assert.equal(hostile.exit, 1);
  assert.equal(existsSync(desk.path('escaped.txt')), false);
});

test('A7 get says on stderr that others use the name, and reads a file into an existing folder', async () => {
  await using desk = await Desk.open();
  await desk.served.put('shared', 'x');
  await mkdir(desk.path('into'));
  const got = await desk.run(['get', 'shared', '-o', 'into']);
  assert.match(got.stderr, /another publisher uses the name shared/);
  assert.equal(await readFile(desk.path('into/shared'), 'utf8'), 'x');
});

test('A2 ls, stat, rm, peers, ring, lookup and join answer in text and JSON', async () => {
  await using desk = await Desk.open();
  await desk.served.put('a.txt', 'hello');
  assert.match((await desk.run(['ls'])).text, /a\.txt +5 B/);
  assert.equal((await desk.run(['ls', '--all', '--json'])).json<{ files: unknown[] }>().files.length, 1);
  assert.match((await desk.run(['stat', 'a.txt'])).text, /live copies +1/);
  assert.equal((await desk.run(['stat', 'b.txt'])).exit, 3);
  assert.match((await desk.run(['peers'])).text, /alive +400 ms ago/);
  assert.match((await desk.run(['ring'])).text, /predecessor +0b +bob@desk \(…\w{8}\) +127/);
  assert.equal((await desk.run(['ring', '--json'])).json<{ bits: number }>().bits, 8);
  assert.match(
    (await desk.run(['lookup', 'key:0a'])).text,
    /owner +bob@desk at 127\.0\.0\.1:4848, place 0b, peer 12D3Koo/,
  );
  assert.equal((await desk.run(['join', '127.0.0.1:5001'])).exit, 0);
  assert.equal((await desk.run(['join', 'nowhere'])).exit, 2);
  assert.equal((await desk.run(['rm', 'a.txt'])).exit, 0);
  assert.equal((await desk.run(['rm', 'a.txt'])).exit, 3);
  assert.equal((await desk.run(['leave'])).exit, 1);
});

test('A22 wrong usage exits with 2 and one line, and without a peer the way to start one is told', async () => {
  await using desk = await Desk.open();
  for (const args of [[], ['nonsense'], ['put'], ['get', 'a', '--nonsense'], ['start', '--bits', '2'], ['get', '..']]) {
    const wrong = await desk.runAlone(args);
    assert.equal(wrong.exit, 2, args.join(' '));
    assert.match(wrong.stderr.trim().split('\n').at(-1) ?? '', /^chordial: /);
  }
  const alone = await desk.runAlone(['ls']);
  assert.equal(alone.exit, 1);
  assert.match(alone.stderr, /chordial start/);
  assert.equal((await desk.runAlone(['ls', '--api', 'ftp://x'])).exit, 2);
  assert.match((await desk.runAlone(['ls', '--api', 'http://127.0.0.1:1'])).stderr, /Nothing listens/);
});

test('a note that an ended peer left behind is told as what it is', async () => {
  await using desk = await Desk.open();
  await mkdir(desk.path('data'));
  const note = desk.note('http://127.0.0.1:1');
  await writeFile(desk.path('data/running-peer.json'), JSON.stringify(note));
  assert.match((await desk.runAlone(['ls', '--data', 'data'])).stderr, /Nothing listens.*chordial start/);
  await writeFile(
    desk.path('data/running-peer.json'),
    JSON.stringify({ ...desk.note(desk.served.api.url), proofKey: '00' }),
  );
  assert.match((await desk.runAlone(['ls', '--data', 'data'])).stderr, /does not run: another program/);
});

test('case 5 two that would be one file are refused before anything is fetched', async () => {
  await using desk = await Desk.open();
  await desk.served.put('same.txt', 'hello');
  const got = await desk.run(['get', 'same.txt@12D3KooWAAAAAAAA', 'same.txt@12D3KooWBBBBBBBB', '-o', 'dir']);
  assert.equal(got.exit, 2, got.stderr);
  assert.match(got.stderr, /same\.txt@.* and same\.txt@.* would be written to one file/);
  assert.equal(existsSync(desk.path('dir')), false);
  const composed = 'é'.normalize('NFC');
  await desk.served.put(composed, 'one');
  const once = await desk.run(['get', composed, composed.normalize('NFD'), '-o', 'dir', '--json']);
  assert.equal(once.exit, 0, once.stderr);
  assert.equal(once.text.trim().split('\n').length, 1);
});

test('case 5 two commands that write one file at once both end well, and the bytes are those of the CID told', async () => {
  await using desk = await Desk.open();
  for (const size of [100, 700_000]) {
    const bytes = randomBytes(size);
    await desk.served.put(`file-${size}`, new Uint8Array(bytes));
    const both = await Promise.all([1, 2, 3].map(() => desk.run(['get', `file-${size}`, '-o', 'target', '--json'])));
    for (const { exit, stderr } of both) assert.equal(exit, 0, stderr);
    assert.ok(bytes.equals(await readFile(desk.path('target'))));
    await rm(desk.path('target'));
  }
  const inside = randomBytes(400_000);
  const cid = cidOfBlock(rawCodec, inside).toString();
  desk.served.peer.addFolder('photos', cidOfBlock(rawCodec, Buffer.from('photos')).toString(), [
    { path: 'deep/a', bytes: inside, cid },
    { path: 'b', bytes: inside, cid },
  ]);
  for (const { exit, stderr } of await Promise.all([1, 2].map(() => desk.run(['get', 'photos']))))
    assert.equal(exit, 0, stderr);
  for (const name of ['deep/a', 'b']) assert.ok(inside.equals(await readFile(desk.path(`photos/${name}`))));
  await desk.served.put('p1', 'one');
  await desk.served.put('p2', 'another');
  const results = await Promise.all(['p1', 'p2'].map((name) => desk.run(['get', name, '-o', 'target', '--json'])));
  const winner = results.findIndex(({ exit }) => exit === 0);
  assert.equal(results.filter(({ exit }) => exit === 0).length, 1, results.map(({ stderr }) => stderr).join());
  assert.equal(await readFile(desk.path('target'), 'utf8'), winner === 0 ? 'one' : 'another');
  assert.deepEqual(
    (await readdir(desk.folder)).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('case 8 a get where nothing may be written ends at once', async () => {
  await using desk = await Desk.open();
  await desk.served.put('tiny', 'x');
  const began = performance.now();
  const got = await desk.run(['get', 'tiny', '-o', '/proc/tiny']);
  assert.equal(got.exit, 1, got.stderr);
  assert.match(got.stderr, /cannot be written/);
  const below = await runCommand(
    [process.execPath, path.join(product, 'src/cli/main.ts'), 'get', 'tiny', '--api', desk.served.api.url],
    {
      folder: '/proc',
      environment: environmentAt(desk.folder),
      deadlineMilliseconds: 20_000,
    },
  );
  assert.equal(below.exit, 1, below.stderr);
  assert.ok(performance.now() - began < 15_000);
});

test('case 8 names of 251 to 255 bytes are put and fetched', async () => {
  await using desk = await Desk.open();
  const names = [251, 252, 253, 254, 255].map((bytes) => 'n'.repeat(bytes));
  names.push(`${'ä'.repeat(126)}xyz`, `${'日'.repeat(85)}`);
  for (const name of names) await writeFile(desk.path(name), randomBytes(300_000));
  assert.equal((await desk.run(['put', ...names])).exit, 0);
  const got = await desk.run(['get', ...names, '-o', 'fetched']);
  assert.equal(got.exit, 0, got.stderr);
  for (const name of names)
    assert.ok((await readFile(desk.path(name))).equals(await readFile(desk.path(`fetched/${name}`))));
});

test('case 3 a data folder, what lies in it and links to it are never put', async () => {
  await using desk = await Desk.open();
  await mkdir(desk.path('outer/data/blocks'), { recursive: true });
  await writeFile(desk.path('outer/data/format'), 'chordial data folder 1\n');
  await writeFile(desk.path('outer/data/identity.pem'), 'private');
  await writeFile(desk.path('outer/kept'), 'kept');
  await symlink(desk.path('outer/data/identity.pem'), desk.path('innocent'));
  for (const place of ['outer/data', 'outer/data/blocks', 'outer/data/identity.pem', 'innocent']) {
    const put = await desk.run(['put', place]);
    assert.notEqual(put.exit, 0);
    assert.match(put.stderr, /data folder of a peer/);
  }
  const whole = await desk.run(['put', 'outer']);
  assert.equal(whole.exit, 0, whole.stderr);
  assert.match(whole.stderr, /outer\/data is left out: it is the data folder of a peer/);
  const [folder] = desk.served.peer.folders.values();
  assert.deepEqual(
    folder?.map(({ path: of }) => of),
    ['kept'],
  );
});

test('case 11 a file whose name is no UTF-8 is named and left out of a folder', async () => {
  await using desk = await Desk.open();
  await mkdir(desk.path('latin'));
  await writeFile(desk.path('latin/good'), 'x');
  await writeFile(Buffer.concat([Buffer.from(desk.path('latin/caf')), Buffer.from([0xe9])]), 'x');
  const put = await desk.run(['put', 'latin']);
  assert.equal(put.exit, 1);
  assert.match(put.text, /^latin /);
  assert.match(put.stderr, /latin\/caf\\xe9 is left out.*\n.*1 file or folder of latin was left out/);
});

test('rough: B2#1071 output that cannot be written is one line and exit 1', async () => {
  await using desk = await Desk.open();
  await desk.served.put('a', 'x');
  for (const args of [
    'ls --all',
    'ls --json',
    'stat a',
    'get a -o -',
    'peers',
    'completion bash',
    'config',
    '--help',
    'get --help',
  ]) {
    const api = /^(?:completion|config|--help|get --help)/.test(args) ? '' : ` --api ${desk.served.api.url}`;
    const command = `${process.execPath} ${path.join(product, 'src/cli/main.ts')} ${args}${api} > /dev/full`;
    const result = await runCommand(['sh', '-c', command], {
      environment: environmentAt(desk.folder),
    });
    assert.equal(result.exit, 1, `${args}: ${result.stderr}`);
    // "config" says besides that there is no file of settings.
    assert.match(
      result.stderr.replace(/^chordial: no chordial\.toml.*\n/, ''),
      /^[^\n]*cannot be written[^\n]*\n$/,
      args,
    );
  }
});

test('case 6 a file that is written to, or grows, while the command streams it is not published', async () => {
  await using desk = await Desk.open();
  desk.beElsewhere();
  const { files, kept } = desk.served.peer;
  const put = files.put.bind(files);
  for (const [name, change] of [
    ['written', (place: string) => writeFile(place, 'new start', { flag: 'r+' })],
    ['grows', (place: string) => appendFile(place, 'more')],
    ['cut', (place: string) => truncate(place, 10)],
    [
      'replaced',
      async (place: string) => {
        await rm(place);
        await writeFile(place, 'another');
      },
    ],
  ] as const) {
    await writeFile(desk.path(name), randomBytes(30_000_000));
    let isChanged = false;
    files.put = (of, source, options) =>
      put(
        of,
        (async function* () {
          for await (const piece of source) {
            if (!isChanged) {
              isChanged = true;
              await change(desk.path(name));
            }
            yield piece;
          }
        })(),
        options,
      );
    const result = await desk.run(['put', name, '--json']);
    assert.equal(result.exit, 1, `${name}: ${result.text}`);
    assert.match(result.stderr, /"changed-while-read"/, name);
    assert.equal(kept.has(name), false, name);
  }
});
