/** Puts files by drag or choice, several at a time, each with its progress. */
import { useRef, useState } from 'preact/hooks';
import { Bar } from '../parts.tsx';
import { rate, size, visible } from '../shown.ts';
import { type Upload, useUploads } from '../uploading.ts';

export function Uploads({ done }: { readonly done: () => void }) {
  const chooser = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const { uploads, add, pause, resume, remove } = useUploads(done);
  return (
    <>
      <section
        aria-label="Put files"
        class={isOver ? 'drop over' : 'drop'}
        onDragOver={(event) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setIsOver(false);
          add([...(event.dataTransfer?.files ?? [])]);
        }}
      >
        <p>
          Drop files here to put them into the network, or{' '}
          <button type="button" class="primary" onClick={() => chooser.current?.click()}>
            Choose files
          </button>
        </p>
        <p class="soft">What is put can be read by every member of the network.</p>
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          aria-label="Files to put"
          onChange={(event) => {
            add([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = '';
          }}
        />
      </section>
      {uploads.length === 0 ? null : (
        <ul class="cards" aria-label="Uploads">
          {uploads.map((upload) => (
            <li key={upload.id} class="card">
              <div>
                <p class="title">{visible(upload.name)}</p>
                {upload.state === 'done' ? null : (
                  <Bar part={upload.size === 0 ? null : upload.sent / upload.size} label={`Upload of ${upload.name}`} />
                )}
                <p class={upload.state === 'failed' ? 'bad' : 'soft'}>{told(upload)}</p>
              </div>
              <p class="actions">
                {upload.state === 'sending' ? (
                  <button type="button" onClick={() => pause(upload.id)}>
                    Pause
                  </button>
                ) : null}
                {upload.state === 'paused' || upload.state === 'failed' ? (
                  <button type="button" onClick={() => resume(upload.id)}>
                    Resume
                  </button>
                ) : null}
                <button type="button" onClick={() => remove(upload.id)}>
                  {upload.state === 'done' ? 'Clear' : 'Cancel'}
                </button>
              </p>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function told({ state, sent, size: bytes, speed, problem, copies }: Upload): string {
  if (state === 'failed') return problem ?? 'It failed.';
  if (state === 'done') return `Put: ${size(bytes)} in ${copies ?? 'several'} copies`;
  if (state === 'storing') return 'All bytes are here; waiting until the copies are durable…';
  if (state === 'paused') return `Paused at ${size(sent)} of ${size(bytes)}`;
  return `${size(sent)} of ${size(bytes)} · ${rate(speed)}`;
}
