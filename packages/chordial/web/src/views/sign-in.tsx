/** Shown instead of the page while the browser is not signed in. */
import { useState } from 'preact/hooks';
import { Mark } from '../icons.tsx';
import { signIn } from '../session.ts';
import { text } from '../strings/text.ts';

export function SignInView({ failure }: { readonly failure: string | null }) {
  const [link, setLink] = useState('');
  const [refused, setRefused] = useState<string | null>(failure);
  const enter = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const why = await signIn(link);
    if (why === null) location.reload();
    else setRefused(why);
  };
  return (
    <main class="sign-in" id="content">
      <p class="brand">
        <Mark />
        <span>Chordial</span>
      </p>
      <h1>{text.signIn.title}</h1>
      <p>{text.signIn.type}</p>
      <pre>
        <code>{command()}</code>
      </pre>
      <p>{text.signIn.opens}</p>
      <form onSubmit={enter}>
        <label for="link">{text.signIn.link}</label>
        <input
          id="link"
          type="password"
          autocomplete="off"
          required
          value={link}
          onInput={(event) => setLink(event.currentTarget.value)}
        />
        <button type="submit">{text.signIn.open}</button>
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
