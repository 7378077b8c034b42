/** One search box for the whole network; hits appear as they arrive. An empty query lists all files. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure, call } from '../api.ts';
import { Copyable, Empty, Failure } from '../parts.tsx';
import { follow, open, useAddress } from '../route.ts';
import { Rows } from '../rows.tsx';
import { counted, shortHash, size, visible } from '../shown.ts';
import { Browsed } from './browsed.tsx';
import { FileName, useFiles } from './files.tsx';
import { Folder } from './folder.tsx';
import { type Hit, HitRows, keyOf } from './hits.tsx';

type Mode = 'words' | 'broadcast';

/** The list is kept in memory; beyond this the reader narrows the query. */
const maxHits = 100_000;

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
  const [text, setText] = useState(query);
  const [chosen, setChosen] = useState<Mode>(mode);
  useEffect(() => setText(query), [query]);
  useEffect(() => setChosen(mode), [mode]);
  const go = (words: string, how: Mode): void => open(words === '' ? '/' : searchPath(words, how));
  const choose = (how: Mode): void => {
    setChosen(how);
    // Results belong to the previous query; an incomplete query is not sent.
    if (query !== '' && text.trim() === query) go(query, how);
  };
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          go(text.trim(), chosen);
        }}
      >
        <label class="grow">
          <span class="unseen">Search the network</span>
          <input
            type="search"
            value={text}
            placeholder="Words of a name"
            autocomplete="off"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Search
        </button>
        <label class="check">
          <input
            type="checkbox"
            checked={chosen === 'broadcast'}
            onChange={(event) => choose(event.currentTarget.checked ? 'broadcast' : 'words')}
          />
          <span>Ask every peer: parts of names, *.pdf, /regular expressions/, hashes</span>
        </label>
      </form>
    </search>
  );
}

function Everything() {
  const { files, failure, more, again } = useFiles(true);
  if (failure !== null) return <Failure failure={failure} again={again} />;
  if (files === null) return null;
  if (files.length === 0) {
    return (
      <Empty title="No file was put into this network yet.">
        <p>
          <a href="/files" onClick={follow}>
            Put one
          </a>
          , or{' '}
          <a href="/shares" onClick={follow}>
            share a folder
          </a>
          . What others share <SharedToo>is listed here</SharedToo>.
        </p>
      </Empty>
    );
  }
  return (
    <>
      <h2>Everybody’s files</h2>
      <p class="found">
        Put into the network. <SharedToo>List shared ones, too</SharedToo>
      </p>
      <Rows
        label="Everybody’s files"
        columns={[
          { title: 'Name', kind: 'name', cell: (file) => <FileName file={file} /> },
          { title: 'Size', kind: 'wide number', cell: ({ size: bytes }) => size(bytes) },
          {
            title: 'Publisher',
            kind: 'wide',
            cell: ({ publisher, publisherName }) =>
              publisher === null ? (
                ''
              ) : (
                <Copyable text={publisher} shown={visible(publisherName ?? '')} what="peer id" />
              ),
          },
          {
            title: 'CID',
            kind: 'widest',
            cell: ({ cid }) => <Copyable text={cid} shown={shortHash(cid)} what="CID" />,
          },
        ]}
        rows={files}
        keyOf={(file) => `${file.name} ${file.publisher} ${file.cid}`}
        more={more}
      />
    </>
  );
}

/** Shares stay at their owners, so every peer is asked. */
function SharedToo({ children }: { readonly children: string }) {
  return (
    <a href={searchPath('*', 'broadcast')} onClick={follow}>
      {children}
    </a>
  );
}

function Hits({ query, mode }: { readonly query: string; readonly mode: Mode }) {
  const { hits, isOver, failure, isBroadcast } = useHits(query, mode);
  return (
    <>
      <p class="found" role="status">
        {isOver ? '' : 'Searching… '}
        {hits.length > 0 || isOver ? counted(hits.length, 'hit') : ''}
      </p>
      <Failure failure={failure} />
      {isBroadcast && mode === 'words' && hits.length > 0 ? (
        <p class="found">No whole word matches, so every peer was asked for parts of names.</p>
      ) : null}
      {isOver && hits.length === 0 && failure === null ? (
        <Empty title={`Nothing found for “${visible(query)}”.`}>
          {isBroadcast ? <p>Every peer was asked for it as a part of names.</p> : null}
        </Empty>
      ) : (
        <HitRows label="Hits" hits={hits} />
      )}
    </>
  );
}

interface Found {
  readonly hits: readonly Hit[];
  readonly isOver: boolean;
  readonly failure: ApiFailure | null;
  /** Every peer was asked, at first or because no word matches. */
  readonly isBroadcast: boolean;
}

/** Starts the query and reads its stream; what arrives within one frame is rendered together. */
function useHits(query: string, mode: Mode): Found {
  const [found, setFound] = useState<Found>({
    hits: [],
    isOver: false,
    failure: null,
    isBroadcast: mode === 'broadcast',
  });
  const gathered = useRef(new Map<string, Hit>());
  useEffect(() => {
    let source: EventSource | null = null;
    let frame = 0;
    let ended = false;
    const show = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setFound((before) => ({ ...before, hits: [...gathered.current.values()].slice(0, maxHits) }));
      });
    };
    const end = (failure: ApiFailure | null, how = mode): void => {
      ended = true;
      source?.close();
      const hits = [...gathered.current.values()].slice(0, maxHits);
      setFound({ hits, isOver: true, failure, isBroadcast: how === 'broadcast' });
    };
    call('POST /api/v1/search', { body: { query, mode, orBroadcast: mode === 'words' } }).then(
      ({ queryId }) => {
        if (ended) return;
        source = new EventSource(`/api/v1/search/${queryId}`);
        source.addEventListener('hit', ({ data }: MessageEvent<string>) => {
          const hit = JSON.parse(data) as Hit;
          gathered.current.set(keyOf(hit), hit);
          show();
        });
        source.addEventListener('end', ({ data }: MessageEvent<string>) => {
          const { mode: how } = JSON.parse(data) as { readonly mode: Mode };
          end(null, how);
        });
        source.onerror = () => end(new ApiFailure(0, 'no-answer', 'The search was cut off. Search again.'));
      },
      (error: ApiFailure) => {
        if (!ended) end(error);
      },
    );
    return () => {
      ended = true;
      source?.close();
      cancelAnimationFrame(frame);
    };
  }, [query, mode]);
  return found;
}
