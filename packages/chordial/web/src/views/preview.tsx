/** The pane that shows one file before it is fetched: beside the list, over the whole window of a phone. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { FileStat, Preview } from '../../../src/client/answers.ts';
import { ApiFailure, callUntil } from '../api.ts';
import { Failure, Moment } from '../parts.tsx';
import { follow, useAddress } from '../route.ts';
import { useShared } from '../shared.ts';
import { besideShown, closeShown, type Shown, type ShownItem, show, shownIn, shownRows } from '../showing.tsx';
import { size, visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import { downloadPath } from './hits.tsx';
import { LinkDialog } from './links.tsx';

export function PreviewPane() {
  const shown = shownIn(useAddress());
  return shown === null ? null : <Pane shown={shown} />;
}

/** As in the style sheet. */
const phone = '(max-width: 760px)';

function Pane({ shown }: { readonly shown: Shown }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useShared(shownRows);
  const { item, before, after } = besideShown(shown);
  const [isLinking, setIsLinking] = useState(false);
  const { preview, failure, again } = usePreview(shown);
  useDialog(dialog);
  useKeys({ before, after });
  useEffect(() => rowOf()?.scrollIntoView({ block: 'nearest' }), [shown.cid, shown.name]);
  const words = text.preview;
  const step = (to: ShownItem | null, label: string, path: string) => (
    <button
      type="button"
      class="step"
      aria-label={label}
      title={label}
      disabled={to === null}
      onClick={() => to && show(to)}
    >
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
        <path d={path} />
      </svg>
    </button>
  );
  return (
    <dialog
      ref={dialog}
      class="preview"
      aria-labelledby="preview-title"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <div class="head">
        <h2 id="preview-title" tabIndex={-1} aria-live="polite">
          <bdi>{visible(shown.name)}</bdi>
        </h2>
        {step(before, words.before, 'm14 6-6 6 6 6')}
        {step(after, words.after, 'm10 6 6 6-6 6')}
        <button type="button" class="step" aria-label={text.parts.close} title={text.parts.close} onClick={close}>
          <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d="m6 6 12 12M18 6 6 18" />
          </svg>
        </button>
      </div>
      <Failure failure={failure === null ? null : told(failure, item)} again={again} />
      {failure === null && preview === null ? <p class="loading">{words.loading}</p> : null}
      {preview === null ? null : <Content key={shown.cid} shown={shown} preview={preview} />}
      <p class="actions">
        <a class="button primary" href={downloadPath(shown.name, shown.cid, shown.isOpened)} download={shown.name}>
          {words.download}
        </a>
        <button type="button" onClick={() => setIsLinking(true)}>
          {words.link}
        </button>
      </p>
      {isLinking ? (
        <LinkDialog
          file={{ ...shown, kind: 'other', holders: item?.holders ?? [] }}
          made={() => {}}
          closed={() => setIsLinking(false)}
        />
      ) : null}
      <Facts shown={shown} item={item} preview={preview} />
    </dialog>
  );
}

/** Where no peer has it, whom to wait for. */
function told(failure: ApiFailure, item: ShownItem | null): ApiFailure {
  if (failure.code !== 'no-live-source') return failure;
  const sharers = namesOf(item, true);
  const isShared = sharers.length > 0 && namesOf(item, false).length === 0;
  const { sharersAway, noneAnswers } = text.preview;
  return new ApiFailure(failure.status, failure.code, isShared ? sharersAway(sharers) : noneAnswers);
}

/** The link in the list by which it was opened. */
function rowOf(): HTMLElement | null {
  return document.querySelector<HTMLElement>('main a[aria-current="true"]');
}

function close(): void {
  // Afterwards it is not marked any more.
  const row = rowOf();
  // While a modal one is open, nothing beside it takes the focus.
  document.querySelector<HTMLDialogElement>('dialog.preview')?.close();
  closeShown();
  (row?.closest<HTMLElement>('[role="tree"]') ?? row)?.focus({ preventScroll: true });
}

/** Modal on a phone, where it covers everything; elsewhere the list stays usable. */
function useDialog(place: { readonly current: HTMLDialogElement | null }): void {
  useEffect(() => {
    const dialog = place.current;
    if (dialog === null) return;
    const before = document.activeElement;
    if (matchMedia(phone).matches) dialog.showModal();
    else dialog.show();
    dialog.querySelector('h2')?.focus();
    return () => {
      const isInside = dialog.contains(document.activeElement);
      dialog.close();
      // By the back button of the browser.
      if (isInside && before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
}

/** What does something else with these keys while it has the focus. */
const ownKeys = 'input, select, textarea, audio, video, iframe, [role="tree"], [role="menu"], dialog:not(.preview)';

function useKeys({ before, after }: { readonly before: ShownItem | null; readonly after: ShownItem | null }): void {
  useEffect(() => {
    const typed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const target = event.target as Element;
      if (event.key === 'Escape' && target.closest('[role="menu"], dialog:not(.preview)') === null) {
        event.preventDefault();
        close();
        return;
      }
      if (target.closest(ownKeys) !== null) return;
      const to = event.key === 'ArrowLeft' ? before : event.key === 'ArrowRight' ? after : null;
      if (to === null) return;
      event.preventDefault();
      show(to);
    };
    addEventListener('keydown', typed);
    return () => removeEventListener('keydown', typed);
  }, [before, after]);
}

/** Asked once: a content does not change. */
function usePreview({ cid, isOpened }: Shown) {
  const [preview, setPreview] = useState<Preview | null>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const ending = new AbortController();
    setPreview(null);
    setFailure(null);
    const query = isOpened ? { open: true } : {};
    callUntil(ending.signal, 'GET /api/v1/previews/{cid}', { path: { cid }, query }).then(
      (found) => {
        if (!ending.signal.aborted) setPreview(found);
      },
      (error: ApiFailure) => {
        if (!ending.signal.aborted) setFailure(error);
      },
    );
    return () => ending.abort();
  }, [cid, isOpened, asked]);
  return { preview, failure, again: () => setAsked((count) => count + 1) };
}

function Content({ shown, preview }: { readonly shown: Shown; readonly preview: Preview }) {
  const [isBroken, setIsBroken] = useState(false);
  const [isWaiting, setIsWaiting] = useState(true);
  const words = text.preview;
  if (isBroken) return <Nothing>{words.broken}</Nothing>;
  const source = `/api/v1/previews/${encodeURIComponent(preview.cid)}/bytes${shown.isOpened ? '?open=true' : ''}`;
  const events = {
    onError: () => setIsBroken(true),
    onWaiting: () => setIsWaiting(true),
    onStalled: () => setIsWaiting(true),
    onLoadedMetadata: () => setIsWaiting(false),
    onCanPlay: () => setIsWaiting(false),
    onPlaying: () => setIsWaiting(false),
  };
  const waiting = isWaiting ? (
    <p class="soft" role="status">
      {words.waiting}
    </p>
  ) : null;
  switch (preview.shown) {
    case 'image':
      return (
        <figure>
          {waiting}
          <img
            src={source}
            alt={visible(shown.name)}
            width={preview.width ?? undefined}
            height={preview.height ?? undefined}
            onLoad={() => setIsWaiting(false)}
            onError={events.onError}
          />
        </figure>
      );
    case 'audio':
      return (
        <figure>
          <audio controls preload="metadata" src={source} aria-label={visible(shown.name)} {...events} />
          {waiting}
        </figure>
      );
    case 'video':
      return (
        <figure>
          <video controls playsInline preload="metadata" src={source} aria-label={visible(shown.name)} {...events} />
          {waiting}
        </figure>
      );
    case 'pdf':
      return navigator.pdfViewerEnabled ? (
        <figure>
          <iframe src={source} title={visible(shown.name)} />
        </figure>
      ) : (
        <Nothing>{words.noViewer}</Nothing>
      );
    case 'text':
      return (
        <figure>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
          <section tabIndex={0} aria-label={words.text}>
            <pre>{preview.text}</pre>
          </section>
          {preview.isCut ? <figcaption class="soft">{words.cut(size(maxTextBytes))}</figcaption> : null}
        </figure>
      );
    default:
      return preview.why === 'folder' ? (
        <Nothing>
          <a href={`/?${new URLSearchParams({ folder: shown.cid, name: shown.name })}`} onClick={follow}>
            {words.openFolder}
          </a>
        </Nothing>
      ) : (
        <Nothing>{words.why[preview.why ?? 'unknown-kind']}</Nothing>
      );
  }
}

/** As much as the peer sends. */
const maxTextBytes = 256 * 1024;

function Nothing({ children }: { readonly children: ComponentChildren }) {
  return <p class="nothing">{children}</p>;
}

interface FactsProps {
  readonly shown: Shown;
  readonly item: ShownItem | null;
  readonly preview: Preview | null;
}

function Facts({ shown, item, preview }: FactsProps) {
  const stat = useStat(shown.cid);
  const words = text.preview;
  const sharers = namesOf(item, true);
  const publishers = namesOf(item, false);
  return (
    <dl>
      {preview === null ? null : (
        <>
          <dt>{words.size}</dt>
          <dd>{size(preview.size)}</dd>
          <dt>{words.kind}</dt>
          <dd>
            {kindOf(preview)}
            {preview.width === null || preview.height === null ? null : ` · ${preview.width} × ${preview.height}`}
          </dd>
        </>
      )}
      {item?.time == null ? null : (
        <>
          <dt>{words.date}</dt>
          <dd>
            <Moment time={item.time} />
          </dd>
        </>
      )}
      {publishers.length === 0 ? null : (
        <>
          <dt>{words.publishers}</dt>
          <dd>{publishers.join(', ')}</dd>
        </>
      )}
      {sharers.length === 0 ? null : (
        <>
          <dt>{words.sharers}</dt>
          <dd>{sharers.join(', ')}</dd>
        </>
      )}
      <dt>{words.copies}</dt>
      <dd>
        {stat === null ? (
          <span class="soft">…</span>
        ) : stat === 'unknown' ? (
          words.copiesUnknown
        ) : (
          words.copiesAt(
            stat.copies,
            stat.holders.map(({ name }) => visible(name)),
          )
        )}
      </dd>
    </dl>
  );
}

function kindOf({ contentType, shown, type }: Preview): string {
  if (type === 'directory') return text.preview.folder;
  if (shown === 'text') return text.preview.text;
  return contentType ?? text.preview.unknown;
}

function namesOf(item: ShownItem | null, isShared: boolean): readonly string[] {
  const some = item?.holders.filter(({ shared }) => shared === isShared) ?? [];
  return [...new Set(some.map(({ publisherName }) => visible(publisherName)))];
}

const settleMilliseconds = 300;

/** Who holds it: asked of all peers, so not while the reader goes on from one to the next. */
function useStat(cid: string): FileStat | 'unknown' | null {
  const [stat, setStat] = useState<FileStat | 'unknown' | null>(null);
  useEffect(() => {
    const ending = new AbortController();
    setStat(null);
    const timer = setTimeout(() => {
      callUntil(ending.signal, 'GET /api/v1/content/{cid}/stat', { path: { cid } }).then(
        (found) => {
          if (!ending.signal.aborted) setStat(found);
        },
        () => {
          if (!ending.signal.aborted) setStat('unknown');
        },
      );
    }, settleMilliseconds);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [cid]);
  return stat;
}
