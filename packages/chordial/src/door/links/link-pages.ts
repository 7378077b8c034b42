/** The pages of a link: of a file, of a folder, of a password. They work without script. */

import { shownSize, visibleText } from '../../client/shown.ts';
import type { ContentKind } from '../../content/content-kind.ts';
import type { FolderPage } from '../../http/folder-listing.ts';
import { pathSegment } from '../../links/link-address.ts';
import { pageOf } from '../frame.ts';
import { type Html, html } from '../html.ts';

/** Who sent it, and until when. */
export interface SentBy {
  readonly from: string;
  /** Milliseconds since 1970. */
  readonly expiry: number;
}

export interface ShownFile extends SentBy {
  readonly name: string;
  readonly size: number;
  /** Of the file, without origin. */
  readonly path: string;
  readonly origin: string;
  readonly kind: ContentKind | null;
  /** The text is the beginning only. */
  readonly isCut: boolean;
  /** Folders above, the outermost first; empty for a file by itself. */
  readonly crumbs: readonly Crumb[];
  readonly hasPassword: boolean;
}

export interface Crumb {
  readonly name: string;
  readonly path: string;
}

export interface ShownFolder extends SentBy {
  readonly name: string;
  /** Null for one that is inside of the folder of the link. */
  readonly size: number | null;
  readonly path: string;
  readonly zipPath: string;
  readonly zipName: string;
  readonly origin: string;
  readonly crumbs: readonly Crumb[];
  readonly listed: FolderPage;
  readonly hasPassword: boolean;
}

export function filePage(shown: ShownFile): string {
  const { name, size, path, crumbs } = shown;
  return pageOf({
    title: visibleText(name),
    main: html`${crumbLine(crumbs)}
<section class="card">
${heading(shown, name)}
${facts(shown, shownSize(size))}
<div class="actions"><a class="button" href="${path}?download">Download</a></div>
</section>
${preview(shown)}
${hint({ ...shown, download: path, saved: name })}`,
  });
}

export function folderPage(shown: ShownFolder): string {
  const { name, size, listed, crumbs, zipPath, zipName } = shown;
  const { count } = listed;
  const holds = count === 1 ? '1 entry' : `${count} entries`;
  return pageOf({
    title: visibleText(name),
    main: html`${crumbLine(crumbs)}
<section class="card">
${heading(shown, name)}
${facts(shown, size === null ? holds : `${holds}, ${shownSize(size)}`)}
<div class="actions"><a class="button" href="${zipPath}?download">Download all as ZIP</a></div>
</section>
${count === 0 ? html`<p class="note">This folder is empty.</p>` : entryList(shown)}
${hint({ ...shown, download: zipPath, saved: zipName })}`,
  });
}

export interface ShownSealed extends SentBy {
  readonly id: string;
  /** Of the sealed bytes. */
  readonly size: number;
  /** What only the key in the address opens. */
  readonly part: Uint8Array;
}

/** What a door knows of a sealed file; the script opens the rest (web/src/door/opener.ts). */
export function sealedPage(shown: ShownSealed): string {
  const { id, size, part } = shown;
  return pageOf({
    title: 'A sealed file',
    main: html`<section class="card" id="sealed" data-link="${id}" data-part="${Buffer.from(part).toString('base64url')}">
${heading(shown, 'A sealed file')}
${facts(shown, html`<span id="size">${shownSize(size)}</span>`)}
<noscript><p class="failure">This file is encrypted, and this page opens it with a script, which your browser does not run. Allow it, or use "chordial receive" with the whole address.</p></noscript>
<p class="failure" id="failure" role="alert" hidden></p>
<div class="actions"><button disabled>Download</button></div>
<progress hidden aria-label="How much is there" value="0"></progress>
</section>
<p class="note" id="said" role="status">It was encrypted by who sent it, and is decrypted in this page. Its key is in the address; this server does not know it.</p>`,
    script: html`<script type="module" src="/opener.js"></script>
`,
  });
}

/** The form for the password, which tells nothing of what is behind it. */
export function passwordPage(shown: SentBy & { readonly failure: string | null }): string {
  const { failure } = shown;
  return pageOf({
    title: 'Password',
    main: html`<section class="card">
${heading(shown, 'Something with a password')}
${facts(shown, null)}
<form method="post">
<label for="password">Password</label>
<input id="password" name="password" type="password" required autofocus autocomplete="off" maxlength="1024"${failure === null ? null : html` aria-invalid="true" aria-describedby="failure"`}>
${failure === null ? null : html`<p class="failure" id="failure" role="alert">${failure}</p>`}
<div class="actions"><button>Open</button></div>
</form>
</section>
<p class="note">Who sent you the link knows the password.</p>`,
  });
}

function heading({ from }: SentBy, name: string): Html {
  return html`<p class="from">${visibleText(from)} sent you</p>
<h1><bdi>${visibleText(name)}</bdi></h1>`;
}

export function facts({ expiry }: SentBy, what: string | Html | null): Html {
  const until = new Date(expiry);
  const day = until.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
  const time = html`<time datetime="${until.toISOString()}">${day}, ${until.toISOString().slice(11, 16)} UTC</time>`;
  return html`<p class="facts">${what === null ? null : html`<span>${what}</span>`}<span>until ${time}</span></p>`;
}

function crumbLine(crumbs: readonly Crumb[]): Html | null {
  if (crumbs.length === 0) return null;
  const items = crumbs.map(({ name, path }) => html`<a href="${path}"><bdi>${visibleText(name)}</bdi></a> / `);
  return html`<nav class="crumbs" aria-label="Folders above">${items}</nav>`;
}

function preview({ kind, path, name, isCut }: ShownFile): Html | null {
  const source = `${path}?view`;
  switch (kind?.shown) {
    case 'image':
      return html`<figure class="preview"><img src="${source}" alt="${visibleText(name)}"></figure>`;
    case 'audio':
      return html`<figure class="preview"><audio controls preload="metadata" src="${source}" aria-label="${visibleText(name)}"></audio></figure>`;
    case 'video':
      return html`<figure class="preview"><video controls playsinline preload="metadata" src="${source}" aria-label="${visibleText(name)}"></video></figure>`;
    case 'text': {
      const note = isCut ? html`<p class="note">This is its beginning. Download it to see all.</p>` : null;
      return html`<figure class="preview"><pre tabindex="0" role="region" aria-label="Text of the file">${kind.text}</pre></figure>
${note}`;
    }
    default:
      return null;
  }
}

const folderIcon = html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 6.5h6l2 2.5h10v9.5H3z"/></svg>`;
const fileIcon = html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 3h8l4 4.5V21H6zM14 3v5h4"/></svg>`;

function entryList({ listed, path }: ShownFolder): Html {
  const { entries, page, pages } = listed;
  const items = entries.map(({ name, size, type }) => {
    const isFolder = type === 'directory';
    const what = isFolder ? 'folder' : shownSize(size);
    return html`<li${isFolder ? html` class="folder"` : null}><a href="${path}/${pathSegment(name)}">${isFolder ? folderIcon : fileIcon}<span class="name"><bdi>${visibleText(name)}</bdi></span><span class="soft">${what}</span></a></li>
`;
  });
  const list = html`<ul class="card entries">
${items}</ul>`;
  if (pages === 1) return list;
  const before =
    page === 1
      ? html`<span></span>`
      : html`<a class="button plain" href="${path}?page=${page - 1}" rel="prev">Back</a>`;
  const after =
    page === pages
      ? html`<span></span>`
      : html`<a class="button plain" href="${path}?page=${page + 1}" rel="next">More</a>`;
  return html`${list}
<nav class="pages" aria-label="Pages">${before}<span>Page ${page} of ${pages}</span>${after}</nav>`;
}

interface Hint {
  readonly origin: string;
  readonly download: string;
  readonly saved: string;
  readonly hasPassword: boolean;
}

/** curl saves under the last part of the URL as it is written there. */
function hint({ origin, download, saved, hasPassword }: Hint): Html {
  const url = origin + download;
  const isPlain = download.endsWith(`/${saved}`) && /^[\w./:%[\]-]+$/.test(url);
  const user = hasPassword ? '-u :PASSWORD ' : '';
  const line = isPlain ? `curl ${user}-LO ${url}` : `curl ${user}-L -o ${quoted(visibleText(saved))} ${quoted(url)}`;
  return html`<div class="note">In a terminal:<code>${line}</code></div>`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A name as one part of a path. */
export function segment(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll("'", '%27');
}
