/** All about one content: who has it, where its copies are, its ids. */
import { useEffect, useState } from 'preact/hooks';
import type { FileStat, Hit } from '../../../src/client/answers.ts';
import { call, callUntil } from '../api.ts';
import type { Holder, Item } from '../item.ts';
import { Copyable, Dialog, PeerName } from '../parts.tsx';
import { exactly, moment, size, visible } from '../shown.ts';
import { text } from '../strings/text.ts';

interface DetailsProps {
  readonly item: Item;
  readonly copies: number | null;
  readonly closed: () => void;
}

export function Details({ item, closed }: DetailsProps) {
  const { name, kind, time, expiry, sha256, cid } = item;
  return (
    <Dialog title={visible(name)} closed={closed}>
      <dl>
        <dt>{text.list.size}</dt>
        <dd>{size(item.size)}</dd>
        <dt>{text.details.kind}</dt>
        <dd>{text.details.kinds[kind]}</dd>
        {time === null ? null : (
          <>
            <dt>{text.list.date}</dt>
            <dd>{exactly(time)}</dd>
          </>
        )}
        {expiry === null ? null : (
          <>
            <dt>{text.details.expiry}</dt>
            <dd>{moment(expiry)}</dd>
          </>
        )}
      </dl>
      <WhoHasIt item={item} />
      <h3>{text.details.ids}</h3>
      <dl>
        <dt>CID</dt>
        <dd>
          <Copyable text={cid} shown={cid} what="CID" />
        </dd>
        {kind === 'folder' ? null : (
          <>
            <dt>SHA-256</dt>
            <dd>{sha256 === null ? text.details.noHash : <Copyable text={sha256} shown={sha256} what="SHA-256" />}</dd>
          </>
        )}
      </dl>
    </Dialog>
  );
}

/** Copies on the ring, and every peer that shares it, which is asked for. */
export function WhoHasIt({ item }: { readonly item: Pick<Item, 'cid' | 'holders'> }) {
  const { cid } = item;
  const [stat, setStat] = useState<FileStat | null>(null);
  useEffect(() => {
    const ending = new AbortController();
    setStat(null);
    callUntil(ending.signal, 'GET /api/v1/content/{cid}/stat', { path: { cid } }).then(setStat, () => undefined);
    return () => ending.abort();
  }, [cid]);
  const { hits, isOver } = useFound(cid);
  const found = hits.find((hit) => hit.cid === cid)?.holders ?? [];
  const all = new Map<string, Holder>();
  for (const one of [...item.holders, ...found]) all.set(`${one.publisher} ${one.shared} ${one.name}`, one);
  const holders = [...all.values()];
  const sharers = holders.filter(({ shared }) => shared);
  const publishers = holders.filter(({ shared }) => !shared);
  const keepers = (stat?.holders ?? []).filter(({ id }) => !sharers.some(({ publisher }) => publisher === id));
  return (
    <section class="who" aria-label={text.list.holders} aria-busy={!isOver}>
      {publishers.length === 0 ? null : (
        <>
          <h3>
            {text.details.onRing} {stat === null ? '' : text.details.copies(stat.copies, stat.cached)}
          </h3>
          <ul>
            {keepers.map(({ id, name, zone }) => (
              <li key={id}>
                <PeerName id={id} name={name} /> {zone === null ? null : <span class="tag">{visible(zone)}</span>}
              </li>
            ))}
          </ul>
          <p class="soft">
            {text.details.putBy} <People holders={publishers} />
          </p>
        </>
      )}
      {sharers.length === 0 ? null : (
        <>
          <h3>{text.details.sharedBy}</h3>
          <ul>
            {sharers.map((one) => (
              <li key={`${one.publisher} ${one.name}`}>
                <PeerName id={one.publisher} name={one.publisherName} />{' '}
                {one.live ? null : <span class="bad">{text.details.away}</span>}
                {one.name === '' ? null : <span class="soft">{visible(one.name)}</span>}
              </li>
            ))}
          </ul>
        </>
      )}
      {isOver ? null : <p class="soft">{text.details.asking}</p>}
    </section>
  );
}

function People({ holders }: { readonly holders: readonly Holder[] }) {
  return (
    <>
      {holders.map(({ publisher, publisherName, name, verified }, place) => (
        <span key={`${publisher} ${name}`}>
          {place === 0 ? '' : ', '}
          <PeerName id={publisher} name={publisherName} />
          {verified ? '' : ` ${text.details.unverified}`} {text.details.as(visible(name))}
        </span>
      ))}
    </>
  );
}

const askMilliseconds = 400;
/** Who has one content: more rows are of other ones. */
const maxFound = 20;

interface Found {
  readonly hits: readonly Hit[];
  readonly isOver: boolean;
}

/** Asks every peer for a name, a hash or a CID. */
function useFound(query: string): Found {
  const [found, setFound] = useState<Found>({ hits: [], isOver: false });
  useEffect(() => {
    let isEnded = false;
    setFound({ hits: [], isOver: false });
    const ask = async (): Promise<void> => {
      try {
        const { queryId } = await call('POST /api/v1/search', { body: { query, mode: 'broadcast' } });
        while (!isEnded) {
          const given = { path: { queryId }, query: { limit: maxFound } };
          const { hits, state } = await call('GET /api/v1/search/{queryId}', given);
          if (isEnded) return;
          setFound({ hits, isOver: state !== 'running' });
          if (state !== 'running') return;
          await new Promise((resolve) => setTimeout(resolve, askMilliseconds));
        }
      } catch {
        if (!isEnded) setFound((before) => ({ ...before, isOver: true }));
      }
    };
    void ask();
    return () => {
      isEnded = true;
    };
  }, [query]);
  return found;
}
