/** Elements used by several views: errors, empty states, copyable ids, bars. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiFailure } from './api.ts';

export function Failure({ failure, again }: { readonly failure: ApiFailure | null; readonly again?: () => void }) {
  if (failure === null) return null;
  return (
    <p class="failure" role="alert">
      {failure.message}{' '}
      {again === undefined ? null : (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </p>
  );
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

/** A shortened id; a click copies the whole. */
export function Copyable({
  text,
  shown,
  what,
}: {
  readonly text: string;
  readonly shown: string;
  readonly what: string;
}) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1200);
  };
  return (
    <button type="button" class="copy" title={`${text}\nClick to copy`} onClick={copy}>
      <code>{copied ? 'copied' : shown}</code>
      <span class="unseen"> copy {what}</span>
    </button>
  );
}

/** `part` from 0 to 1; null while the total is unknown. */
export function Bar({ part, label }: { readonly part: number | null; readonly label: string }) {
  return <progress class="bar" max={1} aria-label={label} {...(part === null ? {} : { value: part })} />;
}
