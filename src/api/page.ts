/** The status page as HTML. Every text from outside goes through `html`, which escapes it. */
import type { NodeStatus, PeerEvent, PeerStatus, ShownPointer } from '../node/peer.ts';
import type { FilePage } from '../transfer/files.ts';
import { shownSize } from '../transfer/shown-size.ts';

export const style = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #d9dce2; --ground: #fcfcfd; --good: #2b7a3d; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #edeef0; --soft: #a2a6ae; --line: #363a40; --ground: #131417; --good: #71d083; --bad: #ff9592; }
}
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; } td.name { white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; } code { font-size: .9em; }
.alive, .member { color: var(--good); } .dead, .suspected { color: var(--bad); }
ol { list-style: none; margin: 0; padding: 0; } li { padding: .1rem 0; overflow-wrap: anywhere; }
a { color: inherit; text-underline-offset: .15em; }
@media (max-width: 32rem) {
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .35rem; } .wide { font-size: .875rem; }
  th, td { padding-right: .6rem; } th { white-space: normal; vertical-align: bottom; } td.name { min-width: 6rem; }
}
time, .soft { color: var(--soft); } #connection:empty { display: none; } #connection { color: var(--bad); }
`;

interface PageContent {
  readonly status: NodeStatus;
  readonly peers: readonly PeerStatus[];
  readonly files: FilePage;
  /** Newest first. */
  readonly events: readonly PeerEvent[];
}

class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export function renderPage({ status, peers, files, events }: PageContent): string {
  return frame(html`<main>
<h1>Chordial</h1>
<dl>
<dt>State</dt><dd class="${status.state}">${status.state}</dd>
<dt>Peer</dt><dd><code>${status.id}</code></dd>
<dt>Ring id</dt><dd><code>${short(status.ringId)}</code></dd>
<dt>Network</dt><dd><code>${short(status.network)}</code>, ${counted(status.hosts, 'host')}, ${counted(status.members, 'member')}, files in ${counted(status.replicas, 'copy', 'copies')}</dd>
<dt>Listening</dt><dd>${status.listen}</dd>
<dt>Predecessor</dt><dd>${pointer(status.predecessor)}</dd>
<dt>Successors</dt><dd>${status.successors.slice(0, 4).map((one) => html`${pointer(one)}<br>`)}</dd>
</dl>
<h2>Peers</h2>
<div class="wide"><table><thead><tr><th>State</th><th>Peer</th><th>Address</th><th class="number">Last heartbeat</th></tr></thead>
<tbody>${peers.map(peerRow)}</tbody></table></div>
<h2>Files of this peer</h2>
${filesTable(files)}
<h2>What happened</h2>
${eventList(events)}
</main>`);
}

/** Before the peer is a member there is nothing to show but how it comes about. */
export function renderWaiting(events: readonly PeerEvent[]): string {
  return frame(
    html`<main><h1>Chordial</h1><p>The peer is not a member of a ring now.</p>${eventList(events.toReversed())}</main>`,
  );
}

function peerRow(peer: PeerStatus): Html {
  const age = peer.heartbeatAge === null ? 'never' : `${peer.heartbeatAge.toFixed(1)} s ago`;
  return html`<tr><td class="${peer.state}">${peer.state}</td><td><code>…${peer.id.slice(-8)}</code></td><td>${peer.address}</td><td class="number">${age}</td></tr>`;
}

function filesTable({ files, cursor }: FilePage): Html {
  if (files.length === 0) return html`<p class="soft">None yet. Put one with: chordial put FILE</p>`;
  const rows = files.map(
    ({ name, size, cid }) =>
      html`<tr><td class="name">${link(name ?? cid)}</td><td class="number">${shownSize(size)}</td><td><code>${short(cid)}</code></td></tr>`,
  );
  const more = cursor === null ? html`` : html`<p class="soft">There are more: chordial ls lists them all.</p>`;
  return html`<div class="wide"><table><thead><tr><th>Name</th><th class="number">Size</th><th>CID</th></tr></thead><tbody>${rows}</tbody></table></div>${more}`;
}

function link(name: string): Html {
  return html`<a href="/download/${encodeURIComponent(name)}">${name}</a>`;
}

function eventList(events: readonly PeerEvent[]): Html {
  return html`<ol>${events.map(({ time, text }) => html`<li><time datetime="${time}">${clock(time)}</time> ${text}</li>`)}</ol>`;
}

/** Of the machine of the peer, as the lines of `chordial start`. */
function clock(time: string): string {
  return new Date(time).toTimeString().slice(0, 8);
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function pointer(to: ShownPointer | null): Html {
  return to === null ? html`none` : html`<code>${short(to.ringId)}</code> <span class="soft">${to.address}</span>`;
}

function short(id: string): string {
  return id.length > 16 ? `${id.slice(0, 12)}…` : id;
}

function frame(main: Html): string {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Chordial</title>
<style>${new Html(style)}</style><script src="/page.js" defer></script></head>
<body><p id="connection" role="status"></p>${main}</body>
</html>
`.text;
}

type Part = string | number | Html | readonly Html[];

function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(literals.map((literal, index) => literal + written(parts[index] ?? '')).join(''));
}

function written(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'string' || typeof part === 'number') return escapeText(String(part));
  return part.map(({ text }) => text).join('');
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
