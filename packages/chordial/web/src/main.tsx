import { render } from 'preact';
import { App } from './app.tsx';
import { applyScheme } from './scheme.ts';
import { followLink } from './session.ts';
import { loadLanguage } from './strings/text.ts';

const place = document.getElementById('app');
if (place !== null) {
  applyScheme();
  // A refused link is told in the language of the reader.
  await loadLanguage();
  await followLink();
  place.replaceChildren();
  render(<App />, place);
}
