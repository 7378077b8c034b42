/** A folder of the peer's machine, picked from its tree. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type ApiFailure, call } from '../api.ts';
import { Dialog, Failure } from '../parts.tsx';
import { visible } from '../shown.ts';
import { text } from '../strings/text.ts';

/** Shown at first of a folder; the rest on demand. */
const shownAtOnce = 200;

interface Folder {
  readonly path: string;
  readonly name: string;
}

/** What is known of a folder that was opened. */
type Opened =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly failure: ApiFailure }
  | { readonly state: 'open'; readonly folders: readonly Folder[]; readonly isCut: boolean; readonly shown: number };

type Tree = ReadonlyMap<string, Opened>;

interface Line extends Folder {
  readonly level: number;
  readonly opened: Opened | null;
}

/** `start`: a path to begin at; the home folder where there is none. */
export function FolderPicker({
  title,
  start,
  choose,
  picked,
  closed,
}: {
  readonly title: string;
  readonly start: string;
  /** Of the button that picks. */
  readonly choose: string;
  readonly picked: (path: string) => void;
  readonly closed: () => void;
}) {
  const [tree, setTree] = useState<Tree>(new Map());
  const [current, setCurrent] = useState<string | null>(null);
  const [hidden, setHidden] = useState(false);
  const [failure, setFailure] = useState<ApiFailure | null>(null);

  const load = async (path: string, withHidden: boolean): Promise<void> => {
    setTree((before) => new Map(before).set(path, { state: 'loading' }));
    try {
      const { folders, isCut } = await call('POST /api/v1/machine/folders', { body: { path, hidden: withHidden } });
      setTree((before) => new Map(before).set(path, { state: 'open', folders, isCut, shown: shownAtOnce }));
    } catch (error) {
      setTree((before) => new Map(before).set(path, { state: 'failed', failure: error as ApiFailure }));
    }
  };
  /** Opens all that lies above it. */
  const goTo = async (wanted: string | null, withHidden: boolean): Promise<void> => {
    try {
      const body = { ...(wanted === null ? {} : { path: wanted }), hidden: withHidden };
      const { path, folders, isCut } = await call('POST /api/v1/machine/folders', { body });
      setFailure(null);
      await Promise.all(above(path).map((one) => load(one, withHidden)));
      setTree((before) => new Map(before).set(path, { state: 'open', folders, isCut, shown: shownAtOnce }));
      setCurrent(path);
    } catch (error) {
      setFailure(error as ApiFailure);
      if (wanted !== null && current === null) await goTo(null, withHidden);
    }
  };
  useEffect(() => void goTo(start === '' ? null : start, hidden), []);

  return (
    <Dialog title={title} closed={closed}>
      <FolderTree
        lines={linesOf(tree, '/')}
        current={current}
        select={setCurrent}
        open={(path) => void load(path, hidden)}
        close={(path) => setTree((before) => new Map([...before].filter(([one]) => one !== path)))}
        more={(path) =>
          setTree((before) => {
            const opened = before.get(path);
            if (opened?.state !== 'open') return before;
            return new Map(before).set(path, { ...opened, shown: opened.shown + 10 * shownAtOnce });
          })
        }
        pick={picked}
      />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (current !== null) picked(current);
        }}
      >
        <label>
          <span>{text.picker.path}</span>
          <input
            type="text"
            spellcheck={false}
            autocapitalize="off"
            value={current ?? ''}
            onInput={({ currentTarget }) => setCurrent(currentTarget.value)}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={hidden}
            onChange={({ currentTarget: { checked } }) => {
              setHidden(checked);
              for (const path of tree.keys()) void load(path, checked);
            }}
          />
          <span>{text.picker.hidden}</span>
        </label>
        <Failure failure={failure} />
        <p class="actions">
          <button type="submit" class="primary" disabled={current === null || current === ''}>
            {choose}
          </button>
          <button type="button" disabled={current === null} onClick={() => void goTo(current, hidden)}>
            {text.picker.show}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

interface TreeProps {
  readonly lines: readonly Line[];
  readonly current: string | null;
  readonly select: (path: string) => void;
  readonly open: (path: string) => void;
  readonly close: (path: string) => void;
  readonly more: (path: string) => void;
  readonly pick: (path: string) => void;
}

/** One line is in the order of tabs; arrows, Home, End and letters move between them. */
function FolderTree({ lines, current, select, open, close, more, pick }: TreeProps) {
  const list = useRef<HTMLDivElement>(null);
  const at = lines.findIndex(({ path }) => path === current);
  useEffect(() => {
    const line = list.current?.querySelector<HTMLElement>('[aria-selected="true"]');
    line?.scrollIntoView({ block: 'nearest' });
    if (list.current?.contains(document.activeElement)) line?.focus();
  }, [current, lines.length]);
  const keyDown = (event: KeyboardEvent): void => {
    const { key } = event;
    const line = lines[at];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = movedTo(lines, at, key);
    if (to !== null) select(to);
    else if (line === undefined) return;
    else if (key === 'ArrowRight' && line.opened === null) open(line.path);
    else if (key === 'ArrowLeft' && line.opened !== null) close(line.path);
    else if (key === 'Enter') pick(line.path);
    else return;
    event.preventDefault();
  };
  /** The mark before a name opens and closes it at once, the name by two clicks. */
  const clicked = ({ target, type }: MouseEvent): void => {
    const place = (target as Element).closest<HTMLElement>('[data-line]')?.dataset['line'];
    const line = lines[Number(place ?? -1)];
    if (line === undefined) return;
    select(line.path);
    const isTwist = (target as Element).classList.contains('twist');
    if (isTwist !== (type === 'click')) return;
    if (line.opened === null) open(line.path);
    else close(line.path);
  };
  return (
    <div
      ref={list}
      class="tree"
      role="tree"
      tabIndex={-1}
      aria-label={text.picker.folders}
      onKeyDown={keyDown}
      onClick={clicked}
      onDblClick={clicked}
    >
      {lines.map(({ path, name, level, opened }, index) => {
        const isOpen = opened !== null;
        return (
          <div
            key={path}
            role="treeitem"
            data-line={index}
            aria-level={level}
            aria-expanded={isOpen}
            aria-selected={path === current}
            tabIndex={index === Math.max(0, at) ? 0 : -1}
            style={{ paddingLeft: `${Math.min(level, 12) * 0.9 - 0.4}rem` }}
          >
            <span class="twist" aria-hidden="true">
              {isOpen ? '▾' : '▸'}
            </span>
            <span>{visible(name)}</span>
            {opened?.state === 'loading' ? <span class="soft"> {text.frame.loading}</span> : null}
            {opened?.state === 'failed' ? <span class="bad"> {opened.failure.message}</span> : null}
            {opened?.state === 'open' && opened.folders.length === 0 ? (
              <span class="soft"> {text.picker.none}</span>
            ) : null}
            {opened?.state === 'open' && opened.folders.length > opened.shown ? (
              <button type="button" class="plain" tabIndex={-1} onClick={() => more(path)}>
                {text.picker.more(opened.folders.length - opened.shown)}
              </button>
            ) : null}
            {opened?.state === 'open' && opened.isCut ? <span class="soft"> {text.picker.cut}</span> : null}
          </div>
        );
      })}
    </div>
  );
}

/** The path that a key leads to; null where it leads to none. */
function movedTo(lines: readonly Line[], at: number, key: string): string | null {
  const line = lines[at];
  const to = (index: number): string | null => lines[index]?.path ?? null;
  if (key === 'ArrowDown') return to(at + 1);
  if (key === 'ArrowUp') return to(at - 1);
  if (key === 'Home') return to(0);
  if (key === 'End') return to(lines.length - 1);
  if (line === undefined) return null;
  if (key === 'ArrowRight' && line.opened?.state === 'open') {
    const below = lines[at + 1];
    return below !== undefined && below.level > line.level ? below.path : null;
  }
  if (key === 'ArrowLeft' && line.opened === null)
    return lines.slice(0, at).findLast(({ level }) => level < line.level)?.path ?? null;
  if (key.length !== 1 || key === ' ') return null;
  const inOrder = [...lines.slice(at + 1), ...lines.slice(0, at)];
  const begins = ({ name }: Line): boolean => name.toLocaleLowerCase().startsWith(key.toLocaleLowerCase());
  return inOrder.find(begins)?.path ?? null;
}

/** From the root to the folder that holds this one. */
function above(path: string): readonly string[] {
  const names = path.split('/').filter((name) => name !== '');
  return names.map((_, index) => `/${names.slice(0, index).join('/')}`);
}

/** What is open, line by line; also what is known below a folder that cannot be read. */
function linesOf(tree: Tree, path: string, level = 1): readonly Line[] {
  const opened = tree.get(path) ?? null;
  const name = path === '/' ? '/' : path.slice(path.lastIndexOf('/') + 1);
  if (path === '/' && opened === null && tree.size === 0) return [];
  const below = opened?.state === 'open' ? opened.folders.slice(0, opened.shown).map((one) => one.path) : [];
  const prefix = path === '/' ? '/' : `${path}/`;
  for (const known of tree.keys())
    if (opened !== null && isChild(prefix, known) && !below.includes(known)) below.push(known);
  return [{ path, name, level, opened }, ...below.flatMap((one) => linesOf(tree, one, level + 1))];
}

function isChild(prefix: string, path: string): boolean {
  return path.startsWith(prefix) && path.length > prefix.length && !path.slice(prefix.length).includes('/');
}
