/**
 * What the preview pane shows stands in the URL, so that links, reloads and the back button work: `show`, the CID,
 * `called`, the name, and `open` where this peer opens what is sealed. The list that is drawn gives the rest, and what
 * comes before and after it.
 */
import { useEffect, useRef } from 'preact/hooks';
import { isPlainClick, replaceAddress, useAddress, visit } from './route.ts';
import { Shared } from './shared.ts';
import { visible } from './shown.ts';

export interface Shown {
  readonly cid: string;
  readonly name: string;
  /** A sealed file, which this peer opens. */
  readonly isOpened: boolean;
}

/** What a list knows beside it. */
export interface ShownItem extends Shown {
  readonly time: string | null;
  /** All who put or share it, best first. */
  readonly holders: readonly ShownHolder[];
}

export interface ShownHolder {
  /** What the publisher calls it. */
  readonly name: string;
  readonly publisher: string;
  readonly publisherName: string;
  readonly shared: boolean;
}

/** The list on the page. */
interface ShownRows {
  readonly count: number;
  /** Null where it is a folder, or not loaded. */
  readonly at: (index: number) => ShownItem | null;
}

export function shownIn({ searchParams }: URL): Shown | null {
  const cid = searchParams.get('show');
  if (cid === null || cid === '') return null;
  return { cid, name: searchParams.get('called') ?? cid, isOpened: searchParams.has('open') };
}

function addressOf({ cid, name, isOpened }: Shown): string {
  const url = new URL(location.href);
  url.searchParams.set('show', cid);
  url.searchParams.set('called', name);
  if (isOpened) url.searchParams.set('open', '');
  else url.searchParams.delete('open');
  return url.pathname + url.search;
}

/** Of the entry of the history that opened the pane: going back closes it. */
const opened = { hasPreview: true };

/** The pane has one entry of the history, whatever it shows one after another. */
export function show(item: Shown): void {
  if (shownIn(new URL(location.href)) === null) visit(addressOf(item), opened);
  else replaceAddress(addressOf(item), history.state);
}

let isGoingBack = false;

export function closeShown(): void {
  if (isGoingBack) return;
  if ((history.state as Partial<typeof opened> | null)?.hasPreview === true) {
    isGoingBack = true;
    addEventListener(
      'popstate',
      () => {
        isGoingBack = false;
      },
      { once: true },
    );
    history.back();
    return;
  }
  const url = new URL(location.href);
  for (const name of ['show', 'called', 'open']) url.searchParams.delete(name);
  replaceAddress(url.pathname + url.search, null);
}

/** The name of a file, which opens the pane. */
export function ShowLink({ item, tabIndex }: { readonly item: Shown; readonly tabIndex?: number }) {
  const shown = shownIn(useAddress());
  return (
    <a
      href={addressOf(item)}
      title={visible(item.name)}
      aria-current={shown !== null && isSame(shown, item) ? 'true' : undefined}
      {...(tabIndex === undefined ? {} : { tabIndex })}
      onClick={(event) => {
        if (!isPlainClick(event)) return;
        event.preventDefault();
        show(item);
      }}
    >
      {visible(item.name)}
    </a>
  );
}

function isSame(one: Shown, other: Shown): boolean {
  return one.cid === other.cid && one.name === other.name;
}

export const shownRows = new Shared<ShownRows | null>(null);

/** The rows of the list on the page, for the pane. */
export function useShownRows(count: number, at: ShownRows['at']): void {
  const latest = useRef(at);
  latest.current = at;
  useEffect(() => {
    const own = { count, at: (index: number) => latest.current(index) };
    shownRows.set(own);
    return () => {
      if (shownRows.value === own) shownRows.set(null);
    };
  }, [count]);
}

/** What the list knows of it, and the files beside it. */
export function besideShown(shown: Shown): {
  readonly item: ShownItem | null;
  readonly before: ShownItem | null;
  readonly after: ShownItem | null;
} {
  const rows = shownRows.value;
  const nothing = { item: null, before: null, after: null };
  if (rows === null) return nothing;
  for (let index = 0; index < rows.count; index++) {
    const item = rows.at(index);
    if (item !== null && isSame(item, shown))
      return { item, before: nextFrom(rows, index, -1), after: nextFrom(rows, index, 1) };
  }
  return nothing;
}

function nextFrom({ count, at }: ShownRows, from: number, step: 1 | -1): ShownItem | null {
  for (let index = from + step; index >= 0 && index < count; index += step) {
    const item = at(index);
    if (item !== null) return item;
  }
  return null;
}
