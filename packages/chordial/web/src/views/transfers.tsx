/** Puts and gets that the peer carries out itself: progress, rate, and pause, resume, cancel. */

import type { TransferStatus } from '../../../src/client/answers.ts';
import { call, errorWords } from '../api.ts';
import { useAnswer } from '../live.ts';
import { Bar, Detail, Empty, Failure, Moment } from '../parts.tsx';
import { Sentence } from '../sentence.tsx';
import { duration, rate, size, visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import { LimitLine } from './limit.tsx';

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
      <LimitLine />
      <Failure failure={failure} again={again} />
      {transfers?.length === 0 ? (
        <Empty title={text.transfers.empty}>
          <p>{text.transfers.emptyHint}</p>
        </Empty>
      ) : (
        <ul class="cards">
          {transfers?.map((transfer) => (
            <li key={transfer.id} class={`card ${transfer.state}`}>
              <Transfer transfer={transfer} />
              <p class="actions">
                {transfer.state === 'running' ? (
                  <button type="button" onClick={() => void change(transfer.id, 'paused')}>
                    {text.transfers.pause}
                  </button>
                ) : null}
                {isResumable(transfer) ? (
                  <button type="button" onClick={() => void change(transfer.id, 'running')}>
                    {text.transfers.resume}
                  </button>
                ) : null}
                {transfer.state === 'running' || transfer.state === 'paused' ? (
                  <button type="button" class="danger" onClick={() => void cancel(transfer.id)}>
                    {text.transfers.cancel}
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

/** What a stop has interrupted goes on by itself. */
function isResumable({ state, error }: TransferStatus): boolean {
  return state === 'failed' || (state === 'paused' && error?.code !== 'stopped');
}

function Transfer({ transfer }: { readonly transfer: TransferStatus }) {
  const { kind, reference, path, state, bytesDone, bytesTotal, error, note, started } = transfer;
  const name = visible(reference.replace(/^name:/, ''));
  const isOver = state !== 'running' && state !== 'paused';
  return (
    <div>
      <p class="title">
        <span class="tag">{text.transfers.kinds[kind]}</span> {name}
      </p>
      <p class="soft path">{path}</p>
      {isOver ? null : (
        <Bar part={bytesTotal === null || bytesTotal === 0 ? null : bytesDone / bytesTotal} label={name} />
      )}
      <p class="soft">
        {text.transfers.states[state]} ·{' '}
        {bytesTotal === null ? size(bytesDone) : text.transfers.of(size(bytesDone), size(bytesTotal))} ·{' '}
        {state === 'running' ? `${rate(transfer.rate)}${left(transfer)}` : <Moment time={started} />}
      </p>
      {error === null ? null : <Reason code={error.code} detail={error.message} />}
      {note === null ? null : (
        <p class="soft">
          <Sentence {...note} />
        </p>
      )}
    </div>
  );
}

function Reason({ code, detail }: { readonly code: string; readonly detail: string }) {
  const { message, more } = errorWords(code, detail);
  return (
    <p class="bad">
      {message} <Detail detail={more} />
    </p>
  );
}

function left({ bytesDone, bytesTotal, rate: speed }: TransferStatus): string {
  if (bytesTotal === null || speed <= 0) return '';
  return ` · ${text.transfers.left(duration((bytesTotal - bytesDone) / speed))}`;
}
