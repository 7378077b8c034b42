/** Files that this peer has put into the network, and a form to put more. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { FileEntry, FileStat } from '../../../src/client/answers.ts';
import { type ApiFailure, call, callUntil } from '../api.ts';
import { live } from '../live.ts';
import { Copyable, Empty, Failure } from '../parts.tsx';
import { follow } from '../route.ts';
import { type Column, Rows } from '../rows.tsx';
import { duration, moment, shortHash, size, visible } from '../shown.ts';
import { ContentLink } from './hits.tsx';
import { Uploads } from './uploads.tsx';

const pageLength = 1000;

export function FilesView() {
  const { files, failure, more, again } = useFiles(false);
  const remove = async (file: FileEntry): Promise<void> => {
    if (
      file.name === null ||
      !confirm(`Remove ${visible(file.name)} from the network? Its copies are freed on every peer.`)
    )
      return;
    await call('DELETE /api/v1/files/{name}', { path: { name: file.name } });
    again();
  };
  const columns: readonly Column<FileEntry>[] = [
    { title: 'Name', kind: 'name', cell: (file) => <FileName file={file} /> },
    { title: 'Size', kind: 'wide number', cell: ({ size: bytes }) => size(bytes) },
    { title: 'Copies', kind: 'number', cell: (file) => <Copies file={file} /> },
    {
      title: 'Put',
      kind: 'wide',
      cell: ({ time }) => (time === null ? '' : <time dateTime={time}>{moment(time)}</time>),
    },
    { title: 'CID', kind: 'widest', cell: ({ cid }) => <Copyable text={cid} shown={shortHash(cid)} what="CID" /> },
    {
      title: 'Actions',
      kind: 'actions',
      cell: (file) => (
        <>
          <a class="button wide" href={`/ring?file=${encodeURIComponent(file.name ?? file.cid)}`} onClick={follow}>
            Show on ring
          </a>
          <button type="button" class="danger" aria-label={`Remove ${file.name}`} onClick={() => void remove(file)}>
            Remove
          </button>
        </>
      ),
    },
  ];
  return (
    <>
      <Uploads done={again} />
      <Failure failure={failure} again={again} />
      {files === null ? null : files.length === 0 ? (
        <Empty title="You have put no files into the network yet.">
          <p>
            Drop files above, or run: chordial put FILE. They are kept on several peers and stay when this one leaves.
          </p>
        </Empty>
      ) : (
        <Rows
          label="My files"
          columns={columns}
          rows={files}
          keyOf={(file) => `${file.name} ${file.cid}`}
          more={more}
        />
      )}
    </>
  );
}

export function FileName({ file }: { readonly file: Pick<FileEntry, 'name' | 'cid' | 'size' | 'type' | 'expiry'> }) {
  const shown = file.name ?? file.cid;
  const until = file.expiry === null ? null : `until ${moment(file.expiry)}`;
  return (
    <>
      <ContentLink name={shown} cid={file.cid} isFolder={file.type === 'directory'} />
      {until === null ? null : <span class="tag wide">{until}</span>}
      <span class="beneath">
        {size(file.size)}
        {until === null ? '' : ` · ${until}`}
      </span>
    </>
  );
}

/** Counted by asking the holders, so only when the row becomes visible. */
function Copies({ file }: { readonly file: FileEntry }) {
  const [stat, setStat] = useState<FileStat | null>(null);
  useEffect(() => {
    const ending = new AbortController();
    if (file.name !== null) {
      callUntil(ending.signal, 'GET /api/v1/files/{name}/stat', { path: { name: file.name } }).then(
        setStat,
        () => undefined,
      );
    }
    return () => ending.abort();
  }, [file.name, file.cid]);
  if (stat === null) return <span class="soft">…</span>;
  const holders = stat.holders.map(({ address }) => address).join(', ');
  return (
    <span class={stat.copies < 2 ? 'bad' : undefined} title={`Held by ${holders}. Put ${age(stat)} ago.`}>
      {stat.copies}
    </span>
  );
}

function age({ time }: FileStat): string {
  return time === null ? 'some time' : duration((Date.now() - Date.parse(time)) / 1000);
}

interface KnownFiles {
  readonly files: readonly FileEntry[] | null;
  readonly failure: ApiFailure | null;
  readonly more: (() => void) | undefined;
  readonly again: () => void;
}

/** Page by page as the reader scrolls; reloaded when a file was published or removed. */
export function useFiles(all: boolean): KnownFiles {
  const [files, setFiles] = useState<readonly FileEntry[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const asking = useRef(false);

  const ask = useCallback(
    async (from: string | null, before: readonly FileEntry[]): Promise<void> => {
      if (asking.current) return;
      asking.current = true;
      try {
        const cursorPart = from === null ? {} : { cursor: from };
        const page = await call('GET /api/v1/files', { query: { all, limit: pageLength, ...cursorPart } });
        setFiles([...before, ...page.files]);
        setCursor(page.cursor);
        setFailure(null);
      } catch (error) {
        setFailure(error as ApiFailure);
      } finally {
        asking.current = false;
      }
    },
    [all],
  );
  const again = useCallback(() => void ask(null, []), [ask]);

  useEffect(() => {
    again();
    return live.listen(() => {
      const kind = live.events[0]?.kind;
      if (kind === 'published' || kind === 'removed') again();
    });
  }, [again]);

  const more = useCallback(() => {
    if (cursor !== null && files !== null) void ask(cursor, files);
  }, [ask, cursor, files]);
  return { files, failure, more: cursor === null ? undefined : more, again };
}
