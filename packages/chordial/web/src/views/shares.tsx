/** Folders of this machine that are shared in place with everyone in the network. */
import { useState } from 'preact/hooks';
import type { Share } from '../../../src/client/answers.ts';
import { type ApiFailure, call } from '../api.ts';
import { useAnswer } from '../live.ts';
import { Bar, Empty, Failure } from '../parts.tsx';
import { counted, size, visible } from '../shown.ts';

export function SharesView() {
  const { value, failure, again } = useAnswer('GET /api/v1/shares', {}, 3000);
  const [path, setPath] = useState('');
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
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          void change('POST', path);
        }}
      >
        <label class="grow">
          <span>Folder on the machine of this peer</span>
          <input
            type="text"
            required
            value={path}
            placeholder="the whole path, such as /srv/music"
            onInput={(event) => setPath(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Share
        </button>
      </form>
      <Failure failure={refusal ?? failure} again={again} />
      {value?.shares.length === 0 ? (
        <Empty title="No folder is shared yet.">
          <p>
            A shared folder stays on your disk. Its files are found by everybody in the network and fetched straight
            from here, for as long as this peer runs. Write the whole path of a folder above, or run: chordial share
            FOLDER.
          </p>
        </Empty>
      ) : (
        <ul class="cards">
          {value?.shares.map((share) => (
            <li key={share.path} class="card">
              <div>
                <p class="title path">{visible(share.path)}</p>
                <p class="soft">
                  {counted(share.files, 'file')} · {size(share.bytes)} · {told(share)}
                </p>
                <LeftOut share={share} />
                {share.state === 'indexing' ? (
                  <Bar part={share.files === 0 ? null : share.indexed / share.files} label={`Indexing ${share.path}`} />
                ) : null}
              </div>
              <p class="actions">
                <button type="button" class="danger" onClick={() => void change('DELETE', share.path)}>
                  Stop sharing
                </button>
              </p>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function LeftOut({ share: { unreadable, changing, leftOut } }: { readonly share: Share }) {
  if (leftOut.length === 0) return null;
  const parts = [
    ...(unreadable === 0 ? [] : [`${counted(unreadable, 'file or folder', 'files and folders')} left out`]),
    ...(changing === 0 ? [] : [`${counted(changing, 'file')} changing`]),
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
  if (state === 'missing') return 'not there now: is the disk mounted?';
  if (state === 'indexing') return `${indexed.toLocaleString('en')} of them indexed`;
  if (announced < indexed) return `others find ${announced.toLocaleString('en')} of them so far`;
  return 'up to date, changes are watched';
}
