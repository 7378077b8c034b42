import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashBytes, hashOfLeaf, merkleTree, proveRun, rootOf, splitProof, verifyRun } from './merkle-run.ts';

const leavesOf = (count: number) =>
  Array.from({ length: count }, (_, index) => hashOfLeaf(Buffer.from(`leaf ${index}`)));

const run = fc
  .integer({ min: 1, max: 300 })
  .chain((total) => fc.tuple(fc.constant(total), fc.nat(total - 1)))
  .chain(([total, first]) =>
    fc.tuple(fc.constant(total), fc.constant(first), fc.integer({ min: 1, max: total - first })),
  );

test('every run of every tree is proved by at most 2 log2 n hashes, and each of its leaves by log2 n', () => {
  fc.assert(
    fc.property(run, ([total, first, count]) => {
      const leaves = leavesOf(total);
      const tree = merkleTree(leaves);
      const proof = proveRun(tree, first, count);
      const levels = Math.ceil(Math.log2(total));
      assert.ok(proof.length <= 2 * levels);
      const paths = verifyRun({ root: rootOf(tree), leaves: total }, first, leaves.slice(first, first + count), proof);
      assert.equal(paths?.length, count);
      for (const [index, path] of paths!.entries()) {
        assert.ok(path.length <= levels * hashBytes);
        assert.deepEqual(splitProof(path), proveRun(tree, first + index, 1));
        const alone = verifyRun(
          { root: rootOf(tree), leaves: total },
          first + index,
          [leaves[first + index]!],
          splitProof(path),
        );
        assert.deepEqual(alone, [path]);
      }
    }),
  );
});

test('a run that is changed, moved, cut, reordered or proved by other hashes is refused', () => {
  fc.assert(
    fc.property(
      run,
      fc.nat(),
      fc.constantFrom('leaf', 'place', 'total', 'order', 'shorter', 'longer', 'proof'),
      (...given) => {
        const [[total, first, count], chance, fault] = given;
        const leaves = leavesOf(total);
        const tree = merkleTree(leaves);
        const some = leaves.slice(first, first + count);
        const proof = [...proveRun(tree, first, count)];
        const other = hashOfLeaf(Buffer.from('other'));
        let [claimedTotal, claimedFirst] = [total, first];
        if (fault === 'leaf') some[chance % count] = other;
        else if (fault === 'place') claimedFirst = total === 1 ? 1 : (first + 1 + (chance % (total - 1))) % total;
        else if (fault === 'total') claimedTotal = Math.max(1, total >> 1) === total ? 4 : Math.max(1, total >> 1);
        else if (fault === 'order' && count > 1) some.reverse();
        else if (fault === 'shorter' && proof.length > 0) proof.splice(chance % proof.length, 1);
        else if (fault === 'longer') proof.push(other);
        else if (fault === 'proof' && proof.length > 0) proof[chance % proof.length] = other;
        else return;
        // A tree of half as many leaves may have the same shape around a run in its first half, but never the same root.
        assert.equal(verifyRun({ root: rootOf(tree), leaves: claimedTotal }, claimedFirst, some, proof), null);
      },
    ),
  );
});

test('nothing is proved by nothing', () => {
  const tree = merkleTree(leavesOf(3));
  assert.equal(verifyRun({ root: rootOf(tree), leaves: 3 }, 0, [], []), null);
  assert.equal(verifyRun({ root: rootOf(tree), leaves: 3 }, 3, leavesOf(1), []), null);
});

test('a node of the tree is no leaf of it', () => {
  const leaves = leavesOf(4);
  const tree = merkleTree(leaves);
  const [left, right] = tree[1]!;
  const inner = Buffer.concat([leaves[0]!, leaves[1]!]);
  assert.notDeepEqual(hashOfLeaf(inner), left);
  assert.equal(verifyRun({ root: rootOf(tree), leaves: 2 }, 0, [hashOfLeaf(inner)], [right!]), null);
});
