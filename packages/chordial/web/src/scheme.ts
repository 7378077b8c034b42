/** Light or dark: as the system, unless the reader chose. */

const stored = 'scheme';

export const schemes = ['system', 'light', 'dark'] as const;
export type Scheme = (typeof schemes)[number];

export function chosenScheme(): Scheme {
  return schemes.find((scheme) => scheme === localStorage.getItem(stored)) ?? 'system';
}

/** Takes effect at once, and in this browser from now on. */
export function chooseScheme(scheme: Scheme): void {
  if (scheme === 'system') localStorage.removeItem(stored);
  else localStorage.setItem(stored, scheme);
  applyScheme();
}

export function applyScheme(): void {
  const scheme = chosenScheme();
  if (scheme === 'system') delete document.documentElement.dataset['scheme'];
  else document.documentElement.dataset['scheme'] = scheme;
}
