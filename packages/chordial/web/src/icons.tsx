/** Icons in the colour of the surrounding text. */
import type { View } from './route.ts';

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
  stats: 'M4 20h16M7 16v-5m5 5V6m5 10V9',
};

export function ViewIcon({ view }: { readonly view: View }) {
  return <Icon path={paths[view]} />;
}

function Icon({ path }: { readonly path: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
