/** What one peer publishes and shares, asked of the peer itself, page by page. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Hit } from '../../../src/client/answers.ts';
import { type ApiFailure, call } from '../api.ts';
import { useAnswer } from '../live.ts';
import { Empty, Failure } from '../parts.tsx';
import { shortPeer, visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import { HitRows } from './hits.tsx';

interface Known {
  readonly files: readonly Hit[];
  /** Undefined before the first answer, null at the end. */
  readonly cursor: string | null | undefined;
}

const nothing: Known = { files: [], cursor: undefined };

export function Browsed({ peer }: { readonly peer: string }) {
  const [{ files, cursor }, setKnown] = useState<Known>(nothing);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const { value } = useAnswer('GET /api/v1/peers', {}, 60_000);
  const name = value?.peers.find(({ id }) => id === peer)?.name;
  const asking = useRef(false);
  const more = useCallback(async (): Promise<void> => {
    if (asking.current || cursor === null) return;
    asking.current = true;
    try {
      const query = cursor === undefined ? {} : { cursor };
      const page = await call('GET /api/v1/peers/{id}/files', { path: { id: peer }, query });
      setKnown((before) => ({ files: [...before.files, ...page.files], cursor: page.cursor }));
      setFailure(null);
    } catch (error) {
      setFailure(error as ApiFailure);
    } finally {
      asking.current = false;
    }
  }, [peer, cursor]);
  useEffect(() => {
    if (cursor === undefined) void more();
  }, [more, cursor]);
  const title = text.search.filesOf(name === undefined ? shortPeer(peer) : visible(name));
  return (
    <>
      <h2>{title}</h2>
      <Failure failure={failure} again={() => void more()} />
      {cursor === null && files.length === 0 ? (
        <Empty title={text.search.nothingOf} />
      ) : (
        <HitRows label={title} hits={files} more={cursor === null ? undefined : () => void more()} />
      )}
    </>
  );
}
