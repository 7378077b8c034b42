import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { importer } from 'ipfs-unixfs-importer';
import { isError } from '../../test/contracts/errors.ts';
import { type DataPeer, dataNetwork } from '../../test/fixtures/data-network.ts';
import { until } from '../../test/fixtures/until.ts';
import { treePath } from './tree-path.ts';

function bytesOf(text: string): AsyncIterable<Uint8Array> {
  return (async function* () {
    yield Buffer.from(text);
  })();
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(Uint8Array.from(piece));
  return Buffer.concat(all).toString();
}

async function textAt(peer: DataPeer, path: string): Promise<string> {
  const entry = await peer.trees.entry(treePath(path));
  return textOf(peer.files.read(entry?.cid ?? ''));
}

async function namesIn(peer: DataPeer, path: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name, type } of peer.trees.entries(treePath(path)))
    names.push(type === 'file' ? name : `${name}/`);
  return names;
}

/** Paths and contents of a folder as another peer gets it. */
async function contentAt(peer: DataPeer, name: string): Promise<Record<string, string>> {
  const { cid } = await peer.files.resolve({ name });
  const found: Record<string, string> = {};
  for await (const entry of peer.files.walk(cid))
    found[entry.path] = entry.type === 'directory' ? '/' : await textOf(peer.files.read(entry.cid));
  return found;
}

async function oracle(files: ReadonlyMap<string, string>): Promise<string> {
  const sources = [...files].map(([path, text]) => ({ path: `root/${path}`, content: Buffer.from(text) }));
  let last: { cid: { toString(): string } } | undefined;
  for await (const one of importer(sources, { put: async (cid) => cid }, { profile: 'unixfs-v1-2025' })) last = one;
  assert.ok(last);
  return last.cid.toString();
}

test('B9 what is written, moved, copied and removed in a folder is seen here at once and by others soon', async () => {
  const network = await dataNetwork(3);
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees } = own;
  try {
    await trees.write(treePath('notes/a.txt'), bytesOf('one'), { makesFolders: true, modified: 1_700_000_000_000 });
    await trees.write(treePath('notes/deep/er/b.txt'), bytesOf('two'), { makesFolders: true });
    assert.deepEqual(await namesIn(own, 'notes'), ['a.txt', 'deep/']);
    assert.equal(trees.state('notes')?.isChanging, true);
    await trees.published('notes');
    assert.equal(trees.state('notes')?.isChanging, false);
    assert.deepEqual(await contentAt(other, 'notes'), {
      'a.txt': 'one',
      deep: '/',
      'deep/er': '/',
      'deep/er/b.txt': 'two',
    });
    await trees.move(treePath('notes/deep/er'), treePath('notes/er'));
    await trees.copy(treePath('notes/er'), treePath('notes/copied'));
    await trees.remove(treePath('notes/deep'));
    await trees.write(treePath('notes/a.txt'), bytesOf('three'));
    await until('it is published', async () => {
      const there = await contentAt(other, 'notes');
      return there['a.txt'] === 'three' && there['copied/b.txt'] === 'two' && there['deep'] === undefined;
    });
    const listed = await other.files.list({ all: true, cursor: null, limit: 100 });
    assert.deepEqual(
      listed.files.map(({ name }) => name),
      ['notes'],
    );
    assert.equal(await textAt(own, 'notes/er/b.txt'), 'two');
    const files = new Map([
      ['a.txt', 'three'],
      ['er/b.txt', 'two'],
      ['copied/b.txt', 'two'],
    ]);
    assert.equal((await own.files.resolve({ name: 'notes' })).cid, await oracle(files));
  } finally {
    await network.close();
  }
});

test('B9 what cannot be is refused with a reason, and changes nothing', async () => {
  const network = await dataNetwork(2, {}, { rule: { replicas: 2, writeQuorum: 1 } });
  const [own] = network.peers as unknown as [DataPeer];
  const { trees } = own;
  try {
    await trees.makeFolder(treePath('box'));
    await trees.write(treePath('box/file'), bytesOf('x'));
    await trees.makeFolder(treePath('box/folder'));
    await own.files.put('plain', bytesOf('plain'));
    const refusals: [Parameters<typeof isError>[0], () => Promise<unknown>][] = [
      ['not-found', () => trees.write(treePath('box/none/file'), bytesOf('y'))],
      ['not-found', () => trees.write(treePath('nothing/file'), bytesOf('y'))],
      ['bad-request', () => trees.write(treePath('box/file/below'), bytesOf('y'))],
      ['already-exists', () => trees.write(treePath('box/folder'), bytesOf('y'))],
      ['already-exists', () => trees.makeFolder(treePath('box/file'))],
      ['already-exists', () => trees.makeFolder(treePath('box'))],
      ['bad-request', () => trees.makeFolder(treePath('plain'))],
      ['bad-request', () => trees.write(treePath('plain/file'), bytesOf('y'))],
      ['bad-request', () => trees.write(treePath('box'), bytesOf('y'))],
      ['bad-name', () => trees.write({ folder: 'box', path: ['..'] }, bytesOf('y'))],
      ['bad-request', () => trees.move(treePath('box/folder'), treePath('box/folder/in'))],
      ['already-exists', () => trees.move(treePath('box/file'), treePath('box/folder'))],
      ['not-found', () => trees.move(treePath('box/none'), treePath('box/there'))],
      ['not-found', () => trees.remove(treePath('box/none'))],
      ['bad-name', () => own.files.put('.chordial-part-1', bytesOf('y'))],
    ];
    for (const [code, act] of refusals) await assert.rejects(act, isError(code), act.toString());
    const broken = (async function* () {
      yield Buffer.from('begun');
      throw new Error('the line is cut');
    })();
    await assert.rejects(trees.write(treePath('box/file'), broken), isError('body-cut-off'));
    assert.equal(await textAt(own, 'box/file'), 'x');
    assert.deepEqual(await namesIn(own, 'box'), ['file', 'folder/']);
  } finally {
    await network.close();
  }
});

test('B9 an own folder that was put opens as a tree, and earlier roots stay readable and come back', async () => {
  const network = await dataNetwork(3);
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees } = own;
  try {
    const item = (path: string, text: string | null) => ({
      path,
      type: text === null ? ('directory' as const) : ('file' as const),
      modified: 1_600_000_000_000,
      executable: false,
      bytes: bytesOf(text ?? ''),
    });
    await own.files.putFolder(
      'album',
      (async function* () {
        yield item('a', 'first a');
        yield item('in', null);
        yield item('in/b', 'first b');
      })() as never,
    );
    await trees.write(treePath('album/in/b'), bytesOf('second b'));
    assert.equal((await trees.entry(treePath('album/a')))?.modified, 1_600_000_000_000);
    await trees.published('album');
    await trees.remove(treePath('album/a'));
    await trees.published('album');
    const versions = await trees.history('album');
    assert.equal(versions.length, 3);
    const texts = await Promise.all(
      versions.map(async ({ cid }) => {
        const { cid: b } = (await other.files.entryAt(cid, ['in', 'b']))!;
        return textOf(other.files.read(b));
      }),
    );
    assert.deepEqual(texts, ['second b', 'second b', 'first b']);
    await trees.restore('album', versions[0]!.time);
    assert.ok(Number((await trees.entry(treePath('album/in/b')))?.modified) > 1_600_000_000_000);
    await trees.restore('album', versions[2]!.time);
    await trees.published('album');
    for (const path of ['album/a', 'album/in/b'])
      assert.equal((await trees.entry(treePath(path)))?.modified, 1_600_000_000_000);
    assert.deepEqual(await contentAt(other, 'album'), { a: 'first a', in: '/', 'in/b': 'first b' });
    await own.files.remove('album');
    await assert.rejects(trees.entry(treePath('album/a')), isError('not-found'));
    await until('all that kept it has ended', async () => {
      const names: string[] = [];
      for (const peer of network.peers)
        for (const row of peer.records.range('all', null, 1000).items) {
          if (row.expiry === null) names.push(Buffer.from(row.subject).toString());
        }
      return names.length === 0;
    });
  } finally {
    await network.close();
  }
});

test('B9 a folder that is renamed keeps its versions, and its old name ends; what is put under it again stays', async () => {
  const network = await dataNetwork(2, {}, { rule: { replicas: 2, writeQuorum: 1 } });
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees } = own;
  try {
    await trees.write(treePath('old/a'), bytesOf('one'), { makesFolders: true });
    await trees.published('old');
    await trees.move(treePath('old'), treePath('new'));
    assert.ok(trees.hasLeft('old'));
    await trees.published('new');
    assert.deepEqual(await contentAt(other, 'new'), { a: 'one' });
    await until('the old name ends', () =>
      other.files.resolve({ name: 'old' }).then(
        () => false,
        (error: Error) => isError('not-found')(error),
      ),
    );
    assert.equal((await trees.history('new')).length > 0, true);
    await own.files.put('old', bytesOf('another'));
    await trees.write(treePath('new/b'), bytesOf('two'));
    await trees.published('new');
    assert.equal((await other.files.resolve({ name: 'old' })).size, 'another'.length);
    await assert.rejects(trees.move(treePath('new'), treePath('old')), isError('already-exists'));
  } finally {
    await network.close();
  }
});

test('B9 whole folders are copied and moved in one step, over folders, files and sealed ones, and nothing is put again', async () => {
  const network = await dataNetwork(2, {}, { rule: { replicas: 2, writeQuorum: 1 } });
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees, files, catalog } = own;
  const parts = () => {
    const sql = 'SELECT DISTINCT part FROM folder_nodes WHERE is_folder = 0 AND parent >= 0';
    return new Set(
      catalog.database
        .prepare(sql)
        .all()
        .map(({ part }) => Number(part)),
    );
  };
  try {
    await trees.write(treePath('a/one'), bytesOf('one'), { makesFolders: true });
    await trees.write(treePath('a/in/two'), bytesOf('two'), { makesFolders: true });
    await files.put('plain', bytesOf('plain'));
    await files.put('secret', bytesOf('secret'), { sealed: {} });
    await trees.write(treePath('tree/old'), bytesOf('old'), { makesFolders: true });
    await trees.published('tree');
    const all = { one: 'one', in: '/', 'in/two': 'two' };
    const before = parts();
    for (const to of ['plain', 'secret', 'tree', 'fresh']) {
      if (to !== 'fresh') await assert.rejects(trees.copy(treePath('a'), treePath(to)), isError('already-exists'));
      assert.deepEqual(await trees.copy(treePath('a'), treePath(to), { replaces: true }), { isNew: to === 'fresh' });
      assert.deepEqual(await namesIn(own, to), ['in/', 'one']);
      await trees.published(to);
      assert.deepEqual(await contentAt(other, to), all, to);
    }
    assert.deepEqual(
      [...parts()].filter((part) => !before.has(part)),
      [],
    );
    await until('what was replaced has ended', async () => {
      const { files: listed } = await files.list({ all: false, cursor: null, limit: 100 });
      const names = listed.flatMap(({ name }) => (name === 'a' ? [] : name));
      return names.join(' ') === 'fresh plain secret tree';
    });
    const history = await trees.history('tree');
    assert.equal(history.length, 2);
    await assert.rejects(trees.move(treePath('a/one'), treePath('b')), isError('bad-request'));
    await assert.rejects(trees.move(treePath('a'), treePath('a/in/a')), isError('bad-request'));
    await assert.rejects(trees.move(treePath('a/in'), treePath('a'), { replaces: true }), isError('bad-request'));
    await trees.move(treePath('fresh'), treePath('a/in/fresh'));
    assert.equal(trees.state('fresh'), null);
    assert.ok(trees.hasLeft('fresh'));
    await trees.makeFolder(treePath('fresh'));
    assert.deepEqual(await namesIn(own, 'fresh'), []);
    await trees.move(treePath('a/in'), treePath('plain'), { replaces: true });
    await trees.published('a');
    await trees.published('plain');
    assert.deepEqual(await contentAt(other, 'plain'), {
      fresh: '/',
      'fresh/in': '/',
      'fresh/in/two': 'two',
      'fresh/one': 'one',
      two: 'two',
    });
    assert.deepEqual(await contentAt(other, 'a'), { one: 'one' });
    await trees.restore('tree', history[1]!.time);
    assert.deepEqual(await namesIn(own, 'tree'), ['old']);
  } finally {
    await network.close();
  }
});

test('B9 a folder that changes its name while it is published ends under the old one, and keeps all of it', async () => {
  const network = await dataNetwork(2, {}, { rule: { replicas: 2, writeQuorum: 1 } });
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees } = own;
  try {
    for (let round = 0; round < 15; round++) {
      const [from, to] = [`from ${round}`, `to ${round}`];
      await trees.write(treePath(`${from}/first`), bytesOf('first'), { makesFolders: true });
      await trees.published(from);
      await trees.write(treePath(`${from}/second`), bytesOf('second'));
      const publishing = trees.published(from).catch(() => undefined);
      for (let pause = 0; pause < round * 3; pause++) await setImmediate();
      await trees.move(treePath(from), treePath(to));
      await publishing;
      await trees.published(to);
      assert.deepEqual(await contentAt(other, to), { first: 'first', second: 'second' });
      await until(`${from} ends`, async () => {
        const { files } = await other.files.list({ all: true, cursor: null, limit: 100 });
        return !files.some(({ name }) => name === from);
      });
    }
  } finally {
    await network.close();
  }
});

test('B9 a put that replaces a folder while that is published stays', async () => {
  const network = await dataNetwork(2, {}, { rule: { replicas: 2, writeQuorum: 1 } });
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees, files } = own;
  try {
    for (let round = 0; round < 15; round++) {
      const name = `name ${round}`;
      await trees.write(treePath(`${name}/file`), bytesOf('file'), { makesFolders: true });
      const putting = files.put(name, bytesOf('put')).then(
        () => true,
        () => false,
      );
      for (let pause = 0; pause < round * 3; pause++) await setImmediate();
      await trees.published(name).catch(() => undefined);
      const isPut = await putting;
      const { type } = await other.files.resolve({ name });
      if (isPut) assert.equal(type, 'file', `round ${round}`);
      else assert.equal(trees.state(name)?.name, name);
    }
  } finally {
    await network.close();
  }
});

test('B9 what was changed since it was looked at is not removed', async () => {
  const network = await dataNetwork(1, {}, { rule: { replicas: 1, writeQuorum: 1 } });
  const [own] = network.peers as unknown as [DataPeer];
  const { trees, files } = own;
  try {
    for (let round = 0; round < 10; round++) {
      const name = `name ${round}`;
      await trees.write(treePath(`${name}/file`), bytesOf('file'), { makesFolders: true });
      await trees.published(name);
      const { cid } = await files.resolve({ name });
      const writing = trees.write(treePath(`${name}/later`), bytesOf('later')).then(
        () => true,
        () => false,
      );
      for (let pause = 0; pause < round * 2; pause++) await setImmediate();
      const isRemoved = await files.remove(name, cid).then(
        () => true,
        (error: Error) => !isError('changed')(error),
      );
      assert.notEqual(await writing, isRemoved, `round ${round}`);
      if (!isRemoved) assert.equal(await textAt(own, `${name}/later`), 'later');
    }
    const { cid } = await files.put('plain', bytesOf('one'));
    await files.put('plain', bytesOf('two'));
    await assert.rejects(files.remove('plain', cid), isError('changed'));
    assert.equal((await files.resolve({ name: 'plain' })).size, 3);
  } finally {
    await network.close();
  }
});

test('B9 a published folder of others is taken whole, or nothing changes', async () => {
  const network = await dataNetwork(2, {}, { rule: { replicas: 2, writeQuorum: 1 } });
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees, catalog } = own;
  const rows = () => Number(catalog.database.prepare('SELECT count(*) AS count FROM folder_nodes').get()?.['count']);
  try {
    for (const [path, text] of [
      ['a', 'theirs'],
      ['in/b', 'also theirs'],
    ])
      await other.trees.write(treePath(`theirs/${path}`), bytesOf(text!), { makesFolders: true });
    await other.trees.published('theirs');
    const { cid } = await own.files.resolve({ name: 'theirs' });
    await trees.write(treePath('box/in/kept'), bytesOf('kept'), { makesFolders: true });
    const from = { cid, attributes: null };
    await assert.rejects(trees.copyPublished(from, treePath('box/in')), isError('already-exists'));
    await assert.rejects(
      trees.copyPublished(from, treePath('box/in'), { replaces: true, signal: AbortSignal.abort() }),
      isError('interrupted'),
    );
    assert.equal(await textAt(own, 'box/in/kept'), 'kept');
    await until('what was taken in vain is cleaned up', async () => rows() === 3);
    await trees.copyPublished(from, treePath('box/in'), { replaces: true });
    await trees.copyPublished(from, treePath('ours'));
    const all = { a: 'theirs', in: '/', 'in/b': 'also theirs' };
    await trees.published('box');
    await trees.published('ours');
    assert.deepEqual(await contentAt(other, 'ours'), all);
    assert.equal((await other.files.resolve({ name: 'ours' })).size, 'theirs'.length + 'also theirs'.length);
    await other.files.remove('theirs');
    assert.deepEqual(await contentAt(own, 'box'), {
      in: '/',
      'in/a': 'theirs',
      'in/in': '/',
      'in/in/b': 'also theirs',
    });
  } finally {
    await network.close();
  }
});

test('B9 what is acknowledged while a folder is restored is in it, or in a version', async () => {
  const network = await dataNetwork(1, {}, { rule: { replicas: 1, writeQuorum: 1 } });
  const [own] = network.peers as unknown as [DataPeer];
  const { trees } = own;
  try {
    await trees.write(treePath('box/first'), bytesOf('first'), { makesFolders: true });
    await trees.published('box');
    for (let round = 0; round < 10; round++) {
      const acknowledged: string[] = [];
      const writing = Promise.all(
        Array.from({ length: 12 }, async (_, number) => {
          for (let pause = 0; pause < number; pause++) await setImmediate();
          const name = `f${round}-${number}`;
          await trees.write(treePath(`box/${name}`), bytesOf(name)).then(
            () => acknowledged.push(name),
            () => undefined,
          );
        }),
      );
      await trees.restore('box', Date.now()).catch((error: unknown) => {
        if (!isError('changed')(error as Error)) throw error;
      });
      await writing;
      await trees.published('box');
      const kept = new Set(await namesIn(own, 'box'));
      for (const { cid } of await trees.history('box'))
        for await (const { name } of own.files.entries(cid)) kept.add(name);
      assert.deepEqual(
        acknowledged.filter((name) => !kept.has(name)),
        [],
      );
    }
  } finally {
    await network.close();
  }
});

test('B9 what is written while a folder is being published is published with the next root', async () => {
  const network = await dataNetwork(1, {}, { rule: { replicas: 1, writeQuorum: 1 } });
  const [own] = network.peers as unknown as [DataPeer];
  const { trees } = own;
  const model: Record<string, string> = {};
  let isOver = false;
  let next = 0;
  try {
    const writer = async (): Promise<void> => {
      while (next < 600) {
        const number = next++;
        const path = `${number % 5}/${number % 3}/f${number}`;
        await trees.write(treePath(`busy/${path}`), bytesOf(`text ${number}`), { makesFolders: true });
        model[path] = `text ${number}`;
      }
    };
    const publisher = async (): Promise<void> => {
      for (; !isOver; await setImmediate()) await trees.published('busy');
    };
    const publishing = publisher();
    await Promise.all(Array.from({ length: 8 }, writer));
    isOver = true;
    await publishing;
    await trees.published('busy');
    const files = Object.entries(await contentAt(own, 'busy')).filter(([, text]) => text !== '/');
    assert.deepEqual(Object.fromEntries(files), model);
  } finally {
    isOver = true;
    await network.close();
  }
});

test('B9 a copy of a large folder is made in steps, and has what it shows, though the original changes meanwhile', async () => {
  const network = await dataNetwork(1, {}, { rule: { replicas: 1, writeQuorum: 1 } });
  const [own] = network.peers as unknown as [DataPeer];
  const { trees, catalog } = own;
  const files = 1200;
  try {
    await trees.write(treePath('big/from/first'), bytesOf('first'), { makesFolders: true });
    const database = catalog.database;
    await catalog.write(() => {
      const { parent } = database.prepare("SELECT parent FROM folder_nodes WHERE base = 'first'").get() as {
        parent: number;
      };
      const sql = `INSERT INTO folder_nodes (parent, base, is_folder, cid, size, stored, executable, part, changes)
        SELECT parent, ?, 0, cid, size, stored, executable, part, 0 FROM folder_nodes WHERE parent = ? AND base = 'first'`;
      const insert = database.prepare(sql);
      for (let number = 1; number < files; number++) insert.run(`file ${number}`, parent);
    });
    await trees.published('big');
    const copying = trees.copy(treePath('big/from'), treePath('big/to'));
    await trees.write(treePath('big/from/later'), bytesOf('later'));
    await copying;
    assert.equal((await trees.entry(treePath('big/to')))?.cid, null);
    const shown = (await namesIn(own, 'big/to')).toSorted();
    assert.ok(shown.length >= files, `${shown.length} files`);
    await trees.published('big');
    const { cid } = (await trees.entry(treePath('big/to')))!;
    const published: string[] = [];
    for await (const { name } of own.files.entries(cid!)) published.push(name);
    assert.deepEqual(published.toSorted(), shown);
    await trees.move(treePath('big/to'), treePath('big/from/in'));
    await trees.remove(treePath('big/from'));
    assert.deepEqual(await namesIn(own, 'big'), []);
    await until('all of it is cleaned up', async () => {
      const rows = database.prepare('SELECT count(*) AS count FROM folder_nodes').get();
      return rows?.['count'] === 1;
    });
  } finally {
    await network.close();
  }
});

test('B9 after any changes the root is what ipfs-unixfs-importer makes of the same tree', async () => {
  const network = await dataNetwork(1, {}, { rule: { replicas: 1, writeQuorum: 1 } });
  const [own] = network.peers as unknown as [DataPeer];
  const { trees } = own;
  const name = fc.constantFrom('a', 'b', 'Ä', 'c.txt');
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  const change = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), path, to: path, text: fc.string() }) },
    fc.record({
      kind: fc.constantFrom('remove' as const, 'move' as const, 'copy' as const),
      path,
      to: path,
      text: fc.string(),
    }),
  );
  let run = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 25 }), async (changes) => {
        const folder = `tree ${run++}`;
        let model = new Map<string, string>();
        await trees.makeFolder(treePath(folder));
        await trees.write(treePath(`${folder}/z`), bytesOf('z'));
        model.set('z', 'z');
        for (const { kind, path, to, text } of changes) {
          const [from, target] = [treePath(`${folder}/${path}`), treePath(`${folder}/${to}`)];
          const act = {
            write: () => trees.write(from, bytesOf(text), { makesFolders: true }),
            remove: () => trees.remove(from),
            move: () => trees.move(from, target, { replaces: true }),
            copy: () => trees.copy(from, target, { replaces: true }),
          }[kind];
          const isDone = await act().then(
            () => true,
            () => false,
          );
          if (isDone) model = changed(model, kind, { path, to, text });
        }
        await trees.published(folder);
        const there = await contentAt(own, folder);
        const files = new Map(Object.entries(there).filter(([, text]) => text !== '/'));
        assert.deepEqual(new Map([...files].sort()), new Map([...model].sort()));
        const folders = Object.entries(there).filter(([, text]) => text === '/');
        const hasEmpty = folders.some(([one]) => ![...files.keys()].some((file) => file.startsWith(`${one}/`)));
        // The importer knows no empty folders.
        if (!hasEmpty) assert.equal((await own.files.resolve({ name: folder })).cid, await oracle(files));
      }),
      { numRuns: 30 },
    );
  } finally {
    await network.close();
  }
});

type Model = Map<string, string>;

function changed(
  model: Model,
  kind: 'write' | 'remove' | 'move' | 'copy',
  { path, to, text }: { readonly path: string; readonly to: string; readonly text: string },
): Model {
  const isBelow = (one: string, top: string) => one === top || one.startsWith(`${top}/`);
  const next = new Map(model);
  if (kind === 'write') return next.set(path, text);
  const moved = [...model].filter(([one]) => isBelow(one, path));
  if (kind === 'remove' || kind === 'move') for (const [one] of moved) next.delete(one);
  if (kind === 'remove' || path === to) return kind === 'remove' ? next : new Map(model);
  for (const one of [...next.keys()]) if (isBelow(one, to)) next.delete(one);
  for (const [one, content] of moved) next.set(to + one.slice(path.length), content);
  return next;
}

test('the version that the network has stays, however much the others keep', async () => {
  const network = await dataNetwork(3);
  const [own] = network.peers as unknown as [DataPeer];
  const { trees, catalog } = own;
  try {
    for (const text of ['one', 'two']) {
      await trees.write(treePath('f/a'), bytesOf(text), { makesFolders: true });
      await trees.published('f');
    }
    const versions = await trees.history('f');
    const [published, before] = versions;
    assert.ok(published && before);
    // As between the moments at which a root is written down and at which the network has it.
    const cid = `01551220${'00'.repeat(32)}`;
    catalog.database.exec(`
      INSERT INTO folder_versions (folder, time, began, cid, size)
        SELECT folder, time + 1, time + 1, x'${cid}', size FROM folder_versions WHERE time = ${published.time};
      UPDATE folder_parts SET bytes = ${2 ** 40} WHERE removed IS NOT NULL`);
    await trees.write(treePath('g/a'), bytesOf('other'), { makesFolders: true });
    await trees.remove(treePath('g/a'));
    const times = async () => (await trees.history('f')).map(({ time }) => time);
    await until('the oldest has gone', async () => !(await times()).includes(before.time));
    assert.deepEqual(await times(), [published.time + 1, published.time]);
  } finally {
    await network.close();
  }
});

test('B9 a copy of what is removed meanwhile fails, and replaces nothing', async () => {
  const network = await dataNetwork(1, {}, { rule: { replicas: 1, writeQuorum: 1 } });
  const [own] = network.peers as unknown as [DataPeer];
  const { trees, files } = own;
  try {
    for (const path of ['s/a/1', 's/b/2', 's/c/3', 't/s/kept'])
      await trees.write(treePath(path), bytesOf(path), { makesFolders: true });
    const copying = trees.copy(treePath('s'), treePath('t/s'), { replaces: true });
    await files.remove('s');
    await assert.rejects(copying, isError('not-found'));
    assert.deepEqual(await namesIn(own, 't/s'), ['kept']);
  } finally {
    await network.close();
  }
});

test('B9 a put of a name that a folder has left stays when the folder is published', async () => {
  const network = await dataNetwork(2, {}, { rule: { replicas: 2, writeQuorum: 1 } });
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees, files } = own;
  try {
    await trees.write(treePath('x/file'), bytesOf('file'), { makesFolders: true });
    await trees.published('x');
    await trees.move(treePath('x'), treePath('y'));
    const slow = async function* () {
      yield Buffer.from('slow');
      await trees.published('y');
      await until('the old name has ended', () => !trees.hasLeft('x'));
      yield Buffer.from('ly');
    };
    await files.put('x', slow());
    assert.equal((await other.files.resolve({ name: 'x' })).size, 'slowly'.length);
    assert.deepEqual(await contentAt(other, 'y'), { file: 'file' });
  } finally {
    await network.close();
  }
});

test('B9 a file that comes while its folder gets another name is published under it', async () => {
  const network = await dataNetwork(2, {}, { rule: { replicas: 2, writeQuorum: 1 } });
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees } = own;
  try {
    await trees.makeFolder(treePath('p'));
    const slow = async function* () {
      yield Buffer.from('slow');
      await trees.move(treePath('p'), treePath('q'));
      await trees.published('q');
    };
    await trees.write(treePath('p/big'), slow());
    await until('it is published', async () => trees.state('q')?.isChanging === false);
    assert.deepEqual(await contentAt(other, 'q'), { big: 'slow' });
  } finally {
    await network.close();
  }
});

test('B9 a folder that is renamed twice is found under its last name at every moment', async () => {
  const network = await dataNetwork(2, {}, { rule: { replicas: 2, writeQuorum: 1 } });
  const [own, other] = network.peers as unknown as [DataPeer, DataPeer];
  const { trees } = own;
  try {
    await trees.write(treePath('c1/file'), bytesOf('file'), { makesFolders: true });
    await trees.published('c1');
    await trees.move(treePath('c1'), treePath('c2'));
    await trees.move(treePath('c2'), treePath('c3'));
    await setImmediate();
    assert.equal((await other.files.resolve({ name: 'c1' })).type, 'directory');
    await trees.published('c3');
    assert.deepEqual(await contentAt(other, 'c3'), { file: 'file' });
    await until('the first one has ended', () => !trees.hasLeft('c1'));
    await assert.rejects(other.files.resolve({ name: 'c1' }), isError('not-found'));
  } finally {
    await network.close();
  }
});

test('no folder is called, and no file removed, as what keeps the content of folders is', async () => {
  const network = await dataNetwork(3);
  const [own] = network.peers as unknown as [DataPeer];
  const { trees, files, catalog } = own;
  try {
    await trees.write(treePath('f/a'), bytesOf('kept'), { makesFolders: true });
    const [row] = catalog.database.prepare("SELECT part FROM folder_nodes WHERE base = 'a'").all();
    const name = `.chordial-part-${Number(row?.['part']).toString(36)}`;
    await assert.rejects(files.remove(name), isError('bad-name'));
    await assert.rejects(trees.makeFolder({ folder: '.chordial-part-1', path: [] }), isError('bad-name'));
    await assert.rejects(trees.move(treePath('f'), treePath('.chordial-part-1')), isError('bad-name'));
    assert.equal(await textAt(own, 'f/a'), 'kept');
  } finally {
    await network.close();
  }
});
