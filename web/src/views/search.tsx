/** One box over the whole network; hits show as they arrive. An empty box lists everybody's files. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure, call, contentPath } from '../api.ts';
import { Copyable, Empty, Failure } from '../parts.tsx';
import { open, useAddress } from '../route.ts';
import { type Column, Rows } from '../rows.tsx';
import { counted, shortHash, shortPeer, size } from '../shown.ts';
import { FileName, useFiles } from './files.tsx';

export interface Hit {
  readonly name: string;
  readonly size: number;
  readonly cid: string;
  readonly sha256: string | null;
  readonly publisher: string;
  /** Null while the publisher is not here. */
  readonly address: string | null;
  /** Copies on the ring, or live sources of a shared file. */
  readonly copies: number | null;
  readonly shared: boolean;
  readonly live: boolean;
}

type Mode = 'words' | 'broadcast';

/** The list is kept in memory; beyond, the reader narrows the query. */
const maximumHits = 100_000;

export function SearchView() {
  const address = useAddress();
  const query = address.searchParams.get('q') ?? '';
  const mode: Mode = address.searchParams.get('mode') === 'broadcast' ? 'broadcast' : 'words';
  return (
    <>
      <SearchBox query={query} mode={mode} />
      {query === '' ? <Everything /> : <Hits key={`${mode} ${query}`} query={query} mode={mode} />}
    </>
  );
}

function SearchBox({ query, mode }: { readonly query: string; readonly mode: Mode }) {
  const [text, setText] = useState(query);
  const [chosen, setChosen] = useState<Mode>(mode);
  useEffect(() => setText(query), [query]);
  const go = (words: string, how: Mode): void => {
    const wanted = new URLSearchParams(words === '' ? {} : { q: words, ...(how === 'words' ? {} : { mode: how }) });
    open(words === '' ? '/' : `/?${wanted}`);
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
            placeholder="Search the whole network"
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
            onChange={(event) => setChosen(event.currentTarget.checked ? 'broadcast' : 'words')}
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
      <Empty title="There are no files in this network yet.">
        <p>
          <a href="/files">Put one</a>, or share a folder: <a href="/shares">Shares</a>.
        </p>
      </Empty>
    );
  }
  return (
    <>
      <h2>Everybody’s files</h2>
      <Rows
        label="Everybody’s files"
        columns={[
          { title: 'Name', kind: 'name', cell: (file) => <FileName file={file} /> },
          { title: 'Size', kind: 'wide number', cell: ({ size: bytes }) => size(bytes) },
          {
            title: 'Publisher',
            kind: 'wide',
            cell: ({ publisher }) =>
              publisher === null ? '' : <Copyable text={publisher} shown={shortPeer(publisher)} what="peer id" />,
          },
          { title: 'CID', kind: 'wide', cell: ({ cid }) => <Copyable text={cid} shown={shortHash(cid)} what="CID" /> },
        ]}
        rows={files}
        keyOf={(file) => `${file.name} ${file.publisher} ${file.cid}`}
        more={more}
      />
    </>
  );
}

function Hits({ query, mode }: { readonly query: string; readonly mode: Mode }) {
  const { hits, isOver, failure } = useHits(query, mode);
  return (
    <>
      <p class="found" role="status">
        {isOver ? '' : 'Searching… '}
        {hits.length > 0 || isOver ? counted(hits.length, 'hit') : ''}
      </p>
      <Failure failure={failure} />
      {isOver && hits.length === 0 && failure === null ? (
        <Empty title={`Nothing found for “${query}”.`}>
          {mode === 'words' ? <p>Words are matched whole. To look for parts of names, ask every peer.</p> : null}
        </Empty>
      ) : (
        <Rows label="Hits" columns={hitColumns} rows={hits} keyOf={keyOf} />
      )}
    </>
  );
}

const hitColumns: readonly Column<Hit>[] = [
  {
    title: 'Name',
    kind: 'name',
    cell: (hit) => (
      <>
        <a href={`${contentPath(hit.cid)}?filename=${encodeURIComponent(hit.name)}`} download={hit.name}>
          {hit.name}
        </a>
        <span class="beneath">{size(hit.size)}</span>
      </>
    ),
  },
  { title: 'Size', kind: 'wide number', cell: ({ size: bytes }) => size(bytes) },
  { title: 'Copies', kind: 'number', cell: ({ copies }) => (copies === null ? '' : copies) },
  {
    title: 'Who has it',
    kind: 'wide',
    cell: ({ address, publisher, shared, live }) => {
      if (!live) return <span class="bad">no live source</span>;
      const who = address ?? shortPeer(publisher);
      return shared ? `shared by ${who}` : `the ring, put by ${who}`;
    },
  },
  {
    title: 'SHA-256',
    kind: 'wide',
    cell: ({ sha256 }) =>
      sha256 === null ? (
        <span class="soft">not yet</span>
      ) : (
        <Copyable text={sha256} shown={shortHash(sha256)} what="SHA-256" />
      ),
  },
  { title: 'CID', kind: 'wide', cell: ({ cid }) => <Copyable text={cid} shown={shortHash(cid)} what="CID" /> },
];

function keyOf({ name, cid, publisher, address }: Hit): string {
  return `${name} ${cid} ${publisher} ${address}`;
}

interface Found {
  readonly hits: readonly Hit[];
  readonly isOver: boolean;
  readonly failure: ApiFailure | null;
}

/** Starts the query and gathers its stream; what arrives within one frame is drawn at once. */
function useHits(query: string, mode: Mode): Found {
  const [found, setFound] = useState<Found>({ hits: [], isOver: false, failure: null });
  const gathered = useRef<Hit[]>([]);
  useEffect(() => {
    let source: EventSource | null = null;
    let frame = 0;
    let ended = false;
    const show = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setFound((before) => ({ ...before, hits: gathered.current.slice(0, maximumHits) }));
      });
    };
    const end = (failure: ApiFailure | null): void => {
      ended = true;
      source?.close();
      setFound({ hits: gathered.current.slice(0, maximumHits), isOver: true, failure });
    };
    call('POST /api/v1/search', { body: { query, mode } }).then(
      ({ queryId }) => {
        if (ended) return;
        source = new EventSource(`/api/v1/search/${queryId}`);
        source.addEventListener('hit', ({ data }: MessageEvent<string>) => {
          gathered.current.push(JSON.parse(data) as Hit);
          show();
        });
        source.addEventListener('end', () => end(null));
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
