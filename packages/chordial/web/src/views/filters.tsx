/** What a list is narrowed to, with counts, and its order where the titles of the columns are out of sight. */
import { useState } from 'preact/hooks';
import { FileIcon } from '../icons.tsx';
import type { Counts } from '../pages.ts';
import { visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import { filtersIn, type Kind, kinds, type Sort, sorts, type Wish } from '../wish.ts';

const megabyte = 1_000_000;
const sizes = [
  { least: null, most: null },
  { least: null, most: megabyte },
  { least: megabyte, most: 100 * megabyte },
  { least: 100 * megabyte, most: 1000 * megabyte },
  { least: 1000 * megabyte, most: null },
] as const;

interface FiltersProps {
  readonly wish: Wish;
  readonly counts: Counts | null;
  readonly change: (changes: Partial<Wish>) => void;
  readonly clear: () => void;
  /** Files of several publishers. */
  readonly hasPublishers: boolean;
}

export function Filters({ wish, counts, change, clear, hasPublishers }: FiltersProps) {
  const active = filtersIn(wish);
  const others = filtersIn({ ...wish, kinds: [] });
  const [isOpen, setIsOpen] = useState(others > 0);
  const there = kinds.filter((kind) => (counts?.kinds[kind] ?? 0) > 0 || wish.kinds.includes(kind));
  const toggle = (kind: Kind): void => {
    const chosen = new Set(wish.kinds);
    if (!chosen.delete(kind)) chosen.add(kind);
    change({ kinds: kinds.filter((one) => chosen.has(one)) });
  };
  return (
    <section class="filters" aria-label={text.list.filters}>
      <div class="chips">
        {there.map((kind) => (
          <button
            key={kind}
            type="button"
            class="chip"
            aria-pressed={wish.kinds.includes(kind)}
            onClick={() => toggle(kind)}
          >
            <FileIcon kind={kind} />
            {text.list.kinds[kind]} <span class="soft">{text.list.number(counts?.kinds[kind] ?? 0)}</span>
          </button>
        ))}
      </div>
      <label class="order">
        <span class="unseen">{text.list.order}</span>
        <select
          value={`${wish.sort} ${wish.descending}`}
          onChange={(event) => {
            const [sort, descending] = event.currentTarget.value.split(' ');
            change({ sort: sort as Sort, descending: descending === 'true' });
          }}
        >
          {sorts.flatMap((sort) =>
            [false, true].map((descending) => (
              <option key={`${sort} ${descending}`} value={`${sort} ${descending}`}>
                {text.list.orders[sort][descending ? 1 : 0]}
              </option>
            )),
          )}
        </select>
      </label>
      <button type="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        {text.list.filter(others)}
      </button>
      {active === 0 ? null : (
        <button type="button" onClick={clear}>
          {text.list.clear}
        </button>
      )}
      {isOpen ? (
        <div class="line more-filters">
          <label>
            <span>{text.list.size}</span>
            <select
              value={sizes.findIndex(({ least, most }) => least === wish.least && most === wish.most)}
              onChange={(event) => change(sizes[Number(event.currentTarget.value)] ?? sizes[0])}
            >
              {text.list.sizes.map((shown, index) => (
                <option key={shown} value={index}>
                  {shown}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span>{text.list.after}</span>
            <input
              type="date"
              value={wish.after ?? ''}
              onChange={(event) => change({ after: event.currentTarget.value || null })}
            />
          </label>
          <label>
            <span>{text.list.before}</span>
            <input
              type="date"
              value={wish.before ?? ''}
              onChange={(event) => change({ before: event.currentTarget.value || null })}
            />
          </label>
          {hasPublishers ? (
            <Choice
              label={text.list.publisher}
              value={wish.publisher}
              options={(counts?.publishers ?? []).map(({ id, name, count }) => ({ value: id, name, count }))}
              change={(publisher) => change({ publisher })}
            />
          ) : null}
          {hasPublishers && ((counts?.zones.length ?? 0) > 0 || wish.zone !== null) ? (
            <Choice
              label={text.list.zone}
              value={wish.zone}
              options={(counts?.zones ?? []).map(({ zone, count }) => ({ value: zone, name: zone, count }))}
              change={(zone) => change({ zone })}
            />
          ) : null}
        </div>
      ) : null}
    </section>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string | null;
  readonly options: readonly { readonly value: string; readonly name: string; readonly count: number }[];
  readonly change: (value: string | null) => void;
}

function Choice({ label, value, options, change }: ChoiceProps) {
  const isKnown = value === null || options.some((one) => one.value === value);
  return (
    <label>
      <span>{label}</span>
      <select value={value ?? ''} onChange={(event) => change(event.currentTarget.value || null)}>
        <option value="">{text.list.any}</option>
        {isKnown ? null : <option value={value}>{visible(value)}</option>}
        {options.map((one) => (
          <option key={one.value} value={one.value}>
            {visible(one.name)} ({text.list.number(one.count)})
          </option>
        ))}
      </select>
    </label>
  );
}
