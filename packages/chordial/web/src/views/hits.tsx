/** One row per content: results of a search, files of this peer, of everybody, or of one peer. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Hit } from '../../../src/client/answers.ts';
import { call, contentPath } from '../api.ts';
import { FileIcon, LockIcon } from '../icons.tsx';
import { type Item, isForKeeping, isOnRing, itemOfHit } from '../item.ts';
import { useAnswer } from '../live.ts';
import { Menu } from '../menu.tsx';
import { onDemand } from '../on-demand.tsx';
import { type LoadPage, usePages } from '../pages.ts';
import { Failure, Moment, useAction } from '../parts.tsx';
import { beginRemoval, removals } from '../removals.tsx';
import { follow, open, useAddress } from '../route.ts';
import { type Column, LongRows } from '../rows.tsx';
import { maxSelected, type RowSource, type Selection, useSelection } from '../selection.ts';
import { useShared } from '../shared.ts';
import { ShowLink, useShownRows } from '../showing.tsx';
import { moment, size, visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import { maxThumbnailBytes, Thumbnail } from '../thumbnail.tsx';
import { filtersIn, noFilters, searchWith, type Wish, wishIn, wishQuery } from '../wish.ts';
import { Filters } from './filters.tsx';

const Details = onDemand(async () => (await import('./details.tsx')).Details, 'quiet');
const LinkDialog = onDemand(async () => (await import('./links.tsx')).LinkDialog, 'quiet');

interface Wishing {
  readonly wish: Wish;
  readonly change: (changes: Partial<Wish>) => void;
  readonly clear: () => void;
}

/** Each change is a step back in the history of the browser. */
function useWish(): Wishing {
  const { search, pathname } = useAddress();
  const wish = useMemo(() => wishIn(new URLSearchParams(search)), [search]);
  const change = (changes: Partial<Wish>): void => open(`${pathname}${searchWith(search, { ...wish, ...changes })}`);
  return { wish, change, clear: () => change(noFilters) };
}

interface ItemListProps {
  readonly label: string;
  /** Another one is another list. */
  readonly list: string;
  /** Null while it is not known. */
  readonly load:
    | ((query: ReturnType<typeof wishQuery>, ...rest: Parameters<LoadPage<Item>>) => ReturnType<LoadPage<Item>>)
    | null;
  /** Changes when the list has. */
  readonly renewed: number;
  /** Files of several publishers. */
  readonly hasPublishers: boolean;
  /** Instead of a list without files. */
  readonly empty: () => preact.ComponentChildren;
  /** After the number of files. */
  readonly note?: preact.ComponentChildren;
  readonly linkMade?: () => void;
}

/** A long list that the peer sorts and filters. */
export function ItemList({ label, list, load, renewed, hasPublishers, empty, note, linkMade }: ItemListProps) {
  const { wish, change, clear } = useWish();
  const key = `${list} ${JSON.stringify(wish)}`;
  const query = wishQuery(wish);
  const pages = usePages(key, load === null ? null : (skip, signal) => load(query, skip, signal));
  useEffect(() => {
    if (renewed > 0) pages?.again();
  }, [renewed]);
  if (pages === null || (pages.total === null && pages.failure === null))
    return note ? (
      <p class="found" role="status">
        {note}
      </p>
    ) : null;
  const isFiltered = filtersIn(wish) > 0;
  const total = pages.total ?? 0;
  const all = pages.counts === null ? total : Object.values(pages.counts.kinds).reduce((sum, count) => sum + count, 0);
  const failure = <Failure failure={pages.failure} again={() => pages.again()} />;
  if (pages.total === null) return failure;
  if (all === 0 && !isFiltered)
    return (
      <>
        {failure}
        {note ? (
          <p class="found" role="status">
            {note}
          </p>
        ) : null}
        {empty()}
      </>
    );
  return (
    <>
      <Filters wish={wish} counts={pages.counts} change={change} clear={clear} hasPublishers={hasPublishers} />
      <p class="found" role="status">
        {isFiltered ? text.list.some(total, all) : text.list.count(total)}
        {note ? ' · ' : ''}
        {note}
      </p>
      {failure}
      <Items
        label={label}
        list={key}
        source={pages}
        see={(first, last) => pages.see(first, last)}
        order={{
          by: wish.sort,
          descending: wish.descending,
          change: (by) => {
            const sort = by as typeof wish.sort;
            // What is large, new or held often is sought more than the opposite; a second click turns it round.
            change({ sort, descending: sort === wish.sort ? !wish.descending : sort !== 'name' });
          },
        }}
        isWhole={hasPublishers}
        linkMade={linkMade}
      />
    </>
  );
}

interface ItemsProps {
  readonly label: string;
  readonly list: string;
  readonly source: RowSource<Item>;
  readonly see: (first: number, last: number) => void;
  readonly order?: { readonly by: string; readonly descending: boolean; readonly change: (by: string) => void };
  /** With who has it. */
  readonly isWhole: boolean;
  readonly linkMade?: (() => void) | undefined;
}

const keyOf = ({ key }: Item): string => key;

/** The table, and what may be done with its rows. */
export function Items({ label, list, source, see, order, isWhole, linkMade }: ItemsProps) {
  const selection = useSelection(list, source, keyOf);
  useShownRows(source.total ?? 0, (index) => fileOf(source.at(index)));
  const [detailed, setDetailed] = useState<Item | null>(null);
  const [linked, setLinked] = useState<Item | null>(null);
  const [copiesOf, sight] = useCopies(source);
  const { value: node } = useAnswer('GET /api/v1/node', isWhole ? { query: { fingers: 'none' } } : null, 60_000);
  const self = isWhole ? (node?.id ?? '') : null;
  const ownNames = (items: readonly Item[]) => items.flatMap((item) => ownNameOf(item, self) ?? []);
  const zip = useAction(fetchZip);
  const remove = useAction(async (items: readonly Item[]) => {
    await beginRemoval(ownNames(items));
    selection.clear();
  });
  const [kept, setKept] = useState<readonly Item[]>([]);
  const keep = useAction(async (items: readonly Item[]) => {
    setKept([]);
    for (const item of items) {
      await call('POST /api/v1/content/{cid}/put', { path: { cid: item.cid }, body: { name: item.name } });
      setKept((before) => [...before, item]);
    }
    selection.clear();
  });
  const forKeeping = (items: readonly Item[]) => items.filter((item) => isForKeeping(item, self));
  const going = new Set(useShared(removals).flatMap(({ names, state }) => (state === 'failed' ? [] : names)));
  const columns = useMemo((): readonly Column<Item>[] => {
    const copies = (item: Item) => <Copies item={item} counted={copiesOf(item)} />;
    return [
      { title: text.list.name, kind: 'name', sort: 'name', cell: (item) => <Name item={item} isWhole={isWhole} /> },
      { title: text.list.size, kind: 'wide number', sort: 'size', cell: (item) => size(item.size) },
      {
        title: text.list.date,
        kind: 'wide',
        sort: 'date',
        cell: ({ time }) => (time === null ? null : <Moment time={time} />),
      },
      { title: text.list.copies, kind: 'number', sort: 'copies', cell: copies },
      ...(isWhole
        ? [
            {
              title: text.list.holders,
              kind: 'wide',
              cell: (item) => (
                <button type="button" class="holders" onClick={() => setDetailed(item)}>
                  <Source item={item} />
                </button>
              ),
            } satisfies Column<Item>,
          ]
        : []),
      {
        title: text.list.actions,
        isBare: true,
        kind: 'actions',
        cell: (item) => (
          <Menu
            label={text.list.actionsOf(visible(item.name))}
            items={() => (
              <Actions
                item={item}
                detail={() => setDetailed(item)}
                link={() => setLinked(item)}
                zip={() => void zip.run([item])}
                keep={forKeeping([item]).length === 0 ? null : () => void keep.run([item])}
                remove={ownNames([item]).length === 0 ? null : () => void remove.run([item])}
              />
            )}
          />
        ),
      },
    ];
  }, [isWhole, copiesOf, self]);
  useEffect(() => {
    const begun = (event: DragEvent): void => {
      const row = event.target instanceof Element ? event.target.closest('tbody tr') : null;
      const item = source.at(Number(row?.getAttribute('aria-rowindex') ?? 0) - 2);
      if (item !== undefined) dragOut(event, item);
    };
    addEventListener('dragstart', begun);
    return () => removeEventListener('dragstart', begun);
  }, [source]);
  const seen = useRef(see);
  seen.current = see;
  return (
    <>
      <LongRows
        label={label}
        columns={columns}
        count={source.total ?? 0}
        at={(index) => source.at(index)}
        keyOf={keyOf}
        nameOf={({ name }) => visible(name)}
        seen={useCallback((first: number, last: number) => {
          sight(first, last);
          seen.current(first, last);
        }, [])}
        order={order}
        selection={selection}
        classOf={(item) => {
          const own = going.size === 0 ? null : ownNameOf(item, self);
          return own !== null && going.has(own) ? 'going' : undefined;
        }}
      />
      <Failure failure={zip.refusal ?? keep.refusal ?? remove.refusal} />
      <p class={keep.isBusy || kept.length > 0 ? 'notice' : 'unseen'} role="status">
        {keep.isBusy
          ? text.list.keeping
          : kept[0] === undefined
            ? ''
            : text.list.kept(kept.length, visible(kept[0].name))}
      </p>
      {selection.size === 0 ? null : (
        <Chosen
          selection={selection}
          own={ownNames(selection.rows).length}
          isBusy={zip.isBusy || keep.isBusy || remove.isBusy}
          zip={() => void zip.run(selection.rows)}
          forKeeping={forKeeping(selection.rows).length}
          keep={() => void keep.run(forKeeping(selection.rows))}
          link={setLinked}
          remove={() => void remove.run(selection.rows)}
        />
      )}
      {detailed === null ? null : (
        <Details item={detailed} copies={copiesOf(detailed)} closed={() => setDetailed(null)} />
      )}
      {linked === null ? null : <LinkDialog file={linked} made={() => linkMade?.()} closed={() => setLinked(null)} />}
    </>
  );
}

interface ChosenProps {
  readonly selection: Selection<Item>;
  /** Of those selected, how many this peer has put. */
  readonly own: number;
  /** And how many it can put too. */
  readonly forKeeping: number;
  readonly keep: () => void;
  readonly isBusy: boolean;
  readonly zip: () => void;
  readonly link: (item: Item) => void;
  readonly remove: () => void;
}

/** What may be done with all that is selected. */
function Chosen({ selection, own, isBusy, zip, link, forKeeping, keep, remove }: ChosenProps) {
  const { rows, isCut } = selection;
  const [first] = rows;
  const bytes = rows.reduce((sum, one) => sum + one.size, 0);
  return (
    <section class="selected" aria-label={text.list.selection}>
      <p role="status">
        {text.list.selected(rows.length)} <span class="soft">{size(bytes)}</span>
        {isCut ? <span class="soft"> · {text.list.noMore(maxSelected)}</span> : null}
      </p>
      <button type="button" class="primary" disabled={isBusy} onClick={zip}>
        {text.list.zip}
      </button>
      {rows.length === 1 && first !== undefined ? (
        <button type="button" onClick={() => link(first)}>
          {text.list.link}
        </button>
      ) : null}
      {forKeeping === 0 ? null : (
        <button type="button" disabled={isBusy} title={text.list.keepMeans} onClick={keep}>
          {forKeeping === rows.length ? text.list.keep : text.list.keepOthers(forKeeping)}
        </button>
      )}
      {own === 0 ? null : (
        <button type="button" class="danger" disabled={isBusy} onClick={remove}>
          {own === rows.length ? text.list.remove : text.list.removeOwn(own)}
        </button>
      )}
      <button type="button" onClick={() => selection.clear()}>
        {text.list.unselect}
      </button>
      {rows.length > 1 ? <p class="soft wide">{text.list.linkIsForOne}</p> : null}
    </section>
  );
}

/** The name under which this peer has put it; null where it has not. */
function ownNameOf({ name, holders }: Item, self: string | null): string | null {
  const put = holders.find(({ publisher, shared }) => !shared && (self === null || publisher === self));
  if (put === undefined) return null;
  return self === null ? name : put.name;
}

/** The peer lists them first and says what is wrong; then the browser saves the ZIP. */
export async function fetchZip(items: readonly Pick<Item, 'cid' | 'name' | 'isOpened'>[]): Promise<void> {
  const [first] = items;
  if (first === undefined) return;
  const files = items.map(({ cid, name, isOpened }) => ({ cid, name, ...(isOpened ? { isOpened } : {}) }));
  const name = items.length === 1 ? `${first.name}.zip` : text.list.zipName(items.length);
  const { id } = await call('POST /api/v1/zips', { body: { name, files } });
  const link = document.createElement('a');
  link.href = `/api/v1/zips/${id}`;
  link.download = name;
  link.click();
}

interface ActionsProps {
  readonly item: Item;
  readonly detail: () => void;
  readonly link: () => void;
  readonly zip: () => void;
  readonly keep: (() => void) | null;
  readonly remove: (() => void) | null;
}

function Actions({ item, detail, link, zip, keep, remove }: ActionsProps) {
  const { name, cid, kind, isOpened } = item;
  return (
    <>
      {kind === 'folder' ? (
        <button type="button" role="menuitem" onClick={zip}>
          {text.list.zip}
        </button>
      ) : (
        <a role="menuitem" href={downloadPath(name, cid, isOpened)} download={name}>
          {text.list.download}
        </a>
      )}
      <button type="button" role="menuitem" onClick={link}>
        {text.list.link}
      </button>
      {keep === null ? null : (
        <button type="button" role="menuitem" title={text.list.keepMeans} onClick={keep}>
          {text.list.keep}
        </button>
      )}
      <button type="button" role="menuitem" onClick={detail}>
        {text.list.details}
      </button>
      {isOnRing(item) ? (
        <a role="menuitem" href={`/ring?file=${encodeURIComponent(cid)}`} onClick={follow}>
          {text.list.onRing}
        </a>
      ) : null}
      {remove === null ? null : (
        <button type="button" role="menuitem" class="danger" onClick={remove}>
          {text.list.remove}
        </button>
      )}
    </>
  );
}

interface HitRowsProps {
  readonly label: string;
  readonly hits: readonly Hit[];
  /** Called when the end becomes visible. */
  readonly more?: (() => void) | undefined;
}

/** Files that come one after another, in the order in which they come. */
export function HitRows({ label, hits, more }: HitRowsProps) {
  const items = useMemo(() => hits.map(itemOfHit), [hits]);
  const source: RowSource<Item> = {
    total: items.length,
    at: (index) => items[index],
    range: async (first, last) => items.slice(first, last),
  };
  const see = (_first: number, last: number): void => {
    if (last >= items.length) more?.();
  };
  return <Items label={label} list={label} source={source} see={see} isWhole />;
}

interface NameProps {
  readonly item: Item;
  readonly isWhole: boolean;
}

function Name({ item, isWhole }: NameProps) {
  const { name, cid, kind, isOpened, sealed, time, expiry } = item;
  const until = expiry === null ? null : text.list.until(moment(expiry));
  return (
    <span class="file">
      {kind === 'image' && item.isLive && item.size <= maxThumbnailBytes ? (
        <Thumbnail cid={cid} isOpened={isOpened}>
          <FileIcon kind={kind} />
        </Thumbnail>
      ) : (
        <FileIcon kind={kind} />
      )}
      <span class="of">
        <ContentLink name={name} cid={cid} isFolder={kind === 'folder'} isSealed={isOpened} />
        {sealed === null ? null : <SealedTag {...sealed} />}
        {until === null ? null : <span class="tag wide">{until}</span>}
        <span class="beneath">
          {size(item.size)}
          {time === null ? null : (
            <>
              {' '}
              · <Moment time={time} />
            </>
          )}
          {until === null ? '' : ` · ${until}`}
          {isWhole ? (
            <>
              {' '}
              · <Source item={item} />
            </>
          ) : null}
        </span>
      </span>
    </span>
  );
}

/** Chromium saves what is dropped onto the desktop; others take the link. */
function dragOut({ dataTransfer }: DragEvent, { name, cid, kind, isOpened }: Item): void {
  if (kind === 'folder') return;
  const url = new URL(downloadPath(name, cid, isOpened), location.href).href;
  dataTransfer?.setData('DownloadURL', `application/octet-stream:${name.replace(/[:/\\]/g, '_')}:${url}`);
  dataTransfer?.setData('text/uri-list', url);
}

function SealedTag({ to, kinds, isOpen }: NonNullable<Item['sealed']>) {
  const who = kinds.includes('scrypt')
    ? text.files.forPassphrase
    : to.length === 0
      ? text.files.forOthers
      : to.join(', ');
  return (
    <span class="tag" title={text.files.sealedFor(who, isOpen)}>
      <LockIcon /> {text.files.sealed}
    </span>
  );
}

/** On the ring, and beside them peers that share it. */
function Copies({ item, counted }: { readonly item: Item; readonly counted: number | null }) {
  const sharers = new Set(item.holders.flatMap(({ shared, live, publisher }) => (shared && live ? [publisher] : [])))
    .size;
  if (!isOnRing(item)) {
    return (
      <span class="soft" title={text.list.sharedOnly}>
        {text.list.sharers(sharers)}
      </span>
    );
  }
  if (counted === null) return <span class="soft">…</span>;
  return (
    <span title={sharers === 0 ? undefined : text.list.copiesAndSharers(counted, sharers)}>
      <span class={counted + sharers < 2 ? 'bad' : undefined}>{counted}</span>
      {sharers === 0 ? null : <span class="soft"> + {sharers}</span>}
    </span>
  );
}

function fileOf(item: Item | undefined): Item | null {
  return item === undefined || item.kind === 'folder' ? null : item;
}

interface ContentLinkProps {
  readonly name: string;
  readonly cid: string;
  readonly isFolder: boolean;
  /** Opened by the peer, which has a key. */
  readonly isSealed?: boolean;
}

export function downloadPath(name: string, cid: string, isOpened: boolean): string {
  return `${contentPath(cid)}?filename=${encodeURIComponent(name)}${isOpened ? '&open=true' : ''}`;
}

/** A file is saved under its name; a folder opens in the page. */
export function ContentLink({ name, cid, isFolder, isSealed = false }: ContentLinkProps) {
  if (!isFolder) return <ShowLink item={{ cid, name, isOpened: isSealed }} />;
  const wanted = new URLSearchParams({ folder: cid, name });
  return (
    <a href={`/?${wanted}`} onClick={follow} title={visible(name)}>
      {visible(name)}
    </a>
  );
}

/** As many as fit on a line; the rest is in the details. */
const shownHolders = 2;

export function Source({ item }: { readonly item: Item }) {
  const live = item.holders.filter((holder) => holder.live);
  if (live.length === 0) return <span class="bad">{text.list.noSource}</span>;
  const names = [...new Set(live.map(({ publisherName }) => visible(publisherName)))];
  const rest = names.length - shownHolders;
  return (
    <>
      {names.slice(0, shownHolders).join(', ')}
      {rest > 0 ? ` ${text.list.more(rest)}` : ''}
    </>
  );
}

const settleMilliseconds = 250;
const copiesKeptMilliseconds = 30_000;
const maxCopiesKept = 2000;
/** As many as the peer counts at once. */
const maxCopiesAsked = 200;

/** By content, with the time of counting: all lists of the page know the same. */
const known = new Map<string, { readonly copies: number; readonly at: number }>();

type CountedCopies = (item: Item) => number | null;

/** Copies of what is in sight, which the peer counts by asking; again after a while. */
function useCopies(source: RowSource<Item>): readonly [CountedCopies, (first: number, last: number) => void] {
  const [count, setCount] = useState(0);
  const latest = useRef(source);
  latest.current = source;
  const sight = useRef({ first: 0, last: 0 });
  const asked = useRef(false);
  const ask = useCallback(async (): Promise<void> => {
    if (asked.current || document.hidden) return;
    const cids = new Set<string>();
    for (let index = sight.current.first; index < sight.current.last; index += 1) {
      const item = latest.current.at(index);
      if (item === undefined || !isOnRing(item)) continue;
      const kept = known.get(item.cid);
      if (kept === undefined || Date.now() - kept.at > copiesKeptMilliseconds) cids.add(item.cid);
    }
    if (cids.size === 0) return;
    asked.current = true;
    const some = [...cids].slice(0, maxCopiesAsked);
    try {
      const { copies } = await call('POST /api/v1/content/copies', { body: { cids: some } });
      for (const [place, cid] of some.entries()) {
        known.delete(cid);
        known.set(cid, { copies: copies[place] ?? 0, at: Date.now() });
      }
      for (const oldest of known.keys()) {
        if (known.size <= maxCopiesKept) break;
        known.delete(oldest);
      }
      setCount((before) => before + 1);
    } catch {
      // The list itself says what is wrong.
    } finally {
      asked.current = false;
    }
  }, []);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const soon = useCallback((): void => {
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = setTimeout(() => void ask(), settleMilliseconds);
  }, []);
  useEffect(() => {
    soon();
    const repeated = setInterval(soon, copiesKeptMilliseconds / 4);
    return () => {
      clearInterval(repeated);
      if (timer.current !== null) clearTimeout(timer.current);
    };
  }, [source.total]);
  const see = useCallback((first: number, last: number): void => {
    sight.current = { first, last };
    soon();
  }, []);
  const counted = useCallback((item: Item) => known.get(item.cid)?.copies ?? item.copies, [count]);
  return [counted, see];
}
