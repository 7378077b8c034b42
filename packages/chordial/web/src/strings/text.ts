/** The words of the page in the language of the reader: chosen once, before anything is drawn. */

import type { SentenceCode } from '../../../src/sentences.ts';
import { setLocale } from '../locale.ts';
import { english, type Strings } from './en.ts';

const stored = 'language';
/** Languages beside English are loaded on demand. */
const others: Readonly<Record<string, () => Promise<Strings>>> = {
  de: async () => (await import('./de.ts')).german,
};

export const languages = ['en', ...Object.keys(others)];

export let text: Strings = english;

/** Loads what the reader chose, else the first known language of the browser, else English. */
export async function loadLanguage(): Promise<void> {
  const wanted = [localStorage.getItem(stored), ...navigator.languages].filter((tag) => tag !== null);
  const tag = wanted.find((one) => languages.includes(languageOf(one))) ?? 'en';
  const language = languageOf(tag);
  setLocale(navigator.languages.find((one) => languageOf(one) === language) ?? language);
  document.documentElement.lang = language;
  const load = others[language];
  if (load !== undefined) text = await load();
}

/** A sentence of the peer in the language of the reader; else in English, as the peer says it. */
export function sentence({ code, values, text: told }: Sentence): string {
  return ownWords({ code, values }) ?? told;
}

/** Null where only the peer's English is known. */
export function ownWords({ code, values }: Omit<Sentence, 'text'>): string | null {
  return code === undefined ? null : text.sentence(code, values ?? {});
}

interface Sentence {
  readonly text: string;
  readonly code?: SentenceCode | undefined;
  readonly values?: object | undefined;
}

/** Takes effect by loading the page again. Null follows the browser. */
export function chooseLanguage(language: string | null): void {
  if (language === null) localStorage.removeItem(stored);
  else localStorage.setItem(stored, language);
  location.reload();
}

export function chosenLanguage(): string | null {
  return localStorage.getItem(stored);
}

function languageOf(tag: string): string {
  return tag.toLowerCase().split('-')[0] ?? '';
}
