/** Files as a table: results of a search, or files of one peer. */
import { contentPath } from '../api.ts';
import { Copyable } from '../parts.tsx';
import { follow } from '../route.ts';
import { type Column, Rows } from '../rows.tsx';
import { shortHash, size, visible } from '../shown.ts';

export interface Holder {
  readonly publisher: string;
  readonly publisherName: string;
  /** Null while the publisher is offline. */
  readonly address: string | null;
  readonly shared: boolean;
  readonly live: boolean;
  readonly verified: boolean;
}

export interface Hit {
  readonly name: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly cid: string;
  readonly sha256: string | null;
  readonly publisher: string;
  readonly publisherName: string;
  /** Null while the publisher is offline. */
  readonly address: string | null;
  /** Replicas on the ring, or live sources of a shared file. */
  readonly copies: number | null;
  readonly shared: boolean;
  readonly live: boolean;
  readonly verified: boolean;
  /** All holders, best first. */
  readonly holders: readonly Holder[];
}

interface HitRowsProps {
  readonly label: string;
  readonly hits: readonly Hit[];
  /** Called when the end becomes visible. */
  readonly more?: (() => void) | undefined;
}

export function HitRows({ label, hits, more }: HitRowsProps) {
  return <Rows label={label} columns={columns} rows={hits} keyOf={keyOf} more={more} />;
}

const columns: readonly Column<Hit>[] = [
  {
    title: 'Name',
    kind: 'name',
    cell: (hit) => (
      <>
        <ContentLink name={hit.name} cid={hit.cid} isFolder={hit.type === 'directory'} />
        <span class="beneath">
          {size(hit.size)} · <Source hit={hit} />
        </span>
      </>
    ),
  },
  { title: 'Size', kind: 'wide number', cell: ({ size: bytes }) => size(bytes) },
  { title: 'Copies', kind: 'number', cell: ({ copies }) => copies ?? <span class="soft">–</span> },
  { title: 'Who has it', kind: 'wide', cell: (hit) => <Source hit={hit} /> },
  { title: 'SHA-256', kind: 'wide', cell: (hit) => <Sha256 hit={hit} /> },
  { title: 'CID', kind: 'widest', cell: ({ cid }) => <Copyable text={cid} shown={shortHash(cid)} what="CID" /> },
];

export function keyOf({ name, cid }: Pick<Hit, 'name' | 'cid'>): string {
  return `${name} ${cid}`;
}

interface ContentLinkProps {
  readonly name: string;
  readonly cid: string;
  readonly isFolder: boolean;
}

/** A file is saved under its name; a folder opens in the page. */
export function ContentLink({ name, cid, isFolder }: ContentLinkProps) {
  const wanted = new URLSearchParams({ folder: cid, name });
  if (!isFolder) {
    return (
      <a href={`${contentPath(cid)}?filename=${encodeURIComponent(name)}`} download={name} title={visible(name)}>
        {visible(name)}
      </a>
    );
  }
  return (
    <>
      <a href={`/?${wanted}`} onClick={follow} title={visible(name)}>
        {visible(name)}
      </a>
      <span class="tag">folder</span>
    </>
  );
}

/** As many as fit on a line or two; the rest is in the tooltip. */
const shownHolders = 3;

function Source({ hit }: { readonly hit: Hit }) {
  const live = hit.holders.filter((holder) => holder.live);
  if (live.length === 0) return <span class="bad">no live source</span>;
  const texts = live.map(({ publisherName, shared, verified }) => {
    const who = visible(publisherName);
    return `${shared ? `shared by ${who}` : `the ring, put by ${who}`}${verified ? '' : ' (unverified)'}`;
  });
  const details = live.map(
    ({ publisher, address }, index) => `${texts[index]}: ${publisher}${address === null ? '' : ` at ${address}`}`,
  );
  const rest = texts.length - shownHolders;
  return (
    <span title={details.join('\n')}>
      {texts.slice(0, shownHolders).join(' · ')}
      {rest > 0 ? ` and ${rest} more` : ''}
    </span>
  );
}

function Sha256({ hit }: { readonly hit: Hit }) {
  const { sha256, type } = hit;
  if (sha256 !== null) return <Copyable text={sha256} shown={shortHash(sha256)} what="SHA-256" />;
  return <span class="soft">{type === 'directory' ? '–' : 'not yet'}</span>;
}
