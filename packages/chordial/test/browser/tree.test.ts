import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Tree, type TreeRow } from '../../web/src/tree.ts';

/** Folders of so many entries, each third one a folder again. */
function folderOf(count: number) {
  return async (cid: string, page: number) => ({
    entries: Array.from({ length: Math.min(200, count - (page - 1) * 200) }, (_, place) => {
      const index = (page - 1) * 200 + place;
      const type = index % 3 === 0 ? ('directory' as const) : ('file' as const);
      return { name: `${index}`, cid: `${cid}/${index}`, size: 1, type, kind: 'other' as const };
    }),
    count,
    page,
    pages: Math.max(1, Math.ceil(count / 200)),
  });
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

function nameOf(row: TreeRow): string {
  return row.kind === 'entry' ? row.entry.cid : row.kind;
}

test('rows of a tree are those of a plain list, whatever was opened and closed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(500), { maxLength: 12 }),
      fc.integer({ min: 1, max: 7 }),
      async (toggles, count) => {
        const tree = new Tree('root', folderOf(count), () => {});
        await settled();
        const plain = Array.from({ length: count }, (_, index) => `root/${index}`);
        for (const toggle of toggles) {
          const row = tree.rowAt(toggle % tree.rows);
          const at = tree.rowOf(row);
          assert.equal(at, toggle % tree.rows);
          tree.toggle(row);
          await settled();
          if (row.kind !== 'entry' || row.entry.type !== 'directory') continue;
          const below = plain.filter((one) => one.startsWith(`${row.entry.cid}/`)).length;
          const fresh = Array.from({ length: count }, (_, index) => `${row.entry.cid}/${index}`);
          plain.splice(at + 1, below, ...(row.isOpen ? [] : fresh));
        }
        assert.deepEqual(
          Array.from({ length: tree.rows }, (_, row) => nameOf(tree.rowAt(row))),
          plain,
        );
      },
    ),
    { numRuns: 100 },
  );
});

test('pages are read when their rows are seen, again after a failure, and an empty folder says so', async () => {
  const asked: number[] = [];
  let fails = true;
  const read = folderOf(1000);
  const tree = new Tree(
    'root',
    async (cid, page) => {
      asked.push(page);
      if (page === 3 && fails) throw new Error('no peer has it');
      return read(cid, page);
    },
    () => {},
  );
  await settled();
  assert.equal(tree.rows, 1000);
  tree.see(390, 410);
  tree.see(390, 410);
  await settled();
  assert.deepEqual(asked, [1, 2, 3]);
  assert.deepEqual(
    [nameOf(tree.rowAt(399)), nameOf(tree.rowAt(400)), nameOf(tree.rowAt(999))],
    ['root/399', 'failed', 'loading'],
  );
  fails = false;
  tree.load(tree.root, 400);
  await settled();
  assert.equal(nameOf(tree.rowAt(400)), 'root/400');
  const empty = new Tree('root', folderOf(0), () => {});
  assert.equal(nameOf(empty.rowAt(0)), 'loading');
  await settled();
  assert.deepEqual([empty.rows, nameOf(empty.rowAt(0))], [1, 'empty']);
});
