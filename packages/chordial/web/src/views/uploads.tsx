/** Puts what the reader chooses, drops anywhere, pastes or shares from another program; the tray shows the progress in every view. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type GivenItems, givenBy, givenByChooser, hasFiles, isAnyGiven } from '../given-files.ts';
import { useAnswer } from '../live.ts';
import { Bar, Dialog, isTouched } from '../parts.tsx';
import { takeShared, watchShares } from '../share-target.ts';
import { Shared, useShared } from '../shared.ts';
import { percent, rate, size, visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import {
  clearDone,
  isUnderWay,
  pauseUpload,
  removeUpload,
  resumeUpload,
  type Upload,
  upload,
  uploads,
} from '../uploading.ts';

/** Given, and not put before the reader says so. */
const offered = new Shared<GivenItems | null>(null);
/** Why what was given cannot be put. */
const refused = new Shared<string | null>(null);
/** Named in the question whether to put them. */
const maxNamed = 5;

/** The form of the view of files. */
export function Uploads({ done }: { readonly done: () => void }) {
  const chooser = useRef<HTMLInputElement>(null);
  const { value } = useAnswer('GET /api/v1/settings', {}, 60_000);
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isSealed =
    chosen ?? value?.settings.some(({ name, value: set }) => name === 'sealed' && set === 'true') ?? false;
  const finished = useShared(uploads).filter(({ state }) => state === 'done').length;
  useEffect(() => {
    if (finished > 0) done();
  }, [finished]);
  const choose = (isFolder: boolean): void => {
    if (chooser.current === null) return;
    chooser.current.webkitdirectory = isFolder;
    chooser.current.click();
  };
  return (
    <section aria-label={text.uploads.label} class="drop">
      <p>
        {isTouched ? null : text.uploads.dropAnywhere}
        <span class="line">
          <button type="button" class="primary" onClick={() => choose(false)}>
            {text.uploads.chooseFiles}
          </button>
          <button type="button" onClick={() => choose(true)}>
            {text.uploads.chooseFolder}
          </button>
        </span>
      </p>
      <p>
        <label>
          <input type="checkbox" checked={isSealed} onChange={(event) => setChosen(event.currentTarget.checked)} />{' '}
          {text.uploads.sealed}
        </label>
      </p>
      <p class="soft">{isSealed ? text.uploads.whoSealed : text.uploads.whoPlain}</p>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        aria-label={text.uploads.label}
        onChange={(event) => {
          upload(givenByChooser([...(event.currentTarget.files ?? [])]), isSealed);
          event.currentTarget.value = '';
        }}
      />
    </section>
  );
}

/** The whole page takes what is dropped or pasted, in every view. */
export function DropAnywhere() {
  const [over, setOver] = useState<'plain' | 'sealed' | null>(null);
  const items = useShared(offered);
  const problem = useShared(refused);
  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    // What is dragged out of the page itself is not put.
    let isOwn = false;
    const given = (event: DragEvent) => !isOwn && event.dataTransfer !== null && hasFiles(event.dataTransfer);
    const sideOf = ({ target }: DragEvent) =>
      target instanceof Element && target.closest('[data-sealed]') !== null ? 'sealed' : 'plain';
    addEventListener('dragstart', () => (isOwn = true), { signal });
    addEventListener('dragend', () => (isOwn = false), { signal });
    addEventListener(
      'dragover',
      (event) => {
        if (!given(event)) return;
        event.preventDefault();
        setOver(sideOf(event));
      },
      { signal },
    );
    addEventListener(
      'dragleave',
      (event) => {
        if (event.relatedTarget === null) setOver(null);
      },
      { signal },
    );
    addEventListener(
      'drop',
      (event) => {
        setOver(null);
        if (!given(event) || event.dataTransfer === null) return;
        event.preventDefault();
        const isSealed = sideOf(event) === 'sealed';
        taken(givenBy(event.dataTransfer), (dropped) => upload(dropped, isSealed));
      },
      { signal },
    );
    addEventListener(
      'paste',
      ({ clipboardData }) => {
        if (clipboardData !== null && hasFiles(clipboardData)) taken(givenBy(clipboardData), offer);
      },
      { signal },
    );
    addEventListener(
      'beforeunload',
      (event) => {
        if (uploads.value.some(isUnderWay)) event.preventDefault();
      },
      { signal },
    );
    watchShares();
    taken(takeShared(), offer);
    return () => end.abort();
  }, []);
  return (
    <>
      {over === null ? null : (
        <div class="drop-over" role="status">
          <div class={over === 'plain' ? 'over' : undefined}>
            <p class="title">{text.uploads.dropPlain}</p>
            <p>{text.uploads.whoPlain}</p>
          </div>
          <div data-sealed class={over === 'sealed' ? 'over' : undefined}>
            <p class="title">{text.uploads.dropSealed}</p>
            <p>{text.uploads.whoSealed}</p>
          </div>
        </div>
      )}
      {items === null ? null : <Offer items={items} />}
      {problem === null ? null : (
        <Dialog title={text.uploads.notTaken} closed={() => refused.set(null)}>
          <p>{problem}</p>
        </Dialog>
      )}
      <Tray />
    </>
  );
}

function offer(items: GivenItems): void {
  offered.set(items);
}

function taken(given: Promise<GivenItems>, take: (items: GivenItems) => void): void {
  given.then(
    (items) => {
      if (isAnyGiven(items)) take(items);
    },
    (error: unknown) => {
      const isTooMany = error instanceof RangeError;
      refused.set(isTooMany ? text.uploads.tooMany(Number(error.message)) : text.uploads.unreadable);
    },
  );
}

/** A paste happens by mistake, and any page may have begun a share: the reader decides. */
function Offer({ items: { files, folders } }: { readonly items: GivenItems }) {
  const all = [...folders, ...files];
  const put = (isSealed: boolean): void => {
    upload({ files, folders }, isSealed);
    offered.set(null);
  };
  return (
    <Dialog title={text.uploads.offer} closed={() => offered.set(null)}>
      <ul>
        {all.slice(0, maxNamed).map((one, place) => (
          <li key={place}>
            {visible(one.name)} <span class="soft">{size(one.size)}</span>
          </li>
        ))}
        {all.length > maxNamed ? <li class="soft">{text.uploads.more(all.length - maxNamed)}</li> : null}
      </ul>
      <p class="actions">
        <button type="button" class="primary" onClick={() => put(false)}>
          {text.uploads.putPlain}
        </button>
        {folders.length > 0 ? null : (
          <button type="button" onClick={() => put(true)}>
            {text.uploads.putSealed}
          </button>
        )}
      </p>
      <p class="soft">{text.uploads.whoPlain}</p>
    </Dialog>
  );
}

function Tray() {
  const all = useShared(uploads);
  const [isOpen] = useState(() => matchMedia('(min-width: 761px)').matches);
  if (all.length === 0) return null;
  const underWay = all.filter(isUnderWay);
  const bytes = all.reduce((sum, one) => sum + one.size, 0);
  const sent = all.reduce((sum, one) => sum + one.sent, 0);
  const speed = underWay.reduce((sum, one) => sum + one.speed, 0);
  const doneCount = all.filter(({ state }) => state === 'done').length;
  const failed = all.filter(({ state }) => state === 'failed').length;
  return (
    <section class="tray" aria-label={text.uploads.tray}>
      <details open={isOpen}>
        <summary>
          <span role="status">
            {underWay.length > 0 ? text.uploads.underWay(underWay.length) : text.uploads.allDone(doneCount)}
            {failed > 0 ? <span class="bad"> · {text.uploads.failedCount(failed)}</span> : null}
          </span>
          {underWay.length > 0 ? (
            <span class="tray-rate">
              {' '}
              {percent(bytes === 0 ? 0 : sent / bytes)} · {rate(speed)}
            </span>
          ) : null}
        </summary>
        {/* What is not done comes first: there may be thousands. */}
        <ul>
          {[...all.filter(({ state }) => state !== 'done'), ...all.filter(({ state }) => state === 'done').reverse()]
            .slice(0, maxShown)
            .map((one) => (
              <Row key={one.id} upload={one} />
            ))}
        </ul>
        {all.length > maxShown ? <p class="soft">{text.uploads.more(all.length - maxShown)}</p> : null}
        {doneCount > 1 ? (
          <button type="button" onClick={clearDone}>
            {text.uploads.clearAll}
          </button>
        ) : null}
      </details>
    </section>
  );
}

const maxShown = 50;

function Row({ upload: one }: { readonly upload: Upload }) {
  const { id, kind, state } = one;
  const name = visible(one.name);
  return (
    <li>
      <div>
        <p class="title">{name}</p>
        {state === 'done' ? null : (
          <Bar part={one.size === 0 ? null : one.sent / one.size} label={text.uploads.progressOf(name)} />
        )}
        <p class={state === 'failed' ? 'bad' : 'soft'}>{told(one)}</p>
      </div>
      <p class="actions">
        {kind === 'file' && state === 'sending' ? (
          <button type="button" aria-label={text.uploads.pauseOf(name)} onClick={() => pauseUpload(id)}>
            {text.uploads.pause}
          </button>
        ) : null}
        {state === 'paused' || state === 'failed' ? (
          <button type="button" aria-label={text.uploads.resumeOf(name)} onClick={() => resumeUpload(id)}>
            {text.uploads.resume}
          </button>
        ) : null}
        <button type="button" aria-label={text.uploads.endOf(name, state === 'done')} onClick={() => removeUpload(id)}>
          {state === 'done' ? text.uploads.clear : text.uploads.cancel}
        </button>
      </p>
    </li>
  );
}

function told({ state, sent, size: bytes, speed, problem, copies }: Upload): string {
  const words = text.uploads;
  if (state === 'failed') return problem ?? words.cut;
  if (state === 'done') return words.put(size(bytes), copies);
  if (state === 'storing') return words.storing;
  if (state === 'waiting') return words.waiting(size(bytes));
  if (state === 'paused') return words.paused(size(sent), size(bytes));
  return `${words.of(size(sent), size(bytes))} · ${rate(speed)}`;
}
