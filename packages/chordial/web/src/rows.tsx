/**
 * A virtual table that renders only visible rows, so that 100 000 cost no more than 50. Rows have a fixed height;
 * screen readers get the real numbers.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** `wide` is hidden on a phone, `widest` in narrow windows as well, `number` is right-aligned. */
  readonly kind?: 'wide' | 'number' | 'wide number' | 'name' | 'wide name' | 'widest' | 'actions';
}

interface RowsProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** Called when the end becomes visible. */
  readonly more?: (() => void) | undefined;
}

const spareRows = 12;

export function Rows<T>({ label, columns, rows, keyOf, more }: RowsProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [sight, setSight] = useState({ first: 0, last: 60 });
  const height = useRowHeight();

  useEffect(() => {
    const look = (): void => {
      const top = -(body.current?.getBoundingClientRect().top ?? 0);
      const first = Math.max(0, Math.floor(top / height) - spareRows);
      const last = Math.ceil((top + innerHeight) / height) + spareRows;
      setSight((before) => (before.first === first && before.last === last ? before : { first, last }));
    };
    look();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, [height, rows.length]);

  const isEndSeen = sight.last >= rows.length;
  useEffect(() => {
    if (isEndSeen) more?.();
  }, [isEndSeen, rows.length, more]);

  const first = Math.min(sight.first, Math.max(0, rows.length - 1));
  const shown = rows.slice(first, sight.last);
  const below = Math.max(0, rows.length - first - shown.length);
  return (
    <table aria-label={label} aria-rowcount={rows.length + 1}>
      <thead>
        <tr>
          {columns.map(({ title, kind }) => (
            <th key={title} scope="col" class={kind}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body}>
        <Space height={first * height} columns={columns.length} />
        {shown.map((row, place) => (
          <tr key={keyOf(row)} aria-rowindex={first + place + 2}>
            {columns.map(({ title, kind, cell }) => (
              <td key={title} class={kind}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
        <Space height={below * height} columns={columns.length} />
      </tbody>
    </table>
  );
}

function Space({ height, columns }: { readonly height: number; readonly columns: number }) {
  if (height === 0) return null;
  return (
    <tr class="space">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  );
}

/** As set by the style sheet for this window width. */
function useRowHeight(): number {
  const read = () => Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row')) || 44;
  const [height, setHeight] = useState(read);
  useEffect(() => {
    const changed = () => setHeight(read());
    addEventListener('resize', changed);
    return () => removeEventListener('resize', changed);
  }, []);
  return height;
}
