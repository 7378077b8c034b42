/** What the status page runs: it asks for itself again when something happened, at most once in a second. */
export const pageScript = `'use strict';
const leastMillisecondsBetween = 1000;
const mostMillisecondsBetween = 10000;
let last = Date.now();
let waiting = null;

async function refresh() {
  waiting = null;
  last = Date.now();
  try {
    const answer = await fetch('/', { headers: { Accept: 'text/html' } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    document.querySelector('main').replaceWith(page.querySelector('main'));
    tell('');
  } catch (error) {
    tell('The peer does not answer. This page waits for it.');
  }
}

function tell(text) {
  const line = document.getElementById('connection');
  if (line.textContent !== text) line.textContent = text;
}

function soon() {
  if (waiting !== null) return;
  waiting = setTimeout(refresh, Math.max(0, last + leastMillisecondsBetween - Date.now()));
}

const events = new EventSource('/api/v1/events');
events.onmessage = soon;
events.onopen = soon;
events.onerror = () => tell('The connection to the peer is lost. Trying again.');
setInterval(soon, mostMillisecondsBetween);
`;
