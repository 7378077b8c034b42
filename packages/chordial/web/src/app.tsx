/** The frame of the page: navigation, status of the peer, and the current view. */
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { Mark, ViewIcon } from './icons.tsx';
import { useAnswer, useEvents } from './live.ts';
import { follow, pathOf, useAddress, type View, viewOf, views } from './route.ts';
import { useSession } from './session.ts';
import { counted, visible } from './shown.ts';
import { FilesView } from './views/files.tsx';
import { RingView } from './views/ring.tsx';
import { SearchView } from './views/search.tsx';
import { SharesView } from './views/shares.tsx';
import { SignInView } from './views/sign-in.tsx';
import { StatsView } from './views/stats.tsx';
import { TransfersView } from './views/transfers.tsx';

const titles: Readonly<Record<View, string>> = {
  search: 'Search',
  files: 'Files',
  shares: 'Shares',
  transfers: 'Transfers',
  ring: 'Ring',
  stats: 'Stats',
};

const bodies: Readonly<Record<View, ComponentType>> = {
  search: SearchView,
  files: FilesView,
  shares: SharesView,
  transfers: TransfersView,
  ring: RingView,
  stats: StatsView,
};

export function App() {
  const view = viewOf(useAddress().pathname);
  useEffect(() => {
    document.title = `${titles[view]} · Chordial`;
  }, [view]);
  const session = useSession();
  if (session.state === 'out') return <SignInView failure={session.failure} />;
  const Body = bodies[view];
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="/" onClick={follow} aria-label="Chordial, to the search">
          <Mark />
          <span>Chordial</span>
        </a>
        <nav aria-label="Views">
          {views.map((one) => (
            <a key={one} href={pathOf(one)} onClick={follow} aria-current={one === view ? 'page' : undefined}>
              <ViewIcon view={one} />
              <span>{titles[one]}</span>
            </a>
          ))}
        </nav>
        <PeerBadge />
      </header>
      <main id="content" tabIndex={-1}>
        <h1 class="unseen">{titles[view]}</h1>
        <ClockNote />
        <Body />
      </main>
    </>
  );
}

/** Shown on every view while the clock is off: it causes symptoms that look like something else. */
function ClockNote() {
  const { value } = useAnswer('GET /api/v1/node', { query: { fingers: 'none' } }, 10_000);
  const note = value?.clock?.note ?? null;
  return note === null ? null : (
    <p class="notice" role="status">
      {note}
    </p>
  );
}

/** Status of this peer, always visible. */
function PeerBadge() {
  const { value } = useAnswer('GET /api/v1/node', { query: { fingers: 'none' } }, 10_000);
  const { connected } = useEvents();
  if (!connected) {
    return (
      <p class="badge bad" role="status">
        <span class="dot" /> no connection to the peer
      </p>
    );
  }
  if (value === null) return <p class="badge" role="status" />;
  const isMember = value.state === 'member';
  return (
    <p
      class={`badge ${isMember ? 'good' : 'waiting'}`}
      role="status"
      title={`${visible(value.name)} at ${value.listen}, peer ${value.id}`}
    >
      <span class="dot" />
      <span>{isMember ? counted(value.hosts, 'peer') : value.state}</span>
      <span class="wide">{visible(value.name)}</span>
    </p>
  );
}
