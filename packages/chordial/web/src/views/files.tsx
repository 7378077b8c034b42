/** Files that this peer has put into the network, and a form to put more. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { callUntil } from '../api.ts';
import { itemOfFile } from '../item.ts';
import { live } from '../live.ts';
import { onDemand } from '../on-demand.tsx';
import { rowsPerPage } from '../pages.ts';
import { Empty } from '../parts.tsx';
import { text } from '../strings/text.ts';
import { ItemList } from './hits.tsx';
import { Uploads } from './uploads.tsx';

const LinksLine = onDemand(async () => (await import('./links.tsx')).LinksLine, 'quiet');

export function FilesView() {
  const [renewed, renew] = useRenewed();
  const [linksMade, setLinksMade] = useState(0);
  return (
    <>
      <Uploads done={renew} />
      <LinksLine renewed={linksMade} />
      <ItemList
        label={text.files.label}
        list="own"
        load={loadFiles(false)}
        renewed={renewed}
        hasPublishers={false}
        linkMade={() => setLinksMade(linksMade + 1)}
        empty={() => (
          <Empty title={text.files.empty}>
            <p>{text.files.emptyHint}</p>
          </Empty>
        )}
      />
    </>
  );
}

/** Of this peer, or of all. */
export function loadFiles(all: boolean): NonNullable<Parameters<typeof ItemList>[0]['load']> {
  return async (wish, skip, signal) => {
    const query = { all, skip, limit: rowsPerPage, ...wish };
    const { files, total, counts } = await callUntil(signal, 'GET /api/v1/files', { query });
    return { rows: files.map(itemOfFile), total: total ?? files.length, counts };
  };
}

/** A number that changes when a file was published or removed, and a way to change it. */
export function useRenewed(): readonly [number, () => void] {
  const [renewed, setRenewed] = useState(0);
  const renew = useCallback(() => setRenewed((count) => count + 1), []);
  useEffect(
    () =>
      live.listen(() => {
        const kind = live.events[0]?.kind;
        if (kind === 'published' || kind === 'removed') renew();
      }),
    [],
  );
  return [renewed, renew];
}
