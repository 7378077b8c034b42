import { render } from 'preact';
import { App } from './app.tsx';
import { followLink } from './session.ts';

const place = document.getElementById('app');
if (place !== null) {
  await followLink();
  place.replaceChildren();
  render(<App />, place);
}
