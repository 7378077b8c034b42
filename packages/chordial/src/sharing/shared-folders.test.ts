import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { isError } from '../../test/contracts/errors.ts';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { partsOf } from '../../test/fixtures/made-batches.ts';
import { until } from '../../test/fixtures/until.ts';
import { hashingHere } from '../content/block-hashing.ts';
import { decodeCid } from '../content/cid.ts';
import { LeafPool, leafBytes } from '../content/leaf-pool.ts';
import type { ShareEntry } from '../records/share-entry.ts';
import { readSubject } from '../records/share-entry.ts';
import type { AnnouncedFile, ShareAnnouncer } from '../records/shares.ts';
import { Catalog } from '../storage/catalog.ts';
import { SharedFileTable } from '../storage/shared-file-table.ts';
import { type MayRead, stampOf } from './look-through.ts';
import { SharedFileBlocks } from './shared-file-blocks.ts';
import { SharedFolders } from './shared-folders.ts';

const firstWord = (name: string): readonly string[] => [`${name.toLowerCase().split('.')[0]}`];

/** Keeps what is announced, as the ring would. */
class RememberingAnnouncer implements ShareAnnouncer {
  readonly batches = new Map<number, ShareEntry[]>();
  readonly listeners = new Set<(batches: readonly number[]) => void>();
  fails = false;
  #last = 0;

  live(): ReadonlySet<number> {
    return new Set(this.batches.keys());
  }

  async announce(given: AsyncIterable<readonly ShareEntry[]>): Promise<readonly number[]> {
    if (this.fails) throw new Error('no one takes it');
    const files = await partsOf(given);
    this.#last += 1;
    this.batches.set(this.#last, files.flat());
    return files.map(() => this.#last);
  }

  async withdraw(files: readonly AnnouncedFile[]): Promise<void> {
    for (const { entries, batch } of files) {
      const gone = new Set(entries.map(({ kind, subject }) => kind + Buffer.from(subject).toString('hex')));
      const left = this.batches.get(batch)?.filter((e) => !gone.has(e.kind + Buffer.from(e.subject).toString('hex')));
      this.batches.set(batch, left ?? []);
    }
  }

  async end(batches: readonly number[]): Promise<void> {
    for (const batch of batches) this.batches.delete(batch);
  }

  onWorn(listener: (batches: readonly number[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Of the name entries on the ring, sorted. */
  get names(): readonly string[] {
    const names = [...this.batches.values()].flat().filter(({ kind }) => kind === 'name');
    return names.map((entry) => readSubject(entry).name).sort();
  }

  get providers(): number {
    return [...this.batches.values()].flat().filter(({ kind }) => kind === 'provider').length;
  }
}

interface Bench extends AsyncDisposable {
  readonly folder: string;
  readonly data: string;
  readonly table: SharedFileTable;
  readonly announcer: RememberingAnnouncer;
  readonly blocks: SharedFileBlocks;
  readonly shares: SharedFolders;
  /** Lines of the log. */
  readonly told: string[];
  /** The same data folder in another life. */
  again(): Promise<SharedFolders>;
}

async function bench(
  rescanMilliseconds = 100_000,
  options: { readonly mayRead?: MayRead; readonly filesInMemory?: number } = {},
): Promise<Bench> {
  const temporary = await temporaryFolder();
  const base = await realpath(temporary.path);
  const [folder, data] = [path.join(base, 'share'), path.join(base, 'data')];
  await mkdir(folder);
  await mkdir(data);
  const catalog = new Catalog(path.join(data, 'catalog.sqlite'));
  const table = new SharedFileTable(catalog);
  const announcer = new RememberingAnnouncer();
  const told: string[] = [];
  const open = () =>
    new SharedFolders({
      table,
      announcer,
      words: { wordsOf: firstWord, everWordsOf: firstWord, prepare: async () => undefined },
      notify: ({ text }) => told.push(text),
      failed: () => undefined,
      rescanMilliseconds,
      ...options,
    });
  let shares = open();
  shares.begin();
  return {
    folder,
    data,
    table,
    announcer,
    blocks: new SharedFileBlocks(table, hashingHere, (file) => shares.changed(file)),
    shares,
    told,
    again: async () => {
      await shares.close();
      shares = open();
      shares.begin();
      return shares;
    },
    [Symbol.asyncDispose]: async () => {
      await shares.close();
      catalog.close();
      await temporary[Symbol.asyncDispose]();
    },
  };
}

const settled = (shares: SharedFolders, indexed: number) => () => {
  const all = shares.list();
  return all.every(({ state }) => state === 'watching') && all.reduce((sum, one) => sum + one.indexed, 0) === indexed;
};

const namesIn = ({ table }: Pick<Bench, 'table'>): readonly string[] =>
  table
    .page(0, 100)
    .map(({ name }) => name)
    .sort();

// Each waits for what the system tells of its own folder: together they take a third of the time.
describe('SharedFolders', { concurrency: 4 }, () => {
  it('A15 indexes, announces and withdraws what comes and goes, whatever script its name is in', async () => {
    await using b = await bench();
    const names = ['Ärger.txt', '東京タワー.jpg', 'plain.txt', 'e\u0301te\u0301.txt', 'שלום.md', '😀.gif'];
    for (const name of names) await writeFile(path.join(b.folder, name), name);
    for (const name of ['.hidden', 'a.tmp', 'b.part', 'c~']) await writeFile(path.join(b.folder, name), name);
    await mkdir(path.join(b.folder, '.git'));
    await writeFile(path.join(b.folder, '.git', 'config'), 'x');
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, names.length));
    await until('announced', () => b.announcer.names.length === names.length);
    assert.deepEqual(b.announcer.names, names.map((name) => name.normalize('NFC')).sort());
    await until('its state says so', () => b.shares.list()[0]?.announced === names.length);
    await rm(path.join(b.folder, 'plain.txt'));
    await mkdir(path.join(b.folder, 'new', 'deep'), { recursive: true });
    await writeFile(path.join(b.folder, 'new', 'deep', 'below.txt'), 'below');
    await until('in line', () => b.announcer.names.includes('below.txt') && !b.announcer.names.includes('plain.txt'));
    await rm(path.join(b.folder, 'new'), { recursive: true });
    await until('a folder goes with its files', () => !b.announcer.names.includes('below.txt'));
    await b.shares.remove(b.folder);
    await until('nothing is left', () => b.announcer.batches.size === 0 && b.table.folders().length === 0);
    assert.deepEqual(b.shares.list(), []);
  });

  it('goes on with what is left for later of other shares when one is removed while it is scanned', async () => {
    let removal: Promise<unknown> | null = null;
    // Begins in the middle of the scan.
    await using b = await bench(100_000, {
      filesInMemory: 3,
      mayRead: () => {
        removal ??= b.shares.remove(going);
        return true;
      },
    });
    const [going, staying] = [path.join(b.folder, 'going'), path.join(b.folder, 'staying')];
    for (const share of [going, staying]) {
      for (let number = 0; number < 6; number++) {
        const folder = path.join(share, `folder ${number}`);
        await mkdir(folder, { recursive: true });
        for (const name of ['one', 'two']) await writeFile(path.join(folder, name), `${name} in ${folder}`);
      }
    }
    await b.shares.add(going);
    await until('it is removed', () => removal !== null);
    await removal;
    await b.shares.add(staying);
    await until('the other is indexed', () => b.shares.list()[0]?.indexed === 12);
    assert.equal(b.shares.list()[0]?.state, 'watching');
  });

  it('finds the files of a folder again when enough others have waited in memory', async () => {
    await using b = await bench(100_000, { filesInMemory: 3 });
    const folders = Array.from({ length: 6 }, (_, number) => path.join(b.folder, 'all', `folder ${number}`, 'below'));
    for (const folder of folders) {
      await mkdir(folder, { recursive: true });
      for (const name of ['one', 'two']) await writeFile(path.join(folder, name), `${name} in ${folder}`);
    }
    await b.shares.add(b.folder);
    await until('all are known, few of them indexed', () => b.shares.list()[0]?.files === 2 * folders.length);
    await until('all are indexed, each in its place', settled(b.shares, 2 * folders.length));
    await writeFile(path.join(folders[5]!, 'three'), 'three');
    await until('the last folder is watched', settled(b.shares, 2 * folders.length + 1));
  });

  it('does not hash unchanged files again after a restart, and ends what no one of the index knows', async () => {
    await using b = await bench();
    await writeFile(path.join(b.folder, 'one.txt'), 'one');
    await b.shares.add(b.folder);
    await until('announced, and written down', () => b.shares.list()[0]?.announced === 1);
    const [before] = b.table.page(0, 10);
    b.announcer.batches.set(99, []);
    const again = await b.again();
    await until('looked at', settled(again, 1));
    await until('the stray batch ends', () => !b.announcer.batches.has(99));
    assert.deepEqual(b.table.page(0, 10)[0], before);
    assert.deepEqual(b.announcer.names, ['one.txt']);
    b.announcer.batches.clear();
    await b.again();
    await until('a lapsed batch is announced again', () => b.announcer.names.length === 1);
  });

  it('announces the rest of a outdated batch again and ends it, and tries again when no one takes it', async () => {
    await using b = await bench();
    await writeFile(path.join(b.folder, 'one.txt'), 'one');
    await b.shares.add(b.folder);
    await until('announced, and written down', () => b.shares.list()[0]?.announced === 1);
    const [outdated = 0] = b.announcer.live();
    b.announcer.fails = true;
    for (const listener of b.announcer.listeners) listener([outdated]);
    await until('it is marked', () => b.table.countUnannounced() === 1);
    b.announcer.fails = false;
    // It is tried again after a pause that grows.
    await until('replaced', () => !b.announcer.batches.has(outdated) && b.announcer.names.length === 1, 60_000);
  });

  it('keeps what says that content is here while another file has the same', async () => {
    await using b = await bench();
    await writeFile(path.join(b.folder, 'a.txt'), 'same');
    await writeFile(path.join(b.folder, 'b.txt'), 'same');
    await b.shares.add(b.folder);
    await until('announced', () => b.announcer.names.length === 2);
    await rm(path.join(b.folder, 'a.txt'));
    await until('withdrawn', () => b.announcer.names.length === 1);
    assert.ok(b.announcer.providers >= 1);
  });

  it('calls a share missing that is away or only a mount point, and withdraws nothing', async () => {
    await using b = await bench(200);
    await writeFile(path.join(b.folder, 'one.txt'), 'one');
    await b.shares.add(b.folder);
    await until('announced', () => b.announcer.names.length === 1);
    await rename(b.folder, `${b.folder}-away`);
    await until('missing', () => b.shares.list()[0]?.state === 'missing');
    await mkdir(b.folder);
    const other = await b.again();
    await until('an empty folder in its place is no share', () => other.list()[0]?.state === 'missing');
    assert.deepEqual(b.announcer.names, ['one.txt']);
    await rm(b.folder, { recursive: true });
    await rename(`${b.folder}-away`, b.folder);
    const again = await b.again();
    await until('back', settled(again, 1));
    assert.deepEqual(b.announcer.names, ['one.txt']);
  });

  it('leaves out what .chordialignore says, the nearest rule first', async () => {
    await using b = await bench();
    await mkdir(path.join(b.folder, 'sub'));
    await writeFile(path.join(b.folder, '.chordialignore'), '*.log\n/private\n!kept.tmp\n');
    await writeFile(path.join(b.folder, 'sub', '.chordialignore'), '!wanted.log\n');
    await mkdir(path.join(b.folder, 'private'));
    for (const name of ['a.log', 'kept.tmp', 'other.tmp', 'sub/wanted.log', 'sub/b.log', 'private/c.txt'])
      await writeFile(path.join(b.folder, name), name);
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, 2));
    assert.deepEqual(
      b.table
        .page(0, 10)
        .map(({ name }) => name)
        .sort(),
      ['kept.tmp', 'wanted.log'],
    );
    await writeFile(path.join(b.folder, '.chordialignore'), '*\n');
    await until('a new rule counts', () => b.table.page(0, 10).every(({ parent }) => parent !== ''), 5000);
  });

  it('never follows links, never shares its own data, and tells of what cannot be read', async (t) => {
    await using b = await bench();
    await writeFile(path.join(b.data, 'private key'), 'secret');
    await writeFile(path.join(b.data, 'format'), 'chordial data folder 1\n');
    await symlink(b.data, path.join(b.folder, 'link to folder'));
    await symlink(path.join(b.data, 'private key'), path.join(b.folder, 'link to file'));
    await writeFile(path.join(b.folder, 'good.txt'), 'good');
    await b.shares.add(path.dirname(b.folder));
    await until('indexed', settled(b.shares, 1));
    assert.deepEqual(
      b.table.page(0, 10).map(({ name }) => name),
      ['good.txt'],
    );
    for (const place of [b.data, path.join(b.data, 'private key')])
      await assert.rejects(b.shares.add(place), isError('bad-request', /data folder/));
    await assert.rejects(b.shares.add(b.folder), isError('already-exists', /as a part of/));
    await assert.rejects(b.shares.add(path.join(b.folder, 'absent')), isError('not-found'));
    await assert.rejects(b.shares.add('relative'), isError('bad-request'));
    await assert.rejects(b.shares.remove(b.folder), isError('not-found'));
    // A user who may read everything cannot be kept from it.
    if (process.getuid?.() === 0) return t.diagnostic('run as root: unreadable files are not tried');
    await writeFile(path.join(b.folder, 'closed.txt'), 'x');
    await chmod(path.join(b.folder, 'closed.txt'), 0);
    await until('it is told', () => (b.shares.list()[0]?.unreadable ?? 0) > 0);
  });

  it('A15 says which files may not be read, withdraws them at the rescan after, and announces them when they may again', async () => {
    const closed = new Set<string>();
    await using b = await bench(300, { mayRead: (place) => !closed.has(path.basename(place)) });
    for (const name of ['open.txt', 'closing.txt']) await writeFile(path.join(b.folder, name), name);
    await b.shares.add(b.folder);
    await until('both are announced', () => b.announcer.names.length === 2);
    closed.add('closing.txt').add('never.txt');
    await writeFile(path.join(b.folder, 'never.txt'), 'never');
    await until('the state says so', () => b.shares.list()[0]?.unreadable === 2);
    await until('it is withdrawn', () => b.announcer.names.join() === 'open.txt');
    assert.deepEqual([b.shares.list()[0]?.indexed, b.shares.list()[0]?.unreadable], [1, 2]);
    closed.clear();
    await until('all are announced', () => b.announcer.names.join() === 'closing.txt,never.txt,open.txt');
    await until('nothing is unreadable', () => b.shares.list()[0]?.unreadable === 0);
  });

  it('A15 does not withdraw a file that may not be read for a moment', async () => {
    const closed = new Set<string>();
    await using b = await bench(100_000, { mayRead: (place) => !closed.has(path.basename(place)) });
    await writeFile(path.join(b.folder, 'blinking.txt'), 'x');
    await b.shares.add(b.folder);
    await until('it is announced', () => b.announcer.names.length === 1);
    closed.add('blinking.txt');
    b.shares.changed({ file: 0, folder: 1, parent: '', isSilent: false });
    await until('the state says so', () => b.shares.list()[0]?.unreadable === 1);
    closed.clear();
    b.shares.changed({ file: 0, folder: 1, parent: '', isSilent: false });
    await until('it may be read again', () => b.shares.list()[0]?.unreadable === 0);
    assert.deepEqual(b.announcer.names, ['blinking.txt']);
  });

  it('gives a share inside another its own files, and back when it ends', async () => {
    await using b = await bench();
    const inner = path.join(b.folder, 'inner');
    await mkdir(inner);
    await writeFile(path.join(inner, 'in.txt'), 'in');
    await writeFile(path.join(b.folder, 'out.txt'), 'out');
    await b.shares.add(inner);
    await until('the inner one', settled(b.shares, 1));
    await b.shares.add(b.folder);
    await until('both', settled(b.shares, 2));
    assert.deepEqual(
      b.shares.list().map(({ indexed }) => indexed),
      [1, 1],
    );
    await b.shares.remove(inner);
    await until('the outer one has all', () => b.shares.list()[0]?.indexed === 2);
    await until('announced', () => b.announcer.names.join() === 'in.txt,out.txt');
  });

  it('shares a single file, and computes the SHA-256 of one of several blocks after announcing it', async () => {
    await using b = await bench();
    const file = path.join(b.folder, 'large.bin');
    const bytes = randomBytes(2 * leafBytes + 5);
    await writeFile(file, bytes);
    await writeFile(path.join(b.folder, 'other.txt'), 'not shared');
    await b.shares.add(file);
    const digest = hash('sha256', bytes, 'hex');
    await until('hashed', () => b.table.page(0, 10)[0]?.sha256 === digest);
    assert.deepEqual(b.announcer.names, ['large.bin']);
    await b.shares.remove(file);
    await until('withdrawn', () => b.announcer.batches.size === 0);
  });

  it('case 3 leaves data folders of any peer out, wherever they lie, says so, and refuses to share one', async () => {
    await using b = await bench();
    const data = path.join(b.folder, 'deep', 'd1');
    await mkdir(path.join(data, 'blocks'), { recursive: true });
    await writeFile(path.join(data, 'format'), 'chordial data folder 7\n');
    await writeFile(path.join(data, 'key'), 'private');
    await writeFile(path.join(data, 'blocks', 'block'), 'block');
    await writeFile(path.join(b.folder, 'deep', 'good.txt'), 'good');
    await writeFile(path.join(b.folder, 'format'), 'of something else');
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, 2));
    assert.deepEqual(namesIn(b), ['format', 'good.txt']);
    const [share] = b.shares.list();
    assert.deepEqual(share?.leftOut, [
      { path: 'deep/d1', why: 'it is the data folder of a peer, whose key is private' },
    ]);
    assert.equal(b.told.filter((line) => line.includes('deep/d1')).length, 1);
    for (const place of [data, path.join(data, 'key'), path.join(data, 'blocks')])
      await assert.rejects(b.shares.add(place), isError('bad-request', /data folder of a peer/));
    // One that becomes a data folder later is withdrawn.
    await mkdir(path.join(b.folder, 'later'));
    await writeFile(path.join(b.folder, 'later', 'a.txt'), 'a');
    await until('a file of it is shared', settled(b.shares, 3));
    await writeFile(path.join(b.folder, 'later', 'format'), 'chordial data folder 1\n');
    await until(
      'it is withdrawn',
      () => namesIn(b).join() === 'format,good.txt' && b.shares.list()[0]?.unreadable === 2,
    );
  });

  it('case 7 notices a file of the same size and time of modification by its time of change, at the next look', async () => {
    await using b = await bench(300);
    const file = path.join(b.folder, 'same.bin');
    await writeFile(file, 'A'.repeat(1000));
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, 1));
    const before = b.table.page(0, 1)[0]!;
    const { atime, mtime } = await stat(file);
    await writeFile(file, 'B'.repeat(1000));
    await utimes(file, atime, mtime);
    const digest = hash('sha256', 'B'.repeat(1000), 'hex');
    await until('the new bytes are in the index', () => b.table.page(0, 1)[0]?.sha256 === digest);
    assert.notEqual(b.table.page(0, 1)[0]?.file, before.file);
  });

  it('case 7 reads a file again at once when a block of it does not hash to its address', async () => {
    await using b = await bench();
    const file = path.join(b.folder, 'same.bin');
    await writeFile(file, 'A'.repeat(1000));
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, 1));
    const [row] = b.table.page(0, 1);
    // As a disk that changed bytes without a word would: the status shows what is in the index.
    await writeFile(file, 'B'.repeat(1000));
    const status = await stat(file, { bigint: true });
    await b.table.put([{ ...row!, stamp: stampOf(status), leafDigests: new Uint8Array(), nodes: [] }]);
    const silent = (): boolean => b.table.page(0, 1)[0]?.sha256 === hash('sha256', 'B'.repeat(1000), 'hex');
    if (!silent()) assert.equal(await b.blocks.read(decodeCid(row!.root), new LeafPool()), null);
    await until('the new bytes are in the index', silent, 5000);
  });

  it('case 7 keeps what is announced of a file of which only the rights or the times change', async () => {
    await using b = await bench(300);
    const file = path.join(b.folder, 'file.txt');
    await writeFile(file, 'x');
    await b.shares.add(b.folder);
    await until('announced', () => b.shares.list()[0]?.announced === 1);
    const [before] = b.table.page(0, 1);
    await chmod(file, 0o600);
    const stamp = stampOf(await stat(file, { bigint: true }));
    await until('seen', () => b.table.page(0, 1)[0]?.stamp === stamp);
    assert.equal(b.table.page(0, 1)[0]?.file, before?.file);
    assert.equal(b.announcer.batches.size, 1);
  });

  it('case 11 counts and names what has a name that is no UTF-8 or that nothing can be shared under, and goes on', async () => {
    await using b = await bench(300);
    const odd = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from(`${b.folder}/`), Buffer.from(bytes)]);
    await writeFile(odd(0x63, 0xff, 0x2e, 0x74), 'file');
    await mkdir(odd(0xe9, 0x74));
    await writeFile(Buffer.concat([odd(0xe9, 0x74), Buffer.from('/inside.txt')]), 'inside');
    await writeFile(path.join(b.folder, 'bell\u0007.txt'), 'bell');
    const deep = path.join(b.folder, ...Array.from({ length: 66 }, () => 'd'));
    await mkdir(deep, { recursive: true });
    await writeFile(path.join(deep, 'too-deep.txt'), 'x');
    await writeFile(path.join(b.folder, 'good.txt'), 'good');
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, 1));
    const [share] = b.shares.list();
    assert.equal(share?.unreadable, 4);
    assert.deepEqual(share.leftOut.map(({ path: place, why }) => [place.replace(/^(d\/)+/, '…'), why]).sort(), [
      ['\\xe9t', 'its name is not UTF-8'],
      ['bell\\x07.txt', 'it contains a control character'],
      ['c\\xff.t', 'its name is not UTF-8'],
      ['…d', 'it lies more than 64 folders deep'],
    ]);
    // Several looks later each was told once.
    await setTimeout(1000);
    assert.equal(b.told.filter((line) => line.startsWith('Left out')).length, 4);
    assert.deepEqual(namesIn(b), ['good.txt']);
    await rename(path.join(b.folder, 'bell\u0007.txt'), path.join(b.folder, 'bell.txt'));
    await until('shared under another name', () => namesIn(b).join() === 'bell.txt,good.txt');
    await until('and counted no more', () => b.shares.list()[0]?.unreadable === 3);
  });

  it('case 14 hashes a large file that grows once and then when it has been quiet, and calls it changing', async () => {
    await using b = await bench(1000);
    const file = path.join(b.folder, 'growing.bin');
    await writeFile(file, Buffer.alloc(48 * 1024 * 1024));
    await writeFile(path.join(b.folder, 'quiet.txt'), 'quiet');
    const growing = setInterval(() => appendFileSync(file, 'x'.repeat(1000)), 650);
    // Other systems do not tell how much was read.
    const read = () =>
      process.platform === 'linux' ? Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]) : 0;
    const before = read();
    try {
      await b.shares.add(b.folder);
      await until(
        'the other file is shared and this one is changing',
        () => {
          const [share] = b.shares.list();
          // A fast machine hashes the large one between two changes, once.
          return share !== undefined && share.indexed >= 1 && share.changing === 1;
        },
        30_000,
      );
      await setTimeout(8000);
      assert.deepEqual([b.shares.list()[0]?.state, b.shares.list()[0]?.changing], ['watching', 1]);
      assert.match(b.shares.list()[0]!.leftOut[0]!.why, /changing/);
      const megabytes = (read() - before) / 1024 / 1024;
      assert.ok(megabytes < 2.5 * 48, `${megabytes} MiB were read in 8 s`);
    } finally {
      clearInterval(growing);
    }
    const isSettled = settled(b.shares, 2);
    await until('hashed when quiet', async () => (await isSettled()) && b.shares.list()[0]?.changing === 0, 60_000);
  });

  it('case 14 calls a file changing that is never quiet enough to be hashed at all', async () => {
    await using b = await bench(1000);
    const file = path.join(b.folder, 'log.txt');
    await writeFile(file, 'first');
    await writeFile(path.join(b.folder, 'quiet.txt'), 'quiet');
    const growing = setInterval(() => appendFileSync(file, 'x'), 150);
    try {
      await b.shares.add(b.folder);
      await until(
        'it is called changing, and the share is looked through',
        () => {
          const [share] = b.shares.list();
          return share?.indexed === 1 && share.changing === 1 && share.state === 'watching';
        },
        20_000,
      );
    } finally {
      clearInterval(growing);
    }
    await until('hashed when quiet', settled(b.shares, 2), 20_000);
  });

  it('M1 follows no folder that becomes a link, not even between a look and the hashing', async () => {
    await using b = await bench(300);
    const inner = path.join(b.folder, 'in');
    const secrets = path.join(path.dirname(b.folder), 'secrets');
    await mkdir(inner);
    await mkdir(secrets);
    await writeFile(path.join(inner, 'file.txt'), 'public');
    await writeFile(path.join(secrets, 'file.txt'), 'secret');
    await writeFile(path.join(secrets, 'other.txt'), 'secret');
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, 1));
    const secret = hash('sha256', 'secret', 'hex');
    const leaked: string[] = [];
    for (let round = 0; round < 60; round++) {
      await rename(inner, `${inner}-away`);
      await symlink(secrets, inner);
      b.shares.changed({ file: 0, folder: 1, parent: 'in/', isSilent: false });
      await setTimeout(20 + (round % 7) * 10);
      await rm(inner);
      await rename(`${inner}-away`, inner);
      await appendFile(path.join(inner, 'file.txt'), '.');
      leaked.push(...b.table.page(0, 10).flatMap(({ sha256, name }) => (sha256 === secret ? [name] : [])));
    }
    assert.deepEqual(leaked, []);
  });

  it('M1 calls a share missing whose folder, or one above it, became a link', async () => {
    await using b = await bench(200);
    await writeFile(path.join(b.folder, 'one.txt'), 'one');
    await b.shares.add(b.folder);
    await until('announced', () => b.announcer.names.length === 1);
    await rename(b.folder, `${b.folder}-away`);
    await symlink(`${b.folder}-away`, b.folder);
    await until('missing', () => b.shares.list()[0]?.state === 'missing');
    assert.deepEqual(b.announcer.names, ['one.txt']);
  });

  it('M1 leaves out what belongs to another user than the share, unless asked', async (t) => {
    if (process.getuid?.() !== 0) return t.diagnostic('not root: files of other users cannot be made');
    await using b = await bench(200);
    for (const name of ['mine.txt', 'theirs.txt']) await writeFile(path.join(b.folder, name), name);
    await chown(path.join(b.folder, 'theirs.txt'), 65534, 65534);
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, 1));
    assert.deepEqual(b.shares.list()[0]?.leftOut, [
      { path: 'theirs.txt', why: 'it belongs to another user than the share' },
    ]);
    await b.shares.add(b.folder, true);
    await until('both', settled(b.shares, 2));
    await b.shares.add(b.folder, false);
    await until('one again', settled(b.shares, 1));
  });

  it('M8 is not held up by a pipe in the place of its rules, or of a file', async () => {
    await using b = await bench(200);
    execFileSync('mkfifo', [path.join(b.folder, '.chordialignore'), path.join(b.folder, 'pipe.txt')]);
    await mkdir(path.join(b.folder, 'large'));
    await writeFile(path.join(b.folder, 'large', '.chordialignore'), '*\n'.repeat(200_000));
    for (const name of ['one.txt', 'large/two.txt']) await writeFile(path.join(b.folder, name), name);
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, 2));
    assert.deepEqual(
      b.shares.list()[0]?.leftOut.map(({ path: place }) => place),
      ['.chordialignore', 'large/.chordialignore'],
    );
  });
});

describe('SharedFileBlocks', () => {
  it('hands out blocks of files as they were indexed, and nothing of a file that changed', async () => {
    await using b = await bench();
    const file = path.join(b.folder, 'large.bin');
    const bytes = randomBytes(2 * leafBytes + 5);
    await writeFile(file, bytes);
    await b.shares.add(b.folder);
    await until('indexed', settled(b.shares, 1));
    const pool = new LeafPool();
    const digestOf = (leaf: number) =>
      hash('sha256', bytes.subarray(leaf * leafBytes, (leaf + 1) * leafBytes), 'buffer');
    const cidOf = (leaf: number) => decodeCid(Buffer.concat([Buffer.from([1, 0x55, 0x12, 32]), digestOf(leaf)]));
    assert.equal(await b.blocks.size(cidOf(0)), leafBytes);
    assert.deepEqual(await b.blocks.read(cidOf(2), pool), new Uint8Array(bytes.subarray(2 * leafBytes)));
    const root = decodeCid(b.table.page(0, 1)[0]!.root);
    assert.equal((await b.blocks.read(root, pool))?.length, await b.blocks.size(root));

    for (const change of [
      () => appendFile(file, 'x'),
      () => truncate(file, leafBytes),
      () => rename(file, `${file}.tmp`),
      () => symlink(`${file}.tmp`, file),
    ]) {
      await change();
      assert.equal(await b.blocks.size(cidOf(0)), null);
      assert.equal(await b.blocks.read(cidOf(0), pool), null);
    }
  });
});
