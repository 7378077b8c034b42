/** Whether this browser is signed in: a link of `chordial open` contains a token, which is exchanged for a cookie. */
import { Shared } from './shared.ts';
import { text } from './strings/text.ts';

interface Session {
  readonly state: 'in' | 'out';
  readonly failure: string | null;
}

export const session = new Shared<Session>({ state: 'in', failure: null });

/** The peer has refused this browser. */
export function signedOut(why: string | null = null): void {
  session.set({ state: 'out', failure: why ?? session.value.failure });
}

/** The fragment of the URL, removed so that neither history nor bookmarks keep it. */
export async function followLink(): Promise<void> {
  const token = tokenIn(location.hash);
  if (token === null) return;
  history.replaceState(null, '', location.pathname + location.search);
  const refused = await signIn(token);
  if (refused !== null) signedOut(refused);
}

/** Null on success, else the reason. `link` may also be a token alone. */
export async function signIn(link: string): Promise<string | null> {
  const token = tokenIn(link) ?? link.trim();
  try {
    const response = await fetch('/api/v1/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    if (response.ok) return null;
    const { detail } = (await response.json()) as { readonly detail?: string };
    return detail ?? text.frame.answered(response.status);
  } catch {
    return text.frame.noAnswer;
  }
}

function tokenIn(link: string): string | null {
  return /#t=([\w-]+)/.exec(link)?.[1] ?? null;
}
