/** A folder as a tree, whose folders are read when they are opened; files open the preview pane. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type ApiFailure, call, callUntil } from '../api.ts';
import { FileIcon } from '../icons.tsx';
import { Failure, useAction } from '../parts.tsx';
import { useAddress } from '../route.ts';
import { useRowHeight, useSight } from '../rows.tsx';
import { ShowLink, type ShownItem, show, shownIn, useShownRows } from '../showing.tsx';
import { size, visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import { type Place, Tree, type TreeEntry, type TreeRow } from '../tree.ts';
import { fetchZip } from './hits.tsx';

export function Folder({ cid, name }: { readonly cid: string; readonly name: string }) {
  const tree = useTree(cid);
  const bytes = useSize(cid);
  const zip = useAction(fetchZip);
  if (tree === null) return null;
  const { count, pages } = tree.root;
  const failed = pages.get(1);
  return (
    <>
      <h2>{visible(name)}</h2>
      <p class="found" role="status">
        {count === null ? (failed instanceof Error ? '' : text.tree.reading) : text.tree.count(count)}
        {count === null || bytes === null ? '' : ` · ${size(bytes)}`}
      </p>
      {count === null || count === 0 ? null : (
        <p class="folder-actions">
          <button type="button" disabled={zip.isBusy} onClick={() => void zip.run([{ cid, name, isOpened: false }])}>
            {text.tree.zip}
          </button>
        </p>
      )}
      <Failure failure={zip.refusal} />
      {failed instanceof Error ? (
        <Failure failure={failed as ApiFailure} again={() => tree.load(tree.root, 0)} />
      ) : count === null || count === 0 ? null : (
        <TreeView key={cid} tree={tree} label={text.tree.label(visible(name))} />
      )}
      {count === 0 ? <p class="empty">{text.tree.empty}</p> : null}
    </>
  );
}

/** Drawn again whenever it changes. */
function useTree(cid: string): Tree | null {
  const [tree, setTree] = useState<Tree | null>(null);
  const [, redraw] = useState(0);
  useEffect(() => {
    const read: ConstructorParameters<typeof Tree>[1] = (of, page, signal) =>
      callUntil(signal, 'GET /api/v1/content/{cid}/entries', { path: { cid: of }, query: { page } });
    const made = new Tree(cid, read, () => redraw((count) => count + 1));
    setTree(made);
    return () => made.close();
  }, [cid]);
  return tree;
}

function useSize(cid: string): number | null {
  const [bytes, setBytes] = useState<number | null>(null);
  useEffect(() => {
    let isOver = false;
    setBytes(null);
    call('GET /api/v1/previews/{cid}', { path: { cid } }).then(
      ({ size: found }) => {
        if (!isOver) setBytes(found);
      },
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, [cid]);
  return bytes;
}

const settleMilliseconds = 80;

function TreeView({ tree, label }: { readonly tree: Tree; readonly label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<Place>({ branch: tree.root, index: 0 });
  const height = useRowHeight('--tree-row');
  const { first, last } = useSight(place, height, tree.rows);
  const shown = shownIn(useAddress());
  useShownRows(tree.rows, (row) => itemOf(tree.rowAt(row)));

  useEffect(() => {
    // Not those that only fly past.
    const timer = setTimeout(() => tree.see(first, last), settleMilliseconds);
    return () => clearTimeout(timer);
  }, [tree, first, last, tree.rows]);

  const current = tree.has(active) ? active : { branch: tree.root, index: 0 };
  const at = tree.rowOf(current);
  const go = (row: number): void => {
    const to = Math.min(tree.rows - 1, Math.max(0, row));
    const { branch, index } = tree.rowAt(to);
    setActive({ branch, index });
    const top = (place.current?.getBoundingClientRect().top ?? 0) + to * height;
    const above = headerHeight() + height;
    if (top < above) scrollBy(0, top - above);
    else if (top + 2 * height > innerHeight) scrollBy(0, top + 2 * height - innerHeight);
  };
  useEffect(() => {
    if (shown === null) return;
    for (let row = first; row < last; row++) {
      const one = tree.rowAt(row);
      if (one.kind !== 'entry' || one.entry.cid !== shown.cid || one.entry.name !== shown.name) continue;
      setActive({ branch: one.branch, index: one.index });
      return;
    }
  }, [shown?.cid, shown?.name]);

  const act = (row: TreeRow): void => {
    setActive({ branch: row.branch, index: row.index });
    const item = itemOf(row);
    if (item !== null) show(item);
    else if (row.kind === 'failed') tree.load(row.branch, row.index);
    else tree.toggle(row);
  };
  const typed = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const row = tree.rowAt(at);
    const isFolder = row.kind === 'entry' && row.entry.type === 'directory';
    const isOpen = row.kind === 'entry' && row.isOpen;
    const page = Math.max(1, Math.floor(innerHeight / height) - 2);
    switch (event.key) {
      case 'ArrowDown':
        go(at + 1);
        break;
      case 'ArrowUp':
        go(at - 1);
        break;
      case 'PageDown':
        go(at + page);
        break;
      case 'PageUp':
        go(at - page);
        break;
      case 'Home':
        go(0);
        break;
      case 'End':
        go(tree.rows - 1);
        break;
      case 'ArrowRight':
        if (!isFolder) return;
        if (isOpen) go(at + 1);
        else tree.toggle(row);
        break;
      case 'ArrowLeft':
        if (isOpen) tree.toggle(row);
        else if (row.branch.at !== null) go(tree.rowOf(row.branch.at));
        break;
      case 'Enter':
      case ' ':
        act(row);
        break;
      default: {
        const found = event.key.length === 1 ? beginningWith(tree, at, event.key) : null;
        if (found === null) return;
        go(found);
      }
    }
    event.preventDefault();
  };

  const rows = new Set<number>([at]);
  for (let row = first; row < last; row++) rows.add(row);
  return (
    <div
      ref={place}
      class="folder-tree"
      role="tree"
      aria-label={label}
      aria-activedescendant={idOf(at)}
      tabIndex={0}
      onKeyDown={typed}
      style={{ height: `${tree.rows * height}px` }}
    >
      {[...rows]
        .sort((a, b) => a - b)
        .map((row) => (
          <Item key={row} row={tree.rowAt(row)} at={row} isActive={row === at} height={height} act={act} />
        ))}
    </div>
  );
}

interface ItemProps {
  readonly row: TreeRow;
  readonly at: number;
  readonly isActive: boolean;
  readonly height: number;
  readonly act: (row: TreeRow) => void;
}

function Item({ row, at, isActive, height, act }: ItemProps) {
  const { branch, index } = row;
  const isFolder = row.kind === 'entry' && row.entry.type === 'directory';
  const item = itemOf(row);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all of them
    <div
      id={idOf(at)}
      role="treeitem"
      tabIndex={-1}
      class={isActive ? 'active' : undefined}
      aria-level={branch.level}
      aria-setsize={branch.own}
      aria-posinset={index + 1}
      aria-selected={isActive}
      aria-expanded={isFolder ? row.isOpen : undefined}
      style={{ top: `${at * height}px`, '--level': branch.level - 1 }}
      onClick={(event) => {
        if (event.defaultPrevented) return;
        // The tree has the keys, and stays when this row is out of sight.
        event.currentTarget.parentElement?.focus({ preventScroll: true });
        act(row);
      }}
    >
      <svg class="icon twist" viewBox="0 0 24 24" aria-hidden="true">
        {isFolder ? <path d={row.isOpen ? 'm6 9 6 6 6-6' : 'm9 6 6 6-6 6'} /> : null}
      </svg>
      <FileIcon kind={row.kind === 'entry' ? row.entry.kind : 'other'} />
      {item !== null ? (
        <ShowLink item={item} tabIndex={-1} />
      ) : (
        <span class={row.kind === 'entry' ? undefined : 'soft'}>{wordsOf(row)}</span>
      )}
      <span class="size">{row.kind === 'entry' && row.entry.type === 'file' ? size(row.entry.size) : ''}</span>
    </div>
  );
}

function wordsOf(row: TreeRow): string {
  switch (row.kind) {
    case 'entry':
      return row.entry.type === null ? `${visible(row.entry.name)} – ${text.tree.away}` : visible(row.entry.name);
    case 'failed':
      return `${row.error.message} ${text.frame.again}`;
    case 'empty':
      return text.tree.empty;
    default:
      return text.tree.reading;
  }
}

function itemOf(row: TreeRow): ShownItem | null {
  if (row.kind !== 'entry' || row.entry.type !== 'file') return null;
  const { cid, name } = row.entry;
  return { cid, name, isOpened: false, time: null, holders: [] };
}

function idOf(row: number): string {
  return `tree-${row}`;
}

/** The next row after this one, among those that are read, and around. */
function beginningWith(tree: Tree, from: number, letter: string): number | null {
  const wanted = letter.toLowerCase();
  for (let step = 1; step <= tree.rows; step++) {
    const at = (from + step) % tree.rows;
    const row = tree.rowAt(at);
    if (row.kind === 'entry' && nameOf(row.entry).startsWith(wanted)) return at;
  }
  return null;
}

function nameOf({ name }: TreeEntry): string {
  return name.toLowerCase();
}

function headerHeight(): number {
  return document.querySelector('header.top')?.clientHeight ?? 0;
}
