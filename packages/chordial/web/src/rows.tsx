/**
 * A virtual table that renders only visible rows, so that 100 000 cost no more than 50. Rows have a fixed height;
 * screen readers get the real numbers. Arrow keys move between rows.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { scrollBefore } from './route.ts';
import type { Selection } from './selection.ts';
import { text } from './strings/text.ts';

export interface Column<T> {
  readonly title: string;
  /** The title is not drawn. */
  readonly isBare?: boolean;
  readonly cell: (row: T) => ComponentChildren;
  /** `wide` is hidden on a phone, `widest` in narrow windows as well, `number` is right-aligned. */
  readonly kind?: 'wide' | 'number' | 'wide number' | 'widest number' | 'name' | 'wide name' | 'widest' | 'actions';
  /** By what a click on the title sorts. */
  readonly sort?: string;
}

interface RowsProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** Called when the end becomes visible. */
  readonly more?: (() => void) | undefined;
}

/** Rows that are all there. */
export function Rows<T>({ label, columns, rows, keyOf, more }: RowsProps<T>) {
  const seen = (_first: number, last: number): void => {
    if (last >= rows.length) more?.();
  };
  return (
    <LongRows
      label={label}
      columns={columns}
      count={rows.length}
      at={(index) => rows[index]}
      keyOf={keyOf}
      seen={seen}
    />
  );
}

interface LongRowsProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly count: number;
  /** Undefined while it is not loaded. */
  readonly at: (index: number) => T | undefined;
  readonly keyOf: (row: T) => string;
  /** Called with the rows in sight; last is exclusive. */
  readonly seen: (first: number, last: number) => void;
  readonly order?: Order | undefined;
  readonly selection?: Selection<T> | undefined;
  readonly classOf?: ((row: T) => string | undefined) | undefined;
  /** What a row is called to who selects it. */
  readonly nameOf?: ((row: T) => string) | undefined;
}

export interface Order {
  readonly by: string;
  readonly descending: boolean;
  readonly change: (by: string) => void;
}

const spareRows = 12;

export function LongRows<T>(props: LongRowsProps<T>) {
  const { label, columns, count, at, keyOf, seen, order, selection, classOf, nameOf } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const height = useRowHeight('--row');
  const { first, last } = useSight(body, height, count);
  // The browser would do so before the rows are there.
  const isThere = count > 0;
  useEffect(() => {
    const scroll = scrollBefore();
    if (isThere && scroll !== null) scrollTo(0, scroll);
  }, [isThere]);
  useEffect(() => seen(first, last), [first, last, count, seen]);

  const span = columns.length + (selection === undefined ? 0 : 1);
  const indices = Array.from({ length: Math.max(0, last - first) }, (_, place) => first + place);
  const isSelected = (row: T): boolean => selection?.has(keyOf(row)) ?? false;
  return (
    <table
      aria-label={label}
      aria-rowcount={count + 1}
      class={selection === undefined ? undefined : 'chosen'}
      onKeyDown={(event) => moveFocus(event, (index, isRange) => isRange && selection?.choose(index, 'range'))}
    >
      <thead>
        <tr>
          {selection === undefined ? null : (
            <th scope="col" class="picked">
              <input
                type="checkbox"
                aria-label={text.rows.all}
                checked={selection.size > 0}
                indeterminate={selection.size > 0 && selection.size < count}
                onChange={() => (selection.size > 0 ? selection.clear() : void selection.all())}
              />
            </th>
          )}
          {columns.map(({ title, kind, sort, isBare }) => (
            <th key={title} scope="col" class={kind} aria-sort={sortedBy(order, sort)}>
              {isBare ? (
                <span class="unseen">{title}</span>
              ) : sort === undefined || order === undefined ? (
                title
              ) : (
                <button type="button" class="sort" onClick={() => order.change(sort)}>
                  {title}
                </button>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body}>
        <Space height={first * height} columns={span} />
        {indices.map((index) => {
          const row = at(index);
          if (row === undefined) {
            return (
              <tr key={`row ${index}`} class="coming" aria-rowindex={index + 2}>
                <td colSpan={span}>…</td>
              </tr>
            );
          }
          return (
            <tr
              key={keyOf(row)}
              aria-rowindex={index + 2}
              class={classOf?.(row)}
              aria-selected={selection === undefined ? undefined : isSelected(row)}
              onClick={(event) => {
                if (isPlain(event.target)) selection?.choose(index, event.shiftKey ? 'range' : 'toggle');
              }}
            >
              {selection === undefined ? null : (
                <td class="picked">
                  <input
                    type="checkbox"
                    aria-label={text.rows.choose(nameOf?.(row) ?? '')}
                    checked={isSelected(row)}
                    onClick={(event) => selection.choose(index, event.shiftKey ? 'range' : 'toggle')}
                  />
                </td>
              )}
              {columns.map(({ title, kind, cell }) => (
                <td key={title} class={kind}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          );
        })}
        <Space height={Math.max(0, count - first - indices.length) * height} columns={span} />
      </tbody>
    </table>
  );
}

function sortedBy(order: Order | undefined, sort: string | undefined) {
  if (order === undefined || sort === undefined || order.by !== sort) return undefined;
  return order.descending ? 'descending' : 'ascending';
}

/** A click beside links, buttons and what opens over the table. */
function isPlain(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('a, button, input, [popover], dialog') === null;
}

/** To the same place in the row above or below. */
function moveFocus(event: KeyboardEvent, moved: (index: number, isRange: boolean) => void): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  const from = event.target;
  if (step === 0 || event.defaultPrevented || !(from instanceof Element) || from.closest('[popover], dialog')) return;
  const row = from.closest('tr');
  let next = step > 0 ? row?.nextElementSibling : row?.previousElementSibling;
  if (row?.parentElement?.tagName === 'THEAD') next = step > 0 ? row.closest('table')?.querySelector('tbody tr') : null;
  const place = from.closest('td, th') as HTMLTableCellElement | null;
  const cell = next?.children[place?.cellIndex ?? 0];
  const focused =
    cell?.querySelector<HTMLElement>('a, button, input') ?? next?.querySelector<HTMLElement>('a, button, input');
  if (!focused) return;
  event.preventDefault();
  focused.focus();
  moved(Number(next?.getAttribute('aria-rowindex')) - 2, event.shiftKey);
}

function Space({ height, columns }: { readonly height: number; readonly columns: number }) {
  if (height === 0) return null;
  return (
    <tr class="space">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  );
}

/** The rows in the window and some around, of rows that begin at the top of the element; last is exclusive. */
export function useSight(place: { readonly current: Element | null }, height: number, count: number) {
  const [sight, setSight] = useState({ first: 0, last: 60 });
  useEffect(() => {
    const look = (): void => {
      const top = -(place.current?.getBoundingClientRect().top ?? 0);
      const first = Math.max(0, Math.floor(top / height) - spareRows);
      // Some are drawn of a list that is below the window, too.
      const last = Math.max(0, Math.ceil((top + innerHeight) / height)) + spareRows;
      setSight((before) => (before.first === first && before.last === last ? before : { first, last }));
    };
    look();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, [height, count]);
  return { first: Math.min(sight.first, Math.max(0, count - 1)), last: Math.min(sight.last, count) };
}

/** Pixels, as set by the style sheet for this window width. */
export function useRowHeight(variable: '--row' | '--tree-row'): number {
  const read = () => Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue(variable)) || 44;
  const [height, setHeight] = useState(read);
  useEffect(() => {
    const changed = () => setHeight(read());
    addEventListener('resize', changed);
    return () => removeEventListener('resize', changed);
  }, []);
  return height;
}
