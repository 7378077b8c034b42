/** The frame of the page: navigation, status of the peer, and the current view. */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { HealthSign } from './health-sign.tsx';
import { Mark, MoreIcon, ViewIcon } from './icons.tsx';
import { useAnswer, useEvents } from './live.ts';
import { onDemand } from './on-demand.tsx';
import { openPeer } from './parts.tsx';
import { RemovalNotes } from './removals.tsx';
import { follow, pathOf, useAddress, type View, viewOf, views } from './route.ts';
import { session } from './session.ts';
import { useShared } from './shared.ts';
import { visible } from './shown.ts';
import { text } from './strings/text.ts';
import { FilesView } from './views/files.tsx';
import { SearchView } from './views/search.tsx';
import { SignInView } from './views/sign-in.tsx';
import { DropAnywhere } from './views/uploads.tsx';

/** What people open first comes with the page, the rest when it is asked for. */
const bodies: Readonly<Record<View, ComponentType>> = {
  search: SearchView,
  files: FilesView,
  shares: onDemand(async () => (await import('./views/shares.tsx')).SharesView),
  transfers: onDemand(async () => (await import('./views/transfers.tsx')).TransfersView),
  people: onDemand(async () => (await import('./views/people.tsx')).PeopleView),
  ring: onDemand(async () => (await import('./views/ring.tsx')).RingView),
  health: onDemand(async () => (await import('./views/health.tsx')).HealthView),
  settings: onDemand(async () => (await import('./views/settings.tsx')).SettingsView),
};

const PreviewPane = onDemand(async () => (await import('./views/preview.tsx')).PreviewPane, 'quiet');
const PeerCard = onDemand(async () => (await import('./views/peer-card.tsx')).PeerCard);

export function App() {
  const address = useAddress();
  const view = viewOf(address.pathname);
  useEffect(() => {
    document.title = `${text.views[view]} · Chordial`;
  }, [view]);
  const { state, failure } = useShared(session);
  const peer = useShared(openPeer);
  if (state === 'out') return <SignInView failure={failure} />;
  const Body = bodies[view];
  return (
    <>
      <a class="skip" href="#content">
        {text.frame.toContent}
      </a>
      <header class="top">
        <a class="brand" href="/" onClick={follow} aria-label={text.frame.home}>
          <Mark />
          <span>Chordial</span>
        </a>
        <Navigation view={view} />
        <HealthSign />
        <PeerBadge />
      </header>
      <main id="content" tabIndex={-1}>
        <h1 class="unseen">{text.views[view]}</h1>
        <ClockNote />
        <Body />
      </main>
      {address.searchParams.has('show') ? <PreviewPane /> : null}
      {peer === null ? null : <PeerCard />}
      <RemovalNotes />
      <DropAnywhere />
    </>
  );
}

/** Those that stand at the thumb on a phone; the others are behind a button there. */
const mainViews: readonly View[] = ['search', 'files', 'shares', 'transfers'];

function Navigation({ view }: { readonly view: View }) {
  const [isOpen, setIsOpen] = useState(false);
  const place = useRef<HTMLElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => setIsOpen(false), [view]);
  useEffect(() => {
    if (!isOpen) return;
    const pressed = ({ target }: PointerEvent) => {
      if (!place.current?.contains(target as Node)) setIsOpen(false);
    };
    const typed = ({ key }: KeyboardEvent) => {
      if (key !== 'Escape') return;
      setIsOpen(false);
      button.current?.focus();
    };
    addEventListener('pointerdown', pressed);
    addEventListener('keydown', typed);
    return () => {
      removeEventListener('pointerdown', pressed);
      removeEventListener('keydown', typed);
    };
  }, [isOpen]);
  const link = (one: View) => (
    <a key={one} href={pathOf(one)} onClick={follow} aria-current={one === view ? 'page' : undefined}>
      <ViewIcon view={one} />
      <span>{text.views[one]}</span>
    </a>
  );
  return (
    <nav ref={place} aria-label={text.frame.views}>
      {mainViews.map(link)}
      <button
        ref={button}
        type="button"
        class={mainViews.includes(view) ? 'more' : 'more current'}
        aria-expanded={isOpen}
        aria-controls="more-views"
        onClick={() => setIsOpen(!isOpen)}
      >
        <MoreIcon />
        <span>{mainViews.includes(view) ? text.frame.more : text.views[view]}</span>
      </button>
      <div id="more-views" class={isOpen ? 'rest open' : 'rest'}>
        {views.filter((one) => !mainViews.includes(one)).map(link)}
      </div>
    </nav>
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
        <span class="dot" /> {text.frame.noConnection}
      </p>
    );
  }
  if (value === null) return <p class="badge" role="status" />;
  const isMember = value.state === 'member';
  return (
    <p
      class={`badge ${isMember ? 'good' : 'waiting'}`}
      role="status"
      title={text.frame.thisPeer(visible(value.name), value.listen)}
    >
      <span class="dot" />
      <span>{isMember ? text.frame.peers(value.hosts) : text.frame.states[value.state]}</span>
      <span class="wide">{visible(value.name)}</span>
    </p>
  );
}
