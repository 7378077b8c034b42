/** Folders of this machine that are shared in place with everyone in the network. */
import { useState } from 'preact/hooks';
import type { Share } from '../../../src/client/answers.ts';
import { type ApiFailure, call } from '../api.ts';
import { useAnswer } from '../live.ts';
import { locale } from '../locale.ts';
import { Bar, Empty, Failure } from '../parts.tsx';
import { everythingPath, follow } from '../route.ts';
import { size, visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import { FolderPicker } from './picker.tsx';

export function SharesView() {
  const { value, failure, again } = useAnswer('GET /api/v1/shares', {}, 3000);
  const [path, setPath] = useState('');
  const [isPicking, setPicking] = useState(false);
  const [refusal, setRefusal] = useState<ApiFailure | null>(null);
  const change = async (method: 'POST' | 'DELETE', folder: string): Promise<void> => {
    try {
      await call(`${method} /api/v1/shares`, { body: { path: folder } });
      setRefusal(null);
      if (method === 'POST') setPath('');
      again();
    } catch (error) {
      setRefusal(error as ApiFailure);
    }
  };
  return (
    <>
      <form
        class="line stacked"
        onSubmit={(event) => {
          event.preventDefault();
          void change('POST', path);
        }}
      >
        <label class="grow">
          <span>{text.shares.path}</span>
          <input
            type="text"
            required
            value={path}
            placeholder={text.shares.placeholder}
            onInput={(event) => setPath(event.currentTarget.value)}
          />
        </label>
        <button type="button" onClick={() => setPicking(true)}>
          {text.shares.choose}
        </button>
        <button type="submit" class="primary">
          {text.shares.share}
        </button>
      </form>
      {isPicking ? (
        <FolderPicker
          title={text.shares.chooseTitle}
          start={path}
          choose={text.shares.share}
          picked={(folder) => {
            setPicking(false);
            setPath(folder);
            void change('POST', folder);
          }}
          closed={() => setPicking(false)}
        />
      ) : null}
      <Failure failure={refusal ?? failure} again={again} />
      {value?.shares.length === 0 ? (
        <Empty title={text.shares.none}>
          <p>{text.shares.empty}</p>
        </Empty>
      ) : (
        <ul class="cards">
          {value?.shares.map((share) => (
            <li key={share.path} class="card">
              <div>
                <p class="title path">{visible(share.path)}</p>
                <p class="soft">
                  {text.shares.files(share.files)} · {size(share.bytes)} · {told(share)}
                </p>
                <LeftOut share={share} />
                {share.state === 'indexing' ? (
                  <Bar
                    part={share.files === 0 ? null : share.indexed / share.files}
                    label={text.shares.indexing(visible(share.path))}
                  />
                ) : null}
              </div>
              <p class="actions">
                <button
                  type="button"
                  class="danger"
                  aria-label={text.shares.stopOf(visible(share.path))}
                  onClick={() => void change('DELETE', share.path)}
                >
                  {text.shares.stop}
                </button>
              </p>
            </li>
          ))}
        </ul>
      )}
      <p>
        <a href={everythingPath} onClick={follow}>
          {text.shares.ofOthers}
        </a>
      </p>
    </>
  );
}

function LeftOut({ share: { unreadable, changing, leftOut } }: { readonly share: Share }) {
  if (leftOut.length === 0) return null;
  const parts = [
    ...(unreadable === 0 ? [] : [text.shares.leftOut(unreadable)]),
    ...(changing === 0 ? [] : [text.shares.changing(changing)]),
  ];
  return (
    <details class="bad">
      <summary>{parts.join(', ')}</summary>
      <ul>
        {leftOut.map(({ path, why }) => (
          <li key={path}>
            <span class="path">{path}</span>: {why}
          </li>
        ))}
      </ul>
    </details>
  );
}

function told({ state, indexed, announced }: Share): string {
  if (state === 'missing') return text.shares.missing;
  if (state === 'indexing') return text.shares.indexed(indexed.toLocaleString(locale));
  if (announced < indexed) return text.shares.announced(announced.toLocaleString(locale));
  return text.shares.upToDate;
}
