/** One search box for the whole network; hits appear as they arrive. An empty query lists all files. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SearchResult } from '../../../src/client/answers.ts';
import { type ApiFailure, call, callUntil } from '../api.ts';
import { itemOfHit } from '../item.ts';
import { onDemand } from '../on-demand.tsx';
import { rowsPerPage } from '../pages.ts';
import { Empty, Failure } from '../parts.tsx';
import { everythingPath, follow, open, useAddress } from '../route.ts';
import { visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import { type Kind, kinds } from '../wish.ts';
import { Browsed } from './browsed.tsx';
import { loadFiles, useRenewed } from './files.tsx';
import { ItemList } from './hits.tsx';

const Folder = onDemand(async () => (await import('./folder.tsx')).Folder);

type Mode = 'words' | 'broadcast';

export function SearchView() {
  const address = useAddress();
  const query = address.searchParams.get('q') ?? '';
  const mode: Mode = address.searchParams.get('mode') === 'broadcast' ? 'broadcast' : 'words';
  return (
    <>
      <SearchBox query={query} mode={mode} />
      <Shown query={query} mode={mode} asked={address.searchParams} />
    </>
  );
}

interface ShownProps {
  readonly query: string;
  readonly mode: Mode;
  readonly asked: URLSearchParams;
}

function Shown({ query, mode, asked }: ShownProps) {
  const folder = asked.get('folder');
  const peer = asked.get('peer');
  if (query !== '') return <Hits key={`${mode} ${query}`} query={query} mode={mode} />;
  if (folder !== null) return <Folder cid={folder} name={asked.get('name') ?? folder} />;
  if (peer !== null) return <Browsed key={peer} peer={peer} />;
  return <Everything />;
}

function searchPath(query: string, mode: Mode): string {
  return `/?${new URLSearchParams({ q: query, ...(mode === 'words' ? {} : { mode }) })}`;
}

function SearchBox({ query, mode }: { readonly query: string; readonly mode: Mode }) {
  const [words, setWords] = useState(query);
  const [chosen, setChosen] = useState<Mode>(mode);
  useEffect(() => setWords(query), [query]);
  useEffect(() => setChosen(mode), [mode]);
  const go = (asked: string, how: Mode): void => open(asked === '' ? '/' : searchPath(asked, how));
  const choose = (how: Mode): void => {
    setChosen(how);
    // Results belong to the previous query; an incomplete query is not sent.
    if (query !== '' && words.trim() === query) go(query, how);
  };
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          go(words.trim(), chosen);
        }}
      >
        <label class="grow">
          <span class="unseen">{text.search.label}</span>
          <input
            type="search"
            value={words}
            placeholder={text.search.placeholder}
            autocomplete="off"
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          {text.search.search}
        </button>
        <label class="check">
          <input
            type="checkbox"
            checked={chosen === 'broadcast'}
            onChange={(event) => choose(event.currentTarget.checked ? 'broadcast' : 'words')}
          />
          <span>{text.search.everyPeer}</span>
        </label>
      </form>
    </search>
  );
}

function Everything() {
  const [renewed] = useRenewed();
  return (
    <>
      <h2>{text.search.everything}</h2>
      <ItemList
        label={text.search.everything}
        list="all"
        load={loadFiles(true)}
        renewed={renewed}
        hasPublishers
        note={
          <>
            {text.search.put} ·{' '}
            <a href={everythingPath} onClick={follow}>
              {text.search.sharedToo}
            </a>
          </>
        }
        empty={() => (
          <Empty title={text.search.nothingYet}>
            <p>
              <a href="/files" onClick={follow}>
                {text.search.putOne}
              </a>
              {' · '}
              <a href="/shares" onClick={follow}>
                {text.search.shareFolder}
              </a>
            </p>
          </Empty>
        )}
      />
    </>
  );
}

/** Where no word is known to search for. */
function LookThrough() {
  const link = (kind: Kind | null, shown: string) => (
    <a href={kind === null ? everythingPath : `${everythingPath}&kind=${kind}`} onClick={follow}>
      {shown}
    </a>
  );
  return (
    <p>
      {kinds.map((kind) => (
        <span key={kind}>{link(kind, text.list.kinds[kind])} · </span>
      ))}
      {link(null, text.search.all)}
    </p>
  );
}

function Hits({ query, mode }: { readonly query: string; readonly mode: Mode }) {
  const { search, failure, load, renewed } = useSearch(query, mode);
  const isOver = search !== null && search.state !== 'running';
  const isBroadcast = search?.mode === 'broadcast';
  return (
    <>
      <Failure failure={failure} />
      {search?.problem == null ? null : <p class="failure">{problemIn(search.problem)}</p>}
      <ItemList
        label={text.search.hits}
        list={`${mode} ${query}`}
        load={load}
        renewed={renewed}
        hasPublishers
        note={
          isOver
            ? isBroadcast && mode === 'words' && search.total > 0
              ? text.search.partsOfNames
              : ''
            : failure === null
              ? text.search.searching
              : ''
        }
        empty={() =>
          isOver && search.problem === null ? (
            <Empty title={text.search.nothing(visible(query))}>
              <p>{text.search.askedEveryPeer}</p>
              <LookThrough />
            </Empty>
          ) : null
        }
      />
    </>
  );
}

function problemIn(problem: object): string {
  return 'detail' in problem ? String(problem.detail) : '';
}

/** Where a search runs, the list is asked for again after this time. */
const againMilliseconds = 500;

interface Searching {
  /** Null before the first answer. */
  readonly search: Pick<SearchResult, 'state' | 'mode' | 'problem' | 'total'> | null;
  readonly failure: ApiFailure | null;
  readonly load: Parameters<typeof ItemList>[0]['load'];
  readonly renewed: number;
}

function useSearch(query: string, mode: Mode): Searching {
  const [queryId, setQueryId] = useState<string | null>(null);
  const [search, setSearch] = useState<Searching['search']>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const [renewed, setRenewed] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const begin = async (): Promise<string> => {
    const begun = await call('POST /api/v1/search', { body: { query, mode, orBroadcast: mode === 'words' } });
    latest.current = begun.queryId;
    return begun.queryId;
  };
  /** A peer that was started again knows of no search. */
  const latest = useRef<string | null>(null);
  useEffect(() => {
    begin().then(setQueryId, setFailure);
    return () => {
      if (timer.current !== null) clearTimeout(timer.current);
    };
  }, [query, mode]);
  const load: Searching['load'] = async (wish, skip, signal) => {
    const ask = (id: string) =>
      callUntil(signal, 'GET /api/v1/search/{queryId}', {
        path: { queryId: id },
        query: { skip, limit: rowsPerPage, ...wish },
      });
    const result = await ask(latest.current ?? '').catch(async (error: ApiFailure) => {
      if (error.code !== 'not-found') throw error;
      return ask(await begin());
    });
    const { hits, total, counts, state } = result;
    setSearch(result);
    if (state === 'running' && skip === 0 && !signal.aborted) {
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = setTimeout(() => setRenewed((count) => count + 1), againMilliseconds);
    }
    return { rows: hits.map(itemOfHit), total, counts };
  };
  return { search, failure, load: queryId === null ? null : load, renewed };
}
