/** What is selected in a long list: by click, by shift and click, by Space, Ctrl-A and Escape. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

/** More would be neither looked through nor put into one ZIP. */
export const maxSelected = 2000;

/** A list, as far as selecting needs it. */
export interface RowSource<Row> {
  readonly total: number | null;
  at(index: number): Row | undefined;
  range(first: number, last: number): Promise<readonly Row[]>;
}

export interface Selection<Row> {
  readonly size: number;
  readonly rows: readonly Row[];
  /** Not all could be selected. */
  readonly isCut: boolean;
  has(key: string): boolean;
  /** `range`: all from the one chosen before. */
  choose(index: number, how: 'toggle' | 'range'): void;
  all(): Promise<void>;
  clear(): void;
}

interface Chosen<Row> {
  readonly rows: ReadonlyMap<string, Row>;
  readonly isCut: boolean;
}

const none = { rows: new Map<string, never>(), isCut: false };

/** What is selected is forgotten when the list is another, which `list` tells. */
export function useSelection<Row>(
  list: string,
  source: RowSource<Row> | null,
  keyOf: (row: Row) => string,
): Selection<Row> {
  const [{ rows, isCut }, setChosen] = useState<Chosen<Row>>(none);
  const anchor = useRef(0);
  useEffect(() => setChosen(none), [list]);

  const add = async (first: number, last: number): Promise<void> => {
    const most = Math.min(last, first + maxSelected);
    const found = (await source?.range(first, most)) ?? [];
    setChosen((before) => {
      const next = new Map(before.rows);
      for (const row of found) if (next.size < maxSelected) next.set(keyOf(row), row);
      return { rows: next, isCut: most < last || next.size === maxSelected };
    });
  };
  const selection: Selection<Row> = {
    size: rows.size,
    rows: useMemo(() => [...rows.values()], [rows]),
    isCut,
    has: (key) => rows.has(key),
    choose: (index, how) => {
      if (how === 'range') {
        void add(Math.min(anchor.current, index), Math.max(anchor.current, index) + 1);
        return;
      }
      anchor.current = index;
      const row = source?.at(index);
      if (row === undefined) return;
      setChosen((before) => {
        const next = new Map(before.rows);
        if (!next.delete(keyOf(row)) && next.size < maxSelected) next.set(keyOf(row), row);
        return { rows: next, isCut: false };
      });
    },
    all: () => add(0, source?.total ?? 0),
    clear: () => setChosen(none),
  };
  const latest = useRef(selection);
  latest.current = selection;
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const { target, key } = event;
      if (event.defaultPrevented || !(target instanceof Element)) return;
      const isElsewhere = document.querySelector('dialog[open], [popover]:popover-open') !== null;
      if (isElsewhere || target.closest('input:not([type=checkbox]), select, textarea') !== null) return;
      if (key === 'Escape' && latest.current.size > 0) latest.current.clear();
      else if (key === 'a' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
        void latest.current.all();
        event.preventDefault();
      } else if (key === ' ' && target.matches('tbody tr :is(a, button.holders)')) {
        latest.current.choose(Number(target.closest('tr')?.getAttribute('aria-rowindex')) - 2, 'toggle');
        event.preventDefault();
      }
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  return selection;
}
