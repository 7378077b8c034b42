/** The current view is the path of the URL, so that links, reloads and the back button work. */
import { useEffect, useState } from 'preact/hooks';

export const views = ['search', 'files', 'shares', 'transfers', 'people', 'ring', 'health', 'settings'] as const;
export type View = (typeof views)[number];

export function pathOf(view: View): string {
  return view === 'search' ? '/' : `/${view}`;
}

export function viewOf(path: string): View {
  return views.find((view) => pathOf(view) === path) ?? 'search';
}

/** A search that lists everything, also what stays on the disks of those who share it: so every peer is asked. */
export const everythingPath = '/?q=*&mode=broadcast';

interface Left {
  /** Pixels, where the reader left the page. */
  readonly scroll?: number;
}

/** Where the reader was when a place was left to which they have come back; null at a new one. */
export function scrollBefore(): number | null {
  return (history.state as Left | null)?.scroll ?? null;
}

export function open(path: string): void {
  visit(path, null);
}

/** With a state for its entry of the history. */
export function visit(path: string, state: unknown): void {
  history.replaceState({ ...(history.state as object | null), scroll: scrollY } satisfies Left, '');
  history.pushState(state, '', path);
  dispatchEvent(new PopStateEvent('popstate'));
}

/** In place of the current entry of the history. */
export function replaceAddress(path: string, state: unknown): void {
  history.replaceState(state, '', path);
  dispatchEvent(new PopStateEvent('popstate'));
}

/** The current path and query of the URL, and their changes. */
export function useAddress(): URL {
  const [address, setAddress] = useState(() => new URL(location.href));
  useEffect(() => {
    const changed = () => setAddress(new URL(location.href));
    addEventListener('popstate', changed);
    return () => removeEventListener('popstate', changed);
  }, []);
  return address;
}

/** For internal links: a plain click does not reload the page. */
export function follow(event: MouseEvent): void {
  if (!isPlainClick(event)) return;
  const link = event.currentTarget as HTMLAnchorElement;
  event.preventDefault();
  open(link.pathname + link.search);
}

/** One that opens no other window. */
export function isPlainClick(event: MouseEvent): boolean {
  const { defaultPrevented, button, metaKey, ctrlKey, shiftKey } = event;
  return !(defaultPrevented || button !== 0 || metaKey || ctrlKey || shiftKey);
}
