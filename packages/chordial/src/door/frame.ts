/** The frame of all pages that strangers see: one document, with its style in it. */
import { hash } from 'node:crypto';
import { Html, html } from './html.ts';
import { style } from './style.ts';

/** Nothing of other origins, no script, no frame; the one style in the page. */
export const pagePolicy = policyOf([]);

/** `more`: what a page needs beyond that, as directives. */
export function policyOf(more: readonly string[]): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${hash('sha256', style, 'base64')}'`,
    "img-src 'self' data:",
    "media-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...more,
  ].join('; ');
}

export interface Shown {
  readonly title: string;
  readonly main: Html;
  /** Elements that run: none in most pages. */
  readonly script?: Html;
}

export function pageOf({ title, main, script }: Shown): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body>
<header><svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="11" fill="none" stroke="currentColor" stroke-width="3"/><circle cx="16" cy="5" r="4"/><circle cx="25.5" cy="21.5" r="4"/><circle cx="6.5" cy="21.5" r="4"/></svg>Chordial</header>
<main>
${main}
</main>
${script ?? null}</body>
</html>
`.text;
}

/** A page of one sentence. */
export function sentencePage(text: string): string {
  return pageOf({ title: 'Chordial', main: html`<div class="card lone"><h1>${text}</h1></div>` });
}
