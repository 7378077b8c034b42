/** The conventions for numbers and times: of the reader's region where that speaks the language of the page. */

/** What `Intl` takes. */
export let locale = 'en';

export function setLocale(tag: string): void {
  locale = tag;
}
