/** The current view is the path of the URL, so that links, reloads and the back button work. */
import { useEffect, useState } from 'preact/hooks';

export const views = ['search', 'files', 'shares', 'transfers', 'ring', 'stats'] as const;
export type View = (typeof views)[number];

export function pathOf(view: View): string {
  return view === 'search' ? '/' : `/${view}`;
}

export function viewOf(path: string): View {
  return views.find((view) => pathOf(view) === path) ?? 'search';
}

export function open(path: string): void {
  history.pushState(null, '', path);
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
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.currentTarget as HTMLAnchorElement;
  event.preventDefault();
  open(link.pathname + link.search);
}
