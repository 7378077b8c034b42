/** The contents of a folder, each file with its own link. */
import { useEffect, useState } from 'preact/hooks';
import { type ApiFailure, contentPath, send } from '../api.ts';
import { Empty, Failure } from '../parts.tsx';
import { follow } from '../route.ts';
import { type Column, Rows } from '../rows.tsx';
import { counted, size, visible } from '../shown.ts';
import { ContentLink } from './hits.tsx';

interface Entry {
  readonly path: string;
  readonly cid: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
}

interface Listing {
  readonly size: number;
  readonly entries: readonly Entry[];
}

export function Folder({ cid, name }: { readonly cid: string; readonly name: string }) {
  const [listing, setListing] = useState<Listing | null>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  useEffect(() => {
    const ending = new AbortController();
    setListing(null);
    setFailure(null);
    send<Listing>('GET', contentPath(cid), undefined, ending.signal).then(setListing, (error: ApiFailure) => {
      if (!ending.signal.aborted) setFailure(error);
    });
    return () => ending.abort();
  }, [cid]);
  const files = listing?.entries.filter(({ type }) => type === 'file') ?? null;
  return (
    <>
      <h2>{visible(name)}</h2>
      <p class="found" role="status">
        {files === null || listing === null
          ? 'Reading the folder…'
          : `${counted(files.length, 'file')} · ${size(listing.size)} · all of it: `}
        {files === null ? null : <code>chordial get {cid}</code>}
      </p>
      <Failure failure={failure} />
      {files === null ? null : files.length === 0 ? (
        <Empty title="This folder is empty.">
          <p>
            <a href="/" onClick={follow}>
              Back to everybody’s files
            </a>
          </p>
        </Empty>
      ) : (
        <Rows label={`Files in ${name}`} columns={columns} rows={files} keyOf={({ path }) => path} />
      )}
    </>
  );
}

const columns: readonly Column<Entry>[] = [
  {
    title: 'Name',
    kind: 'name',
    cell: ({ path, cid, size: bytes }) => (
      <>
        <ContentLink name={lastPart(path)} cid={cid} isFolder={false} />
        <span class="beneath">
          {size(bytes)} {visible(parentOf(path))}
        </span>
      </>
    ),
  },
  { title: 'Folder', kind: 'wide name', cell: ({ path }) => <span class="soft">{visible(parentOf(path))}</span> },
  { title: 'Size', kind: 'wide number', cell: ({ size: bytes }) => size(bytes) },
];

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
