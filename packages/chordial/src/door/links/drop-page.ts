/** The page of a drop box: takes files, and shows nothing of what others sent. */
import { shownSize, visibleText } from '../../client/shown.ts';
import { pageOf } from '../frame.ts';
import { Html, html } from '../html.ts';
import { facts, type SentBy } from './link-pages.ts';
import { uploadScript } from './upload-script.ts';

interface ShownBox extends SentBy {
  readonly id: string;
  /** Bytes that it still takes. */
  readonly left: number;
}

export function dropPage(shown: ShownBox): string {
  const { from, left, id } = shown;
  const isFull = left === 0;
  return pageOf({
    title: `Files for ${visibleText(from)}`,
    main: html`<section class="card" id="box" data-uploads="/s/${id}/.uploads">
<p class="from">Send files to</p>
<h1><bdi>${visibleText(from)}</bdi></h1>
${facts(shown, isFull ? 'full' : `room for ${shownSize(left)}`)}
<p class="failure" id="failure" role="alert"${isFull ? null : html` hidden`}>${isFull ? 'This box is full. Tell the one who sent you the link.' : null}</p>
${isFull ? null : picker()}
</section>
<ul class="card entries" id="files" aria-label="Your files" hidden></ul>
<p class="note" id="hint" hidden>Keep this page open until all is sent. After a break it goes on by itself. If you close it, choose the same files again, here or in another browser: each goes on where it stopped.</p>
<p class="note" id="unfinished" hidden></p>
<noscript><p class="note">Sending from this page needs JavaScript. In a terminal: <code>curl -T FILE this address/</code></p></noscript>`,
    script: html`<script>${new Html(uploadScript)}</script>
`,
  });
}

/** For a box whose owner has another door. */
export function elsewherePage(shown: SentBy & { readonly url: string | null }): string {
  const { from, url } = shown;
  const where =
    url === null
      ? html`<p class="failure" role="alert">The machine that takes these files does not answer now. Try again later.</p>`
      : html`<div class="actions"><a class="button" href="${url}" rel="noreferrer">Go there</a></div>`;
  return pageOf({
    title: `Files for ${visibleText(from)}`,
    main: html`<section class="card">
<p class="from">Send files to</p>
<h1><bdi>${visibleText(from)}</bdi></h1>
${facts(shown, 'taken at another door')}
${where}
</section>`,
  });
}

function picker(): Html {
  return html`<label class="drop" id="drop" for="pick"><span class="wide">Drop files here</span><span class="button">Choose files</span></label>
<input type="file" id="pick" multiple class="unseen">`;
}
