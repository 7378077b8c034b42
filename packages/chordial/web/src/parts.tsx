/** Elements used by several views: errors, empty states, dialogs, copyable ids, bars, times, names of peers. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiFailure } from './api.ts';
import { Shared } from './shared.ts';
import { exactly, momentOrAgo, visible } from './shown.ts';
import { text } from './strings/text.ts';

export function Failure({ failure, again }: { readonly failure: ApiFailure | null; readonly again?: () => void }) {
  if (failure === null) return null;
  return (
    <p class="failure" role="alert">
      {failure.message} <Detail detail={failure.detail} />
      {again === undefined ? null : (
        <button type="button" onClick={again}>
          {text.frame.again}
        </button>
      )}
    </p>
  );
}

/** What the peer says of an error, in English. */
export function Detail({ detail }: { readonly detail: string | null }) {
  if (detail === null) return null;
  return (
    <small lang="en" class="detail">
      {visible(detail)}{' '}
    </small>
  );
}

/** Nothing can be dragged onto it, and it has no keys. */
export const isTouched = matchMedia('(hover: none)').matches;

/** Something that the reader starts: one at a time, so that a second click does not do it twice. */
export function useAction<Given extends readonly unknown[]>(act: (...given: Given) => Promise<void>) {
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<ApiFailure | null>(null);
  const underWay = useRef(false);
  const run = async (...given: Given): Promise<void> => {
    if (underWay.current) return;
    underWay.current = true;
    setBusy(true);
    try {
      await act(...given);
      setRefusal(null);
    } catch (error) {
      setRefusal(error as ApiFailure);
    } finally {
      underWay.current = false;
      setBusy(false);
    }
  };
  return { run, isBusy, refusal };
}

/** An empty state, and what to do about it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="title">{title}</p>
      {children}
    </div>
  );
}

/** A modal sheet; the browser closes it with Escape and gives the focus back. */
export function Dialog({
  title,
  closed,
  children,
}: {
  readonly title: string;
  readonly closed: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="sheet" onClose={closed} aria-label={title}>
      <header class="line">
        <h2 class="grow">{title}</h2>
        <button type="button" onClick={() => dialog.current?.close()}>
          {text.parts.close}
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** `field` shows it: only pages by https, and of this machine, may use the clipboard, and others copy a selection. */
export async function copyText(copied: string, field: HTMLInputElement | null): Promise<void> {
  field?.select();
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(copied);
  if (field !== null) document.execCommand('copy');
}

/** A shortened id; a click copies the whole. */
export function Copyable({
  text: whole,
  shown,
  what,
}: {
  readonly text: string;
  readonly shown: string;
  readonly what: string;
}) {
  const [copied, setCopied] = useState(false);
  if (navigator.clipboard === undefined) return <code title={whole}>{shown}</code>;
  const copy = async (): Promise<void> => {
    await copyText(whole, null);
    setCopied(true);
    setTimeout(() => setCopied(false), 1200);
  };
  return (
    <button type="button" class="copy" title={`${whole}\n${text.parts.clickToCopy}`} onClick={copy}>
      <code>{copied ? text.parts.copied : shown}</code>
      <span class="unseen"> {text.parts.copy(what)}</span>
    </button>
  );
}

/** `part` from 0 to 1; null while the total is unknown. */
export function Bar({ part, label }: { readonly part: number | null; readonly label: string }) {
  return <progress class="bar" max={1} aria-label={label} {...(part === null ? {} : { value: part })} />;
}

const ticking = new Shared(0);
const tickMilliseconds = 20_000;
let isTicking = false;

/** The one way to show a time: near ones from now, the exact one on demand. `time` is ISO. */
export function Moment({ time }: { readonly time: string }) {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!isTicking) setInterval(() => ticking.set(ticking.value + 1), tickMilliseconds);
    isTicking = true;
    const stop = ticking.listen(() => redraw(ticking.value));
    return () => void stop();
  }, []);
  return (
    <time dateTime={time} title={exactly(time)}>
      {momentOrAgo(time)}
    </time>
  );
}

/** The peer whose card is open, by its id. */
export const openPeer = new Shared<string | null>(null);

/** The one way to show a peer: its name, which opens what is known of it. */
export function PeerName({
  id,
  name,
  isSelf = false,
}: {
  readonly id: string;
  readonly name: string;
  readonly isSelf?: boolean;
}) {
  return (
    <button type="button" class="peer" title={text.parts.aboutPeer} onClick={() => openPeer.set(id)}>
      <span>{visible(name)}</span>
      {isSelf ? <span class="tag">{text.parts.thisPeer}</span> : null}
    </button>
  );
}

interface SpanSelectProps<Span extends string> {
  readonly label: string;
  /** With what each is called. */
  readonly spans: Readonly<Record<Span, string>>;
  readonly value: Span;
  readonly changed: (value: Span) => void;
}

/** How long something holds. */
export function SpanSelect<Span extends string>({ label, spans, value, changed }: SpanSelectProps<Span>) {
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={(event) => changed(event.currentTarget.value as Span)}>
        {Object.entries<string>(spans).map(([span, shown]) => (
          <option key={span} value={span}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  );
}
