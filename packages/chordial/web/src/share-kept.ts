/** What the page and the worker that takes shares agree on. */
export const kept = 'chordial-shared';
export const nameHeader = 'X-Name';
export const sharedQuery = 'shared';
