/** Icons in the colour of the surrounding text. */
import type { View } from './route.ts';
import type { Kind } from './wish.ts';

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="16" cy="16" r="11" fill="none" stroke="currentColor" stroke-width="2.5" />
      <circle cx="16" cy="5" r="4" />
      <circle cx="25.5" cy="21.5" r="4" />
      <circle cx="6.5" cy="21.5" r="4" />
    </svg>
  );
}

const paths: Readonly<Record<View, string>> = {
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm5 12 5 5',
  files: 'M6 3h8l4 4v14H6ZM14 3v5h4',
  shares: 'M3 6h6l2 2h10v11H3Z',
  transfers: 'M7 20V5M3 9l4-4 4 4M17 4v15m-4-4 4 4 4-4',
  ring: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0-2v4M4 16l3-2m13 2-3-2',
  health: 'M3 12h4l2.5-7 4 14 2.5-7h5',
  people:
    'M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM3 20c0-3.5 2.5-5 6-5s6 1.5 6 5M15.5 5.5a3 3 0 0 1 0 6M17 15c2.5.4 4 2 4 5',
  settings:
    'M4 7h9m5 0h2M4 17h2m5 0h9M15.5 4.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM8.5 14.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z',
};

export function ViewIcon({ view }: { readonly view: View }) {
  return <Icon path={paths[view]} />;
}

/** A sealed file. */
export function LockIcon() {
  return <Icon path="M6 11h12v10H6ZM8 11V7a4 4 0 0 1 8 0v4" />;
}

/** What else there is. */
export function MoreIcon() {
  return <Icon path="M5 12h.01M12 12h.01M19 12h.01" />;
}

function Icon({ path }: { readonly path: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

const kindPaths: Readonly<Record<Kind, string>> = {
  image: 'M4 5h16v14H4ZM4 16l4.5-4.5 4 4 3-3 4.5 4.5M9 8.5v.1',
  video: 'M4 6h16v12H4ZM10 9.5v5l4.5-2.5Z',
  audio: 'M9 18V6l10-2v12M6.5 15.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM16.5 13.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z',
  document: 'M6 3h8l4 4v14H6ZM14 3v5h4M9 12h6M9 16h6',
  archive: 'M4 5h16v4H4ZM5.5 9v10h13V9M10 13h4',
  folder: 'M3 6h6l2 2h10v11H3Z',
  other: 'M6 3h8l4 4v14H6ZM14 3v5h4',
};

export function FileIcon({ kind }: { readonly kind: Kind }) {
  return <Icon path={kindPaths[kind]} />;
}
