/** Whether this browser is signed in: a link of `chordial open` contains a token, which is exchanged for a cookie. */
import { useEffect, useState } from 'preact/hooks';

type State = 'in' | 'out';

let state: State = 'in';
let failure: string | null = null;
const listeners = new Set<() => void>();

/** The peer has refused this browser. */
export function signedOut(why: string | null = null): void {
  state = 'out';
  failure = why ?? failure;
  for (const listener of listeners) listener();
}

export function useSession(): { readonly state: State; readonly failure: string | null } {
  const [, redraw] = useState(0);
  useEffect(() => {
    const changed = () => redraw((count) => count + 1);
    listeners.add(changed);
    changed();
    return () => {
      listeners.delete(changed);
    };
  }, []);
  return { state, failure };
}

/** The fragment of the URL, removed so that neither history nor bookmarks keep it. */
export async function followLink(): Promise<void> {
  const token = tokenIn(location.hash);
  if (token === null) return;
  history.replaceState(null, '', location.pathname + location.search);
  const refused = await signIn(token);
  if (refused !== null) signedOut(refused);
}

/** Null on success, else the reason. `text` is a link, or a token alone. */
export async function signIn(text: string): Promise<string | null> {
  const token = tokenIn(text) ?? text.trim();
  try {
    const response = await fetch('/api/v1/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    if (response.ok) return null;
    const { detail } = (await response.json()) as { readonly detail?: string };
    return detail ?? `The peer answered ${response.status}.`;
  } catch {
    return 'The peer does not answer. Is it still running?';
  }
}

function tokenIn(text: string): string | null {
  return /#t=([\w-]+)/.exec(text)?.[1] ?? null;
}
