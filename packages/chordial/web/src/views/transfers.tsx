/** Puts and gets that the peer carries out itself: progress, rate, and pause, resume, cancel. */

import type { TransferStatus } from '../../../src/client/answers.ts';
import { call } from '../api.ts';
import { useAnswer } from '../live.ts';
import { Bar, Empty, Failure } from '../parts.tsx';
import { duration, moment, rate, size, visible } from '../shown.ts';

export function TransfersView() {
  const { value, failure, again } = useAnswer('GET /api/v1/transfers', {}, 1000);
  const change = async (id: string, state: 'paused' | 'running'): Promise<void> => {
    await call('PATCH /api/v1/transfers/{id}', { path: { id }, body: { state } });
    again();
  };
  const cancel = async (id: string): Promise<void> => {
    await call('DELETE /api/v1/transfers/{id}', { path: { id } });
    again();
  };
  const transfers = value?.transfers.toSorted((a, b) => b.started.localeCompare(a.started)) ?? null;
  return (
    <>
      <Failure failure={failure} again={again} />
      {transfers?.length === 0 ? (
        <Empty title="No transfers yet.">
          <p>Puts and gets of files show here while they run: chordial put FILE, chordial get NAME.</p>
        </Empty>
      ) : (
        <ul class="cards">
          {transfers?.map((transfer) => (
            <li key={transfer.id} class={`card ${transfer.state}`}>
              <Transfer transfer={transfer} />
              <p class="actions">
                {transfer.state === 'running' ? (
                  <button type="button" onClick={() => void change(transfer.id, 'paused')}>
                    Pause
                  </button>
                ) : null}
                {transfer.state === 'paused' || transfer.state === 'failed' ? (
                  <button type="button" onClick={() => void change(transfer.id, 'running')}>
                    Resume
                  </button>
                ) : null}
                {transfer.state === 'running' || transfer.state === 'paused' ? (
                  <button type="button" class="danger" onClick={() => void cancel(transfer.id)}>
                    Cancel
                  </button>
                ) : null}
              </p>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Transfer({ transfer }: { readonly transfer: TransferStatus }) {
  const { kind, reference, path, state, bytesDone, bytesTotal, error, started } = transfer;
  const name = visible(reference.replace(/^name:/, ''));
  const isOver = state !== 'running' && state !== 'paused';
  return (
    <div>
      <p class="title">
        <span class="tag">{kind}</span> {name}
      </p>
      <p class="soft path">{path}</p>
      {isOver ? null : (
        <Bar part={bytesTotal === null || bytesTotal === 0 ? null : bytesDone / bytesTotal} label={name} />
      )}
      <p class="soft">
        {state} · {size(bytesDone)}
        {bytesTotal === null ? '' : ` of ${size(bytesTotal)}`}
        {state === 'running' ? ` · ${rate(transfer.rate)}${left(transfer)}` : ` · ${moment(started)}`}
      </p>
      {error === null ? null : <p class="bad">{error.message}</p>}
    </div>
  );
}

function left({ bytesDone, bytesTotal, rate: speed }: TransferStatus): string {
  if (bytesTotal === null || speed <= 0) return '';
  return ` · ${duration((bytesTotal - bytesDone) / speed)} left`;
}
