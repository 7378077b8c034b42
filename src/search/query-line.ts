/** A query in plain words, for the log and live events (row A25). */
import type { RecentQuery } from './queries.ts';

export interface QueryLine {
  readonly kind: 'asked' | 'answered' | 'forwarded';
  readonly text: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export function queryLine({ id, query, role, responses }: RecentQuery): QueryLine {
  const what = query.trim() === '' ? 'everything' : JSON.stringify(query);
  const hits = `${responses} ${responses === 1 ? 'hit' : 'hits'}`;
  const texts = {
    asked: `Searched for ${what}: ${hits}.`,
    answered: `Answered a search for ${what}: ${hits}.`,
    forwarded: `Passed a search for ${what} on to ${responses} ${responses === 1 ? 'peer' : 'peers'}.`,
  } as const;
  return { kind: role, text: texts[role], detail: { queryId: id, responses } };
}
