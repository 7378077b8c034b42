/** Shown instead of the page while the browser is not signed in. */
import { useState } from 'preact/hooks';
import { Mark } from '../icons.tsx';
import { signIn } from '../session.ts';

export function SignInView({ failure }: { readonly failure: string | null }) {
  const [text, setText] = useState('');
  const [refused, setRefused] = useState<string | null>(failure);
  const enter = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const why = await signIn(text);
    if (why === null) location.reload();
    else setRefused(why);
  };
  return (
    <main class="sign-in" id="content">
      <p class="brand">
        <Mark />
        <span>Chordial</span>
      </p>
      <h1>This page needs a link of its peer</h1>
      <p>As the user who runs the peer, on its machine, type</p>
      <pre>
        <code>{command()}</code>
      </pre>
      <p>It opens this page, or prints a link that is good once, for ten minutes.</p>
      <form onSubmit={enter}>
        <label for="link">A link, or the token of the peer</label>
        <input
          id="link"
          type="password"
          autocomplete="off"
          required
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit">Open</button>
      </form>
      {refused === null ? null : (
        <p class="failure" role="alert">
          {refused}
        </p>
      )}
    </main>
  );
}

/** On its machine the address identifies the peer; the default one needs none. */
function command(): string {
  const { hostname, port, origin } = location;
  const isNear = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return isNear && port !== '8081' ? `chordial open --api ${origin}` : 'chordial open';
}
